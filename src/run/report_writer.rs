//! The reports of a run and their targets: standard output or error, and files. A file that cannot be written counts as a
//! failure but does not end the run.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Mode, Options};
use crate::baseline;
use crate::config;
use crate::diff;
use crate::printable::complain;
use crate::report::{
    Chunk, Format, PLACEHOLDER, RenderOptions, Report, Summary, concise, file_name,
};
use crate::rules::RuleSet;
use crate::source::lexically_normal;
use crate::walk;
use crate::write::{self, Cause, Draft, WriteError};

/// A report and its target.
pub(super) struct ReportWriter {
    format: &'static Format,
    render_options: RenderOptions,
    report: Report,
    sink: Target,
}

enum Target {
    Out,
    /// Standard output is used for the fixed text.
    Err,
    File(Draft),
    /// One file per repository, by the repository's name.
    Each {
        pattern: PathBuf,
        reports: BTreeMap<String, (Report, String)>,
    },
    /// Writing failed, and the failure was reported.
    Gone,
}

/// Whether a report goes to one file per repository.
fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(PLACEHOLDER)
}

impl Target {
    /// Creates a target with one file per repository. The folder must exist; only the file names differ.
    fn each(pattern: &Path) -> Result<Self, WriteError> {
        let folder = pattern
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        match walk::is_folder(folder) {
            Some(true) => Ok(Self::Each {
                pattern: pattern.to_owned(),
                reports: BTreeMap::new(),
            }),
            _ => Err(Cause::NoPlace(io::ErrorKind::NotFound.into()).at(pattern)),
        }
    }
}

/// Reports by repository, ready to be written.
struct Each<'e> {
    format: &'static Format,
    render_options: RenderOptions,
    pattern: &'e Path,
    reports: BTreeMap<String, (Report, String)>,
}

impl Each<'_> {
    /// Writes one file per repository of the run. Returns the number of failures, which it reports.
    fn write(
        mut self,
        options: &Options<'_>,
        shares: &BTreeMap<String, Summary>,
        rules: &RuleSet,
        streams: &mut Streams<'_>,
    ) -> io::Result<usize> {
        let mut failures = 0;
        let mut names = HashSet::new();
        let pattern = self.pattern.to_string_lossy().into_owned();
        for (repository, summary) in shares {
            let (mut report, mut text) = self.reports.remove(repository).unwrap_or_else(|| {
                let report = Report::new(self.format, self.render_options);
                let start = report.start();
                (report, start)
            });
            text += &report.rest();
            text += &report.end(summary, rules);
            let name = file_name(repository);
            // `a/b` and `a-b` lead to the same name.
            let numbered = (2..).map(|number| format!("{name}-{number}"));
            let mut candidates = std::iter::once(name.clone()).chain(numbered);
            let Some(name) = candidates.find(|name| names.insert(name.clone())) else {
                continue;
            };
            let path = PathBuf::from(pattern.replace(PLACEHOLDER, &name));
            if let Err(error) = Draft::put(&path, &text, &options.gate) {
                complain(&mut *streams.err, error)?;
                failures += 1;
            }
        }
        Ok(failures)
    }
}

/// The standard streams.
pub(super) struct Streams<'s> {
    pub out: &'s mut dyn Write,
    pub err: &'s mut dyn Write,
}

impl ReportWriter {
    /// All reports of a run, in the order of [`Options::formats`].
    ///
    /// # Errors
    /// The first file that cannot be created.
    pub(super) fn all(options: &Options<'_>) -> Result<Vec<Self>, WriteError> {
        let stream = options.stream_format().map(|_| {
            if options.pipes_text() {
                Ok(Target::Err)
            } else {
                Ok(Target::Out)
            }
        });
        let files = options.outputs.iter();
        let files = files.map(|(_, path)| match is_pattern(path) {
            true => Target::each(path),
            false => Draft::create(path, &options.gate).map(Target::File),
        });
        let sinks = stream.into_iter().chain(files);
        let outlets = options
            .formats()
            .zip(sinks)
            .map(|((format, render_options), sink)| {
                Ok(Self {
                    format,
                    render_options,
                    report: Report::new(format, render_options),
                    sink: sink?,
                })
            });
        outlets.collect()
    }

    pub(super) fn start(&mut self, streams: &mut Streams<'_>) -> io::Result<usize> {
        let text = match self.sink {
            Target::Err => String::new(),
            _ => self.report.start(),
        };
        self.write(&text, streams)
    }

    pub(super) fn is_by_repository(&self) -> bool {
        matches!(self.sink, Target::Each { .. })
    }

