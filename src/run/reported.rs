//! Checks the files of a run and reports the results in the order of paths.

mod single_file;
mod totals;

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::candidate::Candidate;
use super::changed::ChangedScope;
use super::file_output::{FileOutput, Worker};
use super::groups::Group;
use super::pipeline::Pipeline;
use super::report_writer::{ReportWriter, Streams};
use super::{Mode, Options, complain_of_settings, verify};
use crate::baseline::Baseline;
use crate::printable::{self, complain};
use crate::progress::Progress;
use crate::report::{Summary, Tally};
use crate::walk;
use crate::write::Writer;
use single_file::SingleFile;

/// The number of files that are held in memory and reported at a time.
const BATCH: usize = 256;

/// The batch size if the first finding ends the run, so that few files are checked needlessly.
const SMALL_BATCH: usize = 16;

/// The results of the files of a repository.
#[derive(Default)]
struct Share {
    summary: Summary,
    rules: Tally,
}

/// The run so far.
pub(super) struct Run<'r, 'o> {
    options: &'r Options<'o>,
    pipeline: &'r Pipeline<'r>,
    progress: &'r Progress,
    streams: Streams<'r>,
    outlets: Vec<ReportWriter>,
    summary: Summary,
    rules: Tally,
    /// Results by folder; `None` for files outside of repositories.
    repositories: BTreeMap<Option<PathBuf>, Share>,
    /// Entries for baselines, by the file of the baseline.
    found: BTreeMap<PathBuf, Baseline>,
}

/// Results of files whose turn to be reported has not come. Only groups of several files and unread files have entries.
struct Waiting(BTreeMap<PathBuf, FileOutput>);

impl Waiting {
    /// Adds files that the walk could not read.
    fn add_unread(&mut self, options: &Options<'_>, problems: &[walk::Problem]) {
        for problem in problems.iter().filter(|problem| problem.fatal) {
            let part = self.0.entry(problem.path.clone()).or_default();
            if part.pieces.is_empty() {
                part.add_unread(options, &problem.path, problem.message.clone());
            }
        }
    }

    fn take_before(&mut self, path: &PathBuf) -> BTreeMap<PathBuf, FileOutput> {
        let later = self.0.split_off(path);
        std::mem::replace(&mut self.0, later)
    }
}

impl<'r, 'o> Run<'r, 'o> {
    pub(super) fn new(
        options: &'r Options<'o>,
        pipeline: &'r Pipeline<'r>,
        progress: &'r Progress,
        streams: Streams<'r>,
        outlets: Vec<ReportWriter>,
    ) -> Self {
        Self {
            options,
            pipeline,
            progress,
            streams,
            outlets,
            summary: Summary::default(),
            rules: Tally::default(),
            repositories: BTreeMap::new(),
            found: BTreeMap::new(),
        }
    }

    /// Whether a single finding decides the run, like a match for `grep -q`: only the exit code is needed.
    fn one_settles_it(&self) -> bool {
        let options = self.options;
        options.quiet
            && options.mode == Mode::Check
            && options.outputs.is_empty()
            && options.settings.baselines().is_empty()
    }

    /// Whether the rest of the report has no reader, so that a finding decides the run as well.
    fn is_unread(&self) -> bool {
        let options = self.options;
        options.unread.load(Ordering::Relaxed)
            && options.mode != Mode::Write
            && options.outputs.is_empty()
            && options.settings.baselines().is_empty()
    }

    fn has_all_that_counts(&self) -> bool {
        let settles = self.one_settles_it() || self.is_unread();
        settles && self.options.fails_on(&self.summary)
    }

    /// Starts all reports, and reports what the settings leave out.
    pub(super) fn start(&mut self) -> io::Result<()> {
        for report_writer in &mut self.outlets {
            self.summary.failures += report_writer.start(&mut self.streams)?;
        }
        self.report_settings()
    }

