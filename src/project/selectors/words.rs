//! The words and names that identify files with documents that select images.
//!
//! Looks only at bytes and names.

use std::path::Path;

use crate::detect::{MATCHER, REPLACED};
use crate::file_type::{FileType, Holds};
use crate::source;

/// The beginning of the names of files in which Argo CD stores parameters beside the source of an application.
const ARGO_SOURCE: &str = ".argocd-source";

/// Words of which every file with such documents contains at least one, except those that [`is_argo_source`] accepts.
pub const WORDS: [&str; 8] = [
    "kustomize.toolkit.fluxcd.io/",
    "helm.toolkit.fluxcd.io/",
    "argoproj.io/",
    "kbld.k14s.io/",
    LOCKED,
    "kpt.dev/",
    REPLACED,
    MATCHER,
];

/// The beginning of the keys under which a kustomization names the charts that it renders.
pub(super) const HELM_CHARTS: &str = "helmChart";
/// The key under which a kustomization names generators, of which some are charts.
pub(super) const GENERATORS: &str = "generators";

/// The end of the annotation that names the image that the image updater of Argo CD replaces.
pub(super) const IMAGE_NAME: &str = ".kustomize.image-name";

/// The annotation that lists the images that the updater follows.
const IMAGE_LIST: &str = "argocd-image-updater.argoproj.io/image-list";

/// The annotation that gives the name for an image of a lock file (`ImagesLock` of imgpkg, read by kbld).
pub(super) const LOCKED: &str = "kbld.carvel.dev/id";

/// Functions of kpt that select images, and kinds of the documents that they are given.
const FUNCTIONS: [&str; 3] = ["set-image", "SetImage", "ApplyReplacements"];

/// Whether files of a type can contain such documents.
pub fn is_of_use(file_type: &FileType) -> bool {
    matches!(
        file_type.holds,
        Holds::Yaml
            | Holds::Json
            | Holds::Kptfile
            | Holds::Kustomization
            | Holds::Template
            | Holds::Helmfile
    )
}

/// Whether a file may contain such documents, judged by its bytes.
pub fn may_select(path: &Path, file_type: &FileType, bytes: &[u8]) -> bool {
    let has = |needle: &str| memchr::memmem::find(bytes, needle.as_bytes()).is_some();
    let [kustomize, helm, argo, kbld, lock, kpt, replaced, matcher] = WORDS;
    let is_layer = || {
        has(kustomize)
            || has(helm) && has("postRenderers")
            || has(argo) && (has("kustomize") || has(IMAGE_LIST))
            || is_argo_source(path)
    };
    let is_updated = || has(IMAGE_NAME) || has(IMAGE_LIST);
    let selects = || has("images") || has("patch") || has("components") || is_updated();
    let is_layer = || selects() && is_layer();
    // The functions of kpt that replace images, and the documents that they are given.
    let sets_image = || has(kpt) && FUNCTIONS.iter().any(|function| has(function));
    let is_of_folder = || {
        let is_matched = || has(replaced) || has(matcher) && has("image");
        has(lock) || has(kbld) && has("image") || sets_image() || is_matched()
    };
    // A kustomization above one that renders charts may select their images.
    let renders =
        || file_type.holds == Holds::Kustomization && (has(HELM_CHARTS) || has(GENERATORS));
    let transforms = || has("transformers") || has("jsonPatches");
    let is_release = || file_type.holds == Holds::Helmfile && transforms();
    is_of_use(file_type) && (is_layer() || is_of_folder() || renders() || is_release())
}

/// Whether a text may override something in a folder, by selecting images or by setting values of a chart.
pub fn lays_over(path: &Path, text: &str) -> bool {
    let mut words = WORDS.iter().chain([&HELM_CHARTS]);
    is_argo_source(path) || words.any(|word| text.contains(word))
}

/// Whether a file holds such parameters, judged by its name.
pub fn is_argo_source(path: &Path) -> bool {
    let name = source::parts(path).next_back();
    name.is_some_and(|name| name.starts_with(ARGO_SOURCE.as_bytes()))
}
