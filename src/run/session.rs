//! A tree that is checked repeatedly, for long-running callers: an editor's server, or a program that embeds regfix.
//!
//! The walk and the projects are those from the start of the session; texts come from the overlay that each call passes.
//! Writes nothing: fixes are returned as texts.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::domains::Domains;
use super::file_output::guarded;
use super::groups::{self, Group};
use super::pipeline::{self, Pipeline};
use super::settings::Area;
use super::texts::Texts;
use super::{Options, candidate, project_files};
use crate::baseline;
use crate::edit::Applicability;
use crate::file_type::FileType;
use crate::finding::{Finding, Fixed, Key, Problem};
use crate::progress::Progress;
use crate::walk::Overlay;

/// The result of checking a file.
#[derive(Debug, Default)]
pub struct Judged {
    /// The text that was checked.
    pub text: Arc<str>,
    /// Findings after ignore comments and the baseline, sorted.
    pub findings: Vec<Finding>,
    /// The key of each finding.
    pub keys: Vec<Key>,
    /// Findings whose fix was applied.
    pub fixed: Vec<Fixed>,
    pub problems: Vec<Problem>,
}

/// A text that a fix changes.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// `None` if the file does not exist yet.
    pub before: Option<Arc<str>>,
    pub after: Arc<str>,
}

impl Change {
    /// `None` if nothing changes.
    fn new(before: Option<Arc<str>>, after: Arc<str>) -> Option<Self> {
        let is_changed = *after != *before.as_deref().unwrap_or_default();
        is_changed.then_some(Self { before, after })
    }
}

/// A walked tree with its projects.
pub struct Session<'s> {
    options: &'s Options<'s>,
    pipeline: Pipeline<'s>,
    groups: Vec<Group>,
    /// The index of the group of each file.
    group_of: HashMap<PathBuf, usize>,
    /// The types of files outside of groups; `None` if nothing was walked and each file is checked alone.
    kinds: Option<HashMap<PathBuf, &'static FileType>>,
}

/// Walks the roots and passes the session to `act`.
///
/// # Errors
/// If settings are broken. The message is safe to print.
pub fn session<R>(options: &Options<'_>, act: impl FnOnce(&Session<'_>) -> R) -> Result<R, String> {
    refuse_broken(options)?;
    let found = candidate::walk(options, &Progress::new(false));
    let domains = Domains::of(options.settings)?;
    let workspace = project_files::workspace_of(options, &found, &domains.all.prefilter);
    let pipeline = project_files::pipeline(options, &domains, Some(&found), Some(&workspace));
    let groups = groups::of(pipeline.projects.iter().flatten(), &workspace.0, options);
    let kinds = found.kept.iter();
    let kinds = kinds.map(|(path, file)| (path.clone(), file.file_type));
    let session = Session {
        options,
        group_of: by_file(&groups),
        groups,
        kinds: Some(kinds.collect()),
        pipeline,
    };
    Ok(act(&session))
}

