//! Counts by rule, what can be done about the findings, and the commands for it: the last screen of a run.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::text::{Color, count};
use super::{RenderOptions, Subject};
use crate::edit::Applicability;
use crate::finding::{Finding, Severity};
use crate::printable;

/// The number of findings, and how many of them have which kind of fix.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub all: usize,
    /// Findings with a safe fix.
    pub safe: usize,
    /// Findings with a fix that needs review.
    pub review: usize,
    /// Mentions, which need no fix.
    pub mentions: usize,
}

impl Counts {
    pub fn add(&mut self, finding: &Finding) {
        self.all += 1;
        match finding.applicability() {
            _ if finding.mention => self.mentions += 1,
            Some(Applicability::Safe) => self.safe += 1,
            Some(Applicability::Unsafe) => self.review += 1,
            _ => {}
        }
    }

    /// Adds the counts of other findings.
    pub fn join(&mut self, other: &Self) {
        self.all += other.all;
        self.safe += other.safe;
        self.review += other.review;
        self.mentions += other.mentions;
    }

    pub fn no_fix(&self) -> usize {
        self.all
            .saturating_sub(self.safe + self.review + self.mentions)
    }
}

/// The counts of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCounts {
    pub rule: String,
    /// The highest severity among the findings.
    pub severity: Severity,
    pub counts: Counts,
}

/// Counts by rule.
#[derive(Debug, Default, Clone)]
pub struct Tally(BTreeMap<String, (Severity, Counts)>);

impl Tally {
    pub fn add(&mut self, finding: &Finding) {
        let mut counts = Counts::default();
        counts.add(finding);
        self.put(&finding.rule, finding.severity, &counts);
    }

    pub fn join(&mut self, other: &Self) {
        for (rule, (severity, counts)) in &other.0 {
            self.put(rule, *severity, counts);
        }
    }

    fn put(&mut self, rule: &str, severity: Severity, counts: &Counts) {
        let known = match self.0.get_mut(rule) {
            Some(known) => known,
            None => self
                .0
                .entry(rule.to_owned())
                .or_insert((severity, Counts::default())),
        };
        known.0 = known.0.max(severity);
        known.1.join(counts);
    }

    /// The rows, sorted by severity and then by number of findings, both descending.
    pub fn rows(self) -> Vec<RuleCounts> {
        let rows = self
            .0
            .into_iter()
            .map(|(rule, (severity, counts))| RuleCounts {
                rule,
                severity,
                counts,
            });
        let mut rows: Vec<RuleCounts> = rows.collect();
        rows.sort_by_key(|row| Reverse((row.severity, row.counts.all)));
        rows
    }
}

/// The sum over all rules.
pub(crate) fn total(rows: &[RuleCounts]) -> Counts {
    let mut total = Counts::default();
    rows.iter().for_each(|row| total.join(&row.counts));
    total
}

