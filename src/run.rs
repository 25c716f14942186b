//! A whole run: walk, check in parallel, tell in the order of paths, write if asked.
//!
//! Knows no YAML, no image and no argument: it joins what the floors below do.

mod file;
mod list;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::prelude::*;

use crate::config::Config;
use crate::diff;
use crate::edit::Applicability;
use crate::finding::{Finding, Problem, Severity};
use crate::kind::{self, Kind};
use crate::project::kustomize::Selections;
use crate::report::concise::Concise;
use crate::report::{FileReport, Format, Look, Summary};
use crate::rules::RuleSet;
use crate::rules::anchors::Anchors;
use crate::source::LineIndex;
use crate::suppress::MARKER;
use crate::walk;
use crate::write::{self, Bounds};

use file::Judge;
pub use list::{ImageList, files, images};

/// Files are told in this many at a time, so that no more of them are held in memory.
const BATCH: usize = 256;

/// What a run does with what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Check,
    Diff,
    Write,
}

/// Everything that a run needs to be told.
pub struct Options<'o> {
    pub walk: walk::Options,
    /// Read files of no known kind, too, as text.
    pub all_text: bool,
    /// What standard input is called, where it is a root.
    pub stdin_name: Option<PathBuf>,
    pub mode: Mode,
    pub unsafe_fixes: bool,
    pub rules: &'o RuleSet,
    pub config: &'o Config,
    pub format: &'o dyn Format,
    pub look: Look,
    pub quiet: bool,
    pub verbose: bool,
    pub statistics: bool,
}

/// What a run came to: all that the exit code needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Clean,
    FindingsLeft,
    Failed,
}

impl Options<'_> {
    fn limit(&self) -> Applicability {
        if self.unsafe_fixes {
            Applicability::Unsafe
        } else {
            Applicability::Safe
        }
    }

    fn is_piped(&self) -> bool {
        self.walk.roots.iter().any(|root| root == Path::new("-"))
    }

    /// What standard input is called, and how it is read.
    fn standard_input(&self) -> (PathBuf, &'static Kind) {
        match &self.stdin_name {
            Some(name) => (
                name.clone(),
                self.kind_of(name, true).unwrap_or(&kind::TEXT),
            ),
            None => (PathBuf::from("<stdin>"), kind::standard_input()),
        }
    }

    /// Whether the output is the fixed text of standard input.
    fn pipes_text(&self) -> bool {
        self.is_piped() && self.mode == Mode::Write
    }

    /// Whether a table of counts takes the place of the findings. A report for programs has the counts anyway.
    fn counts_only(&self) -> bool {
        self.statistics && !self.quiet && self.mode != Mode::Diff && !self.format.is_document()
    }

    /// The kind by which a file is read, if it is.
    fn kind_of(&self, path: &Path, named: bool) -> Option<&'static Kind> {
        if (!named || self.walk.force_exclude) && self.config.excludes(path, false) {
            return None;
        }
        let known = kind::classify(path);
        let text = || (self.all_text || named).then_some(&kind::TEXT);
        // A file that is named is read whatever it is called: most such files are YAML without an extension.
        known.or_else(text)
    }
}

/// One file's part of the output, and its counts.
#[derive(Default)]
struct Part {
    out: String,
    summary: Summary,
    rules: BTreeMap<String, usize>,
    errors: Vec<String>,
}

/// Checks, previews or fixes. Findings and diffs go to `out`, what went wrong to `err`.
///
/// # Errors
/// Where `out` or `err` cannot be written.
pub fn check(
    options: &Options<'_>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Outcome> {
    let began = Instant::now();
    let anchors = match Anchors::new(options.rules, &[MARKER]) {
        Ok(anchors) => anchors,
        Err(error) => {
            writeln!(err, "regfix: {error}")?;
            return Ok(Outcome::Failed);
        }
    };
    let found = (!options.is_piped()).then(|| walk_for(options, &anchors));
    let judge = Judge {
        rules: options.rules,
        anchors: &anchors,
        config: options.config,
        selections: found
            .as_ref()
            .map(|found| selections(options, found))
            .unwrap_or_default(),
        names: options.config.names(),
        fix: (options.mode != Mode::Check).then(|| options.limit()),
    };
    let mut run = Run {
        options,
        judge: &judge,
        out,
        err,
        summary: Summary::default(),
        rules: BTreeMap::new(),
        told: false,
    };
    run.start()?;
    match found {
        Some(found) => run.files(&found)?,
        None => run.standard_input()?,
    }
    run.summary.elapsed = began.elapsed();
    run.finish()
}

