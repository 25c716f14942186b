//! How the path of a file says what type it has.

use std::borrow::Cow;
use std::path::Path;

use crate::source;

/// The extensions of data.
pub(super) const DATA: [&str; 3] = ["yaml", "yml", "json"];

/// What is put behind the name of a file of data that is filled in, or copied and then edited.
pub(super) const TEMPLATED: [&str; 16] = [
    "gotmpl", "tmpl", "tpl", "tplt", "tftpl", "j2", "jinja", "jinja2", "template", "in", "erb",
    "mustache", "dist", "example", "sample", "default",
];

/// Extensions match in any case, names as they are.
#[derive(Debug)]
pub(super) enum Pattern {
    /// The whole name.
    Named(&'static [&'static str]),
    Extension(&'static str),
    /// YAML whose name begins so.
    Yaml {
        prefix: &'static str,
    },
    /// YAML in a folder of this name, or below one.
    YamlBelow(&'static str),
    /// What helm-unittest keeps of what a chart renders.
    Snapshot,
    /// One of [`TEMPLATED`] behind one of [`DATA`]: `values.yaml.gotmpl`.
    Templated,
}

/// What a path says.
pub(super) struct Name<'p> {
    path: &'p Path,
    file: Cow<'p, str>,
    /// In lower case.
    extension: String,
}

impl<'p> Name<'p> {
    pub(super) fn of(path: &'p Path) -> Option<Self> {
        // What is no Unicode in a name does not keep it from its ending.
        let file = path.file_name()?.to_string_lossy();
        let extension = extension(&file);
        Some(Self {
            path,
            file,
            extension,
        })
    }

    fn is_yaml(&self) -> bool {
        is_yaml(&self.extension)
    }
}

impl Pattern {
    pub(super) fn matches(&self, name: &Name<'_>) -> bool {
        match self {
            Self::Named(names) => names.contains(&&*name.file),
            Self::Extension(extension) => name.extension == *extension,
            Self::Yaml { prefix } => name.is_yaml() && name.file.starts_with(prefix),
            Self::YamlBelow(folder) => name.is_yaml() && is_below(name.path, folder),
            Self::Snapshot => is_snapshot(name.path),
            Self::Templated => TEMPLATED.contains(&&*name.extension) && is_data_stem(&name.file),
        }
    }

    /// The names that it takes, where it takes whole names.
    pub(super) fn names(&self) -> &'static [&'static str] {
        match self {
            Self::Named(names) => names,
            _ => &[],
        }
    }
}

/// The folder in which helm-unittest keeps what a chart renders, and the extension of the files.
pub(super) const SNAPSHOT: (&str, &str) = ("__snapshot__", "snap");

/// Whether a file is one of those.
pub fn is_snapshot(path: &Path) -> bool {
    let (folder, own) = SNAPSHOT;
    let is_snap = path.extension().is_some_and(|extension| extension == own);
    is_snap && is_below(path, folder)
}

fn is_below(path: &Path, folder: &str) -> bool {
    source::parts(path).any(|part| part == folder.as_bytes())
}

fn extension(file: &str) -> String {
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    extension.to_ascii_lowercase()
}

pub(super) fn is_yaml(extension: &str) -> bool {
    matches!(extension, "yaml" | "yml")
}

/// `x.yaml.gotmpl`, `x.yml.j2`, `x.json.tmpl`
fn is_data_stem(file: &str) -> bool {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    DATA.contains(&&*extension(stem))
}
