//! Renders an inventory: in formats of its own for people, spreadsheets and programs; in all others, each root is reported like
//! a file.
//!
//! Returns text. [`RenderOptions`] has all that is known of the terminal.

mod concise;
mod files;
mod full;
mod json;
mod table;

use std::collections::BTreeSet;

use super::in_git::{State, Sureness};
use super::inventory::{Presence, Row};
use super::origin::Manager;
use super::repo::GitOnly;
use crate::edit::Applicability;
use crate::report::text::{count, listed};
use crate::report::{Format, RenderOptions};
use crate::rules::{RuleSet, Severity};

/// The content of a report.
pub struct Report<'r> {
    /// All rows, or only those with a finding, in order.
    pub rows: &'r [Row],
    pub summary: Summary,
    /// The kinds that could not be read, with the reasons.
    pub not_read: &'r [NotRead],
    /// Legacy images in files of repositories that matched no row.
    pub git_only: &'r [GitOnly],
}

/// A kind of object that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotRead {
    pub resource: String,
    pub why: String,
}

/// The totals of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    pub objects: usize,
    pub kinds: usize,
    /// All rows. The severities below count rows with a finding.
    pub images: usize,
    pub errors: usize,
    pub warnings: usize,
    pub infos: usize,
    /// Roots with a finding.
    pub roots: usize,
    pub safe: usize,
    pub review: usize,
    /// Whether something could not be read, so that legacy images may exist even if none were found.
    pub is_partial: bool,
}

impl Summary {
    /// Counts all rows of an inventory.
    pub fn new(rows: &[Row], objects: usize, kinds: usize) -> Self {
        let mut summary = Self {
            objects,
            kinds,
            images: rows.len(),
            ..Self::default()
        };
        let mut roots = BTreeSet::new();
        for row in rows {
            let Some(judged) = &row.judged else { continue };
            roots.insert(&row.root);
            *match judged.finding.severity {
                Severity::Error => &mut summary.errors,
                Severity::Warning => &mut summary.warnings,
                Severity::Info => &mut summary.infos,
            } += 1;
            match judged.finding.applicability() {
                Some(Applicability::Safe) => summary.safe += 1,
                Some(Applicability::Unsafe) => summary.review += 1,
                _ => {}
            }
        }
        summary.roots = roots.len();
        summary
    }

    /// Whether there are errors or warnings.
    pub fn has_findings(&self) -> bool {
        self.errors + self.warnings > 0
    }

    /// Returns the text for people.
    fn lines(&self) -> String {
        let objects = count(self.objects, "object");
        let kinds = count(self.kinds, "kind");
        let found = self.errors + self.warnings + self.infos;
        if found == 0 {
            return match self.is_partial {
                true => format!(
                    "No legacy images were found in {objects} of {kinds}, but not everything could be read.\n"
                ),
                false => format!("No legacy images in {objects} of {kinds}.\n"),
            };
        }
        let counts = [
            (self.errors, "error"),
            (self.warnings, "warning"),
            (self.infos, "info"),
        ];
        let counts = counts.iter().filter(|(number, _)| *number > 0);
        let counts: Vec<String> = counts.map(|(number, noun)| count(*number, noun)).collect();
        let counts = listed(&counts);
        let roots = count(self.roots, "workload");
        let fixes = match (self.safe, self.review) {
            (0, 0) => "None has an automatic fix.".to_owned(),
            (safe, 0) => format!("{safe} with a safe fix."),
            (0, review) => format!("{review} with a fix that needs review."),
            (safe, review) => {
                format!("{safe} with a safe fix, {review} with one that needs review.")
            }
        };
        format!("Found {counts} in {roots}; read {objects} of {kinds}.\n{fixes}\n")
    }
}

/// Renders the whole report.
pub fn render(
    report: &Report<'_>,
    format: &'static Format,
    render_options: &RenderOptions,
    rules: &RuleSet,
) -> String {
    match format.name {
        "full" => full::text(report, render_options),
        "concise" => concise::text(report, render_options),
        "json" => json::text(report),
        "csv" => table::text(report),
        _ => files::text(report, format, render_options, rules),
    }
}

/// Advises which version of the chart is clean.
fn advice(row: &Row) -> Option<String> {
    let rule = row.judged.as_ref().map(|judged| &*judged.finding.rule)?;
    let (chart, clean) = row.origin.first_clean(rule)?;
    Some(format!("chart {} is clean from {clean} on", chart.name))
}

/// Explains why an image is there although the root names none, or another one.
fn remark(row: &Row) -> Option<String> {
    match &row.presence {
        Presence::Declared => None,
        Presence::Debug => Some("added to a running pod, as kubectl debug does".to_owned()),
        Presence::Left { declared } => Some(format!(
            "the template names {declared}: these pods are older, or a webhook changed them"
        )),
        Presence::Added => Some("not in the template: a webhook adds it to the pods".to_owned()),
        Presence::Chosen if row.origin.manager == Manager::NotRead => Some(format!(
            "{} was not read, only what it made",
            row.root.shown()
        )),
        Presence::Chosen => Some(format!("set by the operator of {}", row.root.shown())),
    }
}

/// Describes the files that name the image.
fn git(row: &Row) -> Option<String> {
    let git = row.git.as_ref()?;
    let Some(first) = git.sites.first() else {
        return Some("not in git".to_owned());
    };
    let place = format!("{}:{}:{}", first.path, first.line, first.column);
    let more = match git.sites.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let sureness = git.sureness.map_or("", Sureness::name);
    let state = match git.state {
        State::FixedInGit => "fixed in git, not in the cluster",
        _ => "in git",
    };
    Some(format!("{state}: {place}{more} ({sureness})"))
}

/// Describes a file whose legacy image does not run.
fn git_only(one: &GitOnly) -> String {
    let site = &one.site;
    let new = site
        .new
        .as_ref()
        .map(|new| format!(" → {new}"))
        .unwrap_or_default();
    let ahead = one.fixed_in_cluster.as_ref();
    let ahead = ahead.map(|root| {
        format!(
            " ({} in the cluster has the new image: applying this file puts the old one back)",
            root.shown()
        )
    });
    let ahead = ahead.unwrap_or_default();
    format!(
        "{}:{}:{}: {}{new}{ahead}",
        site.path, site.line, site.column, site.image
    )
}
