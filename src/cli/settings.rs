//! The sources of settings: the arguments, the environment, and the files that [`config`] reads.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::civil::Date;

use super::args::{Level, Scope};
use super::run_options::width;
use super::{Arguments, config_error};
use crate::config::{self, Basis, Config, Found, ReadFile};
use crate::git;
use crate::parallel::lock;
use crate::printable;
use crate::rules::{Answers, Edition, RuleSet, Severity};
use crate::run::{Baselines, Source};
use crate::walk::{self, Overlay};

/// The variable with the configuration for repositories that have none.
const VARIABLE: &str = "REGFIX_CONFIG";

/// The settings of a run according to the arguments.
pub(super) struct Typed<'a> {
    scope: &'a Scope,
    today: Date,
    color: bool,
    /// From `--config` or the environment.
    named: Option<Config>,
    /// From `--catalogue`.
    catalogue: Option<Arc<Edition>>,
    asked: Option<Arc<Answers>>,
    min_severity: Severity,
    /// Whether only the exit code is of interest.
    only_the_code: bool,
    /// Configurations that were read before, by their text.
    read: Mutex<HashMap<String, Config>>,
}

impl<'a> Typed<'a> {
    /// # Errors
    /// If a named configuration is wrong. The message is ready to be shown.
    pub(super) fn new(arguments: &'a Arguments, today: Date, color: bool) -> Result<Self, String> {
        let (scope, action) = (&arguments.scope, &arguments.action);
        let of_cluster = super::of_cluster(arguments).and_then(|cluster| cluster.verify);
        let asked = action.verify.or(of_cluster).map(|which| {
            let asked = Answers::new(which.asking(), action.pin);
            Arc::new(asked)
        });
        let mut typed = Self {
            scope,
            today,
            color,
            named: None,
            catalogue: None,
            asked,
            min_severity: (arguments.output.min_severity).map_or(Severity::Info, Level::severity),
            only_the_code: arguments.output.quiet
                && arguments.output.output.is_empty()
                && !action.diff
                && !action.write
                && !action.write_baseline
                && action.add_ignores.is_none()
                && arguments.command.is_none(),
            read: Mutex::default(),
        };
        if let Some(path) = &scope.catalogue {
            let loaded = config::load_catalogue(path);
            let loaded = loaded.map_err(|error| format!("--catalogue: {}", typed.shown(&error)))?;
            typed.catalogue = Some(loaded);
        }
        let of_variable = || match scope.no_config || scope.config_from.is_some() {
            true => None,
            false => of_environment(),
        };
        if let Some(path) = scope.config.clone().or_else(of_variable) {
            let loaded = config::load(&path, typed.catalogue.as_ref());
            let loaded = loaded.map_err(|error| match &scope.config {
                Some(_) => format!("--config: {}", typed.shown(&error)),
                None => format!("{VARIABLE} or XDG_CONFIG_HOME: {}", typed.shown(&error)),
            });
            typed.named = Some(typed.with_typed(loaded?)?);
        }
        Ok(typed)
    }

