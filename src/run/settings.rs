//! The settings of each file: those of the nearest configuration in its repository.
//!
//! Reads each configuration once. [`Source`] knows where settings come from, and about command-line arguments.

mod area;
mod folders;
mod passed_over;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, RwLock};

use super::baselines::{Baselines, RunBaseline};
use super::origins::Origins;
use crate::config::{Config, Found};
use crate::parallel::lock;
use crate::printable;
use crate::report::{Origin, PathBase};
use crate::rules::prefilter::Parts;
use crate::rules::select::Names;
use crate::rules::{Edition, Facts, Rule, RuleSet};
use crate::walk::{self, Overlay};

use area::Repository;
pub(super) use area::Vendoring;
pub use area::{Area, Rules};
use folders::Spot;

/// A source of settings. Its errors are safe to print.
pub trait Source: Sync {
    /// Whether one configuration applies everywhere, so that none is searched.
    fn is_same_everywhere(&self) -> bool;
    /// Reads the configuration that was found, or returns the default one of a repository. `top` is the folder of the
    /// repository, and `files` is read instead of the disk.
    ///
    /// # Errors
    /// If it cannot be read or is malformed.
    fn config(&self, found: Option<&Found>, top: &Path, files: &Overlay) -> Result<Config, String>;
    /// Returns the rules that a configuration selects.
    ///
    /// # Errors
    /// If no rule is left.
    fn rules(&self, config: &Config) -> Result<RuleSet, String>;
}

/// The settings that were read so far.
#[derive(Default)]
struct Loaded {
    repositories: BTreeMap<PathBuf, Arc<Repository>>,
    /// Areas by repository and, if there is one, the configuration file. `None` if the configuration is broken.
    areas: BTreeMap<(PathBuf, Option<PathBuf>), Option<Arc<Area>>>,
    /// Rules by key of the configuration.
    rules: HashMap<String, Arc<Rules>>,
    /// Rules by content: configurations that are written differently may select the same rules.
    same_rules: HashMap<String, Arc<Rules>>,
    /// Parts shared by sets of rules that are not the same.
    parts: Parts,
    baselines: BTreeMap<PathBuf, Arc<RunBaseline>>,
    /// Configurations and baselines in folders above repositories, with those repositories.
    passed_over: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
}

/// The settings of a run.
pub struct Settings<'s> {
    source: &'s dyn Source,
    /// Rules that replace the configured ones.
    ruled: Option<Arc<Rules>>,
    base: PathBase,
    baseline: Baselines,
    /// Read instead of the disk.
    files: Arc<Overlay>,
    here: PathBuf,
    /// Spelled like in the walk.
    roots: HashSet<PathBuf>,
    /// Folders from which the user looks at repositories: the working directory and the roots, with links resolved.
    outlooks: HashSet<PathBuf>,
    /// Settings by folder, as a string because comparing paths by component is slow.
    spots: RwLock<HashMap<OsString, Arc<Spot>>>,
    loaded: Mutex<Loaded>,
    origins: Origins,
}

impl<'s> Settings<'s> {
    /// Creates the settings without reading anything. `base` is the base of paths of the run.
    pub fn new(
        source: &'s dyn Source,
        roots: &[PathBuf],
        base: &PathBase,
        baseline: Baselines,
    ) -> Self {
        let shown = roots.iter().map(|root| match root.strip_prefix(".") {
            Ok(rest) => rest.to_owned(),
            Err(_) => root.clone(),
        });
        let here = walk::working_directory();
        let here = walk::real(&here).unwrap_or(here);
        let outlooks = roots.iter().filter_map(|root| walk::real(root));
        Self {
            source,
            ruled: None,
            base: base.clone(),
            baseline,
            files: Arc::default(),
            outlooks: outlooks.chain([here.clone()]).collect(),
            here,
            roots: shown.collect(),
            spots: RwLock::default(),
            loaded: Mutex::default(),
            origins: Origins::default(),
        }
    }

    /// Returns the settings with files that are read instead of the disk.
    #[must_use]
    pub fn over(self, files: Arc<Overlay>) -> Self {
        Self { files, ..self }
    }

    /// Returns the settings with other rules for all files.
    ///
    /// # Errors
    /// If the rules cannot be compiled into a search.
    pub fn ruled(&self, rules: RuleSet) -> Result<Self, String> {
        let ids = rules.rules().map(|rule| (rule.id.clone(), true));
        let names = Names::new(ids);
        Ok(Self {
            source: self.source,
            ruled: Some(Arc::new(Rules::new(rules, names, &mut Parts::default())?)),
            base: self.base.clone(),
            baseline: self.baseline,
            files: Arc::clone(&self.files),
            here: self.here.clone(),
            roots: self.roots.clone(),
            outlooks: self.outlooks.clone(),
            spots: RwLock::default(),
            loaded: Mutex::default(),
            origins: Origins::default(),
        })
    }

