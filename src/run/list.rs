//! Listings: which files would be scanned, and which images they name.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;

use super::{Options, Outcome};
use crate::check;
use crate::kind;
use crate::source::LineIndex;
use crate::walk;

const BATCH: usize = 256;

/// Lists the files that a run would look at, and as what.
///
/// # Errors
/// Where `out` or `err` cannot be written.
pub fn files(options: &Options<'_>, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Outcome> {
    let found = walk::list(&options.walk, &|path, named| options.kind_of(path, named).is_some());
    for path in &found.kept {
        let kind = options.kind_of(path, true).unwrap_or(&kind::TEXT);
        writeln!(out, "{:<14} {}", kind.name, path.display())?;
    }
    let failed = tell_problems(&found.problems, err)?;
    Ok(if failed { Outcome::Failed } else { Outcome::Clean })
}

fn tell_problems(problems: &[walk::Problem], err: &mut dyn Write) -> io::Result<bool> {
    for problem in problems {
        writeln!(err, "regfix: {problem}")?;
    }
    Ok(problems.iter().any(|problem| problem.fatal))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageFormat {
    Text,
    Json,
}

/// An image and its place, as JSON tells it.
#[derive(Serialize)]
struct Listed {
    image: String,
    name: String,
    tag: Option<String>,
    digest: Option<String>,
    path: String,
    line: usize,
    column: usize,
    shape: &'static str,
}

#[derive(Serialize)]
struct Counted<'c> {
    image: &'c str,
    count: usize,
}

/// Lists every image that the files name in a place from which it is pulled.
///
/// # Errors
/// Where `out` or `err` cannot be written.
pub fn images(
    options: &Options<'_>,
    format: ImageFormat,
    unique: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Outcome> {
    let mut failed = false;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut told = 0;
    let mut tell = |listed: Listed, out: &mut dyn Write| -> io::Result<()> {
        if unique {
            *counts.entry(listed.image).or_default() += 1;
            return Ok(());
        }
        match format {
            ImageFormat::Text => writeln!(out, "{}:{}:{}: {}", listed.path, listed.line, listed.column, listed.image)?,
            ImageFormat::Json => write!(out, "{}{}", separator(told), json(&listed)?)?,
        }
        told += 1;
        Ok(())
    };
    if format == ImageFormat::Json {
        write!(out, "{{\"version\":1,\"images\":[")?;
    }
    if options.walk.roots.iter().any(|root| root == Path::new("-")) {
        let name = options.stdin_name.clone().unwrap_or_else(|| PathBuf::from("<stdin>"));
        match walk::read_standard_input() {
            Ok(text) => {
                for listed in of_text(options, &name, &text) {
                    tell(listed, out)?;
                }
            }
            Err(error) => {
                writeln!(err, "regfix: {}: {error}", name.display())?;
                failed = true;
            }
        }
    } else {
        let found = walk::list(&options.walk, &|path, named| options.kind_of(path, named).is_some());
        failed |= tell_problems(&found.problems, err)?;
        for batch in found.kept.chunks(BATCH) {
            let read: Vec<_> = batch.par_iter().map(|path| of_file(options, path)).collect();
            for listed in read {
                match listed {
                    Ok(listed) => listed.into_iter().try_for_each(|listed| tell(listed, out))?,
                    Err(error) => {
                        writeln!(err, "regfix: {error}")?;
                        failed = true;
                    }
                }
            }
        }
    }
    if unique {
        tell_counts(&counts, format, out)?;
    }
    if format == ImageFormat::Json {
        writeln!(out, "\n]}}")?;
    }
    out.flush()?;
    Ok(if failed { Outcome::Failed } else { Outcome::Clean })
}

fn separator(told: usize) -> &'static str {
    if told == 0 { "\n" } else { ",\n" }
}

fn json(value: &impl Serialize) -> io::Result<String> {
    serde_json::to_string(value).map_err(io::Error::other)
}

/// The most frequent first, as `sort | uniq -c | sort -rn` has them.
fn tell_counts(counts: &BTreeMap<String, usize>, format: ImageFormat, out: &mut dyn Write) -> io::Result<()> {
    let mut rows: Vec<_> = counts.iter().collect();
    rows.sort_by(|one, other| other.1.cmp(one.1).then_with(|| one.0.cmp(other.0)));
    for (index, (image, count)) in rows.into_iter().enumerate() {
        match format {
            ImageFormat::Text => writeln!(out, "{count:>7} {image}")?,
            ImageFormat::Json => {
                let counted = Counted { image, count: *count };
                write!(out, "{}{}", separator(index), json(&counted)?)?;
            }
        }
    }
    Ok(())
}

fn of_file(options: &Options<'_>, path: &Path) -> Result<Vec<Listed>, String> {
    let text = match walk::read(path) {
        Ok(text) => text,
        Err(error) if error.is_binary() => return Ok(Vec::new()),
        Err(error) => return Err(error.to_string()),
    };
    super::guarded(path, || of_text(options, path, &text))
}

fn of_text(options: &Options<'_>, path: &Path, text: &str) -> Vec<Listed> {
    let kind = options.kind_of(path, true).unwrap_or(&kind::TEXT);
    let lines = LineIndex::new(text);
    let shown = path.to_string_lossy().replace('\\', "/");
    let images = check::images(path, text, kind);
    images
        .into_iter()
        .map(|image| {
            let position = lines.position(text, image.span.start);
            Listed {
                image: image.reference(),
                name: image.name,
                tag: image.tag,
                digest: image.digest,
                path: shown.clone(),
                line: position.line,
                column: position.column,
                shape: image.shape,
            }
        })
        .collect()
}

/// Findings by rule, the most frequent first.
pub(super) fn statistics(by_rule: &[(String, usize)], out: &mut dyn Write) -> io::Result<()> {
    by_rule.iter().try_for_each(|(rule, count)| writeln!(out, "{count:>7} {rule}"))
}
