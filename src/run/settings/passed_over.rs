//! Settings above repositories, which do not apply to them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::baselines::Baselines;
use super::Settings;
use crate::baseline;
use crate::config;
use crate::open;
use crate::printable;

impl Settings<'_> {
    /// Notes the nearest settings above a repository that the user may expect to apply to it. They do not, because the same
    /// files would get other results in another folder, for example in CI.
    pub(super) fn note_passed_over(&self, top: &Path) {
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

    /// Messages about settings that are above repositories and do not apply to them.
    pub(in crate::run) fn passed_over(&self) -> Vec<String> {
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
}
