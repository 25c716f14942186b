//! Joins the results of earlier runs, read from their JSON reports.
//!
//! Takes texts and reads no files. The result is deterministic, whatever the order of the runs; what occurs in two runs
//! counts once. Reports are untrusted: invalid content only leads to a message.

mod canvas;
mod faults;
mod joined;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::json::v1::{At, Document, File as FileOf, Line, Totals, VERSION};
use super::text::count;
pub use joined::{File, Joined, join};

type FileRow = FileOf<'static>;

/// The results of one run.
#[derive(Debug)]
pub struct Results {
    /// The name used in messages: the path of its file.
    name: String,
    files: Vec<FileRow>,
    totals: Totals<'static>,
}

/// Why a text is not a valid report. Positions count from 1.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl Malformed {
    fn new(error: &serde_json::Error, first_line: usize) -> Self {
        // The position has its own fields, so remove it from the message.
        let message = error.to_string();
        let end = message.rfind(" at line ").unwrap_or(message.len());
        Self {
            line: first_line + error.line().max(1) - 1,
            column: error.column().max(1),
            message: message[..end].to_owned(),
        }
    }

    fn at(line: usize, message: impl Into<String>) -> Self {
        Self {
            line,
            column: 1,
            message: message.into(),
        }
    }
}

/// Reads a report in the format `json` or `jsonl`.
///
/// # Errors
/// If it is in neither format, truncated, or of an unknown version.
pub fn read(name: &str, text: &str) -> Result<Results, Malformed> {
    #[derive(Deserialize)]
    struct Typed {
        #[serde(rename = "type")]
        _is: String,
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().find(|line| !line.trim().is_empty());
    let Some(first) = first else {
        return Err(Malformed::at(
            1,
            "is empty: expected a report that `--format jsonl` or `json` wrote",
        ));
    };
    let (files, totals) = match serde_json::from_str::<Typed>(first) {
        Ok(_) => lines(text)?,
        Err(_) => document(text)?,
    };
    let days = totals.history.iter().map(|moment| &moment.as_of);
    for day in totals.as_of.iter().chain(days) {
        if day.parse::<Date>().is_err() {
            return Err(Malformed::at(
                1,
                format!("{day:?} in the summary is not a date"),
            ));
        }
    }
    Ok(Results {
        name: name.to_owned(),
        files,
        totals,
    })
}

fn parsed<T: DeserializeOwned>(text: &str, first_line: usize) -> Result<T, Malformed> {
    serde_json::from_str(text).map_err(|error| Malformed::new(&error, first_line))
}

fn document(text: &str) -> Result<(Vec<FileRow>, Totals<'static>), Malformed> {
    let document: Document<'static> = parsed(text, 1).map_err(|fault| Malformed {
        message: format!("not a JSON report of regfix: {}", fault.message),
        ..fault
    })?;
    known_version(document.version, 1)?;
    if let Some(fault) = document.files.iter().find_map(FileRow::fault) {
        return Err(Malformed::at(1, fault));
    }
    Ok((document.files, document.summary))
}

fn lines(text: &str) -> Result<(Vec<FileRow>, Totals<'static>), Malformed> {
    let mut files: Vec<FileRow> = Vec::new();
    let mut totals = None;
    let mut last = 1;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        last = number;
        if line.trim().is_empty() {
            continue;
        }
        if totals.is_some() {
            return Err(Malformed::at(
                number,
                "there is something after the summary: are these two reports in one file?",
            ));
        }
        let line: Line<'static> = parsed(line, number)?;
        if let Some(fault) = line.fault() {
            return Err(Malformed::at(number, fault));
        }
        let mut file = |at: At<'static>| {
            if files.last().is_none_or(|file| file.at != at) {
                files.push(FileRow::new(at));
            }
            files.len() - 1
        };
        match line {
            Line::Finding { at, finding } => {
                let index = file(at);
                files[index].findings.push(*finding);
            }
            Line::Fixed { at, fixed } => {
                let index = file(at);
                files[index].fixed.push(fixed);
            }
            Line::Problem { at, problem } => {
                let index = file(at);
                files[index].problems.push(problem);
            }
            Line::Unjudged { at, unjudged } => {
                let index = file(at);
                files[index].unjudged.push(unjudged);
            }
            Line::Summary {
                version,
                totals: of,
            } => {
                known_version(version, number)?;
                totals = Some(of);
            }
        }
    }
    match totals {
        Some(totals) => Ok((files, totals)),
        None => Err(Malformed::at(
            last,
            "ends without a summary: the report is not whole",
        )),
    }
}

fn known_version(version: u32, line: usize) -> Result<(), Malformed> {
    match version == VERSION {
        true => Ok(()),
        false => Err(Malformed::at(
            line,
            format!(
                "version {version} of a report is unknown, expected {VERSION}: another version of regfix wrote it"
            ),
        )),
    }
}

/// The inconsistencies between the results of one run.
fn misfits(run: &[&Results]) -> Vec<String> {
    let mut all = missing_shards(run);
    let mut differ = |what: &str, of: &dyn Fn(&Results) -> BTreeSet<String>| {
        let mut by_value: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for results in run {
            for value in of(results) {
                by_value.entry(value).or_default().push(&results.name);
            }
        }
        if by_value.len() > 1 {
            let each = by_value
                .iter()
                .map(|(value, names)| format!("{value} in {}", short(names)));
            let each: Vec<String> = each.collect();
            all.push(format!(
                "different {what}: {}; run them again with the same",
                each.join(", ")
            ));
        }
    };
    differ("versions of regfix", &|results| {
        let version = results.totals.regfix.as_deref();
        BTreeSet::from([version.unwrap_or("an unknown one").to_owned()])
    });
    differ("catalogues", &|results| {
        let built_in = results
            .totals
            .catalogues
            .iter()
            .filter(|one| one.file.is_none());
        built_in
            .map(|one| format!("that of {}", one.as_of))
            .collect()
    });
    all
}

