//! Which settings hold for a file: those of the nearest configuration in the repository that holds it.
//!
//! Finds configurations, and has each of them read once. Where settings come from, and what was typed, is for [`Source`].

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use super::baselines::{Baselines, RunBaseline};
use super::origins::Origins;
use super::roles::role_words;
use crate::baseline;
use crate::config::{self, Config, Found};
use crate::file_type;
use crate::open;
use crate::printable;
use crate::report::{Origin, PathBase};
use crate::rules::prefilter::{Parts, Prefilter};
use crate::rules::select::Names;
use crate::rules::{Edition, Facts, Rule, RuleSet};
use crate::source::normal;
use crate::suppress::MARKER;
use crate::walk::{self, Overlay};

/// Where settings come from. An error is ready to be shown.
pub trait Source: Sync {
    /// Whether the same configuration holds everywhere, so that none is looked for.
    fn is_same_everywhere(&self) -> bool;
    /// The configuration that was found; where none was, the one of a repository that has none. `top` is the folder of
    /// the repository, and `files` is what the run reads in place of the disk.
    ///
    /// # Errors
    /// Where it cannot be read, or something in it is wrong.
    fn config(&self, found: Option<&Found>, top: &Path, files: &Overlay) -> Result<Config, String>;
    /// The rules that a configuration chooses.
    ///
    /// # Errors
    /// Where none is left.
    fn rules(&self, config: &Config) -> Result<RuleSet, String>;
}

/// Rules, ready for use. Configurations that choose the same share them.
pub struct Rules {
    pub set: RuleSet,
    pub prefilter: Prefilter,
    /// The ids that an ignore comment may name.
    pub(super) names: Names,
}

impl Rules {
    fn new(set: RuleSet, names: Names, parts: &mut Parts) -> Result<Self, String> {
        let prefilter = Prefilter::with_words(&set, &[MARKER], &role_words(), parts)?;
        Ok(Self {
            set,
            prefilter,
            names,
        })
    }
}

/// A repository; of files that are in none, the folder of their configuration.
#[derive(Debug)]
pub(super) struct Repository {
    /// As it really is.
    top: PathBuf,
    is_git: bool,
    /// Why nothing in it is looked at, if so.
    broken: OnceLock<String>,
}

/// The files for which one configuration holds.
pub struct Area {
    pub config: Config,
    pub rules: Arc<Rules>,
    pub(super) baseline: Option<Arc<RunBaseline>>,
    repository: Arc<Repository>,
}

/// What is known of a folder.
#[derive(Clone)]
struct Spot {
    real: PathBuf,
    repository: Arc<Repository>,
    /// `None` where its configuration is broken.
    area: Option<Arc<Area>>,
}

/// What was read so far.
#[derive(Default)]
struct Loaded {
    repositories: BTreeMap<PathBuf, Arc<Repository>>,
    /// By the file of the configuration, if there is one, and the repository.
    areas: BTreeMap<(PathBuf, Option<PathBuf>), Option<Arc<Area>>>,
    /// By the key of the configuration.
    rules: HashMap<String, Arc<Rules>>,
    /// By what they are: configurations that are written in different ways may come to the same.
    same_rules: HashMap<String, Arc<Rules>>,
    /// What rules have in common that are not the same.
    parts: Parts,
    baselines: BTreeMap<PathBuf, Arc<RunBaseline>>,
    /// Configurations and baselines in folders above repositories, and above which.
    passed_over: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
}

/// The settings of a run.
pub struct Settings<'s> {
    source: &'s dyn Source,
    /// The rules that take the place of those that are configured.
    ruled: Option<Arc<Rules>>,
    base: PathBase,
    baseline: Baselines,
    /// Read in place of the disk.
    files: Arc<Overlay>,
    here: PathBuf,
    /// As the walk spells them.
    roots: HashSet<PathBuf>,
    /// Folders from which the user looks at repositories: the working directory and the roots, links resolved.
    outlooks: HashSet<PathBuf>,
    /// By folder as it is spelled: comparing paths by their components takes long for each file.
    spots: RwLock<HashMap<OsString, Arc<Spot>>>,
    loaded: Mutex<Loaded>,
    origins: Origins,
}

impl<'s> Settings<'s> {
    /// Nothing is read before it is asked for. `base` gives where paths of the run start.
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

