//! What the tree of a chart names by default, kept by the tree's id.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use regfix::check;
use regfix::kind::{self, Kind};
use regfix::rules::anchors::Anchors;
use regfix::rules::{Facts, RuleSet, charts};
use serde::{Deserialize, Serialize};

use super::history::Release;
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

/// What is in a tree, whatever its subcharts are: images by rule.
type Own = BTreeMap<String, BTreeSet<String>>;

#[derive(Serialize, Deserialize, Default)]
struct Cache {
    /// The day of the catalogue: with another one, everything is read again.
    as_of: String,
    trees: HashMap<String, Own>,
}

pub struct Trees<'r> {
    rules: &'r RuleSet,
    anchors: Anchors,
    /// What files name, by their ids and paths: most files of a version are those of the one before.
    files: HashMap<(String, String), Own>,
    file: PathBuf,
    cache: Cache,
    /// How many trees were not known.
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

/// Folders of a chart whose files Helm renders, or that hold subcharts.
const FOLDERS: [&str; 6] = [
    "templates",
    "crds",
    "charts",
    "files",
    "manifests",
    "dashboards",
];
/// Files that are not part of a release.
const NOT_RELEASED: [&str; 3] = ["tests", "test", "ci"];
const MOST_DEPTH: usize = 8;

impl<'r> Trees<'r> {
    pub fn new(rules: &'r RuleSet, folder: &Path, as_of: &str) -> Result<Self, Fault> {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        let file = folder.join("trees.json");
        let cache: Cache = match file.exists() {
            true => serde_json::from_str(&read(&file)?).unwrap_or_default(),
            false => Cache::default(),
        };
        let cache = match cache.as_of == as_of {
            true => cache,
            false => Cache {
                as_of: as_of.to_owned(),
                ..Cache::default()
            },
        };
        Ok(Self {
            rules,
            anchors: Anchors::new(rules, &[])?,
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

    /// What a version of a chart names, with its subcharts.
    pub fn found(
        &mut self,
        git: &mut Git,
        release: &Release,
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
        of_subcharts(git, release, &mut found)?;
        Ok(found)
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
        let is_defaults =
            path.contains('/') || ["values.yaml", "values.yml"].contains(&path.as_str());
        let Some(kind) = kind::classify(Path::new(&path)).filter(|_| is_defaults) else {
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

    fn read_file(&self, path: &str, text: &str, kind: &Kind, own: &mut Own) {
        let hints = self.anchors.hints(text.as_bytes());
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

/// Adds what is known of subcharts that are not in the tree.
fn of_subcharts(
    git: &mut Git,
    release: &Release,
    found: &mut BTreeMap<String, Found>,
) -> Result<(), Fault> {
    let mut all = Vec::new();
    let mut locked: HashMap<String, String> = HashMap::new();
    for name in ["Chart.yaml", "requirements.yaml"] {
        all.extend(dependencies(git, release, name)?);
    }
    for name in ["Chart.lock", "requirements.lock"] {
        let of_lock = dependencies(git, release, name)?.into_iter();
        locked.extend(of_lock.map(|one| (one.name, one.version)));
    }
    for one in all {
        let Some(repository) = one.repository.as_deref().filter(|url| url.contains("://")) else {
            continue;
        };
        let version = locked.get(&one.name).unwrap_or(&one.version);
        let known = Facts::EMBEDDED
            .charts
            .advisories(Some(repository), &one.name, version);
        let certain = known.iter().filter(|advisory| advisory.certain);
        for advisory in certain.filter(|advisory| advisory.enabled != charts::Enabled::Off) {
            if found.contains_key(advisory.rule) {
                continue;
            }
            let by_default = match &one.condition {
                None => "on",
                Some(condition) => by_default(git, release, condition)?,
            };
            let images = advisory.images.split(", ").map(str::to_owned);
            let subchart = Found {
                images: images.collect(),
                subchart: Some(format!("{}@{version}", one.name)),
                condition: one.condition.clone(),
                by_default: Some(by_default),
            };
            found.insert(advisory.rule.to_owned(), subchart);
        }
    }
    Ok(())
}

fn dependencies(git: &mut Git, release: &Release, name: &str) -> Result<Vec<Dependency>, Fault> {
    let text = file(git, release, name)?;
    let read = text.and_then(|text| serde_yaml::from_str::<Dependencies>(&text).ok());
    Ok(read.and_then(|read| read.dependencies).unwrap_or_default())
}

fn file(git: &mut Git, release: &Release, name: &str) -> Result<Option<String>, Fault> {
    let Release { commit, path, .. } = release;
    let slash = if path.is_empty() { "" } else { "/" };
    git.text(&format!("{commit}:{path}{slash}{name}"))
}

/// What the values of a chart say of a condition.
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