    /// The settings of a file. `None` if those of its repository are broken.
    pub fn of(&self, path: &Path) -> Option<Arc<Area>> {
        let spot = self.spot(path.parent().unwrap_or(Path::new("")));
        match spot.repository.broken.get() {
            Some(_) => None,
            None => spot.area.clone(),
        }
    }

    /// The settings of a folder.
    ///
    /// # Errors
    /// The problem with the settings of its repository.
    pub fn of_folder(&self, folder: &Path) -> Result<Arc<Area>, String> {
        let spot = self.spot(folder);
        match (spot.repository.broken.get(), &spot.area) {
            (None, Some(area)) => Ok(Arc::clone(area)),
            (why, _) => Err(why.cloned().unwrap_or_default()),
        }
    }

    /// Reads the settings of the roots. If all of them are broken, returns the problems.
    pub(super) fn read_those_of(&self, roots: &[PathBuf]) -> Option<Vec<String>> {
        let is_good = |root: &PathBuf| {
            let path = match self.files.is_folder(root) {
                Some(true) => root.join("_"),
                _ => root.clone(),
            };
            self.of(&path).is_some()
        };
        let good = roots.iter().filter(|root| is_good(root)).count();
        (good == 0 && !roots.is_empty()).then(|| self.broken())
    }

    /// The problems with settings, one message per repository.
    pub(super) fn broken(&self) -> Vec<String> {
        let loaded = self.loaded();
        let repositories = loaded.repositories.values();
        let broken = repositories.filter_map(|repository| repository.broken.get().cloned());
        broken.collect()
    }

    /// The folders of all repositories of the run, and whether each is broken. The folder is `None` for files outside of
    /// repositories.
    pub(super) fn repositories(&self) -> BTreeMap<Option<PathBuf>, bool> {
        let loaded = self.loaded();
        let mut all = BTreeMap::new();
        for repository in loaded.repositories.values() {
            let top = repository.is_git.then(|| repository.top.clone());
            *all.entry(top).or_default() |= repository.broken.get().is_some();
        }
        all
    }

    /// The name of a repository in reports: its folder, relative to the working directory if it is below that. For the
    /// working directory itself, the folder's name.
    pub(super) fn name_of(&self, top: &Path) -> String {
        let short = top.strip_prefix(&self.here).unwrap_or(top);
        match (short.as_os_str().is_empty(), top.file_name()) {
            (true, Some(own)) => printable::name(Path::new(own)),
            _ => printable::name(short),
        }
    }

    /// The repository of a file, if any.
    pub(super) fn origin(&self, path: &Path) -> Option<Arc<Origin>> {
        let area = self.of(path)?;
        let top = area.top()?;
        Some(
            self.origins
                .of(top, &self.name_of(top), &self.base, &self.files),
        )
    }

    /// The commit of the repository in a folder.
    pub(super) fn commit(&self, top: &Path) -> Option<String> {
        let origin = self
            .origins
            .of(top, &self.name_of(top), &self.base, &self.files);
        origin.commit.clone()
    }

    /// Excludes the repository of a folder from the run.
    pub fn give_up(&self, folder: &Path, why: String) {
        // The first reason is kept.
        let _ = self.spot(folder).repository.broken.set(why);
    }

    /// All areas without problems, in a fixed order.
    pub(super) fn areas(&self) -> Vec<Arc<Area>> {
        let loaded = self.loaded();
        let areas = loaded.areas.values().flatten();
        let sound = areas.filter(|area| area.repository.broken.get().is_none());
        sound.cloned().collect()
    }

    /// The catalogues of all areas without duplicates, the built-in one first.
    pub(super) fn catalogues(&self) -> Vec<Arc<Edition>> {
        let mut all: Vec<Arc<Edition>> = Vec::new();
        for area in self.areas() {
            let edition = &area.config.edition;
            if !all.iter().any(|one| one.file == edition.file) {
                all.push(Arc::clone(edition));
            }
        }
        all.sort_by_key(|edition| edition.name());
        all.sort_by_key(|edition| edition.file.is_some());
        all
    }

    pub(super) fn baselines(&self) -> Vec<Arc<RunBaseline>> {
        let loaded = self.loaded();
        loaded.baselines.values().cloned().collect()
    }

