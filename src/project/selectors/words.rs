//! By which words files are known that hold documents which select images, and what of them is read.
//!
//! Looks at bytes and names alone.

use std::path::Path;

use crate::detect::{MATCHER, REPLACED};
use crate::file_type::{FileType, Holds};
use crate::source;

/// Parameters that Argo CD writes beside what an application is made of.
const ARGO_SOURCE: &str = ".argocd-source";

/// Words of which a file has one if it holds such documents, unless [`is_argo_source`] says so by its name.
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

/// The charts that a kustomization renders.
pub(super) const HELM_CHARTS: &str = "helmChart";
/// Under which a kustomization names files, of which some are charts.
pub(super) const GENERATORS: &str = "generators";

/// The annotation that says to the image updater of Argo CD which name it replaces.
pub(super) const IMAGE_NAME: &str = ".kustomize.image-name";

/// The annotation that says which images it follows.
const IMAGE_LIST: &str = "argocd-image-updater.argoproj.io/image-list";

/// The annotation by which an image of a lock file is that of a name (`ImagesLock` of imgpkg, read by kbld).
pub(super) const LOCKED: &str = "kbld.carvel.dev/id";

/// Functions of kpt that select images, and kinds of the documents that they are given.
const FUNCTIONS: [&str; 3] = ["set-image", "SetImage", "ApplyReplacements"];

/// Whether such documents can be in files of a kind.
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

/// Whether a file may hold such documents, by a look at its bytes.
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
    // A kustomization above it may select.
    let renders =
        || file_type.holds == Holds::Kustomization && (has(HELM_CHARTS) || has(GENERATORS));
    let transforms = || has("transformers") || has("jsonPatches");
    let is_release = || file_type.holds == Holds::Helmfile && transforms();
    is_of_use(file_type) && (is_layer() || is_of_folder() || renders() || is_release())
}

/// Whether a text may lay something over a folder: images that it selects, or values that it gives to a chart.
pub fn lays_over(path: &Path, text: &str) -> bool {
    let mut words = WORDS.iter().chain([&HELM_CHARTS]);
    is_argo_source(path) || words.any(|word| text.contains(word))
}

/// Whether a file holds such parameters, by its name.
pub fn is_argo_source(path: &Path) -> bool {
    let name = source::parts(path).next_back();
    name.is_some_and(|name| name.starts_with(ARGO_SOURCE.as_bytes()))
}
