//! Legacy defaults of subcharts: found in the values that they get, reported at the dependency that brings them,
//! changed by an override.
//!
//! Texts in, findings out. `overrides` decides where an override goes in a values file.

mod default_finding;
mod renames;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::chart::{self, Dependency, DependencyFile, Metadata};
use super::coalesce::read_whole;
use super::effective::{self, Instance};
use super::guard::Guard;
use super::load::{Chart, File, Loaded};
use super::merged_values::{MergedValues, ScalarSource};
use super::refusal;
use super::values::{self, Origin, Table, Value};
use crate::check;
use crate::detect::LIFTED;
use crate::edit::{Applicability, Fix};
use crate::file_type::{self, FileType};
use crate::finding::{Finding, Label, Related, Severity, Unjudged};
use crate::rules::RuleSet;
use crate::rules::prefilter::Prefilter;
use crate::source::{LineIndex, Span};

pub(super) use default_finding::DefaultFinding;
use renames::{Renames, override_of, renames};

const IN_TEMPLATE: &str =
    "it is hard-coded in a template of a packaged chart, so no value can change it";
const IN_CRD: &str =
    "it is hard-coded in a manifest of a packaged chart, so no value can change it";
const IN_TEXT: &str = "Helm replaces a string as a whole, so the override repeats all of it";
const IN_LIST: &str = "Helm replaces a list as a whole, so the override repeats all of it";

/// A chart that the user owns, with the current text of its files.
pub(super) struct Owned<'o> {
    pub(super) chart: Arc<Chart>,
    /// Its own values file, and the files that it overrides.
    own: Vec<File>,
    pub(super) loaded: &'o Loaded,
    /// The name of the chart, if another file than a `Chart.yaml` uses it.
    name: Option<String>,
}

impl<'o> Owned<'o> {
    /// Reads the files of the chart.
    ///
    /// # Errors
    /// If one of them does not parse; the message names it.
    pub(super) fn new(
        chart: &str,
        requirements: Option<&str>,
        values: &str,
        loaded: &'o Loaded,
    ) -> Result<Self, String> {
        let metadata = chart::metadata(chart, requirements)?;
        let own = File {
            place: loaded.files[0].place.clone(),
            text: Arc::from(values),
            of_root: false,
        };
        let values = read_whole(values, 0).map_err(|error| format!("its values.yaml {error}"))?;
        let chart = Arc::new(Chart {
            metadata,
            values,
            children: loaded.children.clone(),
            templates: Vec::new(),
            guard: Guard::default(),
            of_root: false,
        });
        Ok(Self {
            chart,
            own: vec![own],
            loaded,
            name: None,
        })
    }

    /// Wraps a chart that another file than a `Chart.yaml` uses. `about` has only the location of its name; `values`
    /// are what the file sets for it, read from the `own` files.
    pub(super) fn asked_for(
        about: Metadata,
        values: Table,
        own: Vec<File>,
        loaded: &'o Loaded,
    ) -> Self {
        let name = loaded
            .children
            .first()
            .map(|chart| chart.metadata.name.clone());
        let name = name.unwrap_or_default();
        let values = Table::from([(name.clone(), Value::table(values))]);
        let chart = Arc::new(Chart {
            metadata: about,
            values,
            children: loaded.children.clone(),
            templates: Vec::new(),
            guard: Guard::default(),
            of_root: false,
        });
        Self {
            chart,
            own,
            loaded,
            name: Some(name),
        }
    }

    fn metadata(&self) -> &Metadata {
        &self.chart.metadata
    }

    pub(super) fn dependencies(&self) -> &[Dependency] {
        self.metadata().dependencies.as_deref().unwrap_or_default()
    }

    /// Returns every legacy default and literal of the subcharts, in the order of their paths. Adds names in defaults
    /// that could not be judged, at the dependencies that bring them.
    pub(super) fn findings(
        &self,
        rules: &RuleSet,
        prefilter: &Prefilter,
        unjudged: &mut Vec<Unjudged>,
    ) -> Vec<DefaultFinding> {
        let mut found = Vec::new();
        let instances = effective::instances(&self.chart);
        let (root, subcharts) = instances.split_at(1.min(instances.len()));
        for instance in subcharts {
            unjudged.extend(self.of_values(instance, rules, prefilter, &mut found));
            self.of_templates(instance, rules, prefilter, &mut found);
        }
        // Values that the root imports are already reported with the subchart that they come from.
        let reported = found.len();
        for root in root {
            self.of_values(root, rules, prefilter, &mut found);
        }
        let imported = found.split_off(reported);
        let known: BTreeSet<Origin> = found.iter().flat_map(|one| one.origins.clone()).collect();
        let unknown =
            |one: &DefaultFinding| !one.origins.iter().all(|origin| known.contains(origin));
        found.extend(imported.into_iter().filter(unknown));
        found
    }

