//! Patterns that recognise the type of a file by its path.

use std::borrow::Cow;
use std::path::Path;

use crate::source;

/// The extensions of data files.
pub(super) const DATA: [&str; 3] = ["yaml", "yml", "json"];

/// Extensions that are added to the name of a data file that a program fills in, or that people copy and edit.
pub(super) const TEMPLATED: [&str; 18] = [
    "gotmpl", "tmpl", "tpl", "tplt", "tftpl", "j2", "jinja", "jinja2", "template", "in", "erb",
    "mustache", "dist", "example", "sample", "default", "base", "sed",
];

/// A pattern for paths. Extensions match in any case, names are case-sensitive.
#[derive(Debug)]
pub(super) enum Pattern {
    /// The whole name.
    Named(&'static [&'static str]),
    Extension(&'static str),
    /// A YAML file whose name begins with the prefix.
    Yaml {
        prefix: &'static str,
    },
    /// YAML in a folder of this name, or below one.
    YamlBelow(&'static str),
    /// A helm-unittest snapshot of what a chart renders.
    Snapshot,
    /// One of [`TEMPLATED`] after one of [`DATA`]: `values.yaml.gotmpl`.
    Templated,
}

/// The parts of a path that patterns look at.
pub(super) struct Name<'p> {
    path: &'p Path,
    file: Cow<'p, str>,
    /// In lower case.
    extension: String,
}

impl<'p> Name<'p> {
    pub(super) fn of(path: &'p Path) -> Option<Self> {
        // A name that is not Unicode still has an extension.
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

    /// The names that match, if it is a pattern for whole names.
    pub(super) fn names(&self) -> &'static [&'static str] {
        match self {
            Self::Named(names) => names,
            _ => &[],
        }
    }
}

/// The folder and the extension of helm-unittest snapshots.
pub(super) const SNAPSHOT: (&str, &str) = ("__snapshot__", "snap");

/// Whether a file is a helm-unittest snapshot.
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
