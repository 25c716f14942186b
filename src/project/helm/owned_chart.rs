//! A chart that the user owns, and what is reported at its dependencies.

use std::path::{Path, PathBuf};

use super::absent_message;
use super::changes::{Change, Target};
use super::found_chart::FoundChart;
use super::load::Loaded;
use super::members::{block_fixes, drop_defaults, note};
use super::subchart_findings::Owned;
use super::values::Spot;
use crate::finding::{Finding, Related};
use crate::printable;
use crate::project::{Member, Members, Tree};
use crate::rules::RuleSet;
use crate::rules::prefilter::Prefilter;

const VENDORED: &str = "an edit would be lost: `helm dependency update` overwrites this file";

/// A chart that the user owns.
pub(super) struct OwnedChart {
    pub chart: PathBuf,
    /// `requirements.yaml`, if it declares the dependencies.
    pub requirements: Option<PathBuf>,
    /// The path of `values.yaml`, which may not exist.
    pub values: PathBuf,
    /// The name of `Chart.lock` or `requirements.lock`, if it exists.
    pub lock: Option<String>,
    pub loaded: Loaded,
    /// Indexes of the dependencies that are not in `charts/`.
    pub absent: Vec<usize>,
}

impl OwnedChart {
    /// The file that declares the dependencies.
    pub(super) fn declares(&self) -> &Path {
        self.requirements.as_deref().unwrap_or(&self.chart)
    }

    /// Adds findings, and returns the changes that they want.
    pub(super) fn find(
        &self,
        members: &mut Members,
        rules: &RuleSet,
        prefilter: &Prefilter,
    ) -> Vec<Change> {
        drop_defaults(members, &self.loaded.vendored, &|_| false);
        block_fixes(members, &self.loaded.vendored, VENDORED);
        let text = |path: &Path| members.get(path).map(|member| &*member.text);
        let Some(chart) = text(&self.chart) else {
            return Vec::new();
        };
        let requirements = self.requirements.as_deref().and_then(text);
        let values = text(&self.values).unwrap_or_default();
        let owned = match Owned::new(chart, requirements, values, &self.loaded) {
            Ok(owned) => owned,
            Err(error) => {
                let member = members.get_mut(&self.chart);
                let message = format!("{error}: its subcharts were not analysed");
                note(member, None, message, false);
                return Vec::new();
            }
        };
        let mut unjudged = Vec::new();
        let mut found = owned.findings(rules, prefilter, &mut unjudged);
        let target = Target {
            file: self.values.clone(),
            at: Spot::default(),
        };
        for finding in &mut found {
            finding.put_into(&target, values, members.get(&self.values));
        }
        let dependencies = owned.dependencies().to_vec();
        let declares = members.get_mut(self.declares());
        let Some(member) = declares else {
            return Vec::new();
        };
        self.note_lock(member);
        member.unjudged.extend(unjudged);
        let found = found.into_iter();
        let changes = found.filter_map(|one| one.add_to(self.declares(), member, &target));
        let changes = changes.collect();
        for dependency in self
            .absent
            .iter()
            .filter_map(|index| dependencies.get(*index))
        {
            let message = absent_message(dependency);
            note(Some(member), Some(dependency.at.start), message, false);
        }
        for fault in &self.loaded.faults {
            note(Some(member), None, fault.message(), fault.fatal);
        }
        changes
    }

    /// Notes that the lock file becomes stale, because its digest covers the repositories.
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
                text: "its digest does not match after that: run `helm dependency update`"
                    .to_owned(),
            });
        }
    }
}

/// Returns the indexes of the dependencies that are not in `charts/`.
pub(super) fn absent(tree: &dyn Tree, one: &FoundChart, loaded: &Loaded) -> Vec<usize> {
    let dependencies = one.metadata.dependencies.as_deref().unwrap_or_default();
    let is_absent = |index: &usize| {
        let dependency = &dependencies[*index];
        let name = &dependency.name;
        let there = loaded
            .children
            .iter()
            .any(|child| child.metadata.name == *name);
        // A broken archive is reported as such.
        let archives = printable::name(&one.folder.join(format!("charts/{name}-")));
        let mut faults = loaded.faults.iter();
        let broken = faults.any(|fault| fault.place.starts_with(&archives));
        let source = dependency.folder().is_some_and(|source| {
            let folder = tree.resolve(&one.folder, source);
            tree.is_file(&folder.join("Chart.yaml"))
        });
        !there && !broken && !source
    };
    (0..dependencies.len()).filter(is_absent).collect()
}