/// A file that is to be checked, or that says something about others.
struct Candidate {
    kind: &'static Kind,
    named_place: bool,
    /// Of a kustomization.
    text: Option<String>,
}

fn walk_for(options: &Options<'_>, anchors: &Anchors) -> walk::Outcome<Candidate> {
    let keep = |_: &Path, kind: &'static Kind, bytes: &[u8]| {
        let candidate = Candidate {
            kind,
            // UTF-16 says nothing to a search for bytes: it is kept to be told of.
            named_place: anchors.occur_in(bytes)
                || bytes.starts_with(&[0xff, 0xfe])
                || bytes.starts_with(&[0xfe, 0xff]),
            text: kind
                .selects()
                .then(|| String::from_utf8_lossy(bytes).into_owned()),
        };
        (candidate.named_place || candidate.text.is_some()).then_some(candidate)
    };
    let sieve = walk::Sieve {
        wanted: &|path, named| options.kind_of(path, named),
        keep: &keep,
        suspect: &|bytes| anchors.occur_in(bytes),
    };
    walk::walk(&options.walk, &sieve)
}

/// What the kustomizations of the run select. Of files that are named, those of the working directory count too: a base
/// does not tell which overlays it has.
fn selections(options: &Options<'_>, found: &walk::Outcome<Candidate>) -> Selections {
    let around = match options
        .walk
        .roots
        .iter()
        .any(|root| is_in_kustomization(root))
    {
        true => kustomizations_around(options),
        false => Vec::new(),
    };
    let found = found
        .kept
        .iter()
        .filter_map(|(path, file)| Some((path.as_path(), file.text.as_deref()?)));
    let around = around
        .iter()
        .map(|(path, text)| (path.as_path(), text.as_str()));
    Selections::new(around.chain(found))
}

/// Whether a file that is named may be part of a kustomization: one lies beside it, or not far above.
fn is_in_kustomization(root: &Path) -> bool {
    let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
    let folders = root.ancestors().skip(1).take(4);
    root.is_file()
        && folders
            .flat_map(|folder| names.map(|name| folder.join(name)))
            .any(|path| path.is_file())
}

fn kustomizations_around(options: &Options<'_>) -> Vec<(PathBuf, String)> {
    let around = walk::Options {
        roots: vec![PathBuf::from(".")],
        ..options.walk.clone()
    };
    let sieve = walk::Sieve {
        wanted: &|path: &Path, _| kind::classify(path).filter(|kind| kind.selects()),
        keep: &|_, _, bytes: &[u8]| Some(String::from_utf8_lossy(bytes).into_owned()),
        suspect: &|_: &[u8]| false,
    };
    walk::walk(&around, &sieve).kept
}

/// What the run has told so far.
struct Run<'r, 'o> {
    options: &'r Options<'o>,
    judge: &'r Judge<'r>,
    out: &'r mut dyn Write,
    err: &'r mut dyn Write,
    summary: Summary,
    rules: BTreeMap<String, usize>,
    told: bool,
}

impl Run<'_, '_> {
    /// Whether the report has the output to itself. A diff, a fixed text and a table of counts stand there alone.
    fn reports(&self) -> bool {
        let options = self.options;
        !options.quiet
            && options.mode != Mode::Diff
            && !options.counts_only()
            && !options.pipes_text()
    }

    /// Where the exit code is all that is asked for, one finding settles it, as a match does for `grep -q`.
    fn has_all_that_counts(&self) -> bool {
        self.options.quiet
            && self.options.mode == Mode::Check
            && self.summary.errors + self.summary.warnings > 0
    }

    fn start(&mut self) -> io::Result<()> {
        if self.reports() {
            self.out.write_all(self.options.format.start().as_bytes())?;
        }
        Ok(())
    }

