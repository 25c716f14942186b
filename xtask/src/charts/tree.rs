//! The images that the tree of a chart names by default, cached by the id of the tree.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use regfix::check;
use regfix::file_type::{self, FileType};
use regfix::rules::prefilter::Prefilter;
use regfix::rules::{Facts, RuleSet, charts};
use serde::{Deserialize, Serialize};

use super::history::{Release, first_document};
use crate::git::{Entry, Git};
use crate::{Fault, read, write};

/// The images that a rule applies to, and the subchart that pulls them if the chart itself does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    pub images: BTreeSet<String>,
    /// `name@version`
    pub subchart: Option<String>,
    pub condition: Option<String>,
    /// Whether the subchart is on by default: `on`, `off` or `unknown`.
    pub by_default: Option<&'static str>,
}

/// The images in a tree by rule, without those of subcharts elsewhere.
type Own = BTreeMap<String, BTreeSet<String>>;

#[derive(Serialize, Deserialize, Default)]
struct Cache {
    /// The date of the catalogue, and the method of reading trees. If either changes, everything is read again.
    as_of: String,
    trees: HashMap<String, Own>,
}

pub struct Trees<'r> {
    rules: &'r RuleSet,
    prefilter: Prefilter,
    /// The images in a file, by its id and path: most files do not change between versions.
    files: HashMap<(String, String), Own>,
    file: PathBuf,
    cache: Cache,
    /// The number of trees that were not cached.
    pub read: usize,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Dependencies {
    dependencies: Option<Vec<Dependency>>,
}

#[derive(Deserialize, Default, Clone)]
#[serde(default)]
struct Dependency {
    name: String,
    version: String,
    repository: Option<String>,
    condition: Option<String>,
}

/// Folders of a chart with files that Helm renders, or with subcharts.
const FOLDERS: [&str; 6] = [
    "templates",
    "crds",
    "charts",
    "files",
    "manifests",
    "dashboards",
];
/// Folders that are not part of a release.
const NOT_RELEASED: [&str; 3] = ["tests", "test", "ci"];
const MOST_DEPTH: usize = 8;
/// The limit for the unpacked bytes of a packed subchart; the rest is not read.
const MOST_UNPACKED: u64 = 64 << 20;
/// Increase this when trees are read in another way.
const METHOD: u32 = 2;

impl<'r> Trees<'r> {
    pub fn new(rules: &'r RuleSet, folder: &Path, as_of: &str) -> Result<Self, Fault> {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        let file = folder.join("trees.json");
        let cache: Cache = match file.exists() {
            true => serde_json::from_str(&read(&file)?).unwrap_or_default(),
            false => Cache::default(),
        };
        let as_of = format!("{as_of}, {METHOD}");
        let cache = match cache.as_of == as_of {
            true => cache,
            false => Cache {
                as_of,
                ..Cache::default()
            },
        };
        Ok(Self {
            rules,
            prefilter: Prefilter::new(rules, &[])?,
            files: HashMap::new(),
            file,
            cache,
            read: 0,
        })
    }

    pub fn keep(&self) -> Result<(), Fault> {
        let text = serde_json::to_string(&self.cache).map_err(|error| error.to_string())?;
        write(&self.file, &text)
    }

    /// Returns the images of a version of a chart, with those of its subcharts, by rule.
    pub fn found(
        &mut self,
        git: &mut Git,
        release: &Release,
    ) -> Result<BTreeMap<String, Found>, Fault> {
        self.found_below(git, release, 0)
    }

    fn found_below(
        &mut self,
        git: &mut Git,
        release: &Release,
        depth: usize,
    ) -> Result<BTreeMap<String, Found>, Fault> {
        let Some(tree) = git.tree_at(&release.commit, &release.path)? else {
            return Ok(BTreeMap::new());
        };
        let own = match self.cache.trees.get(&tree) {
            Some(own) => own.clone(),
            None => {
                self.read += 1;
                let mut own = Own::new();
                self.read_tree(git, &tree, "", &mut own)?;
                self.cache.trees.insert(tree.clone(), own.clone());
                own
            }
        };
        let mut found: BTreeMap<String, Found> = BTreeMap::new();
        for (rule, images) in own {
            found.insert(
                rule,
                Found {
                    images,
                    ..Found::default()
                },
            );
        }
        self.of_subcharts(git, release, &mut found, depth)?;
        Ok(found)
    }

