//! Where reports go: standard output or error, and files. A file that cannot be written is a failure, not the end.

use std::io::{self, Write};

use super::Options;
use crate::report::{Piece, Report, Summary, concise};
use crate::write::{Draft, WriteError};

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
        let files = files.map(|(_, path)| Draft::create(path).map(Sink::File));
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
        streams: &mut Streams<'_>,
    ) -> io::Result<usize> {
        let text = match self.sink {
            Sink::Err => concise::counts(summary, &options.look),
            _ => self.report.end(summary, options.rules),
        };
        let mut failures = self.write(&text, streams)?;
        if let Sink::File(draft) = self.sink
            && let Err(error) = draft.finish()
        {
            writeln!(streams.err, "regfix: {error}")?;
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
                    writeln!(streams.err, "regfix: {error}")?;
                    self.sink = Sink::Gone;
                    return Ok(1);
                }
            }
            Sink::Gone => {}
        }
        Ok(0)
    }
}
