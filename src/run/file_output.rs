//! The output of each file: reads, checks, writes if asked, and reports it.
//!
//! Knows nothing about the order of files.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::candidate::{self, Candidate, Searched};
use super::groups::Group;
use super::pipeline::{self, Pipeline};
use super::texts::{READ_ONLY, Texts};
use super::{Mode, Options, ignores};
use crate::baseline::{self, Entry as Known};
use crate::diff;
use crate::file_type::FileType;
use crate::finding::{Finding, Key, Problem};
use crate::printable;
use crate::project::{Member, Members};
use crate::report::{Chunk, FileReport, Summary, Tally};
use crate::source::LineIndex;
use crate::walk::{self, ReadError, Walked};
use crate::write::{Change, Note, WriteError, Writer};

/// One file's part of the output, with its counts.
#[derive(Default)]
pub(super) struct FileOutput {
    /// The diff.
    pub out: String,
    /// One piece for each report of the run.
    pub pieces: Vec<Chunk>,
    /// All findings as entries, and the file of the baseline that they belong to.
    pub found: Option<(PathBuf, Vec<Known>)>,
    pub summary: Summary,
    pub rules: Tally,
    pub errors: Vec<String>,
}

/// The context for working on any file of the run.
#[derive(Clone, Copy)]
pub(super) struct Worker<'w> {
    pub options: &'w Options<'w>,
    pub pipeline: &'w Pipeline<'w>,
    pub found: &'w Walked<Candidate>,
    /// Set if the run writes.
    pub writer: Option<&'w Writer>,
}

impl Worker<'_> {
    /// Handles one file: checks it, and replaces it if the run writes.
    pub(super) fn file(&self, path: &Path, file: &Candidate) -> FileOutput {
        guarded(path, || self.file_unguarded(path, file)).unwrap_or_else(FileOutput::failed)
    }

    fn file_unguarded(&self, path: &Path, file: &Candidate) -> FileOutput {
        let (options, pipeline, file_type) = (self.options, self.pipeline, file.file_type);
        let known = file.searched.as_ref();
        let (before, encoding) = match candidate::read(known, path, &options.walk.overlay) {
            Ok(text) => text,
            Err(error) => return FileOutput::unread(options, &error),
        };
        let is_locked = options.ignores.is_some() && options.walk.overlay.is_read_only(path);
        let members = || {
            let mut member = Member::new(file_type, before.clone());
            member.hints = known.map(|known| Arc::clone(&known.hints));
            member.locked = is_locked.then(|| Arc::from(READ_ONLY));
            Members::from([(path.to_owned(), member)])
        };
        let mut outcomes = match &options.ignores {
            None => pipeline.alone(members(), options.fix()),
            Some(note) => {
                let judged = |members| pipeline.alone(members, None);
                ignores::add(options, note, &members, &judged)
            }
        };
        let outcome = outcomes.remove(path).unwrap_or_default();
        let mut notes = Vec::new();
        if let Some(writer) = self.writer.filter(|_| outcome.text != before) {
            let (old, new) = (encoding.encode(&before), encoding.encode(&outcome.text));
            let change = Change {
                path,
                before: Some(&old),
                after: &new,
            };
            match writer.replace_all(&[change]) {
                Ok(written) => notes = written,
                Err(error) => {
                    // Nothing was written, so all fixable findings remain.
                    let outcome = pipeline.file(path, before.clone(), file_type, None);
                    let mut part = FileOutput::of(options, path, file_type, Some(&before), outcome);
                    part.fail(error.to_string());
                    return part;
                }
            }
        }
        let mut part = FileOutput::of(options, path, file_type, Some(&before), outcome);
        part.note(&notes);
        if options.previews_reports() {
            part.report(
                options,
                path,
                file_type,
                pipeline.file(path, before, file_type, None),
            );
        }
        part
    }

    /// The text and hints of a file that the walk kept, if it kept them.
    fn known(&self, path: &Path) -> Option<&Searched> {
        let kept = &self.found.kept;
        let at = kept.binary_search_by(|(one, _)| one.as_path().cmp(path));
        kept[at.ok()?].1.searched.as_ref()
    }

    /// Handles the files of projects together. If the run writes, replaces all or none of them.
    pub(super) fn group(&self, group: &Group) -> Vec<(PathBuf, FileOutput)> {
        let first = group.paths().next().cloned().unwrap_or_default();
        let parts = guarded(&first, || self.group_unguarded(group));
        parts.unwrap_or_else(|error| vec![(first, FileOutput::failed(error))])
    }

    fn group_unguarded(&self, group: &Group) -> Vec<(PathBuf, FileOutput)> {
        let (options, pipeline) = (self.options, self.pipeline);
        let mut parts: BTreeMap<PathBuf, FileOutput> = BTreeMap::new();
        let texts = Texts::read(group, &options.walk.overlay, |path| self.known(path));
        for (path, error) in &texts.unread {
            if group.files[*path].requested {
                parts.insert((*path).to_owned(), FileOutput::unread(options, error));
            }
        }
        let mut outcomes = match &options.ignores {
            None => pipeline.group(texts.members(), options.fix()),
            Some(note) => {
                let judged = |members| pipeline.group(members, None);
                ignores::add(options, note, &|| texts.members(), &judged)
            }
        };
        let (notes, failure) = match self.write_group(&texts, &outcomes) {
            Ok(notes) => (notes, None),
            Err(error) => {
                // Nothing was written, so all fixable findings remain.
                outcomes = pipeline.group(texts.members(), None);
                let failure = (error.path().to_owned(), error.to_string());
                (Vec::new(), Some(failure))
            }
        };
        let mut unfixed = match options.previews_reports() {
            true => pipeline.group(texts.members(), None),
            false => BTreeMap::new(),
        };
        for (path, outcome) in outcomes {
            let Some(entry) = group.files.get(&path).filter(|entry| entry.requested) else {
                continue;
            };
            let before = texts.text(&path);
            let mut part = FileOutput::of(options, &path, entry.file_type, before, outcome);
            if let Some(unfixed) = unfixed.remove(&path) {
                part.report(options, &path, entry.file_type, unfixed);
            }
            parts.insert(path, part);
        }
        for note in notes {
            let part = parts.entry(note.path.clone()).or_default();
            part.note(&[note]);
        }
        if let Some((path, error)) = failure {
            parts.entry(path).or_default().fail(error);
        }
        parts.into_iter().collect()
    }

    /// If the run writes, replaces the changed files of a group, all or none.
    fn write_group(
        &self,
        texts: &Texts<'_>,
        outcomes: &BTreeMap<PathBuf, pipeline::FileResult>,
    ) -> Result<Vec<Note>, WriteError> {
        let Some(writer) = self.writer else {
            return Ok(Vec::new());
        };
        let changed = outcomes.iter().filter_map(|(path, outcome)| {
            let before = texts.before.get(path.as_path())?.as_deref();
            let bytes = |text| texts.encoding(path).encode(text);
            let is_changed = *outcome.text != *before.unwrap_or_default();
            is_changed.then(|| (path, before.map(bytes), bytes(&outcome.text)))
        });
        let changed: Vec<_> = changed.collect();
        let changes = changed.iter().map(|(path, before, after)| Change {
            path,
            before: before.as_deref(),
            after,
        });
        let changes: Vec<Change<'_>> = changes.collect();
        writer.replace_all(&changes)
    }
}

