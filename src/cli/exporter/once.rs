//! One round: lists the images, asks registries about them, and makes the metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Exporter;
use super::rounds::Rounds;
use crate::cli::run_options::Surroundings;
use crate::cli::settings::Typed;
use crate::cli::{self, Arguments, online, roots};
use crate::git;
use crate::open::{self, Links};
use crate::printable::{self, complain};
use crate::registry::metrics;
use crate::report::{PathBase, RenderOptions};
use crate::run::{self, Baselines, Rules, RunOutcome, Settings};
use crate::walk::{self, Overlay};

/// The size limit of the metrics of an earlier round, and of a cluster report, in bytes.
pub(super) const LARGEST: usize = 256 << 20;

/// The input that stays the same in all rounds.
pub(super) struct Task<'t> {
    pub(super) arguments: &'t Arguments,
    pub(super) exporter: &'t Exporter,
    pub(super) base: &'t PathBase,
    pub(super) render_options: RenderOptions,
    /// The images of each commit, which never change.
    pub(super) of_commits: BTreeMap<String, BTreeSet<String>>,
}

/// The images below some roots.
struct List {
    /// The rules of the working directory.
    rules: Arc<Rules>,
    images: BTreeSet<String>,
    outcome: RunOutcome,
}

impl Task<'_> {
    /// Runs a round. Returns the metrics, and whether all images could be listed. `None` after an error, which was printed.
    pub(super) fn round(
        &mut self,
        rounds: &mut Rounds,
        err: &mut dyn Write,
    ) -> io::Result<Option<(String, bool)>> {
        // Credentials and settings may have changed since the last round.
        let Some(client) = online::connect(&self.exporter.registries, err)? else {
            return Ok(None);
        };
        let named = roots::named(self.arguments).to_vec();
        let roots = roots::spelled(self.arguments, named);
        // Images of a cluster belong to no repository, so the rules of the working directory apply to all images.
        let List {
            rules,
            mut images,
            outcome,
        } = match self.list(roots, Arc::default(), true, err)? {
            Ok(list) => list,
            Err(message) => return cli::refuse(&message, err).map(|_| None),
        };
        let mut is_whole = outcome != RunOutcome::Failed;
        for revision in &self.exporter.revision {
            match self.of_revision(revision, err)? {
                Ok(more) => images.extend(more),
                Err(why) => {
                    complain(err, format!("--revision: {why}"))?;
                    is_whole = false;
                }
            }
        }
        for path in &self.exporter.cluster_report {
            match of_report(path) {
                Ok(more) => images.extend(more),
                Err(why) => {
                    complain(err, format!("{}: {why}", printable::path(path)))?;
                    is_whole = false;
                }
            }
        }
        let now = || u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default();
        rounds.ask(&client, &images, now());
        let now = now();
        let samples = rounds.samples(&rules.set, now);
        let text = metrics::text(&samples, now, is_whole, env!("CARGO_PKG_VERSION"));
        Ok(Some((text, is_whole)))
    }

    /// Lists the images below some roots, with the rules of the working directory.
    fn list(
        &self,
        roots: Vec<PathBuf>,
        overlay: Arc<Overlay>,
        is_here: bool,
        err: &mut dyn Write,
    ) -> io::Result<Result<List, String>> {
        let today = self.arguments.scope.as_of.unwrap_or_else(cli::today);
        let typed = match Typed::new(self.arguments, today, false) {
            Ok(typed) => typed,
            Err(message) => return Ok(Err(message)),
        };
        let settings =
            Settings::new(&typed, &roots, self.base, Baselines::Unused).over(Arc::clone(&overlay));
        let area = match settings.of_folder(Path::new("")) {
            Ok(area) => area,
            Err(message) => return Ok(Err(message)),
        };
        let surroundings = Surroundings {
            overlay,
            progress: is_here && self.exporter.listen.is_none(),
            ..Surroundings::new(roots, self.base, today, self.render_options)
        };
        let options = surroundings.options(self.arguments, &settings);
        let (listed, outcome) = run::listed(&options, err)?;
        Ok(Ok(List {
            rules: Arc::clone(&area.rules),
            images: listed.into_iter().map(|one| one.image).collect(),
            outcome,
        }))
    }

    /// Lists the images that the repository of the working directory has at a revision.
    fn of_revision(
        &mut self,
        revision: &str,
        err: &mut dyn Write,
    ) -> io::Result<Result<BTreeSet<String>, String>> {
        let here = walk::working_directory();
        let found = git::Repository::around(&here)
            .and_then(|repository| Ok((repository.commit_id(revision)?, repository)));
        let (commit, repository) = match found {
            Ok(found) => found,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if let Some(known) = self.of_commits.get(&commit) {
            return Ok(Ok(known.clone()));
        }
        let top = repository.top.clone();
        let mut overlay = Overlay::default();
        match repository.snapshot(&commit) {
            Ok(snapshot) => overlay.mount(&top, Some(Arc::new(snapshot))),
            Err(error) => return Ok(Err(error.to_string())),
        }
        Ok(match self.list(vec![top], Arc::new(overlay), false, err)? {
            Ok(List {
                images,
                outcome: RunOutcome::Clean,
                ..
            }) => {
                self.of_commits.insert(commit, images.clone());
                Ok(images)
            }
            Ok(_) => Err(format!("{revision} could not be read as a whole")),
            Err(message) => Err(message),
        })
    }
}

fn of_report(path: &Path) -> Result<Vec<String>, String> {
    let bytes = open::read(path, Links::Follow, LARGEST).map_err(|error| error.to_string())?;
    let report: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| format!("is not a report: {error}"))?;
    let rows = report.get("rows").and_then(serde_json::Value::as_array);
    let rows = rows.ok_or("is not a report of `regfix cluster --format json`")?;
    let image = |row: &serde_json::Value| row.get("image")?.as_str().map(str::to_owned);
    Ok(rows.iter().filter_map(image).collect())
}