/// The runs that report themselves as incomplete.
fn incomplete(run: &[&Results]) -> Vec<String> {
    let failed = run.iter().filter(|results| results.totals.failures > 0);
    let said = failed.map(|results| {
        let failures = count(results.totals.failures, "failure");
        format!("{}: {failures}: that run is incomplete", results.name)
    });
    said.collect()
}

/// The shards of a sharded run that have no results.
fn missing_shards(run: &[&Results]) -> Vec<String> {
    let mut found: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for results in run {
        let shard = results
            .totals
            .shard
            .as_deref()
            .and_then(|shard| shard.split_once('/'));
        let number = |text: &str| text.parse::<u64>().ok();
        if let Some((index, of)) = shard.and_then(|(index, of)| Some((number(index)?, number(of)?)))
        {
            found.entry(of).or_default().insert(index);
        }
    }
    if found.len() > 1 {
        let kinds: Vec<String> = found.keys().map(u64::to_string).collect();
        return vec![format!(
            "shards of runs with {} parts are mixed",
            kinds.join(" and ")
        )];
    }
    let of_run = |(of, indices): (u64, BTreeSet<u64>)| {
        // The number is untrusted and may be huge.
        let missing = (1..=of).filter(|index| !indices.contains(index));
        let shown: Vec<String> = missing
            .take(SHOWN + 1)
            .map(|index| index.to_string())
            .collect();
        let (noun, verb) = if shown.len() == 1 {
            ("shard", "is")
        } else {
            ("shards", "are")
        };
        let more = if shown.len() > SHOWN { " and more" } else { "" };
        let listed = shown[..shown.len().min(SHOWN)].join(", ");
        (!shown.is_empty()).then(|| format!("{noun} {listed}{more} of {of} {verb} missing"))
    };
    found.into_iter().filter_map(of_run).collect()
}

/// The maximum number of items listed.
const SHOWN: usize = 10;

fn short(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: &str = r#"{"type":"summary","version":1,"files":1}"#;

    #[test]
    fn what_is_no_report_says_where() {
        let cases = [
            ("", 1, "is empty"),
            ("\n\n", 1, "is empty"),
            ("[]", 1, "invalid"),
            (
                "{\n \"version\": 1,\n \"files\": 7}",
                3,
                "invalid type: integer `7`",
            ),
            (
                "{\"version\":9,\"files\":[],\"summary\":{\"files\":0}}",
                1,
                "version 9",
            ),
            (
                "{\"type\":\"summary\",\"version\":2,\"files\":1}",
                1,
                "version 2",
            ),
            (
                "{\"type\":\"finding\",\"path\":\"a\"}\n",
                1,
                "missing field",
            ),
            ("{\"type\":\"surprise\"}\n", 1, "unknown variant"),
        ];
        for (text, line, part) in cases {
            let error = read("x", text).unwrap_err();
            assert_eq!(error.line, line, "{text}: {error:?}");
            assert!(error.message.contains(part), "{text}: {error:?}");
        }
        let problem = r#"{"type":"problem","path":"a","message":"m","fatal":false,"start":null,"line":null,"column":null}"#;
        let cut = read("x", &format!("{problem}\n{problem}")).unwrap_err();
        assert_eq!(
            (cut.line, cut.message.contains("without a summary")),
            (2, true)
        );
        let twice = read("x", &format!("{SUMMARY}\n{SUMMARY}\n")).unwrap_err();
        assert_eq!(twice.line, 2);
        assert!(read("x", SUMMARY).is_ok());
    }

    #[test]
    fn missing_and_mixed_parts_are_named() {
        let part = |shard: &str, regfix: &str| {
            let text = format!(
                "{{\"type\":\"summary\",\"version\":1,\"files\":1,\"regfix\":\"{regfix}\",\"shard\":\"{shard}\"}}"
            );
            read(shard, &text).unwrap()
        };
        let said = |parts: &[Results]| misfits(&parts.iter().collect::<Vec<_>>());
        assert!(said(&[part("1/2", "1"), part("2/2", "1")]).is_empty());
        assert_eq!(said(&[part("2/2", "1")]), ["shard 1 of 2 is missing"]);
        assert_eq!(
            said(&[part("1/4", "1"), part("3/4", "1")]),
            ["shards 2, 4 of 4 are missing"]
        );
        assert_eq!(
            said(&[part("1/2", "1"), part("2/3", "1")]),
            ["shards of runs with 2 and 3 parts are mixed"]
        );
        let versions = said(&[part("1/2", "1"), part("2/2", "2")]);
        assert!(
            versions[0].starts_with("different versions of regfix: 1 in 1/2, 2 in 2/2"),
            "{versions:?}"
        );
        let vast = said(&[part("1/18446744073709551615", "1")]);
        assert!(
            vast[0].contains("and more of 18446744073709551615 are missing"),
            "{vast:?}"
        );
    }
}
