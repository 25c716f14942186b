//! Where the repository of a root begins, and which chart contains it.
//!
//! Only asks what exists, and reads no files.

use std::path::{Component, Path, PathBuf};

use crate::file_type;
use crate::source::lexically_normal;
use crate::walk::{self, Overlay};

/// An absolute path, spelled like in the walk.
pub(super) fn spelled(full: &Path, here: &Path, absolute: bool) -> PathBuf {
    if absolute {
        return full.to_owned();
    }
    let common = here
        .components()
        .zip(full.components())
        .take_while(|(one, other)| one == other)
        .count();
    let up = here.components().skip(common).map(|_| Component::ParentDir);
    let spelled: PathBuf = up.chain(full.components().skip(common)).collect();
    match spelled.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => spelled,
    }
}

/// Whether a folder contains a file with one of the names.
pub(super) fn holds_one(folder: &Path, names: &[&str], overlay: &Overlay) -> bool {
    names.iter().any(|name| overlay.is_file(&folder.join(name)))
}

/// The roots, and for each root that is a file the outermost chart that contains it.
pub fn with_charts(roots: &[PathBuf]) -> Vec<PathBuf> {
    let here = walk::working_directory();
    let chart_of = |root: &PathBuf| {
        let full = lexically_normal(&here.join(root));
        let top = top(&full, &here, &Overlay::default());
        let folders = full.ancestors().skip(1);
        let within = folders.take_while(|folder| folder.starts_with(&top));
        // Subcharts are part of the outermost chart.
        let chart = within
            .filter(|folder| holds_one(folder, &file_type::CHART_FILES, &Overlay::default()))
            .last()?;
        Some(spelled(chart, &here, root.is_absolute()))
    };
    let files = roots.iter().filter(|root| walk::is_file(root));
    let mut all = roots.to_vec();
    all.extend(files.filter_map(chart_of));
    all.sort();
    all.dedup();
    all
}

/// The repository of a root. Outside of repositories: for a file below the working directory, that directory; for a
/// kustomization folder below it, the parent, where overlays would be; otherwise the folder.
pub(super) fn top(root: &Path, here: &Path, overlay: &Overlay) -> PathBuf {
    if let Some(top) = overlay.top_of(root) {
        return top.to_owned();
    }
    let is_folder = overlay.is_folder(root) == Some(true);
    let folder = match is_folder {
        true => root,
        false => root.parent().unwrap_or(root),
    };
    let repository = folder
        .ancestors()
        .find(|folder| walk::is_folder(&folder.join(".git")).is_some());
    let is_layer = || holds_one(folder, &file_type::KUSTOMIZATION_FILES, overlay);
    let below = folder.starts_with(here);
    match (repository, folder.parent()) {
        (Some(repository), _) => repository.to_owned(),
        (None, _) if !is_folder && below => here.to_owned(),
        (None, Some(above)) if is_folder && below && folder != here && is_layer() => {
            above.to_owned()
        }
        (None, _) => folder.to_owned(),
    }
}
