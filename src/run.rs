//! A whole run: walk, check in parallel, report in the order of paths, write if asked.
//!
//! Knows no YAML, no image and no argument: it joins what the floors below do.

mod baselines;
mod candidate;
mod changed;
mod domains;
mod file_output;
mod groups;
mod ignores;
mod list;
mod merged;
mod origins;
mod owners;
mod pipeline;
mod project_files;
mod relevant;
mod report_writer;
mod roles;
mod session;
mod settings;
mod texts;
mod unfinished;
mod verify;
mod workspace;

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use jiff::civil::Date;
use rayon::prelude::*;

use crate::baseline::Baseline;
use crate::edit::Applicability;
use crate::file_type::{self, FileType, Parser};
use crate::finding::Severity;
use crate::printable::{self, complain};
use crate::progress::Progress;
use crate::report::{Format, PathBase, RenderOptions, RepositorySummary, Summary, Tally, concise};
use crate::suppress::insert::Note;
use crate::walk::{self, Want};
use crate::write::{Gate, Writer};

pub use baselines::{Baselines, RunBaseline};
use candidate::Candidate;
pub use changed::ChangedScope;
use domains::Domains;
use file_output::{FileOutput, Worker};
use groups::Group;
pub use list::{ImageList, Listed, files, images, listed};
pub use merged::merged;
pub use owners::find as owners_of;
use pipeline::Pipeline;
pub use relevant::matters;
use report_writer::{ReportWriter, Streams};
pub use session::{Change, Judged, Session, session, session_of_nothing};
pub use settings::{Area, Rules, Settings, Source};
pub use verify::Registries;
pub use verify::ask;
pub use workspace::with_charts;

/// Files are reported in this many at a time, so that no more of them are held in memory.
const BATCH: usize = 256;

/// Where the first finding ends the run, no more than this many are looked at in vain.
const SMALL_BATCH: usize = 16;

/// What a run does with what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Check,
    Diff,
    Write,
}

/// Everything that a run needs to be reported.
pub struct Options<'o> {
    pub walk: walk::Options,
    /// What makes one chart or kustomization with a root is checked and written too.
    pub related: bool,
    /// Report what changed, and what that can affect. `None` reports everything.
    pub only: Option<ChangedScope>,
    /// Read files of no known kind, too, as text.
    pub all_text: bool,
    /// What standard input is called, where it is a root.
    pub stdin_name: Option<PathBuf>,
    pub mode: Mode,
    pub unsafe_fixes: bool,
    /// The least severity of findings that make the outcome [`RunOutcome::FindingsLeft`]; `None` for no severity at all.
    pub fail_on: Option<Severity>,
    /// What holds for which file.
    pub settings: &'o Settings<'o>,
    /// Who is asked about images, where the rules rest on answers.
    pub registries: Option<&'o dyn Registries>,
    /// On standard output.
    pub format: &'static Format,
    /// Put ignore comments where findings are left, in place of fixes. They say this.
    pub ignores: Option<Note>,
    /// Further reports, and the files that they go to.
    pub outputs: Vec<(&'static Format, PathBuf)>,
    /// Which part of the repositories it takes, such as `2/8`, if it takes a part.
    pub shard: Option<String>,
    /// Where the paths in reports start.
    pub base: PathBase,
    /// Today, as far as dates in rules and ignore comments are concerned.
    pub as_of: Date,
    pub render_options: RenderOptions,
    /// Becomes true when no one reads the output any more. A run that only looks ends then.
    pub unread: Arc<AtomicBool>,
    pub quiet: bool,
    /// Show on standard error how far the run is, if it takes long.
    pub watched: bool,
    pub verbose: bool,
    pub statistics: bool,
    /// Where signals that ask the process to end wait for what may not be interrupted.
    pub gate: Arc<Gate>,
}

/// What a run came to: all that the exit code needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    Clean,
    FindingsLeft,
    Failed,
}

