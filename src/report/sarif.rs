//! For code scanning: SARIF 2.1.0, as OASIS defines it and GitHub reads it.
//!
//! Results are streamed file by file. The table of rules follows them, because only then it is known which rules have
//! results. A problem is a result of the rule `not-analysed`.

mod descriptors;
mod log;

use std::collections::BTreeSet;
use std::path::{MAIN_SEPARATOR, Path};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::fingerprint::fingerprints;
use super::text::Places;
use super::{Delivery, FileReport, Format, Origin, Parts, RenderOptions, Stream, Summary};
use crate::edit::Applicability;
use crate::finding::{Finding, Problem, Related, Severity};
use crate::printable;
use crate::rules::RuleSet;
use crate::source::{Position, Span};
use descriptors::{NOT_ANALYSED, descriptors};
use log::{
    ArtifactChange, ArtifactLocation, Content, Driver, Fingerprints, Fix, Invocation, Location,
    Message, Physical, Properties, Region, Replacement, RunProperties, SarifResult, Tool,
};

struct Sarif;

pub static FORMAT: Format = Format {
    name: "sarif",
    about: "code scanning: SARIF 2.1.0",
    notes: "with fixes, related locations and the help of the rules",
    is_document: true,
    has_keys: true,
    delivery: Delivery::Streamed(&Sarif),
};

/// Characters that need no encoding in a path of a URI: the unreserved ones, some others, and the slash. A colon is encoded,
/// because it would make the first segment look like a scheme.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

impl Stream for Sarif {
    fn start(&self) -> String {
        "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\
         \"runs\":["
            .to_owned()
    }

    fn between(&self) -> &'static str {
        ",\n"
    }

    fn file(&self, report: &FileReport<'_>, _look: &RenderOptions) -> String {
        let mut places = Places::new(report);
        let findings = report.findings.iter().zip(fingerprints(report));
        let mut results: Vec<String> = findings
            .map(|(finding, print)| {
                printable::json(&of_finding(finding, print, report, &mut places))
            })
            .collect();
        let problems = report.problems.iter();
        results.extend(
            problems.map(|problem| printable::json(&of_problem(problem, report, &mut places))),
        );
        results.join(",\n")
    }

    fn parts(&self) -> Option<&'static dyn Parts> {
        Some(&Sarif)
    }

    fn end(&self, _: &Summary, _: &RenderOptions, _: &RuleSet) -> String {
        "]}\n".to_owned()
    }
}

/// One run per repository. Its paths are relative to the repository.
impl Parts for Sarif {
    fn open(&self) -> &'static str {
        "{\"columnKind\":\"unicodeCodePoints\",\"results\":[\n"
    }

    fn between(&self) -> &'static str {
        ",\n"
    }

    fn close(
        &self,
        origin: Option<&Origin>,
        is_alone: bool,
        summary: &Summary,
        rules: &RuleSet,
    ) -> String {
        let tool = Tool {
            driver: Driver {
                name: "regfix",
                semantic_version: env!("CARGO_PKG_VERSION"),
                rules: descriptors(summary, rules),
            },
        };
        let invocation = Invocation {
            execution_successful: summary.failures == 0,
        };
        let catalogues = summary.catalogues.iter().map(|edition| edition.name());
        let properties = RunProperties {
            catalogues: catalogues.collect(),
            repository: origin.map(|origin| origin.repository.as_str()),
            commit: origin.and_then(|origin| origin.commit.as_deref()),
        };
        // Code scanning distinguishes the runs of one upload by this id.
        let id = match (is_alone, origin) {
            (true, _) => String::new(),
            (false, origin) => {
                let name = origin.map_or("", |origin| &origin.repository);
                let id = printable::json(&format!("regfix/{name}/"));
                format!(",\"automationDetails\":{{\"id\":{id}}}")
            }
        };
        format!(
            "\n],\"tool\":{},\"invocations\":[{}]{id},\"properties\":{}}}",
            printable::json(&tool),
            printable::json(&invocation),
            printable::json(&properties)
        )
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn of_finding<'f>(
    finding: &'f Finding,
    fingerprint: String,
    report: &FileReport<'_>,
    places: &mut Places<'_>,
) -> SarifResult<'f> {
    let here = || artifact(&report.origin_base().from_root(report.path));
    let mut located = |span: Span, text: Option<&str>| Location {
        physical_location: Some(Physical {
            artifact_location: here(),
            region: Some(region(span, places)),
        }),
        message: text.map(Message::new),
    };
    let location = located(finding.span(), None);
    let pieces = finding.labels.iter().skip(1);
    let mut related: Vec<Location> = pieces
        .map(|label| located(label.span, Some(&label.text)))
        .collect();
    related.extend(finding.related.iter().map(|place| elsewhere(place, report)));
    SarifResult {
        rule_id: &finding.rule,
        level: level(finding.severity),
        kind: "fail",
        message: Message::new(finding.with_remarks()),
        locations: vec![location],
        related_locations: related,
        partial_fingerprints: Some(Fingerprints { site: fingerprint }),
        fixes: fixes(finding, report, places),
        properties: Some(Properties {
            old: &finding.old,
            new: finding.new.as_deref(),
            applicability: finding.applicability().map(Applicability::name),
        }),
    }
}

