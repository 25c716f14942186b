//! Writes results of earlier runs, joined by `report::results`, like those of a run.

use std::io::{self, Write};
use std::time::Instant;

use super::report_writer::{ReportWriter, Streams};
use super::{Options, RunOutcome};
use crate::printable::complain;
use crate::report::results::{File, Joined};
use crate::report::{Chunk, Format, RenderOptions, json, jsonl};
use crate::rules::RuleSet;

/// Writes the reports of joined results.
///
/// # Errors
/// If `out` or `err` cannot be written.
pub fn merged(
    options: &Options<'_>,
    joined: Joined,
    rules: &RuleSet,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<RunOutcome> {
    let began = Instant::now();
    let mut outlets = match ReportWriter::all(options) {
        Ok(outlets) => outlets,
        Err(error) => {
            complain(err, error)?;
            return Ok(RunOutcome::Failed);
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
    for report_writer in &mut outlets {
        failures += report_writer.start(&mut streams)?;
    }
    let formats: Vec<_> = options.formats().collect();
    for file in &files {
        for (report_writer, (format, render_options)) in outlets.iter_mut().zip(&formats) {
            failures += report_writer.add(
                piece(file, format, render_options),
                file.repository(),
                &mut streams,
            )?;
        }
    }
    summary.catalogues = options.settings.catalogues();
    for share in shares.values_mut() {
        share.catalogues.clone_from(&summary.catalogues);
    }
    summary.failures += failures;
    summary.elapsed = began.elapsed();
    streams.out.flush()?;
    for report_writer in outlets {
        summary.failures += report_writer.end(options, &summary, &shares, rules, &mut streams)?;
    }
    Ok(options.outcome(&summary))
}

/// The JSON formats have all fields, so they use the rows as they were read.
fn piece(file: &File, format: &'static Format, render_options: &RenderOptions) -> Chunk {
    match format.name {
        name if name == json::FORMAT.name => Chunk::Text(file.json()),
        name if name == jsonl::FORMAT.name => Chunk::Text(file.json_lines()),
        _ => file.with_report(|report| format.chunk(report, render_options)),
    }
}
