//! Lists the images that repositories pull, with their locations, by a run over them.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::path::Path;

use crate::cluster::Site;
use crate::file_type;
use crate::finding::Finding;
use crate::open::{self, Links};
use crate::printable::{self, complain};
use crate::rules::Severity;
use crate::run::{self, Judged, Options, RunOutcome};
use crate::source::LineIndex;
use crate::structure;
use crate::walk::Overlay;

/// The size limit of a file that is searched for field paths, in bytes.
const LARGEST: usize = 16 << 20;

/// Returns all images that the files at the roots of the run pull, and whether something failed.
pub(super) fn sites(options: &Options<'_>, err: &mut dyn Write) -> io::Result<(Vec<Site>, bool)> {
    let (listed, outcome) = run::listed(options, err)?;
    let mut failed = outcome == RunOutcome::Failed;
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
    let mut sites: Vec<Site> = files
        .iter()
        .flat_map(|(path, file)| legacy_sites(path, file))
        .collect();
    let legacy: HashSet<_> = sites
        .iter()
        .map(|site| (site.path.clone(), site.image.clone()))
        .collect();
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
                field_path: String::new(),
            });
        }
    }
    add_field_paths(&mut sites);
    Ok((sites, failed))
}

/// Returns the findings of a file about images that are pulled.
fn legacy_sites(path: &Path, file: &Judged) -> Vec<Site> {
    let index = LineIndex::new(&file.text);
    let pulled = file.findings.iter().filter(|finding| !finding.mention);
    let site = |finding: &Finding| {
        let position = index.position(finding.span().start);
        Site {
            path: printable::name(path),
            line: position.line,
            column: position.column,
            image: finding.old.clone(),
            counts: finding.severity > Severity::Info,
            rule: Some(finding.rule.to_string()),
            new: finding.new.clone(),
            field_path: String::new(),
        }
    };
    pulled.map(site).collect()
}

/// Looks up where each site is in the structure of its file. Files that cannot be read here, as in archives, get no field
/// paths.
fn add_field_paths(sites: &mut [Site]) {
    let mut by_path: BTreeMap<String, Vec<&mut Site>> = BTreeMap::new();
    for site in sites {
        by_path.entry(site.path.clone()).or_default().push(site);
    }
    for (path, sites) in by_path {
        let path = Path::new(&path);
        let (Some(file_type), Ok(bytes)) = (
            file_type::classify(path),
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
            );
            let before = line
                .of(&text)
                .char_indices()
                .nth(site.column.saturating_sub(1));
            line.start + before.map_or(0, |(at, _)| at)
        };
        let offsets: Vec<usize> = sites.iter().map(offset).collect();
        let paths = structure::places(&text, file_type, &offsets);
        for (site, path) in sites.into_iter().zip(paths) {
            site.field_path = path;
        }
    }
}