impl Options<'_> {
    fn limit(&self) -> Applicability {
        Applicability::limit(self.unsafe_fixes)
    }

    /// How far a fix must be trusted to be applied, if any is.
    fn fix(&self) -> Option<Applicability> {
        (self.mode != Mode::Check && self.ignores.is_none()).then(|| self.limit())
    }

    /// Whether the findings that are left count.
    fn fails_on(&self, summary: &Summary) -> bool {
        match self.fail_on {
            Some(Severity::Error) => summary.errors > 0,
            Some(_) => summary.errors + summary.warnings > 0,
            None => false,
        }
    }

    /// What a run comes to with these counts.
    fn outcome(&self, summary: &Summary) -> RunOutcome {
        match () {
            () if summary.failures > 0 => RunOutcome::Failed,
            () if self.fails_on(summary) => RunOutcome::FindingsLeft,
            () => RunOutcome::Clean,
        }
    }

    fn is_piped(&self) -> bool {
        self.walk.roots.iter().any(|root| root == Path::new("-"))
    }

    /// What standard input is called, and how it is read.
    fn standard_input(&self) -> (PathBuf, &'static FileType) {
        match &self.stdin_name {
            Some(name) => (
                name.clone(),
                self.kind_of(name, true).unwrap_or(&file_type::TEXT),
            ),
            None => (PathBuf::from("<stdin>"), file_type::standard_input()),
        }
    }

    /// Whether the output is the fixed text of standard input.
    fn pipes_text(&self) -> bool {
        self.is_piped() && self.mode == Mode::Write
    }

    /// Whether a table of counts takes the place of the findings. A report for programs has the counts anyway.
    fn counts_only(&self) -> bool {
        self.statistics && !self.quiet && self.mode != Mode::Diff && !self.format.is_document
    }

    /// The kind by which a file is read, if it is.
    fn kind_of(&self, path: &Path, named: bool) -> Option<&'static FileType> {
        match self.want(path, named) {
            Want::Read(file_type) => Some(file_type),
            Want::Excluded | Want::Nothing => None,
        }
    }

    fn want(&self, path: &Path, named: bool) -> Want<&'static FileType> {
        if self.is_own(path) {
            return Want::Nothing;
        }
        let known = file_type::classify(path);
        let text = || (self.all_text || named).then_some(&file_type::TEXT);
        let file_type = match known {
            // All that it says is wanted, then, however surely it can be read.
            Some(known) if known.parser == Parser::Names => text().or(Some(known)),
            // A file that is named is read whatever it is called: most such files are YAML without an extension.
            known => known.or_else(text),
        };
        let Some(area) = file_type.and_then(|_| self.settings.of(path)) else {
            return Want::Nothing;
        };
        let can_be_excluded = !named || self.walk.force_exclude;
        match can_be_excluded && area.config.excludes(path, false) {
            true => Want::Excluded,
            false => file_type.into(),
        }
    }
}