    fn of_values(
        &self,
        instance: &Instance,
        rules: &RuleSet,
        prefilter: &Prefilter,
        found: &mut Vec<DefaultFinding>,
    ) -> Vec<Unjudged> {
        let document = MergedValues::new(&instance.values);
        let bytes = document.text.as_bytes();
        let (_, Some(hints)) = prefilter.search(bytes) else {
            return Vec::new();
        };
        let file_type = file_type::standard_input();
        let path = Path::new("values.yaml");
        let checked = check::check_near(path, &document.text, file_type, rules, Some(&hints));
        let pulled = checked.findings.into_iter().filter(|one| !one.mention);
        let own: Vec<Finding> = pulled
            .filter(|one| self.is_default(one, &document))
            .collect();
        let renames = renames(&own, &document);
        for finding in own {
            found.push(self.default_of(finding, instance, &document, &renames));
        }
        let unjudged = checked.unjudged.into_iter();
        let unjudged = unjudged.filter_map(|one| {
            let leaf = &document.leaf(one.span)?.leaf;
            let file = self.file(leaf.origin);
            file.of_root.then(|| {
                let at = LineIndex::new(&file.text).position(leaf.origin.span.start);
                let name = one.span.of(&document.text);
                let place = format!("{}:{}:{}", file.place, at.line, at.column);
                let reason = format!("{name} in {place}: {}", one.reason);
                Unjudged {
                    span: self.dependency(instance),
                    reason: reason.into(),
                    ..one
                }
            })
        });
        unjudged.collect()
    }

    /// Whether a legacy piece comes from a vendored default.
    fn is_default(&self, finding: &Finding, document: &MergedValues) -> bool {
        let labels = || finding.labels.iter().map(|label| label.span).collect();
        let edits = |fix: &Fix| fix.edits.iter().map(|edit| edit.span).collect();
        let spans: Vec<Span> = finding.fix.as_ref().map_or_else(labels, edits);
        let mut leaves = spans.into_iter().filter_map(|span| document.leaf(span));
        leaves.any(|placed| self.file(placed.leaf.origin).of_root)
    }

    pub(super) fn file(&self, origin: Origin) -> &File {
        let loaded = &self.loaded.files;
        match origin.file {
            0 => &self.own[0],
            number => loaded
                .get(number)
                .unwrap_or_else(|| &self.own[number - loaded.len() + 1]),
        }
    }

    /// Returns the number by which leaves refer to one of the owner's files after the first.
    pub(super) fn number(loaded: &Loaded, own: usize) -> usize {
        loaded.files.len() + own - 1
    }

    fn default_of(
        &self,
        found: Finding,
        instance: &Instance,
        document: &MergedValues,
        renames: &Renames,
    ) -> DefaultFinding {
        let labels = found
            .labels
            .iter()
            .filter_map(|label| document.leaf(label.span));
        let labelled: Vec<&ScalarSource> = labels.collect();
        let related = labelled.iter().map(|placed| self.origin(placed)).collect();
        let origins = labelled.iter().map(|placed| placed.leaf.origin).collect();
        let edited = found.fix.iter().flat_map(|fix| &fix.edits);
        let edited: Vec<&ScalarSource> =
            edited.filter_map(|edit| document.leaf(edit.span)).collect();
        let applicability = found.applicability().unwrap_or(Applicability::Display);
        let mut default = DefaultFinding {
            finding: Finding {
                fix: None,
                reason: found.reason.clone(),
                related,
                ..self.at_dependency(found, instance, "default")
            },
            overrides: Vec::new(),
            applicability,
            origins,
        };
        if edited.iter().any(|placed| placed.block.is_some()) {
            default.doubt(IN_TEXT);
        }
        if edited.iter().any(|placed| placed.in_list) {
            let reason = &mut default.finding.reason;
            reason.get_or_insert_with(|| IN_LIST.to_owned());
        }
        if applicability.is_written() {
            let overrides = edited.iter();
            let overrides = overrides.filter_map(|placed| override_of(placed, instance, renames));
            default.overrides = overrides.collect();
        }
        if !default.overrides.is_empty() && self.is_refused(instance) {
            default.overrides.push(refusal::lift(self.top()));
            default.doubt(LIFTED);
        }
        default
    }