    fn walked(
        &mut self,
        problems: &[walk::Problem],
        skipped: &[(PathBuf, &str)],
    ) -> io::Result<()> {
        for problem in problems {
            let count = if problem.fatal {
                &mut self.summary.failures
            } else {
                &mut self.summary.not_analysed
            };
            *count += 1;
            if problem.fatal || self.options.verbose {
                writeln!(self.err, "regfix: {problem}")?;
            }
        }
        if self.options.verbose {
            skipped.iter().try_for_each(|(path, why)| {
                writeln!(self.err, "regfix: {}: {why}", path.display())
            })?;
        }
        Ok(())
    }

    fn files(&mut self, found: &walk::Outcome<Candidate>) -> io::Result<()> {
        self.summary.files = found.counts.files;
        self.walked(&found.problems, &found.skipped)?;
        let (options, judge) = (self.options, self.judge);
        let bounds = Bounds::new(&options.walk.roots);
        let files: Vec<_> = found
            .kept
            .iter()
            .filter(|(_, file)| file.named_place)
            .collect();
        for batch in files.chunks(BATCH) {
            let part = |(path, file): &&(PathBuf, Candidate)| {
                part_of(options, judge, &bounds, path, file.kind)
            };
            let parts: Vec<Part> = batch.par_iter().map(part).collect();
            parts.into_iter().try_for_each(|part| self.tell(part))?;
            if self.has_all_that_counts() {
                break;
            }
        }
        Ok(())
    }

    fn tell(&mut self, part: Part) -> io::Result<()> {
        self.summary.add(&part.summary);
        for (rule, count) in part.rules {
            *self.rules.entry(rule).or_default() += count;
        }
        for error in part.errors {
            writeln!(self.err, "regfix: {error}")?;
        }
        if !part.out.is_empty() {
            if std::mem::replace(&mut self.told, true) && self.reports() {
                self.out
                    .write_all(self.options.format.between().as_bytes())?;
            }
            self.out.write_all(part.out.as_bytes())?;
        }
        Ok(())
    }

    fn standard_input(&mut self) -> io::Result<()> {
        self.summary.files = 1;
        let options = self.options;
        let (name, kind) = options.standard_input();
        let text = match walk::read_from(io::stdin().lock(), &name) {
            Ok(text) => text,
            Err(error) => {
                self.summary.failures += 1;
                return writeln!(self.err, "regfix: {error}");
            }
        };
        let before = text.clone();
        let outcome = self.judge.file(&name, text, kind);
        let mut part = render(options, &name, &before, &outcome);
        if options.pipes_text() {
            self.out.write_all(outcome.text.as_bytes())?;
            self.err
                .write_all(std::mem::take(&mut part.out).as_bytes())?;
        }
        self.tell(part)
    }

    fn finish(mut self) -> io::Result<Outcome> {
        let mut by_rule: Vec<(String, usize)> =
            std::mem::take(&mut self.rules).into_iter().collect();
        by_rule.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        self.summary.by_rule = by_rule;
        if self.options.counts_only() {
            list::statistics(&self.summary.by_rule, self.out)?;
        }
        if self.reports() {
            self.out.write_all(
                self.options
                    .format
                    .end(&self.summary, &self.options.look)
                    .as_bytes(),
            )?;
        } else if !self.options.quiet {
            self.err
                .write_all(Concise.end(&self.summary, &self.options.look).as_bytes())?;
        }
        self.out.flush()?;
        Ok(match &self.summary {
            summary if summary.failures > 0 => Outcome::Failed,
            summary if summary.errors + summary.warnings > 0 => Outcome::FindingsLeft,
            _ => Outcome::Clean,
        })
    }
}

/// Runs the work on one file. A panic is a fault of ours, and of that file alone.
fn guarded<T>(path: &Path, work: impl FnOnce() -> T) -> Result<T, String> {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    caught.map_err(|_| {
        format!(
            "{}: regfix failed on this file; please report it",
            path.display()
        )
    })
}

