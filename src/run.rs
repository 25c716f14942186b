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
use crate::report::{FileReport, Format, Look, Summary};
use crate::rules::RuleSet;
use crate::rules::anchors::Anchors;
use crate::source::LineIndex;
use crate::walk;
use crate::write;

pub use file::Judge;
pub use list::{ImageFormat, files, images};

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
        if self.unsafe_fixes { Applicability::Unsafe } else { Applicability::Safe }
    }

    /// The kind by which a file is read, if it is.
    fn kind_of(&self, path: &Path, named: bool) -> Option<&'static Kind> {
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
pub fn check(options: &Options<'_>, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Outcome> {
    let began = Instant::now();
    let anchors = match Anchors::new(options.rules) {
        Ok(anchors) => anchors,
        Err(error) => {
            writeln!(err, "regfix: {error}")?;
            return Ok(Outcome::Failed);
        }
    };
    let mut run = Run {
        options,
        out,
        err,
        summary: Summary::default(),
        rules: BTreeMap::new(),
        told: false,
    };
    let stdin = options.walk.roots.iter().any(|root| root == Path::new("-"));
    if stdin {
        run.start()?;
        run.standard_input()?;
    } else {
        let keep = |path: &Path, bytes: &[u8]| (anchors.occur_in(bytes) && !walk::is_binary(bytes)).then(|| path.to_owned());
        let found = walk::walk(&options.walk, &|path, named| options.kind_of(path, named).is_some(), &keep, &|bytes| {
            anchors.occur_in(bytes)
        });
        run.summary.files = found.files;
        run.start()?;
        run.problems(&found.problems)?;
        let paths: Vec<PathBuf> = found.kept.into_iter().map(|(path, _)| path).collect();
        for batch in paths.chunks(BATCH) {
            let parts: Vec<Part> = batch.par_iter().map(|path| part_of(options, path)).collect();
            for part in parts {
                run.tell(part)?;
            }
        }
    }
    run.summary.elapsed = began.elapsed();
    run.finish()
}

/// What the run has told so far.
struct Run<'r, 'o> {
    options: &'r Options<'o>,
    out: &'r mut dyn Write,
    err: &'r mut dyn Write,
    summary: Summary,
    rules: BTreeMap<String, usize>,
    told: bool,
}

impl Run<'_, '_> {
    /// Whether findings go to the output: a diff or a fixed text stands there alone.
    fn reports(&self) -> bool {
        !self.options.quiet && self.options.mode != Mode::Diff
    }

    fn start(&mut self) -> io::Result<()> {
        if self.reports() {
            self.out.write_all(self.options.format.start().as_bytes())?;
        }
        Ok(())
    }

    fn problems(&mut self, problems: &[walk::Problem]) -> io::Result<()> {
        for problem in problems {
            if problem.fatal {
                self.summary.failures += 1;
            } else {
                self.summary.not_analysed += 1;
            }
            if problem.fatal || self.options.verbose {
                writeln!(self.err, "regfix: {problem}")?;
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
                self.out.write_all(self.options.format.between().as_bytes())?;
            }
            self.out.write_all(part.out.as_bytes())?;
        }
        Ok(())
    }

    fn standard_input(&mut self) -> io::Result<()> {
        self.summary.files = 1;
        let options = self.options;
        let name = options.stdin_name.clone().unwrap_or_else(|| PathBuf::from("<stdin>"));
        let kind = match &options.stdin_name {
            Some(name) => options.kind_of(name, true).unwrap_or(&kind::TEXT),
            None => kind::standard_input(),
        };
        let text = match walk::read_standard_input() {
            Ok(text) => text,
            Err(error) => {
                self.summary.failures += 1;
                return writeln!(self.err, "regfix: {}: {error}", name.display());
            }
        };
        let before = text.clone();
        let outcome = judge(options).file(&name, text, kind);
        if options.mode == Mode::Write {
            self.out.write_all(outcome.text.as_bytes())?;
        }
        let mut part = render(options, &name, &before, &outcome);
        if options.mode == Mode::Write {
            // The output is the fixed text: what is left is told beside it.
            let told = std::mem::take(&mut part.out);
            self.err.write_all(told.as_bytes())?;
        }
        self.tell(part)
    }

    fn finish(mut self) -> io::Result<Outcome> {
        let mut by_rule: Vec<(String, usize)> = std::mem::take(&mut self.rules).into_iter().collect();
        by_rule.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        self.summary.by_rule = by_rule;
        if !self.options.quiet {
            if self.options.statistics {
                list::statistics(&self.summary.by_rule, self.out)?;
            }
            let end = self.options.format.end(&self.summary, &self.options.look);
            let piped = self.options.mode == Mode::Write && self.options.walk.roots.iter().any(|root| root == Path::new("-"));
            let aside = self.options.mode == Mode::Diff || piped;
            let target: &mut dyn Write = if aside { self.err } else { self.out };
            target.write_all(end.as_bytes())?;
        }
        self.out.flush()?;
        Ok(match &self.summary {
            summary if summary.failures > 0 => Outcome::Failed,
            summary if summary.errors + summary.warnings > 0 => Outcome::FindingsLeft,
            _ => Outcome::Clean,
        })
    }
}

fn judge<'o>(options: &'o Options<'_>) -> Judge<'o> {
    Judge {
        rules: options.rules,
        config: options.config,
        fix: (options.mode != Mode::Check).then(|| options.limit()),
    }
}

/// Runs the work on one file. A panic is a fault of ours, and of that file alone.
fn guarded<T>(path: &Path, work: impl FnOnce() -> T) -> Result<T, String> {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    caught.map_err(|_| format!("{}: regfix failed on this file; please report it", path.display()))
}

fn part_of(options: &Options<'_>, path: &Path) -> Part {
    guarded(path, || part(options, path)).unwrap_or_else(Part::failed)
}

/// Takes one file from the disk, and puts it back if the run writes.
fn part(options: &Options<'_>, path: &Path) -> Part {
    let text = match walk::read(path) {
        Ok(text) => text,
        Err(error) => return Part::failed(error.to_string()),
    };
    let kind = options.kind_of(path, true).unwrap_or(&kind::TEXT);
    let before = text.clone();
    let outcome = judge(options).file(path, text, kind);
    if options.mode == Mode::Write
        && outcome.text != before
        && let Err(error) = write::replace(path, &before, &outcome.text, &options.walk.roots)
    {
        return Part::failed(error.to_string());
    }
    render(options, path, &before, &outcome)
}

impl Part {
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
    if options.quiet {
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
        part.out = options.format.file(&report, &options.look);
    }
    part
}

fn count(part: &mut Part, options: &Options<'_>, outcome: &file::Outcome) {
    let summary = &mut part.summary;
    // What a preview would fix is not fixed.
    let previewed = outcome.fixed.iter().map(|fixed| &fixed.finding).filter(|_| options.mode == Mode::Diff);
    let left: Vec<&Finding> = outcome.left.iter().chain(previewed).collect();
    summary.files_with_findings = usize::from(!left.is_empty());
    summary.suppressed = outcome.suppressed;
    summary.not_analysed = usize::from(!outcome.problems.is_empty());
    summary.failures = outcome.problems.iter().filter(|problem| problem.fatal).count();
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
