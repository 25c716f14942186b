//! Charts that files name with a version, and whose defaults pull legacy images: `legacy-chart-version`.
//!
//! [`ways`] knows how files name charts, [`charts`] what is known about them. If the chart itself is in the tree and
//! was analysed, the advice is added to its own finding, so that nothing is reported twice.

mod alternatives;
mod around;
mod bases;
mod given;
mod named;
mod origin;
mod own_images;
mod patched;
mod patches;
mod places;
mod reach;
mod sources;
mod terraform;
mod ways;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::Files;
use super::by_text::ByText;
use super::config_map::ConfigMaps;
use super::subchart_findings::lower_severity;
use crate::file_type::{self, is_kustomization};
use crate::finding::{Finding, Findings, LEGACY_CHART, Label, Severity};
use crate::project::{Members, Tree, current_text};
use crate::rules::Rule;
use crate::rules::charts::{self, Advisory, Charts, Enabled, Step};
use crate::version::Version;

use around::NamingFile;
use bases::{Base, Bases, Lifted};
use named::Named;
use reach::Reach;
use sources::Sources;
pub use ways::{CHART_WORDS, is_fleet, may_name_chart};

/// What a run reports about charts because of their versions.
pub(super) struct Advice<'a> {
    tree: &'a dyn Tree,
    config_maps: ConfigMaps<'a>,
    rule_of: RuleOf<'a>,
    charts: Charts,
    sources: Sources,
    bases: Bases,
    reach: Reach,
    lifted: ByText<Lifted>,
    /// The files with something to report, each with the other files that affect it, whether these exist or not.
    files: BTreeMap<PathBuf, Vec<PathBuf>>,
}

/// Looks up a rule by its id, with its severity in this run; `None` if the rule is disabled.
pub type RuleOf<'a> = Box<dyn Fn(&str) -> Option<Arc<Rule>> + Sync + 'a>;

/// What one file contains, read alone.
#[derive(Default)]
struct Read {
    /// The other files that affect what is reported about it; `None` if there is nothing to report.
    files: Option<Vec<PathBuf>>,
    bases: Vec<Base>,
    /// Whether it may contain patches of objects in other files.
    may_patch: bool,
}

const OVERRIDDEN: &str = "what it would pull is overridden here";
const OFF: &str = "it is switched off here";
const BY_HAND: &str = "another version of a chart can change more than images";

impl<'a> Advice<'a> {
    /// Reads the files that may name charts: `charts` are the `Chart.yaml` files that the user owns, `foreign` the folders
    /// of charts that are not the user's.
    pub(super) fn new(
        tree: &'a dyn Tree,
        config_maps: ConfigMaps<'a>,
        rule_of: RuleOf<'a>,
        known: Charts,
        charts: &[PathBuf],
        foreign: &HashSet<PathBuf>,
        files: Files<'_>,
    ) -> Self {
        let sources = files.naming.par_iter().map(|path| {
            let text = tree.text(path).unwrap_or_default();
            Sources::of(path, &text)
        });
        let sources: Vec<Sources> = sources.collect();
        let mut advice = Self {
            tree,
            config_maps,
            rule_of,
            charts: known,
            sources: Sources::default(),
            bases: Bases::default(),
            reach: Reach::default(),
            lifted: ByText::default(),
            files: BTreeMap::new(),
        };
        sources
            .into_iter()
            .for_each(|one| advice.sources.extend(one));
        let requirements = charts
            .iter()
            .map(|path| path.with_file_name("requirements.yaml"));
        let requirements = requirements.filter(|path| tree.is_file(path));
        let kustomizations = files.projects.iter().filter(|path| is_kustomization(path));
        let is_own = |path: &&PathBuf| !path.ancestors().any(|folder| foreign.contains(folder));
        let others = kustomizations.chain(files.naming).filter(is_own);
        let others = charts.iter().chain(others);
        let all: Vec<PathBuf> = requirements.chain(others.cloned()).collect();
        let read = all.par_iter().map(|path| advice.read(path));
        let read: Vec<Read> = read.collect();
        let mut patching = Vec::new();
        for (path, one) in all.iter().zip(read) {
            if one.may_patch {
                patching.push(path);
            }
            advice
                .files
                .extend(one.files.map(|files| (path.clone(), files)));
            one.bases
                .into_iter()
                .for_each(|base| advice.bases.add(base));
        }
        // Only now is it known what each patch applies to.
        let patching = patching.into_par_iter();
        let patches = patching.filter_map(|path| Some((path.clone(), advice.read(path).files?)));
        let patches: Vec<(PathBuf, Vec<PathBuf>)> = patches.collect();
        advice.files.extend(patches);
        advice
    }