/// Runs the work on a file or on several files together. A panic is a bug in regfix, and fails only these files.
pub(super) fn guarded<T>(path: &Path, work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        format!(
            "{}: regfix failed on this file; please report it",
            printable::path(path)
        )
    })
}

impl FileOutput {
    fn unread(options: &Options<'_>, error: &ReadError) -> Self {
        let mut part = Self::default();
        if let walk::Cause::Absent = error.cause {
            // Counted for the whole repository.
            part.add_unread(options, error.path(), error.reason());
            return part;
        }
        if error.is_fatal() {
            part.fail(error.to_string());
            part.add_unread(options, error.path(), error.reason());
            return part;
        }
        // The file is not text, or no longer exists.
        part.summary.not_analysed = 1;
        if options.verbose {
            part.errors.push(error.to_string());
        }
        part
    }

    /// Lists a file that could not be read in reports for programs. People see it on standard error.
    pub(super) fn add_unread(&mut self, options: &Options<'_>, path: &Path, message: String) {
        let problem = Problem::new(None, message, true);
        let origin = options.settings.origin(path);
        let report = FileReport {
            path,
            base: &options.base,
            origin: origin.as_ref(),
            lines: &LineIndex::new(""),
            findings: &[],
            keys: &[],
            fixed: &[],
            problems: &[problem],
            unjudged: &[],
        };
        let pieces = options
            .formats()
            .map(|(format, render_options)| match format.is_document {
                true => format.chunk(&report, &render_options),
                false => Chunk::Text(String::new()),
            });
        self.pieces = pieces.collect();
    }

    fn failed(error: String) -> Self {
        let mut part = Self::default();
        part.fail(error);
        part
    }