fn part_of(
    options: &Options<'_>,
    judge: &Judge<'_>,
    bounds: &Bounds,
    path: &Path,
    kind: &Kind,
) -> Part {
    guarded(path, || part(options, judge, bounds, path, kind)).unwrap_or_else(Part::failed)
}

/// Takes one file from the disk, and puts it back if the run writes.
fn part(
    options: &Options<'_>,
    judge: &Judge<'_>,
    bounds: &Bounds,
    path: &Path,
    kind: &Kind,
) -> Part {
    let text = match walk::read(path) {
        Ok(text) => text,
        Err(error) if error.is_fatal() => return Part::failed(error.to_string()),
        Err(error) => return Part::passed_over(options, &error),
    };
    let before = text.clone();
    let outcome = judge.file(path, text, kind);
    if options.mode == Mode::Write
        && outcome.text != before
        && let Err(error) = write::replace(path, &before, &outcome.text, bounds)
    {
        // All that would have been fixed is left.
        let mut part = render(options, path, &before, &judge.look(path, &before, kind));
        part.summary.failures += 1;
        part.errors.push(error.to_string());
        return part;
    }
    render(options, path, &before, &outcome)
}

impl Part {
    /// A file that is no text, or is there no more.
    fn passed_over(options: &Options<'_>, error: &walk::ReadError) -> Self {
        let mut part = Self::default();
        part.summary.not_analysed = 1;
        if options.verbose {
            part.errors.push(error.to_string());
        }
        part
    }

    fn failed(error: String) -> Self {
        Self {
            summary: Summary {
                failures: 1,
                ..Summary::default()
            },
            errors: vec![error],
            ..Self::default()
        }
    }
}

fn render(options: &Options<'_>, path: &Path, before: &str, outcome: &file::Outcome) -> Part {
    let mut part = Part::default();
    count(&mut part, options, outcome);
    if options.mode == Mode::Diff {
        if outcome.text != before && !options.quiet {
            part.out = diff::unified(path, before, &outcome.text, options.look.color);
        }
        return part;
    }
    if options.quiet || options.counts_only() {
        return part;
    }
    let lines = LineIndex::new(&outcome.text);
    let listed = |problem: &&Problem| problem.fatal || options.verbose;
    let problems: Vec<Problem> = outcome.problems.iter().filter(listed).cloned().collect();
    let report = FileReport {
        path,
        text: &outcome.text,
        lines: &lines,
        findings: &outcome.left,
        fixed: &outcome.fixed,
        problems: &problems,
    };
    if !(report.findings.is_empty() && report.fixed.is_empty() && report.problems.is_empty()) {
        // Beside a fixed text there is no document that a format for programs could be part of.
        let format: &dyn Format = if options.pipes_text() && options.format.is_document() {
            &Concise
        } else {
            options.format
        };
        part.out = format.file(&report, &options.look);
    }
    part
}

fn count(part: &mut Part, options: &Options<'_>, outcome: &file::Outcome) {
    let summary = &mut part.summary;
    // What a preview would fix is not fixed.
    let previewed = outcome
        .fixed
        .iter()
        .map(|fixed| &fixed.finding)
        .filter(|_| options.mode == Mode::Diff);
    let left: Vec<&Finding> = outcome.left.iter().chain(previewed).collect();
    summary.files_with_findings = usize::from(!left.is_empty());
    summary.suppressed = outcome.suppressed;
    summary.not_analysed = usize::from(!outcome.problems.is_empty());
    summary.failures = outcome
        .problems
        .iter()
        .filter(|problem| problem.fatal)
        .count();
    if options.mode == Mode::Write {
        summary.fixed = outcome.fixed.len();
        summary.fixed_files = usize::from(!outcome.fixed.is_empty());
    }
    for finding in left {
        match finding.severity {
            Severity::Error => summary.errors += 1,
            Severity::Warning => summary.warnings += 1,
            Severity::Info => summary.infos += 1,
        }
        match finding.fix.as_ref().map(|fix| fix.applicability) {
            Some(Applicability::Safe) => summary.fixable += 1,
            Some(Applicability::Unsafe) => summary.unsafe_fixable += 1,
            _ => {}
        }
        *part.rules.entry(finding.rule.to_string()).or_default() += 1;
    }
}