    /// Whether the chart refuses images from other registries, and the values over its own do not lift that.
    fn is_refused(&self, instance: &Instance) -> bool {
        let mut charts = instance.charts.iter();
        let own = values::table_at(&self.chart.values, self.top().iter().map(String::as_str));
        let is_lifted = own.is_some_and(refusal::is_lifted);
        charts.any(|chart| refusal::refuses(chart)) && !is_lifted
    }

    /// Returns the keys of the values for the whole chart: those of a chart that another file uses are under its
    /// name.
    fn top(&self) -> &[String] {
        self.name.as_slice()
    }

    /// Returns where a leaf was written.
    fn origin(&self, placed: &ScalarSource) -> Related {
        let origin = placed.leaf.origin;
        let file = self.file(origin);
        let lines = LineIndex::new(&file.text);
        Related {
            place: file.place.clone(),
            position: Some(lines.position(origin.span.start)),
            text: match file.of_root {
                true => "the default".to_owned(),
                false => "set here".to_owned(),
            },
        }
    }

    /// Returns vendored templates and manifests, with their paths and types.
    pub(super) fn templates<'a>(
        &'a self,
        instance: &'a Instance,
    ) -> impl Iterator<Item = (&'a File, &'a Path, &'static FileType)> {
        let charts = instance.charts.iter().filter(|chart| chart.of_root);
        let files = charts.flat_map(|chart| &chart.templates);
        files.filter_map(|number| {
            let file = &self.loaded.files[*number];
            // File types are recognised by name, so the path through the archive serves like any other.
            let path = Path::new(&file.place);
            Some((file, path, file_type::classify(path)?))
        })
    }

    /// Adds findings for literals, which no value changes.
    fn of_templates(
        &self,
        instance: &Instance,
        rules: &RuleSet,
        prefilter: &Prefilter,
        found: &mut Vec<DefaultFinding>,
    ) {
        for (file, path, file_type) in self.templates(instance) {
            let hints = prefilter.hints(file.text.as_bytes());
            let checked = check::check_near(path, &file.text, file_type, rules, Some(&hints));
            let lines = LineIndex::new(&file.text);
            for one in checked.findings.into_iter().filter(|one| !one.mention) {
                let crd = !file.place.contains("/templates/");
                let related = Related {
                    place: file.place.clone(),
                    position: Some(lines.position(one.span().start)),
                    text: "written here".to_owned(),
                };
                let reason = if crd { IN_CRD } else { IN_TEMPLATE };
                found.push(DefaultFinding {
                    finding: Finding {
                        fix: None,
                        reason: Some(reason.to_owned()),
                        related: vec![related],
                        ..self.at_dependency(one, instance, "template")
                    },
                    overrides: Vec::new(),
                    applicability: Applicability::Display,
                    origins: Vec::new(),
                });
            }
        }
    }

    /// Returns where the dependency is declared that brings a subchart.
    fn dependency(&self, instance: &Instance) -> Span {
        let dependency = instance
            .dependency
            .and_then(|index| self.dependencies().get(index));
        let requirements = self
            .dependencies()
            .first()
            .is_some_and(|one| one.file == DependencyFile::Requirements);
        let own_name = self.metadata().name_at.filter(|_| !requirements);
        let span = dependency.map(|one| one.at).or(own_name);
        span.unwrap_or(Span::new(0, 0))
    }

    /// Moves a finding to the dependency that brings the subchart, where its owner sees it.
    fn at_dependency(&self, found: Finding, instance: &Instance, what: &str) -> Finding {
        let path = match instance.path.is_empty() {
            true => "what it imports".to_owned(),
            false => format!("subchart {}", instance.path.join("/")),
        };
        let off = if instance.off { ", which is off" } else { "" };
        Finding {
            severity: match instance.off {
                true => lower_severity(found.severity),
                false => found.severity,
            },
            message: format!("{} ({what} of {path}{off})", found.message),
            labels: vec![Label::new(self.dependency(instance), "")],
            ..found
        }
    }
}

pub(super) fn lower_severity(severity: Severity) -> Severity {
    match severity {
        Severity::Error => Severity::Warning,
        Severity::Warning | Severity::Info => Severity::Info,
    }
}