    /// The same where something is read in place of the disk.
    #[must_use]
    pub fn over(self, files: Arc<Overlay>) -> Self {
        Self { files, ..self }
    }

    /// The same with other rules, for all files.
    ///
    /// # Errors
    /// Where they cannot be searched for.
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

    /// What holds for a file. `None` where the settings of its repository are broken.
    pub fn of(&self, path: &Path) -> Option<Arc<Area>> {
        let spot = self.spot(path.parent().unwrap_or(Path::new("")));
        match spot.repository.broken.get() {
            Some(_) => None,
            None => spot.area.clone(),
        }
    }

    /// What holds in a folder.
    ///
    /// # Errors
    /// What is wrong with the settings of its repository.
    pub fn of_folder(&self, folder: &Path) -> Result<Arc<Area>, String> {
        let spot = self.spot(folder);
        match (spot.repository.broken.get(), &spot.area) {
            (None, Some(area)) => Ok(Arc::clone(area)),
            (why, _) => Err(why.cloned().unwrap_or_default()),
        }
    }

    /// Reads the settings of the roots. Gives what is wrong where nothing is left to look at.
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

    /// What is wrong with settings, a message for each repository.
    pub(super) fn broken(&self) -> Vec<String> {
        let loaded = self.loaded();
        let repositories = loaded.repositories.values();
        let broken = repositories.filter_map(|repository| repository.broken.get().cloned());
        broken.collect()
    }

    /// The folders of all repositories of the run, and whether each is broken; files outside of repositories have none.
    pub(super) fn repositories(&self) -> BTreeMap<Option<PathBuf>, bool> {
        let loaded = self.loaded();
        let mut all = BTreeMap::new();
        for repository in loaded.repositories.values() {
            let top = repository.is_git.then(|| repository.top.clone());
            *all.entry(top).or_default() |= repository.broken.get().is_some();
        }
        all
    }

    /// What reports call a repository: its folder, from the working directory if it lies below that, and of the working
    /// directory itself the folder's name.
    pub(super) fn name_of(&self, top: &Path) -> String {
        let short = top.strip_prefix(&self.here).unwrap_or(top);
        match (short.as_os_str().is_empty(), top.file_name()) {
            (true, Some(own)) => printable::name(Path::new(own)),
            _ => printable::name(short),
        }
    }

    /// The repository of a file, if it is in one.
    pub(super) fn origin(&self, path: &Path) -> Option<Arc<Origin>> {
        let area = self.of(path)?;
        let top = area.top()?;
        Some(
            self.origins
                .of(top, &self.name_of(top), &self.base, &self.files),
        )
    }

    /// The commit of a repository, given by its folder.
    pub(super) fn commit(&self, top: &Path) -> Option<String> {
        let origin = self
            .origins
            .of(top, &self.name_of(top), &self.base, &self.files);
        origin.commit.clone()
    }

    /// Leaves out the repository around a folder.
    pub fn give_up(&self, folder: &Path, why: String) {
        // Of several reasons the first is enough.
        let _ = self.spot(folder).repository.broken.set(why);
    }

    /// All that was read and is sound, in a fixed order.
    pub(super) fn areas(&self) -> Vec<Arc<Area>> {
        let loaded = self.loaded();
        let areas = loaded.areas.values().flatten();
        let sound = areas.filter(|area| area.repository.broken.get().is_none());
        sound.cloned().collect()
    }

    /// The catalogues of all areas, each once, the one that comes with regfix first.
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

    /// All rules of some areas, as one set. Of rules with the same id the first counts.
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
        // Most are shared: comparing where they are is quicker than comparing their ids.
        let mut known: HashSet<*const Rule> = HashSet::new();
        let all = different.iter().flat_map(|rules| rules.set.shared());
        let rules: Vec<Arc<Rule>> = all
            .filter(|rule| known.insert(Arc::as_ptr(rule)) && ids.insert(&rule.id))
            .cloned()
            .collect();
        let asked = different.iter().find_map(|rules| rules.set.answers());
        let mut facts = different.iter().map(|rules| rules.set.facts());
        // The one that comes with regfix only where no area has another.
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
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spot(&self, folder: &Path) -> Arc<Spot> {
        let spots = self.spots.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(spot) = spots.get(folder.as_os_str()) {
            return Arc::clone(spot);
        }
        drop(spots);
        // The walk goes from folder to folder: each is one step from one that is known.
        let spot = match (folder.parent(), folder.file_name()) {
            (Some(above), Some(name)) if self.is_below_root(folder) => {
                self.step(&self.spot(above), Path::new(name))
            }
            _ => self.down_to(folder),
        };
        let mut spots = self.spots.write().unwrap_or_else(PoisonError::into_inner);
        let spot = spots.entry(folder.into()).or_insert(Arc::new(spot));
        Arc::clone(spot)
    }

