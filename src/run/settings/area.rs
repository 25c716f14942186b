//! The settings from one configuration: its rules, its baseline, and the files that it applies to.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::super::baselines::{Baselines, RunBaseline};
use super::super::roles::role_words;
use super::Settings;
use crate::config::Config;
use crate::file_type;
use crate::report::PathBase;
use crate::rules::RuleSet;
use crate::rules::prefilter::{Parts, Prefilter};
use crate::rules::select::Names;
use crate::suppress::MARKER;
use crate::walk::Overlay;

/// Rules that are ready for use. Configurations that select the same rules share them.
pub struct Rules {
    pub set: RuleSet,
    pub prefilter: Prefilter,
    /// The ids that an ignore comment may name.
    pub(in crate::run) names: Names,
}

impl Rules {
    pub(super) fn new(set: RuleSet, names: Names, parts: &mut Parts) -> Result<Self, String> {
        let prefilter = Prefilter::with_words(&set, &[MARKER], &role_words(), parts)?;
        Ok(Self {
            set,
            prefilter,
            names,
        })
    }
}

/// A repository, or the folder of a configuration outside of repositories.
#[derive(Debug)]
pub(super) struct Repository {
    /// The folder, with links resolved.
    pub(super) top: PathBuf,
    pub(super) is_git: bool,
    /// Why nothing in it is checked, if so.
    pub(super) broken: OnceLock<String>,
}

/// The files that one configuration applies to.
pub struct Area {
    pub config: Config,
    pub rules: Arc<Rules>,
    pub(in crate::run) baseline: Option<Arc<RunBaseline>>,
    pub(super) repository: Arc<Repository>,
}

impl Area {
    /// The folder of the repository, if there is one.
    pub fn top(&self) -> Option<&Path> {
        self.repository.is_git.then_some(&*self.repository.top)
    }

    /// A baseline for files without one, at the preferred path.
    pub(in crate::run) fn new_baseline(&self, base: &PathBase) -> Option<RunBaseline> {
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

    /// Whether its repository is the same as that of another area, or inside it. Files of such areas may depend on each other.
    pub(in crate::run) fn is_in(&self, other: &Self) -> bool {
        self.repository.top.starts_with(&other.repository.top)
    }
}

/// The settings about charts in a folder.
pub(in crate::run) struct Vendoring<'v>(pub(in crate::run) &'v Settings<'v>);

impl Vendoring<'_> {
    /// See [`Config::edit_vendored_charts`].
    pub(in crate::run) fn edits(&self, folder: &Path) -> bool {
        self.setting_of(folder, |config| config.edit_vendored_charts)
    }

    /// See [`Config::vendors_chart`].
    pub(in crate::run) fn lists(&self, folder: &Path) -> bool {
        self.setting_of(folder, |config| config.vendors_chart(folder))
    }

    fn setting_of(&self, folder: &Path, setting: impl FnOnce(&Config) -> bool) -> bool {
        let area = self.0.of(&folder.join(file_type::CHART_FILES[0]));
        area.is_some_and(|area| setting(&area.config))
    }
}