/// A location in another file or in an archive.
fn elsewhere(place: &Related, report: &FileReport<'_>) -> Location {
    let archived = place.archive();
    // Lines inside an archive are not lines of the archive file.
    let region = place.position.filter(|_| archived.is_none());
    let text = match archived {
        Some(_) => format!("{} ({})", place.text, place.shown_place()),
        None => place.text.clone(),
    };
    let path = archived.unwrap_or(&place.place);
    Location {
        physical_location: Some(Physical {
            artifact_location: artifact(&report.origin_base().from_root(path.as_ref())),
            region: region.map(|Position { line, column }| Region::Lines {
                start_line: line,
                start_column: column,
                end_line: None,
                end_column: None,
            }),
        }),
        message: Some(Message::new(text)),
    }
}

fn of_problem<'p>(
    problem: &'p Problem,
    report: &FileReport<'_>,
    places: &mut Places<'_>,
) -> SarifResult<'p> {
    let at = problem.offset.map(|at| Span::new(at, at));
    let (level, kind) = match problem.fatal {
        true => ("error", "fail"),
        false => ("none", "informational"),
    };
    SarifResult {
        rule_id: NOT_ANALYSED,
        level,
        kind,
        message: Message::new(problem.message.as_str()),
        locations: vec![Location {
            physical_location: Some(Physical {
                artifact_location: artifact(&report.origin_base().from_root(report.path)),
                region: at.map(|span| region(span, places)),
            }),
            message: None,
        }],
        related_locations: Vec::new(),
        partial_fingerprints: None,
        fixes: Vec::new(),
        properties: None,
    }
}

/// The fix, if a run could write it, with the changes to all its files.
fn fixes<'f>(
    finding: &'f Finding,
    report: &FileReport<'_>,
    places: &mut Places<'_>,
) -> Vec<Fix<'f>> {
    let fix = finding.fix.as_ref();
    let Some(fix) = fix.filter(|fix| fix.applicability.is_written()) else {
        return Vec::new();
    };
    let mut changes = Vec::new();
    let replacements = fix.edits.iter().map(|edit| Replacement {
        deleted_region: region(edit.span, places),
        inserted_content: Content { text: &edit.text },
    });
    let replacements: Vec<Replacement<'f>> = replacements.collect();
    if !replacements.is_empty() {
        changes.push(ArtifactChange {
            artifact_location: artifact(&report.origin_base().from_root(report.path)),
            replacements,
        });
    }
    let paths: BTreeSet<_> = fix.elsewhere.iter().map(|edit| &edit.path).collect();
    for path in paths {
        let edits = fix.elsewhere.iter().filter(|edit| edit.path == *path);
        let replacements = edits.map(|edit| Replacement {
            // The text of the other file is not available, so its line numbers are unknown.
            deleted_region: Region::Bytes {
                byte_offset: edit.edit.span.start,
                byte_length: edit.edit.span.len(),
            },
            inserted_content: Content {
                text: &edit.edit.text,
            },
        });
        changes.push(ArtifactChange {
            artifact_location: artifact(&report.origin_base().from_root(path)),
            replacements: replacements.collect(),
        });
    }
    if changes.is_empty() {
        return Vec::new();
    }
    vec![Fix {
        description: finding.new.as_deref().map(Message::new),
        artifact_changes: changes,
    }]
}