    /// Adds the images of subcharts that are outside of the tree: from the table, or from another folder of the repository.
    fn of_subcharts(
        &mut self,
        git: &mut Git,
        release: &Release,
        found: &mut BTreeMap<String, Found>,
        depth: usize,
    ) -> Result<(), Fault> {
        for one in subcharts(git, release)? {
            let mut known: Vec<(String, BTreeSet<String>)> = Vec::new();
            let Some(repository) = one.repository.as_deref() else {
                continue;
            };
            if let Some(path) = repository.strip_prefix("file://") {
                if let Some(path) = beside(&release.path, path).filter(|_| depth < MOST_DEPTH) {
                    let release = Release {
                        path,
                        ..release.clone()
                    };
                    let below = self.found_below(git, &release, depth + 1)?.into_iter();
                    known.extend(below.map(|(rule, found)| (rule, found.images)));
                }
            } else if repository.contains("://") {
                let table = Facts::EMBEDDED.charts;
                let known_of = table.advisories(Some(repository), &one.name, &one.version);
                let certain = known_of.into_iter().filter(|advisory| advisory.certain);
                let on = certain.filter(|advisory| advisory.enabled != charts::Enabled::Off);
                known.extend(on.map(|advisory| {
                    let images = advisory.images.split(", ").map(str::to_owned);
                    (advisory.rule.to_owned(), images.collect())
                }));
            }
            known.retain(|(rule, _)| !found.contains_key(rule));
            if known.is_empty() {
                continue;
            }
            let by_default = match &one.condition {
                None => "on",
                Some(condition) => by_default(git, release, condition)?,
            };
            for (rule, images) in known {
                let subchart = Found {
                    images,
                    subchart: Some(format!("{}@{}", one.name, one.version)),
                    condition: one.condition.clone(),
                    by_default: Some(by_default),
                };
                found.insert(rule, subchart);
            }
        }
        Ok(())
    }