    /// Explains why a configuration applies to a path.
    pub(super) fn origin(&self, config: &Config) -> &'static str {
        let scope = self.scope;
        let is_named = self
            .named
            .as_ref()
            .is_some_and(|named| named.file == config.file);
        match &config.file {
            None if scope.no_config => "--no-config",
            None => "there is none",
            Some(_) if scope.config.is_some() => "--config",
            Some(_) if scope.config_from.is_some() => "--config-from",
            Some(_) if is_named => "the environment, because the repository has none",
            Some(_) => "the nearest",
        }
    }

    fn shown(&self, error: &config::ConfigError) -> String {
        match error.text.is_empty() {
            // There is no line to show.
            true => error.to_string(),
            false => config_error::render(error, self.color, width()),
        }
    }

    fn with_typed(&self, mut config: Config) -> Result<Config, String> {
        config.lay_over(&self.scope.select, &self.scope.ignore)?;
        config.min_severity = self.min_severity;
        Ok(config)
    }

    /// Reads a configuration, or reuses one that was read with the same text, because many repositories have the same. One that
    /// pins a catalogue or extends a file is always read: `file` reads those.
    fn of_text(&self, path: &Path, text: String, file: &ReadFile<'_>) -> Result<Config, String> {
        let mut read = lock(&self.read);
        if let Some(known) = read.get(&text) {
            return Ok(known.clone().of_file(path));
        }
        let basis = Basis::of(self.catalogue.as_ref(), file);
        let config =
            config::load_text(path, &text, basis, file).map_err(|error| self.shown(&error))?;
        let config = self.with_typed(config)?;
        if !config.edition.is_pinned() && !config.extends() {
            read.insert(text, config.clone());
        }
        Ok(config)
    }

    /// Finds the nearest configuration at a revision: from the working directory upwards if it is in the repository, otherwise
    /// in the repository's own folder. The files that it refers to are read from the same revision.
    fn at_revision(
        &self,
        top: &Path,
        revision: &str,
        files: &Overlay,
    ) -> Result<Option<Config>, String> {
        let failed = |error: git::Error| format!("--config-from: {error}");
        let here = walk::working_directory();
        let here = walk::real(&here).unwrap_or(here);
        let snapshot = files.snapshot_of(top);
        let start = if here.starts_with(top) && snapshot.is_none() {
            here.as_path()
        } else {
            top
        };
        let repository = match snapshot {
            Some(snapshot) => snapshot.repository.clone(),
            None => git::Repository::around(start).map_err(failed)?,
        };
        let paths = config::names_from(start, &repository.top);
        let Some((path, text)) = repository.first_at(revision, &paths).map_err(failed)? else {
            return Ok(None);
        };
        let file = |path: &Path| match repository.file_at(revision, path) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(format!("{revision} has no such file")),
            Err(error) => Err(error.to_string()),
        };
        self.of_text(&path, text, &file).map(Some)
    }
}

impl Source for Typed<'_> {
    fn is_same_everywhere(&self) -> bool {
        let scope = self.scope;
        scope.no_config || scope.config.is_some() || scope.config_from.is_some()
    }

    fn config(&self, found: Option<&Found>, top: &Path, files: &Overlay) -> Result<Config, String> {
        let config = match (found, &self.scope.config_from) {
            (Some(found), _) => {
                let below =
                    |top: &Path, path: &Path, limit: usize| files.read_below(top, path, limit);
                let text = config::read_found(found, &below);
                let text = text.map_err(|error| self.shown(&error))?;
                let file = |path: &Path| config::read_pinned(&found.top, path, &below);
                Some(self.of_text(&found.path, text, &file)?)
            }
            (None, Some(revision)) => self.at_revision(top, revision, files)?,
            (None, None) => None,
        };
        match (config, &self.named) {
            (Some(config), _) => Ok(config),
            (None, Some(named)) => Ok(named.clone()),
            (None, None) => {
                let nothing = |_: &Path| Err("there is no configuration".to_owned());
                let none = self.of_text(&top.join("_"), String::new(), &nothing)?;
                Ok(none.of_no_file())
            }
        }
    }

    fn rules(&self, config: &Config) -> Result<RuleSet, String> {
        let rules = config.rules(self.today);
        let mut rules = rules.map_err(|why| match &config.file {
            Some(file) => format!("{}: {why}", printable::path(file)),
            None => why,
        })?;
        if self.only_the_code && !config.sets_severities_by_path() {
            // Findings of severity `info` are not shown and do not affect the exit code.
            rules.retain(|rule| {
                rule.mappings()
                    .iter()
                    .any(|mapping| mapping.severity > Severity::Info)
            });
        }
        let rules = RuleSet::new(rules).knowing(config.edition.facts);
        Ok(match &self.asked {
            Some(asked) => rules.asking(Arc::clone(asked)),
            None => rules,
        })
    }
}

/// Returns how the arguments use baselines.
pub(super) fn baselines(arguments: &Arguments) -> Baselines {
    let action = &arguments.action;
    match arguments.command.is_none() && !arguments.scope.no_baseline && !action.files {
        true if action.add_ignores.is_some() => Baselines::Extended,
        true if action.write_baseline => Baselines::Renewed,
        true => Baselines::Used,
        false => Baselines::Unused,
    }
}

/// Returns the configuration that the environment names for repositories that have none.
fn of_environment() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(path) = variable(VARIABLE) {
        return Some(path.into());
    }
    let home = || Some(PathBuf::from(variable("HOME")?).join(".config"));
    let folder = variable("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(home)?;
    let path = folder.join("regfix").join("config.yaml");
    (folder.is_absolute() && walk::is_file(&path)).then_some(path)
}
