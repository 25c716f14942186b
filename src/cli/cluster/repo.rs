//! What repositories pull: a run over them, taken as a list of images and their locations.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::path::Path;

use serde::Deserialize;

use crate::cluster::Site;
use crate::kind;
use crate::open::{self, Links};
use crate::printable;
use crate::report;
use crate::run::{self, Mode, Options, Outcome};
use crate::source::LineIndex;
use crate::structure;

/// Files with places are no larger.
const LARGEST: usize = 16 << 20;

/// The report in JSON, as far as it is of use here.
#[derive(Deserialize)]
struct Document {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    path: String,
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    rule: String,
    severity: String,
    mention: bool,
    old: String,
    new: Option<String>,
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    line: usize,
    column: usize,
}

/// All images that the files at the roots of the run pull, and whether something failed.
pub(super) fn sites(options: Options<'_>, err: &mut dyn Write) -> io::Result<(Vec<Site>, bool)> {
    let options = Options {
        format: report::format("json").unwrap_or(options.format),
        mode: Mode::Check,
        outputs: Vec::new(),
        quiet: false,
        statistics: false,
        ..options
    };
    let mut text = Vec::new();
    let checked = run::check(&options, &mut text, err)?;
    let (listed, outcome) = run::listed(&options, err)?;
    let failed = checked == Outcome::Failed || outcome == Outcome::Failed;
    let Ok(document) = serde_json::from_slice::<Document>(&text) else {
        return Ok((Vec::new(), true));
    };
    let mut sites = Vec::new();
    let mut legacy = HashSet::new();
    for file in document.files {
        for finding in file.findings {
            let Some(span) = finding.spans.first().filter(|_| !finding.mention) else {
                continue;
            };
            legacy.insert((file.path.clone(), finding.old.clone()));
            sites.push(Site {
                path: file.path.clone(),
                line: span.line,
                column: span.column,
                image: finding.old,
                counts: finding.severity != "info",
                rule: Some(finding.rule),
                new: finding.new,
                place: String::new(),
            });
        }
    }
    for one in listed {
        let path = printable::name(&one.path);
        if !legacy.contains(&(path.clone(), one.image.clone())) {
            sites.push(Site {
                path,
                line: one.line,
                column: one.column,
                image: one.image,
                rule: None,
                new: None,
                counts: false,
                place: String::new(),
            });
        }
    }
    place(&mut sites);
    Ok((sites, failed))
}

/// Looks up where each is in the structure of its file. What cannot be read, as it is in an archive, has no place.
fn place(sites: &mut [Site]) {
    let mut by_path: BTreeMap<String, Vec<&mut Site>> = BTreeMap::new();
    for site in sites {
        by_path.entry(site.path.clone()).or_default().push(site);
    }
    for (path, sites) in by_path {
        let path = Path::new(&path);
        let (Some(kind), Ok(bytes)) = (
            kind::classify(path),
            open::read(path, Links::Follow, LARGEST),
        ) else {
            continue;
        };
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        let index = LineIndex::new(&text);
        let offset = |site: &&mut Site| {
            let line = index.span(
                site.line
                    .saturating_sub(1)
                    .min(index.count().saturating_sub(1)),
                &text,
            );
            let before = line
                .of(&text)
                .char_indices()
                .nth(site.column.saturating_sub(1));
            line.start + before.map_or(0, |(at, _)| at)
        };
        let offsets: Vec<usize> = sites.iter().map(offset).collect();
        let places = structure::places(&text, kind, &offsets);
        for (site, place) in sites.into_iter().zip(places) {
            site.place = place;
        }
    }
}