/// Like [`session`], but without a walk: each file is checked alone.
///
/// # Errors
/// See [`session`].
pub fn session_of_nothing<R>(
    options: &Options<'_>,
    act: impl FnOnce(&Session<'_>) -> R,
) -> Result<R, String> {
    refuse_broken(options)?;
    let domains = Domains::of(options.settings)?;
    let session = Session {
        options,
        pipeline: project_files::pipeline(options, &domains, None, None),
        groups: Vec::new(),
        group_of: HashMap::new(),
        kinds: None,
    };
    Ok(act(&session))
}

fn refuse_broken(options: &Options<'_>) -> Result<(), String> {
    let broken = options.settings.read_those_of(&options.walk.roots);
    broken.map_or(Ok(()), |messages| Err(messages.join("\n")))
}

fn by_file(groups: &[Group]) -> HashMap<PathBuf, usize> {
    let files = groups.iter().enumerate();
    let files = files.flat_map(|(at, group)| group.paths().map(move |path| (path.clone(), at)));
    files.collect()
}

impl Session<'_> {
    /// Checks a file together with its group, and returns the results of all these files. Empty if a run would not read the
    /// file.
    ///
    /// # Errors
    /// If regfix panics on the file.
    pub fn judge(
        &self,
        path: &Path,
        overlay: &Overlay,
    ) -> Result<BTreeMap<PathBuf, Judged>, String> {
        guarded(path, || {
            let outcomes = match (self.group(path), self.alone(path, overlay)) {
                (Some(group), _) => self
                    .pipeline
                    .group(Texts::read(group, overlay, |_| None).members(), None),
                (None, Some((text, file_type))) => {
                    let outcome = self.pipeline.file(path, text, file_type, None);
                    BTreeMap::from([(path.to_owned(), outcome)])
                }
                (None, None) => BTreeMap::new(),
            };
            let judged = outcomes.into_iter();
            judged
                .map(|(path, outcome)| {
                    let judged = self.judged(&path, outcome);
                    (path, judged)
                })
                .collect()
        })
    }

    /// Checks every file of the walk and of its groups. Applies fixes with at least the applicability `fix`; none if it is
    /// `None`.
    ///
    /// # Errors
    /// If regfix panics on a file.
    pub fn judge_all(
        &self,
        overlay: &Overlay,
        fix: Option<Applicability>,
    ) -> Result<BTreeMap<PathBuf, Judged>, String> {
        let mut all = BTreeMap::new();
        for group in &self.groups {
            let first = group.paths().next().cloned().unwrap_or_default();
            let outcomes = guarded(&first, || {
                self.pipeline
                    .group(Texts::read(group, overlay, |_| None).members(), fix)
            })?;
            all.extend(outcomes);
        }
        let walked = self.kinds.iter().flat_map(HashMap::keys);
        for path in walked.filter(|path| !self.group_of.contains_key(*path)) {
            if let Some((text, file_type)) = self.alone(path, overlay) {
                let outcome = guarded(path, || self.pipeline.file(path, text, file_type, fix))?;
                all.insert(path.clone(), outcome);
            }
        }
        let judged = all.into_iter();
        Ok(judged
            .map(|(path, outcome)| {
                let judged = self.judged(&path, outcome);
                (path, judged)
            })
            .collect())
    }

    /// Returns the texts changed by the fixes of one file's findings, including texts of other files. Applies no other fixes.
    ///
    /// # Errors
    /// If regfix panics on the file.
    pub fn fix(
        &self,
        path: &Path,
        overlay: &Overlay,
        limit: Applicability,
    ) -> Result<BTreeMap<PathBuf, Change>, String> {
        guarded(path, || match self.group(path) {
            Some(group) => self.fix_in(group, path, overlay, limit),
            None => {
                let alone = self.alone(path, overlay);
                let change = alone.and_then(|(before, file_type)| {
                    let outcome = self
                        .pipeline
                        .file(path, before.clone(), file_type, Some(limit));
                    Change::new(Some(before), outcome.text)
                });
                let changes = change.map(|change| (path.to_owned(), change));
                changes.into_iter().collect()
            }
        })
    }

    fn fix_in(
        &self,
        group: &Group,
        path: &Path,
        overlay: &Overlay,
        limit: Applicability,
    ) -> BTreeMap<PathBuf, Change> {
        let texts = Texts::read(group, overlay, |_| None);
        let outcomes = self.pipeline.fix_of(path, texts.members(), limit);
        let changes = outcomes.into_iter().filter_map(|(path, outcome)| {
            let before = texts.before.get(path.as_path()).cloned().flatten();
            Some((path, Change::new(before, outcome.text)?))
        });
        changes.collect()
    }

    /// Returns the baseline of a file and its change for one more finding. The baseline need not exist yet.
    pub fn in_baseline(
        &self,
        path: &Path,
        key: &Key,
        overlay: &Overlay,
    ) -> Option<(PathBuf, Change)> {
        let area = self.area(path)?;
        let known = match &area.baseline {
            Some(known) => Arc::clone(known),
            None => Arc::new(area.new_baseline(&self.options.base)?),
        };
        let file = known.path().to_owned();
        let before = overlay.read(&file).ok().map(|(text, _)| text);
        let after = known.with(path, key, before.as_deref())?;
        Some((file, Change::new(before.map(Arc::from), after.into())?))
    }

    /// The settings of a file.
    pub fn area(&self, path: &Path) -> Option<Arc<Area>> {
        self.options.settings.of(path)
    }

    fn group(&self, path: &Path) -> Option<&Group> {
        self.groups.get(*self.group_of.get(path)?)
    }

    /// Text and type of a file outside of groups, if a run would read it.
    fn alone(&self, path: &Path, overlay: &Overlay) -> Option<(Arc<str>, &'static FileType)> {
        let file_type = match &self.kinds {
            Some(kinds) => kinds.get(path).copied(),
            None => self.options.kind_of(path, self.is_root(path)),
        };
        let (text, _) = overlay.read(path).ok()?;
        Some((text.into(), file_type?))
    }

    fn is_root(&self, path: &Path) -> bool {
        self.options.walk.roots.iter().any(|root| root == path)
    }

    /// Removes findings that are in the baseline.
    fn judged(&self, path: &Path, outcome: pipeline::FileResult) -> Judged {
        let file_type = self.group(path).and_then(|group| group.files.get(path));
        let file_type = file_type.map(|entry| entry.file_type);
        let file_type = file_type.or_else(|| self.options.kind_of(path, true));
        let mut findings = outcome.left;
        let mut keys = match file_type {
            Some(file_type) if !findings.is_empty() => {
                baseline::keys(&outcome.text, file_type, &findings)
            }
            _ => Vec::new(),
        };
        let area = self.area(path);
        if let Some(known) = area.as_ref().and_then(|area| area.baseline.as_ref()) {
            known.apply(path, &mut findings, &mut keys);
        }
        Judged {
            text: outcome.text,
            findings,
            keys,
            fixed: outcome.fixed,
            problems: outcome.problems,
        }
    }
}