    /// Learns from the names in a folder that the settings of the folder above hold there, too. Looking for each file
    /// that could say otherwise takes longer than reading a small manifest.
    pub(super) fn listed(&self, folder: &Path, names: &mut dyn Iterator<Item = &OsStr>) {
        let (Some(above), Some(name)) = (folder.parent(), folder.file_name()) else {
            return;
        };
        let mut of_use = names.filter(|name| config::is_of_use(name));
        if of_use.next().is_some() || !self.is_below_root(folder) {
            return;
        }
        let above = self.spot(above);
        let spot = Spot {
            real: above.real.join(name),
            ..(*above).clone()
        };
        let mut spots = self.spots.write().unwrap_or_else(PoisonError::into_inner);
        spots.entry(folder.into()).or_insert(Arc::new(spot));
    }

    fn is_below_root(&self, folder: &Path) -> bool {
        let is_above_here = folder.starts_with("..");
        let mut above = folder.ancestors().skip(1);
        above.any(|above| {
            self.roots.contains(above) && !(is_above_here && above.as_os_str().is_empty())
        })
    }

    /// Looks at all folders from the repository's down to this one.
    fn down_to(&self, folder: &Path) -> Spot {
        let full = normal(&self.here.join(folder));
        let real = match self.files.top_of(&full) {
            Some(_) => full,
            // A file may be gone with its folder.
            None => full.ancestors().find_map(walk::real).unwrap_or(full),
        };
        let top = match self
            .files
            .top_of(&real)
            .or_else(|| config::repository(&real))
        {
            Some(top) => top.to_owned(),
            None if real.starts_with(&self.here) => self.here.clone(),
            None => real.clone(),
        };
        let steps = real.strip_prefix(&top).map(Path::to_owned);
        let start = self.start(&top);
        let steps = steps.unwrap_or_default();
        steps
            .components()
            .fold(start, |spot, step| self.step(&spot, step.as_ref()))
    }

    /// The folder of a repository, or a folder outside of all.
    fn start(&self, top: &Path) -> Spot {
        let repository = self.repository(top);
        if repository.is_git && !self.source.is_same_everywhere() {
            self.note_passed_over(top);
        }
        let area = self.find(top, &repository).unwrap_or_else(|why| {
            let _ = repository.broken.set(why);
            None
        });
        let area = match (area, repository.broken.get()) {
            (None, None) => self.area(None, &repository),
            (area, _) => area,
        };
        Spot {
            real: top.to_owned(),
            repository,
            area,
        }
    }

    /// Notes the nearest settings above a repository that its user may take for settings of the repository. They are not:
    /// the same files would be judged otherwise in another folder, as in CI.
    fn note_passed_over(&self, top: &Path) {
        let above = || top.ancestors().skip(1);
        let Some(farthest) = above()
            .filter(|folder| self.outlooks.contains(*folder))
            .last()
        else {
            return;
        };
        if config::repository(farthest).is_some() {
            return;
        }
        let between = above().take_while(|folder| folder.starts_with(farthest));
        let has_settings = |folder: &Path| {
            let is_top = self.outlooks.contains(folder);
            let there = |path: &Path| self.files.is_there(path);
            let config = config::in_folder(folder, is_top, &there).ok().flatten();
            let baseline = folder.join(baseline::FILE);
            let has_baseline = self.baseline != Baselines::Unused && open::is_there(&baseline);
            let found: Vec<PathBuf> = config
                .into_iter()
                .chain(has_baseline.then_some(baseline))
                .collect();
            (!found.is_empty()).then_some(found)
        };
        let mut loaded = self.loaded();
        for path in between
            .filter_map(has_settings)
            .next()
            .into_iter()
            .flatten()
        {
            loaded
                .passed_over
                .entry(path)
                .or_default()
                .insert(top.to_owned());
        }
    }