/// Checks, previews or fixes. Findings and diffs go to `out`, what went wrong to `err`.
///
/// # Errors
/// Where `out` or `err` cannot be written.
pub fn check(
    options: &Options<'_>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<RunOutcome> {
    let began = Instant::now();
    if is_broken(options, err)? {
        return Ok(RunOutcome::Failed);
    }
    // Before anything is written: a report that has no place to go is no reason to have fixed half.
    let outlets = match ReportWriter::all(options) {
        Ok(outlets) => outlets,
        Err(error) => {
            complain(err, error)?;
            return Ok(RunOutcome::Failed);
        }
    };
    // Before anything is read: what a root is, is what it was then.
    let mut writer = (options.mode == Mode::Write)
        .then(|| Writer::new(&options.walk.roots, Arc::clone(&options.gate)));
    let progress = Progress::new(options.watched && !options.is_piped());
    let mut found = (!options.is_piped()).then(|| {
        let walk = || candidate::walk(options, &progress);
        unfinished::walk_until_settled(&options.walk.roots, writer.as_ref(), walk)
    });
    let domains = match Domains::of(options.settings) {
        Ok(domains) => domains,
        Err(error) => {
            complain(err, error)?;
            return Ok(RunOutcome::Failed);
        }
    };
    for clash in domains.clashes() {
        complain(err, clash)?;
    }
    let workspace = found
        .as_ref()
        .map(|found| project_files::workspace_of(options, found, &domains.all.prefilter));
    let pipeline = project_files::pipeline(options, &domains, found.as_ref(), workspace.as_ref());
    let mut run = Run {
        options,
        pipeline: &pipeline,
        progress: &progress,
        streams: Streams { out, err },
        outlets,
        summary: Summary::default(),
        rules: Tally::default(),
        repositories: BTreeMap::new(),
        found: BTreeMap::new(),
    };
    run.start()?;
    run.report_settings()?;
    match &mut found {
        Some(found) => {
            let mut groups = Vec::new();
            let mut only = None;
            if let Some((workspace, project_files)) = &workspace {
                groups = groups::of(pipeline.projects.iter().flatten(), workspace, options);
                let changed = options.only.as_ref();
                only = changed.map(|only| {
                    only.with_what_it_reaches(
                        workspace,
                        &project_files.projects,
                        &project_files.selectors,
                        &project_files.releases,
                    )
                });
                if let Some(only) = &only {
                    only.keep(&mut groups, &project_files.projects);
                }
            }
            found
                .problems
                .extend(unfinished::around(&groups, &found.marked));
            if let (Some(writer), Some((workspace, _)), true) =
                (&mut writer, &workspace, options.related)
            {
                let files = groups.iter().flat_map(|group| group.files.keys());
                files.for_each(|path| writer.allow(path, workspace.tops()));
            }
            run.files(found, groups, only.as_ref(), writer.as_ref())?;
        }
        None => run.standard_input()?,
    }
    run.summary.elapsed = began.elapsed();
    run.finish()
}

/// Whether the settings of all roots are broken, which is reported then.
fn is_broken(options: &Options<'_>, err: &mut dyn Write) -> io::Result<bool> {
    let roots = match options.is_piped() {
        true => vec![options.standard_input().0],
        false => options.walk.roots.clone(),
    };
    let broken = options.settings.read_those_of(&roots);
    let mut messages = broken.iter().flatten();
    messages.try_for_each(|why| complain_of_settings(err, why))?;
    Ok(broken.is_some())
}

/// The message is ready to be shown, and may have several lines.
fn complain_of_settings(err: &mut dyn Write, why: &str) -> io::Result<()> {
    writeln!(err, "regfix: {}", why.trim())
}

/// What the files of a repository came to.
#[derive(Default)]
struct Share {
    summary: Summary,
    rules: Tally,
}

/// What the run has reported so far.
struct Run<'r, 'o> {
    options: &'r Options<'o>,
    pipeline: &'r Pipeline<'r>,
    progress: &'r Progress,
    streams: Streams<'r>,
    outlets: Vec<ReportWriter>,
    summary: Summary,
    rules: Tally,
    /// By their folders.
    repositories: BTreeMap<Option<PathBuf>, Share>,
    /// As baselines would have it, by their files.
    found: BTreeMap<PathBuf, Baseline>,
}

impl Run<'_, '_> {
    /// Where the exit code is all that is asked for, one finding settles it, as a match does for `grep -q`.
    fn one_settles_it(&self) -> bool {
        let options = self.options;
        options.quiet
            && options.mode == Mode::Check
            && options.outputs.is_empty()
            && options.settings.baselines().is_empty()
    }

    /// The same where no one reads what else there is to report.
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

    fn start(&mut self) -> io::Result<()> {
        for report_writer in &mut self.outlets {
            self.summary.failures += report_writer.start(&mut self.streams)?;
        }
        Ok(())
    }

    /// Says which repositories are left out, and which settings do not apply to repositories.
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