    /// Reads a file alone.
    fn read(&self, path: &Path) -> Read {
        let text_of = |path: &Path| self.tree.text(path);
        let text = text_of(path).unwrap_or_default();
        let Some(file_type) = file_type::classify(path) else {
            return Read::default();
        };
        let ways = ways::possible(file_type, &text);
        let has_patches = ways::has_patches(&text);
        // A patch of an object matters only if it may contain something legacy.
        let is_patch = ways.iter().all(|way| way.base().is_some());
        if !has_patches && is_patch && !self.tree.is_suspect(path) {
            return Read::default();
        }
        let documents = ways::documents(file_type, &text);
        let file = NamingFile::new(path, &text, file_type, &documents, &ways);
        let mut reported = self.named_in(&file, &text_of);
        reported.retain(|one| self.expects_own_images(one) || !self.known(one).is_empty());
        let files = reported.iter().flat_map(|one| {
            let own = one.given.files.iter().chain(&one.source);
            own.chain(&one.bases).cloned()
        });
        Read {
            files: (!reported.is_empty()).then(|| files.collect()),
            bases: self.bases_in(&file),
            may_patch: has_patches || file.is_patch(),
        }
    }

    /// Returns the groups of files that have to be judged together.
    pub(super) fn groups(&self) -> impl Iterator<Item = Vec<PathBuf>> {
        self.files.iter().map(|(path, values)| {
            let values = values.iter().cloned();
            values.chain([path.clone()]).collect()
        })
    }

    /// Adds advice on the charts that the members name. Findings inside the charts themselves are there already.
    pub(super) fn find(&self, members: &mut Members) {
        let paths: Vec<&PathBuf> = self
            .files
            .keys()
            .filter(|path| members.contains_key(*path))
            .collect();
        let named = paths.into_iter().flat_map(|path| {
            let text = |path: &Path| current_text(self.tree, members, path);
            let named = text(path).map(|own| self.named(path, &own, &text));
            named.into_iter().flatten().map(move |one| (path, one))
        });
        let named: Vec<(&PathBuf, Named)> = named.collect();
        let mut places = own_images::Places::default();
        let mut lifted = Vec::new();
        for (path, one) in &named {
            if self.expects_own_images(one) {
                own_images::note(one, path, members, &mut places);
                lifted.push((*path, one));
            }
            if let Some(member) = members.get_mut(*path).filter(|_| !one.has_values_only) {
                self.report(one, &mut member.findings);
            }
        }
        own_images::lift(&lifted, members, &mut places);
        own_images::lift_in_hcl(&lifted, members);
    }

    /// Whether all charts of the repository are made for the images of its owner.
    fn expects_own_images(&self, one: &Named) -> bool {
        let all = self.charts.of_chart(Some(&one.repository), &one.chart);
        let mut all = self.with_rules(one, all.into_iter());
        all.any(|(advisory, _)| advisory.chart == charts::EVERY)
    }

    /// The same, whatever rules the run has enabled.
    fn is_for_own_images(&self, repository: &str, chart: &str) -> bool {
        let all = self.charts.of_chart(Some(repository), chart);
        all.iter().any(|advisory| advisory.chart == charts::EVERY)
    }

    fn report(&self, one: &Named, findings: &mut Findings) {
        let known = self.known(one);
        let Some(clean) = self.clean(one, &known) else {
            return;
        };
        let mut is_reported = false;
        for finding in findings.iter_mut() {
            let same = known
                .iter()
                .any(|(advisory, _)| *advisory.rule == *finding.rule);
            if finding.span() == one.name_at && same {
                finding.notes.push(clean.clone());
                is_reported = true;
            }
        }
        if !is_reported {
            findings.add(Self::finding(one, &known, &clean));
        }
    }