fn region(span: Span, places: &mut Places<'_>) -> Region {
    let (start, end) = (places.at(span.start), places.at(span.end));
    Region::Lines {
        start_line: start.line,
        start_column: start.column,
        end_line: Some(end.line),
        end_column: Some(end.column),
    }
}

/// Relative to the root of the repository; absolute for files outside.
fn artifact(path: &Path) -> ArtifactLocation {
    // A URI can encode any bytes, and so any name.
    let bytes = path.as_os_str().as_encoded_bytes();
    let slashed: Vec<u8> = bytes
        .iter()
        .map(|byte| match char::from(*byte) {
            MAIN_SEPARATOR => b'/',
            _ => *byte,
        })
        .collect();
    let encoded = percent_encode(&slashed, PATH).to_string();
    let absolute = slashed.starts_with(b"/") || slashed.get(1..3) == Some(b":/");
    match absolute {
        true => ArtifactLocation {
            uri: format!("file:///{}", encoded.trim_start_matches('/')),
            uri_base_id: None,
        },
        false => ArtifactLocation {
            uri: encoded,
            uri_base_id: Some("%SRCROOT%"),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::sample::{LOOK, Sample, finding, make_shared, make_unsafe};
    use super::*;

    fn results(sample: &Sample, path: &str) -> Value {
        let rules = RuleSet::new(Vec::new());
        let summary = Summary::default();
        let text = Sarif.start()
            + Sarif.open()
            + &sample.show(&Sarif, path, &LOOK)
            + &Sarif.close(None, true, &summary, &rules)
            + &Sarif.end(&summary, &LOOK, &rules);
        let log: Value = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}"));
        log["runs"][0]["results"].clone()
    }

    #[test]
    fn places_are_below_the_repository_and_escaped() {
        let sample = Sample::new("a: k8s.gcr.io/a\n").finding("k8s.gcr.io/a");
        for (path, uri, base) in [
            ("a.yaml", "sub/a.yaml", Some("%SRCROOT%")),
            (
                "ä b/100%#?.yaml",
                "sub/%C3%A4%20b/100%25%23%3F.yaml",
                Some("%SRCROOT%"),
            ),
            ("../c:d.yaml", "c%3Ad.yaml", Some("%SRCROOT%")),
            ("/else/a.yaml", "file:///else/a.yaml", None),
        ] {
            let results = results(&sample, path);
            let found = &results[0]["locations"][0]["physicalLocation"]["artifactLocation"];
            assert_eq!(found["uri"], uri);
            assert_eq!(found["uriBaseId"].as_str(), base);
        }
    }

    #[test]
    fn a_fix_names_every_file_that_it_changes() {
        let pieces = [(3, "k8s.gcr.io", "registry"), (17, "pause", "path")];
        let sample = Sample::new("a: k8s.gcr.io\nb: pause\n")
            .push(finding(&pieces, "k8s.gcr.io/pause"))
            .with(make_unsafe)
            .with(make_shared);
        let result = &results(&sample, "a.yaml")[0];
        let changes = &result["fixes"][0]["artifactChanges"];
        assert_eq!(changes[0]["artifactLocation"]["uri"], "sub/a.yaml");
        assert_eq!(
            changes[0]["replacements"][0]["deletedRegion"]["startColumn"],
            4
        );
        assert_eq!(changes[1]["artifactLocation"]["uri"], "b.yaml");
        assert_eq!(
            changes[1]["replacements"][0]["deletedRegion"]["byteOffset"],
            1
        );
        let related = &result["relatedLocations"];
        assert_eq!(related[0]["physicalLocation"]["region"]["startLine"], 2);
        assert_eq!(
            related[1]["physicalLocation"]["artifactLocation"]["uri"],
            "sub/x-1.tgz"
        );
        assert_eq!(
            related[1]["message"]["text"],
            "the default (x-1.tgz!x/values.yaml:3:4)"
        );
    }
}