    fn files(
        &mut self,
        found: &walk::Walked<Candidate>,
        groups: Vec<Group>,
        only: Option<&ChangedScope>,
        writer: Option<&Writer>,
    ) -> io::Result<()> {
        self.summary.files = match only {
            None => found.counts.files,
            Some(only) => {
                let affected = groups.iter().flat_map(Group::paths);
                let changed = found.kept.iter().map(|(path, _)| path);
                let changed = changed.filter(|path| only.has(path));
                changed.chain(affected).collect::<HashSet<_>>().len()
            }
        };
        let counts = found.counts;
        self.summary.unknown = counts.unwanted;
        self.summary.unchanged = counts.files.saturating_sub(self.summary.files);
        self.summary.excluded = counts.excluded;
        self.summary.ignored = counts.ignored;
        self.summary.hidden = counts.hidden;
        self.summary.reports = counts.reports;
        let progress = self.progress;
        self.aside(|run| run.walked(&found.problems, &found.skipped))?;
        let work = Worker {
            options: self.options,
            pipeline: self.pipeline,
            writer,
        };
        let grouped: HashSet<PathBuf> = groups
            .iter()
            .flat_map(|group| group.paths().cloned())
            .collect();
        let files: Vec<_> = found
            .kept
            .iter()
            .filter(|(path, file)| file.suspect && !grouped.contains(path))
            .filter(|(path, _)| only.is_none_or(|only| only.has(path)))
            .collect();
        let dry = Worker {
            writer: None,
            ..work
        };
        self.ask_registries(|| {
            groups.par_iter().for_each(|group| drop(dry.group(group)));
            files
                .par_iter()
                .for_each(|(path, file)| drop(dry.file(path, file.file_type)));
        })?;
        progress.turn_to(grouped.len() + files.len());
        // What the files of projects come to is held until their turn: there is one only where something was found.
        let parts: Vec<Vec<(PathBuf, FileOutput)>> = groups
            .into_par_iter()
            .map(|group| {
                let files = group.files.len();
                let parts = work.group(&group);
                progress.advance(files);
                parts
            })
            .collect();
        let mut waiting: BTreeMap<PathBuf, FileOutput> = parts.into_iter().flatten().collect();
        for problem in found.problems.iter().filter(|problem| problem.fatal) {
            let part = waiting.entry(problem.path.clone()).or_default();
            if part.pieces.is_empty() {
                part.add_unread(self.options, &problem.path, problem.message.clone());
            }
        }
        let batch = match self.one_settles_it() {
            true => SMALL_BATCH,
            false => BATCH,
        };
        for batch in files.chunks(batch) {
            if self.has_all_that_counts() {
                return Ok(());
            }
            let part = |(path, file): &&(PathBuf, Candidate)| {
                let part = work.file(path, file.file_type);
                progress.advance(1);
                part
            };
            let parts: Vec<FileOutput> = batch.par_iter().map(part).collect();
            self.aside(|run| {
                for ((path, _), part) in batch.iter().zip(parts) {
                    let later = waiting.split_off(path);
                    let before = std::mem::replace(&mut waiting, later);
                    before
                        .into_iter()
                        .try_for_each(|(path, part)| run.tell(&path, part))?;
                    run.tell(path, part)?;
                }
                Ok(())
            })?;
        }
        self.aside(|run| {
            let mut waiting = waiting.into_iter();
            waiting.try_for_each(|(path, part)| run.tell(&path, part))
        })
    }

    /// Asks what verdicts need to know, if the run asks registries at all. `judge` has no effect but that.
    fn ask_registries(&mut self, judge: impl Fn()) -> io::Result<()> {
        let options = self.options;
        let rules = &self.pipeline.domains.all.set;
        let (Some(registries), Some(asked)) = (options.registries, rules.answers()) else {
            return Ok(());
        };
        verify::ask(registries, asked, options.quiet, self.streams.err, judge)
    }

    /// Says while the line that says how far the run is is aside.
    fn aside(&mut self, tell: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        let progress = self.progress;
        progress.aside(|| {
            tell(self)?;
            // What is left in the buffer would come out in the middle of that line.
            if progress.is_shown() {
                self.streams.out.flush()?;
            }
            Ok(())
        })
    }