type Column = (&'static str, fn(&Counts) -> usize);

/// A table with a heading and one line per rule. Columns without any number are left out.
pub(crate) fn table(rows: &[RuleCounts], color: bool) -> Vec<String> {
    let columns: [Column; 5] = [
        ("findings", |counts| counts.all),
        ("safe", |counts| counts.safe),
        ("needs review", |counts| counts.review),
        ("no fix", Counts::no_fix),
        ("mentions", |counts| counts.mentions),
    ];
    let all = total(rows);
    let columns: Vec<_> = columns
        .iter()
        .filter(|(_, number)| number(&all) > 0)
        .collect();
    let names: Vec<String> = rows
        .iter()
        .map(|row| printable::line(&row.rule).into_owned())
        .collect();
    let widest = names.iter().map(|name| name.chars().count()).max();
    let width = widest.unwrap_or_default().max("rule".len());
    let heads: String = columns
        .iter()
        .map(|(head, _)| format!("  {head}"))
        .collect();
    let mut lines = vec![format!("{:width$}  severity{heads}", "rule")];
    for (row, name) in rows.iter().zip(names) {
        let severity = format!("{:8}", row.severity.name());
        let severity = Color::of(row.severity).on(&severity, color);
        let cell = |(head, number): &&Column| match number(&row.counts) {
            0 => format!("  {:1$}", "", head.len()),
            number => format!("  {number:>0$}", head.len()),
        };
        let cells: String = columns.iter().map(cell).collect();
        lines.push(
            format!("{name:width$}  {severity}{cells}")
                .trim_end()
                .to_owned(),
        );
    }
    lines
}

/// With more findings than this, a baseline is suggested.
const MANY: usize = 50;

/// The next commands, and what each does. Empty after a run that wrote fixes, which has already listed what is left.
pub(crate) fn next_commands(
    counts: &Counts,
    subject: Subject,
    render_options: &RenderOptions,
) -> Vec<(&'static str, String)> {
    if render_options.write {
        return Vec::new();
    }
    if subject == Subject::Objects {
        return in_a_cluster(counts);
    }
    let all_fixes = render_options.limit < Applicability::Safe;
    let mut commands = Vec::new();
    match (counts.safe, counts.review) {
        (0, 0) => {}
        (safe, review) if all_fixes => {
            commands.push((
                "regfix --write --unsafe-fixes",
                format!("applies {}", fixes(safe + review, "")),
            ));
        }
        (safe, review) => {
            if safe > 0 {
                commands.push((
                    "regfix --write",
                    format!("applies {}", fixes(safe, "safe ")),
                ));
            }
            if review > 0 {
                let more = if safe > 0 { "more " } else { "" };
                let need = if review == 1 { "needs" } else { "need" };
                let what = format!("shows {} that {need} review", fixes(review, more));
                commands.push(("regfix --diff --unsafe-fixes", what));
            }
        }
    }
    if counts.no_fix() > 0 {
        let what = format!("explains a rule; {} no fix", have(counts.no_fix()));
        commands.push(("regfix explain RULE", what));
    }
    // A baseline holds no mentions.
    let recorded = counts.all.saturating_sub(counts.mentions);
    if recorded > MANY {
        let what = format!("records {recorded} findings, so that later runs report only new ones");
        commands.push(("regfix --write-baseline", what));
    }
    commands
}

/// Like [`next_commands`], for live objects.
fn in_a_cluster(counts: &Counts) -> Vec<(&'static str, String)> {
    let mut commands = Vec::new();
    if counts.safe + counts.review > 0 {
        let what = "prints patches for objects that no tool would put back, and what to change instead for the rest";
        commands.push(("regfix cluster --patch", what.to_owned()));
        let what = "finds the files that name these images";
        commands.push(("regfix cluster --repo DIR", what.to_owned()));
    }
    if counts.no_fix() > 0 {
        let what = format!("explains a rule; {} no fix", have(counts.no_fix()));
        commands.push(("regfix explain RULE", what));
    }
    commands
}

fn have(findings: usize) -> String {
    let verb = if findings == 1 { "has" } else { "have" };
    format!("{} {verb}", count(findings, "finding"))
}

/// `1 safe fix`, `2 safe fixes`.
fn fixes(number: usize, sort: &str) -> String {
    let noun = if number == 1 { "fix" } else { "fixes" };
    format!("{number} {sort}{noun}")
}

#[cfg(test)]
mod tests {
    use super::super::sample::LOOK;
    use super::*;

    fn row(rule: &str, severity: Severity, counts: [usize; 4]) -> RuleCounts {
        let [all, safe, review, mentions] = counts;
        RuleCounts {
            rule: rule.to_owned(),
            severity,
            counts: Counts {
                all,
                safe,
                review,
                mentions,
            },
        }
    }

    #[test]
    fn a_table_of_what_can_be_done() {
        let rows = [
            row("quay-k8scsi", Severity::Error, [3, 0, 2, 0]),
            row("k8s-gcr-io", Severity::Warning, [12, 12, 0, 0]),
        ];
        let expected = [
            "rule         severity  findings  safe  needs review  no fix",
            "quay-k8scsi  error            3                   2       1",
            "k8s-gcr-io   warning         12    12",
        ];
        assert_eq!(table(&rows, false), expected);
    }

    #[test]
    fn the_most_severe_is_first() {
        let mut tally = Tally::default();
        for one in [
            row("b", Severity::Warning, [9, 0, 0, 0]),
            row("a", Severity::Info, [20, 0, 0, 0]),
            row("c", Severity::Error, [1, 0, 0, 0]),
            row("b", Severity::Info, [1, 0, 0, 0]),
        ] {
            tally.put(&one.rule, one.severity, &one.counts);
        }
        let rows = tally.rows();
        let order: Vec<_> = rows
            .iter()
            .map(|row| (row.rule.as_str(), row.counts.all))
            .collect();
        assert_eq!(order, [("c", 1), ("b", 10), ("a", 20)]);
        assert_eq!(total(&rows).all, 31);
    }

    #[test]
    fn the_next_commands_have_their_counts() {
        let counts = row("a", Severity::Info, [60, 1, 2, 3]).counts;
        let commands = next_commands(&counts, Subject::Files, &LOOK);
        let shown: Vec<String> = commands
            .iter()
            .map(|(command, what)| format!("{command}: {what}"))
            .collect();
        let expected = [
            "regfix --write: applies 1 safe fix",
            "regfix --diff --unsafe-fixes: shows 2 more fixes that need review",
            "regfix explain RULE: explains a rule; 54 findings have no fix",
            "regfix --write-baseline: records 57 findings, so that later runs report only new ones",
        ];
        assert_eq!(shown, expected);
        let any = RenderOptions {
            limit: Applicability::Unsafe,
            ..LOOK
        };
        assert_eq!(
            next_commands(&counts, Subject::Files, &any)[0].1,
            "applies 3 fixes"
        );
        let write = RenderOptions {
            write: true,
            ..LOOK
        };
        assert!(next_commands(&counts, Subject::Files, &write).is_empty());
    }
}
