//! A chart that the user owns, among the files that are judged with it: what is told at its dependencies.

use std::path::{Path, PathBuf};

use super::defaults::Owned;
use super::load::Loaded;
use super::members::{drop_defaults, hold, note, settle};
use super::told_absent;
use super::values::Spot;
use crate::finding::{Finding, Related};
use crate::project::{Member, Members};
use crate::rules::RuleSet;
use crate::rules::anchors::Anchors;

const VENDORED: &str = "an edit would be lost: `helm dependency update` overwrites this file";

/// A chart that the user owns.
pub(super) struct Root {
    pub chart: PathBuf,
    /// `requirements.yaml`, where the dependencies stand there.
    pub requirements: Option<PathBuf>,
    /// Whether there is such a file or not.
    pub values: PathBuf,
    /// `Chart.lock` or `requirements.lock`.
    pub lock: Option<String>,
    pub loaded: Loaded,
    /// Dependencies that are not in `charts/`, by their numbers.
    pub absent: Vec<usize>,
}

impl Root {
    /// The file that the dependencies stand in.
    pub(super) fn declares(&self) -> &Path {
        self.requirements.as_deref().unwrap_or(&self.chart)
    }

    pub(super) fn find(&self, members: &mut Members, rules: &RuleSet, anchors: &Anchors) {
        drop_defaults(members, &self.loaded.vendored, &|_| false);
        hold(members, &self.loaded.vendored, VENDORED);
        let text = |path: &Path| members.get(path).map(|member| member.text.as_str());
        let Some(chart) = text(&self.chart) else {
            return;
        };
        let requirements = self.requirements.as_deref().and_then(text);
        let values = text(&self.values).unwrap_or_default();
        let owned = match Owned::new(chart, requirements, values, &self.loaded) {
            Ok(owned) => owned,
            Err(error) => {
                let member = members.get_mut(&self.chart);
                return note(
                    member,
                    None,
                    format!("{error}: its subcharts were not analysed"),
                    false,
                );
            }
        };
        let mut found = owned.findings(rules, anchors);
        for finding in &mut found {
            finding.put_into(
                &self.values,
                &Spot::default(),
                values,
                members.get(&self.values),
            );
        }
        let dependencies = owned.dependencies().to_vec();
        let declares = members.get_mut(self.declares());
        let Some(member) = declares else {
            return;
        };
        self.note_lock(member);
        member
            .findings
            .extend(found.into_iter().map(|one| one.finding));
        member.findings.sort_by_key(Finding::span);
        for dependency in self
            .absent
            .iter()
            .filter_map(|index| dependencies.get(*index))
        {
            let message = told_absent(dependency);
            note(Some(member), Some(dependency.at.start), message, false);
        }
        for fault in &self.loaded.faults {
            note(Some(member), None, fault.message(), fault.fatal);
        }
    }

    /// A lock names repositories by a digest.
    fn note_lock(&self, member: &mut Member) {
        let Some(lock) = &self.lock else {
            return;
        };
        let moves = |finding: &&mut Finding| {
            let chart = ["https://", "http://", "oci://"];
            finding.fix.is_some() && chart.iter().any(|scheme| finding.old.starts_with(scheme))
        };
        for finding in member.findings.iter_mut().filter(moves) {
            finding.related.push(Related {
                place: lock.clone(),
                position: None,
                text: "its digest is outdated after that: run `helm dependency update`".to_owned(),
            });
        }
    }

    pub(super) fn settle(&self, members: &mut Members) {
        settle(members, self.declares(), &self.values, &Spot::default());
    }
}