    fn read_tree(
        &mut self,
        git: &mut Git,
        tree: &str,
        above: &str,
        own: &mut Own,
    ) -> Result<(), Fault> {
        if above.matches('/').count() > MOST_DEPTH {
            return Ok(());
        }
        for (name, entry) in git.entries(tree)? {
            let path = format!("{above}{name}");
            match entry {
                Entry::Tree(id) => {
                    let is_part = !above.is_empty() || FOLDERS.contains(&name.as_str());
                    if is_part && !NOT_RELEASED.contains(&name.as_str()) {
                        self.read_tree(git, &id, &format!("{path}/"), own)?;
                    }
                }
                Entry::Blob(id) => {
                    for (rule, images) in self.file(git, id, path)? {
                        own.entry(rule).or_default().extend(images);
                    }
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, git: &mut Git, id: String, path: String) -> Result<Own, Fault> {
        if path.starts_with("charts/") && path.ends_with(".tgz") {
            return self.archive(git, id, path);
        }
        let is_defaults =
            path.contains('/') || ["values.yaml", "values.yml"].contains(&path.as_str());
        let Some(kind) = file_type::classify(Path::new(&path)).filter(|_| is_defaults) else {
            return Ok(Own::new());
        };
        let key = (id, path);
        if let Some(known) = self.files.get(&key) {
            return Ok(known.clone());
        }
        let mut own = Own::new();
        if let Some(text) = git.text(&key.0)? {
            self.read_file(&key.1, &text, kind, &mut own);
        }
        self.files.insert(key, own.clone());
        Ok(own)
    }

    /// Reads a packed subchart. A broken one is left out.
    fn archive(&mut self, git: &mut Git, id: String, path: String) -> Result<Own, Fault> {
        let key = (id, path);
        if let Some(known) = self.files.get(&key) {
            return Ok(known.clone());
        }
        let bytes = git.bytes(&key.0)?.unwrap_or_default();
        let mut own = Own::new();
        for (path, text) in unpacked(&bytes) {
            let path = format!("charts/{path}");
            if let Some(kind) = file_type::classify(Path::new(&path)) {
                self.read_file(&path, &text, kind, &mut own);
            }
        }
        self.files.insert(key, own.clone());
        Ok(own)
    }

    fn read_file(&self, path: &str, text: &str, kind: &FileType, own: &mut Own) {
        let hints = self.prefilter.hints(text.as_bytes());
        if hints.is_empty() {
            return;
        }
        let checked = check::check_near(Path::new(path), text, kind, self.rules, Some(&hints));
        for finding in checked
            .findings
            .into_iter()
            .filter(|finding| !finding.mention)
        {
            let start = text[..finding.span().start]
                .rfind('\n')
                .map_or(0, |newline| newline + 1);
            let line = text[start..].trim_start();
            let is_comment = ["#", "//", "{{/*", "{{- /*"]
                .iter()
                .any(|mark| line.starts_with(mark));
            if !is_comment {
                own.entry(finding.rule.to_string())
                    .or_default()
                    .insert(finding.old);
            }
        }
    }
}

/// Returns the texts of an archive, by path.
fn unpacked(bytes: &[u8]) -> Vec<(String, String)> {
    let unzipped = flate2::read::GzDecoder::new(bytes).take(MOST_UNPACKED);
    let mut archive = tar::Archive::new(unzipped);
    let Ok(entries) = archive.entries() else {
        return Vec::new();
    };
    let text = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.ok()?;
        let path = entry.path().ok()?.to_str()?.to_owned();
        let is_part = !path.split('/').any(|step| NOT_RELEASED.contains(&step));
        let mut text = String::new();
        (is_part && entry.read_to_string(&mut text).is_ok()).then_some((path, text))
    };
    entries.filter_map(text).collect()
}

/// Returns the dependencies of a version, with the versions of its lock file if there is one.
fn subcharts(git: &mut Git, release: &Release) -> Result<Vec<Dependency>, Fault> {
    let mut all = Vec::new();
    let mut locked: HashMap<String, String> = HashMap::new();
    for name in ["Chart.yaml", "requirements.yaml"] {
        all.extend(dependencies(git, release, name)?);
    }
    for name in ["Chart.lock", "requirements.lock"] {
        let of_lock = dependencies(git, release, name)?.into_iter();
        locked.extend(of_lock.map(|one| (one.name, one.version)));
    }
    for one in &mut all {
        if let Some(version) = locked.get(&one.name) {
            one.version.clone_from(version);
        }
    }
    Ok(all)
}

/// Resolves a path relative to a folder of the repository; `None` if it leads out of the repository.
fn beside(folder: &str, path: &str) -> Option<String> {
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()?),
            step => steps.push(step),
        }
    }
    Some(steps.join("/"))
}

fn dependencies(git: &mut Git, release: &Release, name: &str) -> Result<Vec<Dependency>, Fault> {
    let text = file(git, release, name)?;
    let read = text.and_then(|text| first_document::<Dependencies>(&text));
    Ok(read.and_then(|read| read.dependencies).unwrap_or_default())
}

fn file(git: &mut Git, release: &Release, name: &str) -> Result<Option<String>, Fault> {
    let Release { commit, path, .. } = release;
    let slash = if path.is_empty() { "" } else { "/" };
    git.text(&format!("{commit}:{path}{slash}{name}"))
}

/// Evaluates a condition with the default values of the chart: `on`, `off` or `unknown`.
fn by_default(git: &mut Git, release: &Release, condition: &str) -> Result<&'static str, Fault> {
    let text = file(git, release, "values.yaml")?.unwrap_or_default();
    let values: serde_yaml::Value = serde_yaml::from_str(&text).unwrap_or_default();
    let mut said = condition.split(',').filter_map(|path| {
        let mut steps = path.trim().split('.');
        let value = steps.try_fold(&values, |value, step| value.get(step))?;
        value.as_bool()
    });
    Ok(match said.next() {
        Some(true) => "on",
        Some(false) => "off",
        None => "unknown",
    })
}