    fn tell(&mut self, path: &Path, part: FileOutput) -> io::Result<()> {
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

    fn standard_input(&mut self) -> io::Result<()> {
        self.summary.files = 1;
        let options = self.options;
        let (name, file_type) = options.standard_input();
        let text = match walk::read_from(io::stdin().lock(), &name) {
            Ok(text) => text,
            Err(error) => {
                let mut part = FileOutput::default();
                part.fail(error.to_string());
                part.add_unread(options, &name, error.reason());
                return self.tell(&name, part);
            }
        };
        let (text, encoding) = text;
        let before = text.clone();
        let pipeline = self.pipeline;
        self.ask_registries(|| {
            drop(pipeline.file(&name, before.clone(), file_type, options.fix()))
        })?;
        let outcome = pipeline.file(&name, text, file_type, options.fix());
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
        self.tell(&name, part)
    }

    /// What came of each repository, by name. Files that are in none have an empty one.
    fn shares(&mut self) -> BTreeMap<String, Summary> {
        let settings = self.options.settings;
        let all = settings.repositories();
        let shares = all.into_iter().filter_map(|(top, is_broken)| {
            let share = self.repositories.remove(&top);
            // Of files outside of repositories, there may be none.
            let share = share.or_else(|| top.is_some().then(Share::default))?;
            let name = top.map_or_else(String::new, |top| settings.name_of(&top));
            let summary = Summary {
                failures: share.summary.failures + usize::from(is_broken),
                by_rule: share.rules.rows(),
                catalogues: self.summary.catalogues.clone(),
                ..share.summary
            };
            Some((name, summary))
        });
        shares.collect()
    }

    /// The commits of all repositories, by name, where a report has them.
    fn commits(&self) -> BTreeMap<String, String> {
        let settings = self.options.settings;
        if !self.options.formats().any(|(format, _)| format.is_document) {
            return BTreeMap::new();
        }
        let tops = settings.repositories().into_keys().flatten();
        let commits = tops.filter_map(|top| {
            let commit = settings.commit(&top)?;
            Some((settings.name_of(&top), commit))
        });
        commits.collect()
    }

    /// Says of each revision how much of it is not in its clone, in one line.
    fn report_absent(&mut self) -> io::Result<()> {
        for (top, snapshot) in self.options.walk.overlay.snapshots() {
            let absent = snapshot.absent();
            if absent == 0 {
                continue;
            }
            self.summary.failures += 1;
            let share = self.repositories.entry(Some(top.clone())).or_default();
            share.summary.failures += 1;
            let name = self.options.settings.name_of(top);
            let are = match absent {
                1 => "1 object is".to_owned(),
                number => format!("{number} objects are"),
            };
            let how = snapshot.how_to_get_it();
            let why = format!(
                "{name}: {are} not in this clone, and what they hold was not checked; {how}"
            );
            complain(self.streams.err, why)?;
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<RunOutcome> {
        self.progress.finish();
        self.report_absent()?;
        self.summary.by_rule = std::mem::take(&mut self.rules).rows();
        let shares = self.shares();
        if shares.keys().any(|name| !name.is_empty()) {
            let commits = self.commits();
            let each = shares.iter().map(|(name, share)| {
                let commit = commits.get(name).cloned();
                RepositorySummary::new(name.clone(), commit, share)
            });
            self.summary.repositories = each.collect();
        }
        self.summary.as_of = Some(self.options.as_of);
        self.summary.shard.clone_from(&self.options.shard);
        self.summary.catalogues = self.options.settings.catalogues();
        for known in self.options.settings.baselines() {
            let found = self.found.remove(known.path()).unwrap_or_default();
            known.close(self.options, found, &mut self.summary, self.streams.err)?;
        }
        let Self {
            options,
            mut streams,
            outlets,
            mut summary,
            ..
        } = self;
        if options.counts_only() {
            list::statistics(&summary.by_rule, &options.render_options, streams.out)?;
        }
        streams.out.flush()?;
        let unread = options.unread.load(Ordering::Relaxed) && options.mode != Mode::Write;
        let reported = options.stream_format().is_some() || unread;
        let mut failures = 0;
        for report_writer in outlets {
            let rules = &self.pipeline.domains.all.set;
            failures += report_writer.end(options, &summary, &shares, rules, &mut streams)?;
        }
        summary.failures += failures;
        if !reported && !options.quiet {
            let counts = concise::counts(&summary, &options.render_options);
            streams.err.write_all(counts.as_bytes())?;
        }
        Ok(options.outcome(&summary))
    }
}