    fn note(&mut self, notes: &[Note]) {
        let notes = notes.iter();
        let notes = notes.map(|note| format!("{}: {}", printable::path(&note.path), note.message));
        self.errors.extend(notes);
    }

    pub(super) fn fail(&mut self, error: String) {
        self.summary.failures += 1;
        self.errors.push(error);
    }

    /// Builds the output of a file. `before` is `None` if the file did not exist.
    pub(super) fn of(
        options: &Options<'_>,
        path: &Path,
        file_type: &FileType,
        before: Option<&str>,
        mut outcome: pipeline::FileResult,
    ) -> Self {
        let mut part = FileOutput::default();
        if options.mode == Mode::Diff {
            part.apply_baseline(options, path, file_type, &mut outcome);
            count(&mut part, options, &outcome);
            part.list_failures(path, &outcome);
            if *outcome.text != *before.unwrap_or_default() && !options.quiet {
                part.out = diff::unified(path, before, &outcome.text, options.diff_style());
            }
            return part;
        }
        let outcome = part.report(options, path, file_type, outcome);
        count(&mut part, options, &outcome);
        part
    }

    /// Lists fatal problems, which a diff cannot show.
    fn list_failures(&mut self, path: &Path, outcome: &pipeline::FileResult) {
        let lines = LineIndex::new(&outcome.text);
        for problem in outcome.problems.iter().filter(|problem| problem.fatal) {
            let position = problem.offset.map(|at| lines.position(at));
            let at = position.map_or(String::new(), |at| format!(":{}:{}", at.line, at.column));
            let message = &problem.message;
            self.errors
                .push(format!("{}{at}: {message}", printable::path(path)));
        }
    }

    /// Removes findings that are in the baseline. Returns the keys of the others, if they are needed.
    fn apply_baseline(
        &mut self,
        options: &Options<'_>,
        path: &Path,
        file_type: &FileType,
        outcome: &mut pipeline::FileResult,
    ) -> Vec<Key> {
        if !options.wants_keys() {
            return Vec::new();
        }
        let mut keys = baseline::keys(&outcome.text, file_type, &outcome.left);
        let area = options.settings.of(path);
        if let Some(known) = area.as_ref().and_then(|area| area.baseline.as_ref()) {
            let (found, taken) = known.apply(path, &mut outcome.left, &mut keys);
            self.found = Some((known.path().to_owned(), found));
            self.summary.baselined = taken;
        }
        keys
    }

    /// Renders the pieces of all reports, without the findings in the baseline.
    pub(super) fn report(
        &mut self,
        options: &Options<'_>,
        path: &Path,
        file_type: &FileType,
        mut outcome: pipeline::FileResult,
    ) -> pipeline::FileResult {
        let keys = self.apply_baseline(options, path, file_type, &mut outcome);
        if options.formats().next().is_none() {
            return outcome;
        }
        let lines = LineIndex::new(&outcome.text);
        let listed = |problem: &&Problem| problem.fatal || options.verbose;
        let problems: Vec<Problem> = outcome.problems.iter().filter(listed).cloned().collect();
        let origin = options.settings.origin(path);
        let report = FileReport {
            path,
            base: &options.base,
            origin: origin.as_ref(),
            lines: &lines,
            findings: &outcome.left,
            keys: &keys,
            fixed: &outcome.fixed,
            problems: &problems,
            unjudged: &outcome.unjudged,
        };
        let pieces = options
            .formats()
            .map(|(format, render_options)| format.chunk(&report, &render_options));
        self.pieces = pieces.collect();
        outcome
    }
}

fn count(part: &mut FileOutput, options: &Options<'_>, outcome: &pipeline::FileResult) {
    let summary = &mut part.summary;
    // A preview fixes nothing, so these findings remain.
    let previewed = outcome
        .fixed
        .iter()
        .map(|fixed| &fixed.finding)
        .filter(|_| options.mode == Mode::Diff);
    let left: Vec<&Finding> = outcome.left.iter().chain(previewed).collect();
    summary.files_with_findings = usize::from(!left.is_empty());
    summary.suppressed = outcome.suppressed;
    summary.not_analysed = usize::from(!outcome.problems.is_empty());
    summary.unjudged = outcome.unjudged.len();
    summary.failures += outcome
        .problems
        .iter()
        .filter(|problem| problem.fatal)
        .count();
    summary.comments_added = outcome.comments_added;
    summary.commented_files = usize::from(outcome.comments_added > 0);
    if options.mode == Mode::Write {
        summary.fixed = outcome.fixed.len();
        summary.fixed_files = usize::from(!outcome.fixed.is_empty());
    }
    for finding in left {
        summary.count(finding);
        part.rules.add(finding);
    }
}