    /// What to say of settings that lie above repositories and do not apply to them.
    pub(super) fn passed_over(&self) -> Vec<String> {
        let loaded = self.loaded();
        let passed_over = loaded.passed_over.iter();
        let say = |(path, repositories): (&PathBuf, &BTreeSet<PathBuf>)| {
            let (those, each) = match repositories.len() {
                1 => ("the repository".to_owned(), "it uses"),
                number => (format!("the {number} repositories"), "each uses"),
            };
            let instead = match path.file_name() == Some(baseline::FILE.as_ref()) {
                true => "",
                false => "; --config FILE applies one to all",
            };
            format!(
                "{}: does not apply to {those} below it: {each} its own settings{instead}",
                printable::path(path)
            )
        };
        passed_over.map(say).collect()
    }

    fn step(&self, above: &Spot, name: &Path) -> Spot {
        let real = above.real.join(name);
        if self.files.top_of(&real).is_none() && real.join(".git").exists() {
            return self.start(&real);
        }
        // What lies in no repository is not left out because of another folder's configuration.
        let repository = || match above.repository.is_git {
            true => Arc::clone(&above.repository),
            false => self.repository(&real),
        };
        match self.find(&real, &above.repository) {
            Ok(None) => Spot {
                real,
                ..above.clone()
            },
            Ok(area) => {
                let repository = area.as_ref().map(|area| Arc::clone(&area.repository));
                Spot {
                    repository: repository.unwrap_or_else(|| Arc::clone(&above.repository)),
                    real,
                    area,
                }
            }
            Err(why) => {
                let repository = repository();
                let _ = repository.broken.set(why);
                Spot {
                    real,
                    repository,
                    area: None,
                }
            }
        }
    }

    /// The area of the configuration in a folder, if there is one.
    fn find(&self, folder: &Path, around: &Arc<Repository>) -> Result<Option<Arc<Area>>, String> {
        if self.source.is_same_everywhere() {
            return Ok(None);
        }
        let is_top = folder == around.top || folder == self.here;
        let there = |path: &Path| self.files.is_there(path);
        let Some(path) = config::in_folder(folder, is_top, &there)? else {
            return Ok(None);
        };
        let repository = match around.is_git {
            true => Arc::clone(around),
            false => self.repository(folder),
        };
        let top = repository.top.clone();
        let area = self.area(Some(&Found { path, top }), &repository);
        match (area, repository.broken.get()) {
            (None, Some(why)) => Err(why.clone()),
            (area, _) => Ok(area),
        }
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

    /// Reads a configuration unless it was read before. `None` where something is wrong, which the repository holds then.
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
                // Without a configuration its folder is the one of the repository.
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

/// What rules are, and which of all may be named: where that is equal, one set of them is enough.
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

impl Area {
    /// The folder of the repository, if there is one.
    pub fn top(&self) -> Option<&Path> {
        self.repository.is_git.then_some(&*self.repository.top)
    }

    /// A baseline for files that have none, at the location where it would be looked for first.
    pub(super) fn new_baseline(&self, base: &PathBase) -> Option<RunBaseline> {
        let folder = match &self.config.file {
            Some(_) => &self.config.folder,
            None => &self.repository.top,
        };
        RunBaseline::find(base, &[folder], Baselines::Renewed, &Overlay::default())
            .ok()
            .flatten()
    }

    /// The file of the baseline, if there is one.
    pub fn baseline_file(&self) -> Option<&Path> {
        self.baseline.as_deref().map(RunBaseline::path)
    }

    /// Whether its repository is that of another area, or lies in it: files of the two may depend on each other.
    pub(super) fn is_in(&self, other: &Self) -> bool {
        self.repository.top.starts_with(&other.repository.top)
    }
}

/// What settings say of charts in a folder.
pub(super) struct Vendoring<'v>(pub(super) &'v Settings<'v>);

impl Vendoring<'_> {
    /// See [`Config::edit_vendored_charts`].
    pub(super) fn edits(&self, folder: &Path) -> bool {
        self.says(folder, |config| config.edit_vendored_charts)
    }

    /// See [`Config::vendors_chart`].
    pub(super) fn lists(&self, folder: &Path) -> bool {
        self.says(folder, |config| config.vendors_chart(folder))
    }

    fn says(&self, folder: &Path, says: impl FnOnce(&Config) -> bool) -> bool {
        let area = self.0.of(&folder.join(file_type::CHART_FILES[0]));
        area.is_some_and(|area| says(&area.config))
    }
}
