//! The roles that a file may have for other files, from a look at its bytes.

use std::path::Path;
use std::sync::Arc;

use crate::check::pull_secrets;
use crate::file_type::{self, FileType, Holds};
use crate::project::assertions;
use crate::project::builds;
use crate::project::copied;
use crate::project::helm;
use crate::project::selectors;
use crate::rules::prefilter::Sight;

/// The possible roles of a file.
#[derive(Clone, Copy, Default)]
pub(super) struct Roles {
    pub(super) makes_project: bool,
    /// Whether it may release charts of the tree.
    pub(super) releases: bool,
    /// Whether it may select images by name.
    pub(super) selects: bool,
    /// Whether it may be a test that names files to compare with.
    pub(super) asserts: bool,
    /// Whether it may list the images that are built.
    pub(super) builds: bool,
    /// Whether it may be a values file that overrides others, or is overridden.
    pub(super) is_layer: bool,
    /// Whether it may be a list of images that a script copies.
    pub(super) is_list: bool,
    /// Whether it may name a chart with a version, or its source.
    pub(super) names_chart: bool,
    /// Whether it may contain a pull secret.
    pub(super) holds_secret: bool,
    /// Whether it contains the beginning of a location, whose rest may be in another file.
    pub(super) begins_name: bool,
}

/// A file with any role that does not follow from its name contains one of these words.
pub(super) fn role_words() -> Vec<&'static str> {
    let words = [
        &helm::RELEASE_WORDS[..],
        &helm::CHART_WORDS,
        &selectors::WORDS,
        &[assertions::WORD],
        &pull_secrets::KEYS,
    ];
    words.concat()
}

impl Roles {
    /// Determines the roles. `sight` and `hints` are the result of a search that includes the [`role_words`].
    pub(super) fn of(
        path: &Path,
        file_type: &FileType,
        bytes: &[u8],
        sight: Sight,
        hints: &[usize],
    ) -> Self {
        let Sight {
            suspect,
            has_word,
            has_beginning,
        } = sight;
        let names_chart = || helm::may_name_chart(path, bytes, has_word, suspect);
        let is_data = matches!(file_type.holds, Holds::Yaml | Holds::Json);
        let by_name = Self {
            makes_project: file_type.makes_project(),
            begins_name: has_beginning,
            is_layer: suspect && helm::may_be_layer(path, bytes),
            is_list: is_data && copied::may_be_list(bytes, hints),
            builds: suspect && builds::may_build(bytes),
            asserts: suspect && file_type::is_snapshot(path),
            ..Self::default()
        };
        let is_named = selectors::is_argo_source(path) || helm::is_fleet(path);
        let is_tool = matches!(file_type.holds, Holds::Helmfile | Holds::Kustomization);
        if !(is_tool || has_word || is_named) {
            return Self {
                names_chart: suspect && names_chart(),
                ..by_name
            };
        }
        Self {
            releases: helm::may_release(file_type, bytes),
            selects: selectors::may_select(path, file_type, bytes),
            asserts: by_name.asserts || assertions::may_be_test(bytes),
            names_chart: names_chart(),
            holds_secret: pull_secrets::may_hold(bytes),
            ..by_name
        }
    }

    fn is_read(self) -> bool {
        self.releases
            || self.selects
            || self.asserts
            || self.builds
            || self.is_layer
            || self.is_list
    }

    /// The text, if projects read the file. `known` is the text if it was already decoded.
    pub(super) fn text(self, bytes: &[u8], known: Option<&Arc<str>>) -> Option<Arc<str>> {
        if let Some(known) = known.filter(|_| self.makes_project || self.is_read()) {
            return Some(Arc::clone(known));
        }
        if self.makes_project {
            // Invalid UTF-8 must not hide which files the project file connects.
            return Some(Arc::from(String::from_utf8_lossy(bytes)));
        }
        let text = self.is_read().then_some(bytes)?;
        std::str::from_utf8(text).ok().map(Arc::from)
    }
}