    /// Returns the certain advisories for a chart, each with its rule in this run.
    fn known(&self, one: &Named) -> Vec<(Advisory, Arc<Rule>)> {
        let version = one.locked.as_ref().unwrap_or(&one.asked);
        let found = self
            .charts
            .advisories(Some(&one.repository), &one.chart, version);
        let found = found.into_iter().filter(|advisory| advisory.certain);
        self.with_rules(one, found).collect()
    }

    fn with_rules(
        &self,
        one: &Named,
        advisories: impl Iterator<Item = Advisory>,
    ) -> impl Iterator<Item = (Advisory, Arc<Rule>)> {
        advisories.filter_map(move |advisory| {
            let rule = (self.rule_of)(advisory.rule)?;
            let switch = advisory.condition.and_then(|path| one.given.switch(path));
            let is_on = switch.unwrap_or(advisory.enabled != Enabled::Off);
            is_on.then_some((advisory, rule))
        })
    }

    /// Describes from which version on the chart is clean; `None` if the named version has no advisory.
    fn clean(&self, one: &Named, known: &[(Advisory, Arc<Rule>)]) -> Option<String> {
        let (first, _) = known.first()?;
        let exact = one
            .locked
            .as_deref()
            .or(Some(&one.asked))
            .and_then(Version::exact);
        let last = known
            .iter()
            .filter_map(|(one, _)| Version::parse(one.last_legacy()))
            .max();
        let all = self.charts.of_chart(Some(&one.repository), &one.chart);
        let all: Vec<Advisory> = self
            .with_rules(one, all.into_iter())
            .map(|(one, _)| one)
            .collect();
        let from = exact.or(last);
        let clean = from
            .as_ref()
            .and_then(|from| charts::first_clean_after(&all, from));
        let words = match (clean, from) {
            (Some((clean, since)), Some(from)) => {
                let step = Version::parse(clean).map(|clean| Step::between(&from, &clean));
                let step = step.map_or_else(String::new, |step| format!("{} step, ", step.name()));
                format!("{clean} ({step}{since}) is the first clean version")
            }
            _ => match first.newest {
                Some(newest) => format!("no version up to {newest} is clean"),
                None => "no version is clean".to_owned(),
            },
        };
        let renamed = known.iter().find_map(|(one, _)| one.renamed_to);
        Some(match renamed {
            Some(name) => format!("{words}; the chart continues as {name}"),
            None => words,
        })
    }

    fn finding(one: &Named, known: &[(Advisory, Arc<Rule>)], clean: &str) -> Finding {
        let is_overridden = |(advisory, rule): &(Advisory, Arc<Rule>)| {
            one.given.override_all(advisory.images, rule)
        };
        let reason = match () {
            () if one.is_off => OFF,
            () if one.is_here || known.iter().all(is_overridden) => OVERRIDDEN,
            () => BY_HAND,
        };
        let severity =
            known.iter().map(
                |known| match reason == OFF || one.is_here || is_overridden(known) {
                    true => lower_severity(known.1.severity),
                    false => known.1.severity,
                },
            );
        let mut locations: Vec<String> = known
            .iter()
            .flat_map(|(advisory, rule)| {
                let images = advisory.images.split(',');
                images.map(|image| given::location(image, rule))
            })
            .collect();
        locations.sort();
        locations.dedup();
        let version = match &one.locked {
            Some(locked) if *locked != one.asked => format!("{locked} (locked for {})", one.asked),
            _ => one.asked.clone(),
        };
        let chart = &one.chart;
        let locations = locations.join(" and ");
        Finding {
            reason: Some(reason.to_owned()),
            ..Finding::new(
                LEGACY_CHART,
                severity.max().unwrap_or(Severity::Info),
                format!("{chart} {version} pulls from {locations} by default; {clean}"),
                vec![Label::new(one.version_at, "")],
                format!("{chart} {version}"),
            )
        }
    }
}
