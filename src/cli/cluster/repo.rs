//! What repositories pull: a run over them, taken as a list of images and their locations.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::path::Path;

use crate::cluster::Site;
use crate::kind;
use crate::open::{self, Links};
use crate::printable::{self, complain};
use crate::rules::Severity;
use crate::run::{self, Options, Outcome};
use crate::source::LineIndex;
use crate::structure;
use crate::walk::Overlay;

/// Files with places are no larger.
const LARGEST: usize = 16 << 20;

/// All images that the files at the roots of the run pull, and whether something failed.
pub(super) fn sites(options: &Options<'_>, err: &mut dyn Write) -> io::Result<(Vec<Site>, bool)> {
    let (listed, outcome) = run::listed(options, err)?;
    let mut failed = outcome == Outcome::Failed;
    let overlay = Overlay::default();
    let judged = run::session(options, |session| session.judge_all(&overlay, None)).flatten();
    let files = match judged {
        Ok(files) => files,
        Err(why) => {
            complain(&mut *err, why)?;
            failed = true;
            BTreeMap::new()
        }
    };
    let mut sites = Vec::new();
    let mut legacy = HashSet::new();
    for (path, file) in &files {
        let path = printable::name(path);
        let index = LineIndex::new(&file.text);
        for finding in file.findings.iter().filter(|finding| !finding.mention) {
            let position = index.position(&file.text, finding.span().start);
            legacy.insert((path.clone(), finding.old.clone()));
            sites.push(Site {
                path: path.clone(),
                line: position.line,
                column: position.column,
                image: finding.old.clone(),
                counts: finding.severity > Severity::Info,
                rule: Some(finding.rule.to_string()),
                new: finding.new.clone(),
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
