//! The baseline: a file with known findings, which are no longer reported.
//!
//! An entry identifies a finding by file, rule, image and its location in the file's structure, so that lines may shift. This
//! module only reads and makes the text: callers find and write the file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::file_type::FileType;
use crate::finding::{Finding, Key};
use crate::printable;
use crate::structure;

/// The name of the file, beside the configuration or at the root of the repository.
pub const FILE: &str = ".regfix-baseline.json";

/// Incremented when the meaning of entries changes.
const VERSION: u32 = 1;

/// Known findings, and how many there are of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    counts: BTreeMap<Entry, usize>,
}

/// The identity of findings at one location of one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Relative to the folder of the baseline, with `/`.
    pub file: String,
    pub at: String,
    pub rule: Arc<str>,
    pub image: String,
}

impl Entry {
    pub fn new(file: &str, key: &Key) -> Self {
        Self {
            file: file.to_owned(),
            at: key.at.clone(),
            rule: Arc::clone(&key.rule),
            image: key.image.clone(),
        }
    }
}

/// The file, as serde reads it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    findings: Vec<Row>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Row {
    file: String,
    rule: String,
    image: String,
    at: String,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    count: usize,
}

fn one() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_one(count: &usize) -> bool {
    *count == 1
}

/// Returns the identity of each finding of a text.
pub fn keys(text: &str, file_type: &FileType, findings: &[Finding]) -> Vec<Key> {
    let offsets: Vec<usize> = findings
        .iter()
        .map(|finding| finding.span().start)
        .collect();
    let places = structure::places(text, file_type, &offsets);
    findings
        .iter()
        .zip(places)
        .map(|(finding, at)| Key {
            rule: Arc::clone(&finding.rule),
            image: finding.name().to_owned(),
            at,
        })
        .collect()
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// If the text is not a baseline of this version. The message says what is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let written: Written = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if written.version != VERSION {
            return Err(format!(
                "version {} of a baseline is unknown, expected {VERSION}: another version of regfix wrote it",
                written.version
            ));
        }
        let mut baseline = Self::default();
        for row in written.findings {
            let entry = Entry {
                file: row.file,
                at: row.at,
                rule: Arc::from(row.rule),
                image: row.image,
            };
            *baseline.counts.entry(entry).or_default() += row.count;
        }
        Ok(baseline)
    }

    /// Returns the text of the file, one entry per line, so that changes of two branches rarely conflict.
    pub fn text(&self) -> String {
        let mut text = format!("{{\"version\": {VERSION}, \"findings\": [");
        for (index, (entry, count)) in self.counts.iter().enumerate() {
            let row = Row {
                file: entry.file.clone(),
                rule: entry.rule.to_string(),
                image: entry.image.clone(),
                at: entry.at.clone(),
                count: *count,
            };
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(text, "{comma}\n{}", printable::json(&row));
        }
        text + "\n]}\n"
    }

    pub fn add(&mut self, entry: Entry) {
        *self.counts.entry(entry).or_default() += 1;
    }

    /// Returns the number of findings, not of entries.
    pub fn len(&self) -> usize {
        self.counts.values().sum()
    }

    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Returns, for each finding of a file, whether the baseline has it. If it has fewer of equal ones, the first ones count.
    pub fn known(&self, entries: &[Entry]) -> Vec<bool> {
        let mut left: BTreeMap<&Entry, usize> = BTreeMap::new();
        let known = entries.iter().map(|entry| {
            let there = self.counts.get(entry).copied().unwrap_or_default();
            let left = left.entry(entry).or_insert(there);
            let is_known = *left > 0;
            *left = left.saturating_sub(1);
            is_known
        });
        known.collect()
    }

    /// Returns the entries that `about` accepts and that the other baseline lacks or has fewer of, with the difference.
    pub fn beyond<'b>(
        &'b self,
        other: &'b Baseline,
        about: impl Fn(&Entry) -> bool + 'b,
    ) -> impl Iterator<Item = (&'b Entry, usize)> {
        self.counts.iter().filter_map(move |(entry, count)| {
            let there = other.counts.get(entry).copied().unwrap_or_default();
            let more = count.saturating_sub(there);
            (more > 0 && about(entry)).then_some((entry, more))
        })
    }

    /// Returns this baseline with `found` in place of all entries that `about` accepts.
    #[must_use]
    pub fn renewed(&self, found: Baseline, about: impl Fn(&Entry) -> bool) -> Baseline {
        let kept = self.counts.iter().filter(|(entry, _)| !about(entry));
        let mut renewed = found;
        for (entry, count) in kept {
            renewed.counts.insert(entry.clone(), *count);
        }
        renewed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(file: &str, at: &str) -> Entry {
        Entry {
            file: file.to_owned(),
            at: at.to_owned(),
            rule: Arc::from("k8s-gcr-io"),
            image: "k8s.gcr.io/pause".to_owned(),
        }
    }

    fn baseline(entries: &[Entry]) -> Baseline {
        let mut baseline = Baseline::default();
        entries
            .iter()
            .cloned()
            .for_each(|entry| baseline.add(entry));
        baseline
    }

    #[test]
    fn it_is_read_as_it_was_written_an_entry_a_line() {
        let stored = baseline(&[entry("b", "x"), entry("a", ""), entry("b", "x")]);
        let expected = r#"{"version": 1, "findings": [
{"file":"a","rule":"k8s-gcr-io","image":"k8s.gcr.io/pause","at":""},
{"file":"b","rule":"k8s-gcr-io","image":"k8s.gcr.io/pause","at":"x","count":2}
]}
"#;
        assert_eq!(stored.text(), expected);
        assert_eq!(Baseline::parse(expected).unwrap(), stored);
        let empty = Baseline::default().text();
        assert!(Baseline::parse(&empty).unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_reported_with_its_place() {
        for (text, part) in [
            ("", "line 1"),
            ("{\"version\": 1}", "findings"),
            (
                "{\"version\": 2, \"findings\": []}",
                "another version of regfix",
            ),
            (
                "{\"version\": 1, \"findings\": [], \"x\": 1}",
                "unknown field `x`",
            ),
        ] {
            let why = Baseline::parse(text).unwrap_err();
            assert!(why.contains(part), "{why}");
        }
    }

    #[test]
    fn of_equal_findings_as_many_are_held_as_there_were() {
        let stored = baseline(&[entry("a", "x"), entry("a", "x")]);
        let found = [
            entry("a", "x"),
            entry("a", "y"),
            entry("a", "x"),
            entry("a", "x"),
        ];
        assert_eq!(stored.known(&found), [true, false, true, false]);
        assert_eq!(stored.known(&[entry("b", "x")]), [false]);
    }

    #[test]
    fn what_is_gone_is_stale_where_it_was_looked_for() {
        let stored = baseline(&[entry("a", "x"), entry("a", "x"), entry("b", "x")]);
        let found = baseline(&[entry("a", "x"), entry("c", "x")]);
        let in_a = |entry: &Entry| entry.file == "a";
        let stale: Vec<_> = stored.beyond(&found, in_a).collect();
        assert_eq!(stale, [(&entry("a", "x"), 1)]);
        let renewed = stored.renewed(found, |entry| entry.file != "b");
        let expected = baseline(&[entry("a", "x"), entry("b", "x"), entry("c", "x")]);
        assert_eq!(renewed, expected);
    }
}