    /// Reports which repositories are left out, and which settings do not apply to repositories.
    fn report_settings(&mut self) -> io::Result<()> {
        if !self.options.quiet {
            for message in self.options.settings.passed_over() {
                complain(self.streams.err, message)?;
            }
        }
        for why in self.options.settings.broken() {
            self.summary.failures += 1;
            complain_of_settings(self.streams.err, &why)?;
        }
        Ok(())
    }

    fn walked(
        &mut self,
        problems: &[walk::Problem],
        skipped: &[(PathBuf, &str)],
    ) -> io::Result<()> {
        for problem in problems {
            if problem.is_counted {
                if self.options.verbose {
                    complain(self.streams.err, problem)?;
                }
                continue;
            }
            let count = if problem.fatal {
                &mut self.summary.failures
            } else {
                &mut self.summary.not_analysed
            };
            *count += 1;
            if problem.fatal || self.options.verbose {
                complain(self.streams.err, problem)?;
            }
        }
        if self.options.verbose {
            skipped.iter().try_for_each(|(path, why)| {
                complain(
                    self.streams.err,
                    format!("{}: {why}", printable::path(path)),
                )
            })?;
        }
        Ok(())
    }

    /// Checks all files of the walk: groups of several files first, then the other files in the order of paths.
    pub(super) fn files(
        &mut self,
        found: &walk::Walked<Candidate>,
        groups: Vec<Group>,
        only: Option<&ChangedScope>,
        writer: Option<&Writer>,
    ) -> io::Result<()> {
        self.count_walked(found, &groups, only);
        self.aside(|run| run.walked(&found.problems, &found.skipped))?;
        let work = Worker {
            options: self.options,
            pipeline: self.pipeline,
            found,
            writer,
        };
        let (groups, files) = single_file::apart(groups, found, only);
        let dry = Worker {
            writer: None,
            ..work
        };
        self.ask_registries(|| {
            groups.par_iter().for_each(|group| drop(dry.group(group)));
            files.par_iter().for_each(|file| drop(file.judge(dry)));
        })?;
        let grouped: usize = groups.iter().map(|group| group.files.len()).sum();
        self.progress.turn_to(grouped + files.len());
        let mut waiting = self.judge_groups(work, groups);
        waiting.add_unread(self.options, &found.problems);
        self.files_in_order(work, &files, waiting)
    }

    fn count_walked(
        &mut self,
        found: &walk::Walked<Candidate>,
        groups: &[Group],
        only: Option<&ChangedScope>,
    ) {
        let (summary, counts) = (&mut self.summary, found.counts);
        summary.files = match only {
            None => counts.files,
            Some(only) => {
                let affected = groups.iter().flat_map(Group::paths);
                let changed = found.kept.iter().map(|(path, _)| path);
                let changed = changed.filter(|path| only.has(path));
                changed.chain(affected).collect::<HashSet<_>>().len()
            }
        };
        summary.unknown = counts.unwanted;
        summary.unchanged = counts.files.saturating_sub(summary.files);
        summary.excluded = counts.excluded;
        summary.ignored = counts.ignored;
        summary.hidden = counts.hidden;
        summary.reports = counts.reports;
    }

    fn judge_groups(&self, work: Worker<'_>, groups: Vec<Group>) -> Waiting {
        let progress = self.progress;
        let parts: Vec<Vec<(PathBuf, FileOutput)>> = groups
            .into_par_iter()
            .map(|group| {
                let files = group.files.len();
                let parts = work.group(&group);
                progress.advance(files);
                parts
            })
            .collect();
        Waiting(parts.into_iter().flatten().collect())
    }