    /// Adds the piece of a file. `repository` is the name of its repository, or empty.
    pub(super) fn add(
        &mut self,
        piece: Chunk,
        repository: &str,
        streams: &mut Streams<'_>,
    ) -> io::Result<usize> {
        if let Target::Each { reports, .. } = &mut self.sink {
            let (format, render_options) = (self.format, self.render_options);
            let new = || {
                let report = Report::new(format, render_options);
                let start = report.start();
                (report, start)
            };
            let (report, text) = reports.entry(repository.to_owned()).or_insert_with(new);
            *text += &report.add(piece);
            return Ok(0);
        }
        let text = self.report.add(piece);
        self.write(&text, streams)
    }

    /// Finishes the report. Returns the number of failures, which it reports.
    pub(super) fn end(
        mut self,
        options: &Options<'_>,
        summary: &Summary,
        shares: &BTreeMap<String, Summary>,
        rules: &RuleSet,
        streams: &mut Streams<'_>,
    ) -> io::Result<usize> {
        if let Target::Each { pattern, reports } = self.sink {
            let each = Each {
                format: self.format,
                render_options: self.render_options,
                pattern: &pattern,
                reports,
            };
            return each.write(options, shares, rules, streams);
        }
        let rest = self.report.rest();
        let end = match self.sink {
            Target::Err => concise::counts(summary, &options.render_options),
            _ => self.report.end(summary, rules),
        };
        let mut failures = self.write(&(rest + &end), streams)?;
        if let Target::File(draft) = self.sink
            && let Err(error) = draft.finish()
        {
            complain(streams.err, error)?;
            failures += 1;
        }
        Ok(failures)
    }

    fn write(&mut self, text: &str, streams: &mut Streams<'_>) -> io::Result<usize> {
        match &mut self.sink {
            Target::Out => streams.out.write_all(text.as_bytes())?,
            Target::Err => streams.err.write_all(text.as_bytes())?,
            Target::File(draft) => {
                if let Err(error) = draft.push(text) {
                    complain(streams.err, error)?;
                    self.sink = Target::Gone;
                    return Ok(1);
                }
            }
            Target::Each { .. } | Target::Gone => {}
        }
        Ok(0)
    }
}

impl Options<'_> {
    /// The format on the standard stream; `None` for a diff or a table of counts.
    pub(super) fn stream_format(&self) -> Option<&'static Format> {
        if self.quiet || self.mode == Mode::Diff || self.counts_only() {
            return None;
        }
        // The fixed text is on standard output, so the stream must not contain a document for programs.
        Some(match self.pipes_text() && self.format.is_document {
            true => &concise::FORMAT,
            false => self.format,
        })
    }

    /// The formats of all reports, with their options: files have no colours.
    pub(super) fn formats(&self) -> impl Iterator<Item = (&'static Format, RenderOptions)> {
        let plain = self.render_options.plain();
        let stream = self
            .stream_format()
            .map(|format| (format, self.render_options));
        let files = self.outputs.iter().map(move |(format, _)| (*format, plain));
        stream.into_iter().chain(files)
    }

    /// The style of a diff.
    pub(super) fn diff_style(&self) -> diff::Style {
        let RenderOptions {
            terminal, color, ..
        } = self.render_options;
        match terminal || color {
            true => diff::Style::Terminal { color },
            false => diff::Style::Patch,
        }
    }

    /// Whether there are reports in files in addition to a diff. They list what can be fixed.
    pub(super) fn previews_reports(&self) -> bool {
        self.mode == Mode::Diff && !self.outputs.is_empty()
    }

    /// Whether keys of findings are needed.
    pub(super) fn wants_keys(&self) -> bool {
        !self.settings.baselines().is_empty() || self.formats().any(|(format, _)| format.has_keys)
    }

    /// Whether a file belongs to regfix itself: its settings, or what it writes about its findings.
    pub(super) fn is_own(&self, path: &Path) -> bool {
        let name = path.file_name();
        let full = |path: &Path| lexically_normal(&walk::working_directory().join(path));
        let mut namesakes = self.outputs.iter().filter(|(_, to)| to.file_name() == name);
        let is_of_pattern = |(_, to): &(&Format, PathBuf)| {
            let to_name = to
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            let parts = to_name
                .as_deref()
                .and_then(|name| name.split_once(PLACEHOLDER));
            let (Some((before, after)), Some(name)) = (parts, name) else {
                return false;
            };
            let name = name.to_string_lossy();
            name.starts_with(before)
                && name.ends_with(after)
                && full(to).parent() == full(path).parent()
        };
        name.is_some_and(is_own_name)
            || self.outputs.iter().any(is_of_pattern)
            || namesakes.any(|(_, to)| full(to) == full(path))
    }
}

/// Whether a file with this name belongs to regfix: settings, a catalogue, a baseline, or a leftover of a killed run.
fn is_own_name(name: &OsStr) -> bool {
    write::is_temporary(name)
        || name == baseline::FILE
        || name == config::CATALOGUE
        || config::is_configuration(Path::new(name))
}
