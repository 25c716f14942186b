//! Results of earlier runs as one report: joined by `report::results`, and written like those of a run.

use std::io::{self, Write};
use std::time::Instant;

use super::outlet::{Outlet, Streams};
use super::{Options, Outcome};
use crate::printable::complain;
use crate::report::results::{File, Joined};
use crate::report::{Format, Look, Piece, json, jsonl};
use crate::rules::RuleSet;

/// Writes the reports of joined results.
///
/// # Errors
/// Where `out` or `err` cannot be written.
pub fn merged(
    options: &Options<'_>,
    joined: Joined,
    rules: &RuleSet,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Outcome> {
    let began = Instant::now();
    let mut outlets = match Outlet::all(options) {
        Ok(outlets) => outlets,
        Err(error) => {
            complain(err, error)?;
            return Ok(Outcome::Failed);
        }
    };
    let mut streams = Streams { out, err };
    let Joined {
        files,
        mut summary,
        mut shares,
        misfits,
    } = joined;
    for misfit in &misfits {
        complain(&mut *streams.err, misfit)?;
    }
    let mut failures = 0;
    for outlet in &mut outlets {
        failures += outlet.start(&mut streams)?;
    }
    let formats: Vec<_> = options.formats().collect();
    for file in &files {
        for (outlet, (format, look)) in outlets.iter_mut().zip(&formats) {
            failures += outlet.add(piece(file, format, look), file.repository(), &mut streams)?;
        }
    }
    summary.catalogues = options.settings.catalogues();
    for share in shares.values_mut() {
        share.catalogues.clone_from(&summary.catalogues);
    }
    summary.failures += failures;
    summary.elapsed = began.elapsed();
    streams.out.flush()?;
    for outlet in outlets {
        summary.failures += outlet.end(options, &summary, &shares, rules, &mut streams)?;
    }
    Ok(options.outcome(&summary))
}

/// Formats for programs that have all fields have them as they were read.
fn piece(file: &File, format: &'static Format, look: &Look) -> Piece {
    match format.name {
        name if name == json::FORMAT.name => Piece::Text(file.json()),
        name if name == jsonl::FORMAT.name => Piece::Text(file.json_lines()),
        _ => file.with_report(|report| format.piece(report, look)),
    }
}