    /// Checks single files in batches. Reports each file after everything before it.
    fn files_in_order(
        &mut self,
        work: Worker<'_>,
        files: &[SingleFile<'_>],
        mut waiting: Waiting,
    ) -> io::Result<()> {
        let progress = self.progress;
        let batch = match self.one_settles_it() {
            true => SMALL_BATCH,
            false => BATCH,
        };
        for batch in files.chunks(batch) {
            if self.has_all_that_counts() {
                return Ok(());
            }
            let parts = |file: &SingleFile<'_>| {
                let parts = file.judge(work);
                progress.advance(1);
                parts
            };
            let parts: Vec<Vec<(PathBuf, FileOutput)>> = batch.par_iter().map(parts).collect();
            self.aside(|run| {
                for (file, parts) in batch.iter().zip(parts) {
                    run.report_all(waiting.take_before(file.path))?;
                    run.report_all(parts)?;
                }
                Ok(())
            })?;
        }
        self.aside(|run| run.report_all(waiting.0))
    }

    /// Queries registries about the images that verdicts depend on, if the run queries them at all. `judge` only notes
    /// these images.
    fn ask_registries(&mut self, judge: impl Fn()) -> io::Result<()> {
        let options = self.options;
        let rules = &self.pipeline.domains.all.set;
        let (Some(registries), Some(asked)) = (options.registries, rules.answers()) else {
            return Ok(());
        };
        verify::ask(registries, asked, options.quiet, self.streams.err, judge)
    }

    /// Reports while the progress line is hidden.
    fn aside(&mut self, report: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        let progress = self.progress;
        progress.aside(|| {
            report(self)?;
            // Otherwise the buffered output would appear in the middle of the progress line.
            if progress.is_shown() {
                self.streams.out.flush()?;
            }
            Ok(())
        })
    }

    fn report_all(
        &mut self,
        parts: impl IntoIterator<Item = (PathBuf, FileOutput)>,
    ) -> io::Result<()> {
        let mut parts = parts.into_iter();
        parts.try_for_each(|(path, part)| self.report_one(&path, part))
    }

    fn report_one(&mut self, path: &Path, part: FileOutput) -> io::Result<()> {
        self.summary.add(&part.summary);
        if let Some(area) = self.options.settings.of(path) {
            let top = area.top().map(Path::to_owned);
            let share = self.repositories.entry(top).or_default();
            share.summary.add(&part.summary);
            share.summary.files += 1;
            share.rules.join(&part.rules);
        }
        let has_parts = self.outlets.iter().any(ReportWriter::is_by_repository);
        let origin = has_parts
            .then(|| self.options.settings.origin(path))
            .flatten();
        let name = origin.as_ref().map_or("", |origin| &origin.repository);
        self.rules.join(&part.rules);
        for error in part.errors {
            complain(self.streams.err, error)?;
        }
        self.streams.out.write_all(part.out.as_bytes())?;
        for (report_writer, piece) in self.outlets.iter_mut().zip(part.pieces) {
            self.summary.failures += report_writer.add(piece, name, &mut self.streams)?;
        }
        if let Some((baseline, entries)) = part.found {
            let found = self.found.entry(baseline).or_default();
            entries.into_iter().for_each(|entry| found.add(entry));
        }
        Ok(())
    }

    pub(super) fn standard_input(&mut self) -> io::Result<()> {
        self.summary.files = 1;
        let options = self.options;
        let (name, file_type) = options.standard_input();
        let text = match walk::read_from(io::stdin().lock(), &name) {
            Ok(text) => text,
            Err(error) => {
                let mut part = FileOutput::default();
                part.fail(error.to_string());
                part.add_unread(options, &name, error.reason());
                return self.report_one(&name, part);
            }
        };
        let (text, encoding) = text;
        let before: Arc<str> = text.into();
        let pipeline = self.pipeline;
        self.ask_registries(|| {
            drop(pipeline.file(&name, before.clone(), file_type, options.fix()))
        })?;
        let outcome = pipeline.file(&name, Arc::clone(&before), file_type, options.fix());
        if options.pipes_text() {
            self.streams
                .out
                .write_all(&encoding.encode(&outcome.text))?;
        }
        let mut part = FileOutput::of(options, &name, file_type, Some(&before), outcome);
        if options.previews_reports() {
            let unfixed = self.pipeline.file(&name, before, file_type, None);
            part.report(options, &name, file_type, unfixed);
        }
        self.report_one(&name, part)
    }
}