    /// All rules of some areas as one set. Of rules with the same id, the first one wins.
    pub(super) fn joint(&self, areas: &[Arc<Area>]) -> Result<Arc<Rules>, String> {
        let mut seen: HashSet<*const Rules> = HashSet::new();
        let different = areas.iter().map(|area| &area.rules);
        let different: Vec<&Arc<Rules>> = different
            .filter(|rules| seen.insert(Arc::as_ptr(rules)))
            .collect();
        if let [only] = different[..] {
            return Ok(Arc::clone(only));
        }
        let mut ids: HashSet<&str> = HashSet::new();
        // Most rules are shared, and comparing pointers is faster than comparing ids.
        let mut known: HashSet<*const Rule> = HashSet::new();
        let all = different.iter().flat_map(|rules| rules.set.shared());
        let rules: Vec<Arc<Rule>> = all
            .filter(|rule| known.insert(Arc::as_ptr(rule)) && ids.insert(&rule.id))
            .cloned()
            .collect();
        let asked = different.iter().find_map(|rules| rules.set.answers());
        let mut facts = different.iter().map(|rules| rules.set.facts());
        // Use the built-in facts only if no area has others.
        let other = facts.find(|facts| *facts != Facts::EMBEDDED);
        let set = RuleSet::new(rules).knowing(other.unwrap_or(Facts::EMBEDDED));
        let set = match asked {
            Some(asked) => set.asking(Arc::clone(asked)),
            None => set,
        };
        let names = Names::new(ids.into_iter().map(|id| (id.to_owned(), true)));
        let parts = &mut self.loaded().parts;
        Ok(Arc::new(Rules::new(set, names, parts)?))
    }

    fn loaded(&self) -> MutexGuard<'_, Loaded> {
        lock(&self.loaded)
    }

    fn repository(&self, top: &Path) -> Arc<Repository> {
        let mut loaded = self.loaded();
        let new = || {
            Arc::new(Repository {
                top: top.to_owned(),
                is_git: self.files.top_of(top) == Some(top) || top.join(".git").exists(),
                broken: OnceLock::new(),
            })
        };
        let repositories = &mut loaded.repositories;
        Arc::clone(repositories.entry(top.to_owned()).or_insert_with(new))
    }

    /// Reads a configuration once. `None` if it is broken; the repository keeps the reason.
    fn area(&self, found: Option<&Found>, repository: &Arc<Repository>) -> Option<Arc<Area>> {
        let mut loaded = self.loaded();
        let key = (
            repository.top.clone(),
            found.map(|found| found.path.clone()),
        );
        if let Some(area) = loaded.areas.get(&key) {
            return area.clone();
        }
        let area = self.read(found, repository, &mut loaded);
        let area = area.map_err(|why| repository.broken.set(why)).ok();
        loaded.areas.insert(key, area.clone());
        area
    }

    fn read(
        &self,
        found: Option<&Found>,
        repository: &Arc<Repository>,
        loaded: &mut Loaded,
    ) -> Result<Arc<Area>, String> {
        let config = self.source.config(found, &repository.top, &self.files)?;
        let key = config.key();
        let rules = match (&self.ruled, loaded.rules.get(&key)) {
            (Some(rules), _) | (None, Some(rules)) => Arc::clone(rules),
            (None, None) => {
                let set = self.source.rules(&config)?;
                let content = content(&config, &set);
                let rules = match loaded.same_rules.get(&content) {
                    Some(rules) => Arc::clone(rules),
                    None => Arc::new(Rules::new(set, config.names(), &mut loaded.parts)?),
                };
                loaded.same_rules.insert(content, Arc::clone(&rules));
                loaded.rules.insert(key, Arc::clone(&rules));
                rules
            }
        };
        let baseline = match self.baseline {
            Baselines::Unused => None,
            _ => {
                // Without a configuration, its folder is that of the repository.
                let beside = found.map(|_| config.folder.as_path());
                let folders = beside.into_iter().chain([repository.top.as_path()]);
                let folders: Vec<_> = folders.collect();
                RunBaseline::find(&self.base, &folders, self.baseline, &self.files)?
            }
        };
        let baseline = baseline.map(|known| {
            let baselines = &mut loaded.baselines;
            let path = known.path().to_owned();
            Arc::clone(baselines.entry(path).or_insert_with(|| Arc::new(known)))
        });
        Ok(Arc::new(Area {
            config,
            rules,
            baseline,
            repository: Arc::clone(repository),
        }))
    }
}

/// The content of a set of rules and the names that may be used: if equal, configurations can share one set.
fn content(config: &Config, set: &RuleSet) -> String {
    let rules = set.rules().map(|rule| {
        let severities = rule.mappings().iter().map(|mapping| mapping.severity);
        (&rule.id, severities.collect::<Vec<_>>())
    });
    format!(
        "{:?} {}",
        rules.collect::<Vec<_>>(),
        config.origin_of_rules()
    )
}
