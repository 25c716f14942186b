//! The phases of a run: settings, walk, projects, and then the files.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use super::candidate;
use super::changed::ChangedScope;
use super::domains::Domains;
use super::groups::{self, Group};
use super::pipeline::Pipeline;
use super::project_files::{self, ProjectFiles};
use super::report_writer::{ReportWriter, Streams};
use super::reported::Run;
use super::workspace::Workspace;
use super::{Mode, Options, RunOutcome, is_broken, unfinished};
use crate::printable::complain;
use crate::progress::Progress;
use crate::write::Writer;

/// Checks, previews or fixes. Findings and diffs go to `out`, errors to `err`.
///
/// # Errors
/// If `out` or `err` cannot be written.
pub fn check(
    options: &Options<'_>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<RunOutcome> {
    let began = Instant::now();
    if is_broken(options, err)? {
        return Ok(RunOutcome::Failed);
    }
    // Before anything is written: if a report cannot be created, the run must not leave a half-fixed tree.
    let outlets = match ReportWriter::all(options) {
        Ok(outlets) => outlets,
        Err(error) => {
            complain(err, error)?;
            return Ok(RunOutcome::Failed);
        }
    };
    // Before anything is read, so that the roots are resolved as they are now.
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
    let mut run = Run::new(options, &pipeline, &progress, Streams { out, err }, outlets);
    run.start()?;
    match (&mut found, &workspace) {
        (Some(found), Some(workspace)) => {
            let (groups, only) = groups_of(options, &pipeline, workspace);
            let unfinished = unfinished::around(&groups, &found.marked);
            found.problems.extend(unfinished);
            if let Some(writer) = writer.as_mut().filter(|_| options.related) {
                let files = groups.iter().flat_map(|group| group.files.keys());
                files.for_each(|path| writer.allow(path, workspace.0.boundaries()));
            }
            run.files(found, groups, only.as_ref(), writer.as_ref())?;
        }
        _ => run.standard_input()?,
    }
    run.finish(began.elapsed())
}

/// The groups of files, and the scope of the report: `None` if everything is reported.
fn groups_of(
    options: &Options<'_>,
    pipeline: &Pipeline<'_>,
    (workspace, project_files): &(Workspace<'_>, ProjectFiles),
) -> (Vec<Group>, Option<ChangedScope>) {
    let mut groups = groups::of(pipeline.projects.iter().flatten(), workspace, options);
    let only = options.only.as_ref().map(|only| {
        only.with_what_it_reaches(
            workspace,
            &project_files.projects,
            &project_files.selectors,
            &project_files.releases,
            &pipeline.domains.all.set,
        )
    });
    if let Some(only) = &only {
        only.keep(&mut groups, &project_files.projects);
    }
    (groups, only)
}
