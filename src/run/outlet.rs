//! Which reports a run makes, and where they go: standard output or error, and files. A file that cannot be written is
//! a failure, not the end.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;

use super::{Mode, Options};
use crate::baseline;
use crate::config;
use crate::diff;
use crate::printable::complain;
use crate::report::{Format, Look, Piece, Report, Summary, concise};
use crate::rules::RuleSet;
use crate::source::normal;
use crate::walk;
use crate::write::{self, Draft, WriteError};

/// A report and where it goes.
pub(super) struct Outlet {
    report: Report,
    sink: Sink,
}

enum Sink {
    Out,
    /// Standard output is taken, by a fixed text.
    Err,
    File(Draft),
    /// It failed, and was told of.
    Gone,
}

/// The standard streams.
pub(super) struct Streams<'s> {
    pub out: &'s mut dyn Write,
    pub err: &'s mut dyn Write,
}

impl Outlet {
    /// All of a run, in the order of [`Options::formats`].
    ///
    /// # Errors
    /// The first file that cannot be begun.
    pub(super) fn all(options: &Options<'_>) -> Result<Vec<Self>, WriteError> {
        let stream = options.stream_format().map(|_| {
            if options.pipes_text() {
                Ok(Sink::Err)
            } else {
                Ok(Sink::Out)
            }
        });
        let files = options.outputs.iter();
        let files = files.map(|(_, path)| Draft::create(path, &options.gate).map(Sink::File));
        let sinks = stream.into_iter().chain(files);
        let outlets = options.formats().zip(sinks).map(|((format, look), sink)| {
            Ok(Self {
                report: Report::new(format, look),
                sink: sink?,
            })
        });
        outlets.collect()
    }

    pub(super) fn start(&mut self, streams: &mut Streams<'_>) -> io::Result<usize> {
        let text = match self.sink {
            Sink::Err => String::new(),
            _ => self.report.start(),
        };
        self.write(&text, streams)
    }

    pub(super) fn add(&mut self, piece: Piece, streams: &mut Streams<'_>) -> io::Result<usize> {
        let text = self.report.add(piece);
        self.write(&text, streams)
    }

    /// Closes the report. Gives the failures, which were told.
    pub(super) fn end(
        mut self,
        options: &Options<'_>,
        summary: &Summary,
        rules: &RuleSet,
        streams: &mut Streams<'_>,
    ) -> io::Result<usize> {
        let rest = self.report.rest();
        let end = match self.sink {
            Sink::Err => concise::counts(summary, &options.look),
            _ => self.report.end(summary, rules),
        };
        let mut failures = self.write(&(rest + &end), streams)?;
        if let Sink::File(draft) = self.sink
            && let Err(error) = draft.finish()
        {
            complain(streams.err, error)?;
            failures += 1;
        }
        Ok(failures)
    }

    fn write(&mut self, text: &str, streams: &mut Streams<'_>) -> io::Result<usize> {
        match &mut self.sink {
            Sink::Out => streams.out.write_all(text.as_bytes())?,
            Sink::Err => streams.err.write_all(text.as_bytes())?,
            Sink::File(draft) => {
                if let Err(error) = draft.push(text) {
                    complain(streams.err, error)?;
                    self.sink = Sink::Gone;
                    return Ok(1);
                }
            }
            Sink::Gone => {}
        }
        Ok(0)
    }
}

impl Options<'_> {
    /// The format of the report on a standard stream. A diff and a table of counts stand there alone.
    pub(super) fn stream_format(&self) -> Option<&'static Format> {
        if self.quiet || self.mode == Mode::Diff || self.counts_only() {
            return None;
        }
        // Beside a fixed text there is no document that a format for programs could be part of.
        Some(match self.pipes_text() && self.format.is_document {
            true => &concise::FORMAT,
            false => self.format,
        })
    }

    /// The formats of all reports, and how they look: nothing is coloured in a file.
    pub(super) fn formats(&self) -> impl Iterator<Item = (&'static Format, Look)> {
        let plain = Look {
            terminal: false,
            color: false,
            hyperlinks: false,
            ..self.look
        };
        let stream = self.stream_format().map(|format| (format, self.look));
        let files = self.outputs.iter().map(move |(format, _)| (*format, plain));
        stream.into_iter().chain(files)
    }

    /// How a diff is written.
    pub(super) fn diff_style(&self) -> diff::Style {
        let Look {
            terminal, color, ..
        } = self.look;
        match terminal || color {
            true => diff::Style::Terminal { color },
            false => diff::Style::Patch,
        }
    }

    /// Whether reports go to files beside a diff: they tell what there is to fix.
    pub(super) fn previews_reports(&self) -> bool {
        self.mode == Mode::Diff && !self.outputs.is_empty()
    }

    /// Whether keys of findings are asked for.
    pub(super) fn wants_keys(&self) -> bool {
        !self.settings.baselines().is_empty() || self.formats().any(|(format, _)| format.has_keys)
    }

    /// Whether a file is one of regfix itself: its settings, or what it writes of what it found.
    pub(super) fn is_own(&self, path: &Path) -> bool {
        let name = path.file_name();
        let full = |path: &Path| normal(&walk::working_directory().join(path));
        let mut namesakes = self.outputs.iter().filter(|(_, to)| to.file_name() == name);
        name.is_some_and(is_own_name) || namesakes.any(|(_, to)| full(to) == full(path))
    }
}

/// Whether files of that name are regfix's own: settings, a catalogue, the baseline, and what a killed run left.
fn is_own_name(name: &OsStr) -> bool {
    write::is_temporary(name)
        || name == baseline::FILE
        || name == config::CATALOGUE
        || config::is_configuration(Path::new(name))
}
