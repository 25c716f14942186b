//! The results of several runs as one, with its files as formats show them.

mod file;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::civil::Date;

use super::{FileRow, Results, incomplete, misfits};
use crate::report::{Moment, RepositorySummary, Summary, Tally};

pub use file::File;

/// Joined results: those of the latest day, and the counts of the days before.
#[derive(Debug)]
pub struct Joined {
    /// Sorted by path.
    pub files: Vec<File>,
    pub summary: Summary,
    /// Counts by repository; the name is empty for files outside of repositories.
    pub shares: BTreeMap<String, Summary>,
    /// Inconsistencies, one message each.
    pub misfits: Vec<String>,
}

/// Joins results.
pub fn join(mut all: Vec<Results>) -> Joined {
    all.sort_by(|one, other| one.name.cmp(&other.name));
    let mut days: BTreeMap<Option<String>, Vec<&Results>> = BTreeMap::new();
    for results in &all {
        days.entry(results.totals.as_of.clone())
            .or_default()
            .push(results);
    }
    // Results without a date count as part of the latest run.
    let undated = days.remove(&None).unwrap_or_default();
    let (as_of, mut latest) = days.pop_last().unwrap_or_default();
    latest.extend(undated);
    let mut history: BTreeMap<String, Moment> = BTreeMap::new();
    for moment in all.iter().flat_map(|results| &*results.totals.history) {
        let known = history.entry(moment.as_of.clone()).or_default();
        *known = moment.clone().max(known.clone());
    }
    for (day, run) in days {
        let (joined, _) = of_run(&run);
        let day = day.unwrap_or_default();
        history.insert(day.clone(), moment(&joined.summary, day));
    }
    let (mut joined, mut faults) = of_run(&latest);
    faults.extend(misfits(&latest));
    joined.summary.failures += faults.len();
    faults.extend(incomplete(&latest));
    joined.misfits = faults;
    joined.summary.as_of = as_of.as_deref().and_then(|day| day.parse::<Date>().ok());
    joined.summary.history = history
        .into_values()
        .filter(|moment| Some(&moment.as_of) < as_of.as_ref())
        .collect();
    joined
}

fn moment(summary: &Summary, as_of: String) -> Moment {
    Moment {
        as_of,
        errors: summary.errors,
        warnings: summary.warnings,
        infos: summary.infos,
        fixed: summary.fixed,
    }
}

/// Joins the results of one run. Also returns its conflicts.
fn of_run(run: &[&Results]) -> (Joined, Vec<String>) {
    let (files, conflicts) = files_of(run);
    let mut total = Shares::default();
    for results in &distinct(run) {
        total.add(results);
    }
    for file in &files {
        total.count(file);
    }
    (total.joined(files), conflicts)
}

/// Removes results that were given twice.
fn distinct<'r>(run: &[&'r Results]) -> Vec<&'r Results> {
    let mut kept: Vec<&Results> = Vec::new();
    for results in run {
        let is_known = |other: &&Results| {
            let has_names = !results.files.is_empty() || !results.totals.repositories.is_empty();
            has_names && other.totals == results.totals && other.files == results.files
        };
        if !kept.iter().any(is_known) {
            kept.push(results);
        }
    }
    kept
}

/// All files in the order of paths, with the rows of all results; and conflicts: repositories that were checked at two
/// commits.
fn files_of(run: &[&Results]) -> (Vec<File>, Vec<String>) {
    let mut commits: BTreeMap<&str, (Option<&str>, &str)> = BTreeMap::new();
    let mut conflicts = BTreeSet::new();
    let mut files: BTreeMap<(PathBuf, Option<&str>), FileRow> = BTreeMap::new();
    for results in run {
        for row in &results.files {
            let repository = row.at.repository.as_deref();
            if let Some(name) = repository {
                let (commit, first) = commits
                    .entry(name)
                    .or_insert((row.at.commit.as_deref(), &results.name));
                if *commit != row.at.commit.as_deref() {
                    conflicts.insert(format!(
                        "{name}: was checked at two commits, in {first} and in {}: only the first counts",
                        results.name
                    ));
                    continue;
                }
            }
            match files.entry((PathBuf::from(&*row.at.path), repository)) {
                Entry::Vacant(entry) => {
                    entry.insert(row.clone());
                }
                Entry::Occupied(mut entry) => {
                    let known = entry.get_mut();
                    unite(&mut known.findings, &row.findings);
                    unite(&mut known.fixed, &row.fixed);
                    unite(&mut known.problems, &row.problems);
                    unite(&mut known.unjudged, &row.unjudged);
                }
            }
        }
    }
    let files = files.into_values().map(|mut row| {
        row.findings
            .sort_by_key(|finding| finding.spans.first().map(|span| span.range.start));
        File(row)
    });
    (files.collect(), conflicts.into_iter().collect())
}

fn unite<T: Clone + PartialEq>(known: &mut Vec<T>, more: &[T]) {
    for row in more {
        if !known.contains(row) {
            known.push(row.clone());
        }
    }
}

/// Sums for the whole run and by repository.
#[derive(Default)]
struct Shares {
    all: (Summary, Tally),
    each: BTreeMap<String, (Summary, Tally, Option<String>)>,
}

impl Shares {
    /// Adds the counts that rows do not contain.
    fn add(&mut self, results: &Results) {
        let totals = &results.totals;
        let of_rows = Summary {
            files: totals.files,
            fixed_files: totals.fixed_files,
            suppressed: totals.suppressed,
            baselined: totals.baselined,
            stale: totals.stale,
            not_analysed: totals.not_analysed,
            excluded: totals.excluded,
            ignored: totals.ignored,
            hidden: totals.hidden,
            unknown: totals.unknown,
            reports: totals.reports,
            failures: totals.failures,
            ..Summary::default()
        };
        self.all.0.files += of_rows.files;
        self.all.0.add(&of_rows);
        for row in &totals.repositories {
            let (summary, _, commit) = self.each.entry(row.repository.to_string()).or_default();
            summary.baselined += row.baselined;
            summary.failures += row.failures;
            *commit = commit
                .take()
                .or_else(|| row.commit.as_deref().map(str::to_owned));
        }
    }

    /// Counts the rows of a file.
    fn count(&mut self, file: &File) {
        let drawn = file.drawn();
        let findings = file.findings(&drawn);
        let mut counts = Summary {
            files_with_findings: usize::from(!findings.is_empty()),
            fixed: file.0.fixed.len(),
            unjudged: file.0.unjudged.len(),
            ..Summary::default()
        };
        let mut tally = Tally::default();
        for finding in &findings {
            counts.count(finding);
            tally.add(finding);
        }
        let name = file.repository().to_owned();
        let (summary, rules, commit) = self.each.entry(name).or_default();
        *commit = commit
            .take()
            .or_else(|| file.0.at.commit.as_deref().map(str::to_owned));
        summary.files += 1;
        summary.add(&counts);
        rules.join(&tally);
        self.all.0.add(&counts);
        self.all.1.join(&tally);
    }

    fn joined(self, files: Vec<File>) -> Joined {
        let (mut summary, tally) = self.all;
        summary.by_rule = tally.rows();
        let mut shares = BTreeMap::new();
        let mut repositories = Vec::new();
        for (name, (mut share, tally, commit)) in self.each {
            share.by_rule = tally.rows();
            repositories.push(RepositorySummary::new(name.clone(), commit, &share));
            shares.insert(name, share);
        }
        if shares.keys().any(|name| !name.is_empty()) {
            summary.repositories = repositories;
        }
        Joined {
            files,
            summary,
            shares,
            misfits: Vec::new(),
        }
    }
}
