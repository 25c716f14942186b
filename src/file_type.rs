//! File types: how a file is recognised, how it is parsed, and what it holds. A new type is a row in [`FILE_TYPES`]; the
//! pattern for pre-commit hooks and the page of the manual are generated from it.
//!
//! Knows nothing of rules, reports and images: `detect` interprets the parsed text.

mod manual;
mod pattern;
mod read;

use std::path::Path;

use crate::source;
pub use manual::{hook_pattern, table};
use pattern::Name;
use pattern::Pattern::{self, Extension, Named, Snapshot, Templated, Yaml, YamlBelow};
pub use pattern::is_snapshot;
pub use read::{MaskedView, Masks, Reading, has_hint, read, text_comments};

/// A file type.
#[derive(Debug)]
pub struct FileType {
    /// The name that `--files` shows.
    pub name: &'static str,
    pub holds: Holds,
    /// Patterns for the paths of files of this type.
    patterns: &'static [Pattern],
    pub parser: Parser,
    /// The kind of project that a file of this type makes of its folder.
    pub project: Option<ProjectType>,
    /// A short description for the manual.
    about: &'static str,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    Chart,
    Requirements,
    Kustomization,
    Kptfile,
    /// Named templates.
    Helpers,
    Template,
    Helmfile,
    Terraform,
    /// Manifests, values or anything else.
    Json,
    Yaml,
    Text,
}

/// A kind of project: several files that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectType {
    Chart,
    Kustomization,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parser {
    Yaml,
    /// YAML with template actions in it.
    Template,
    /// Named templates, each of which is a document.
    Helpers,
    /// Any text, token by token.
    Text,
    /// Blocks and values of HCL, with documents in strings and here-documents.
    Hcl,
    /// Like `Hcl`, and all other text token by token.
    HclText,
}

pub const CHART_FILES: [&str; 2] = ["Chart.yaml", "Chart.yml"];
pub const KUSTOMIZATION_FILES: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// All file types. The first one that matches a file is its type.
pub static FILE_TYPES: &[FileType] = &[
    FileType {
        name: "chart",
        holds: Holds::Chart,
        patterns: &[Named(&CHART_FILES)],
        parser: Parser::Yaml,
        project: Some(ProjectType::Chart),
        about: "a Helm chart and its dependencies",
    },
    FileType {
        name: "requirements",
        holds: Holds::Requirements,
        patterns: &[Named(&["requirements.yaml"])],
        parser: Parser::Yaml,
        project: None,
        about: "the dependencies of an old Helm chart",
    },
    FileType {
        name: "kustomization",
        holds: Holds::Kustomization,
        patterns: &[Named(&KUSTOMIZATION_FILES)],
        parser: Parser::Yaml,
        project: Some(ProjectType::Kustomization),
        about: "a kustomization or component",
    },
    FileType {
        name: "kptfile",
        holds: Holds::Kptfile,
        patterns: &[Named(&["Kptfile"])],
        parser: Parser::Yaml,
        project: None,
        about: "a package of kpt: its functions are pulled",
    },
    FileType {
        name: "template",
        holds: Holds::Template,
        patterns: &[YamlBelow("templates"), Templated],
        parser: Parser::Template,
        project: None,
        about: "YAML or JSON that a program fills in, or that people copy and edit",
    },
    FileType {
        name: "helpers",
        holds: Holds::Helpers,
        patterns: &[Extension("tpl")],
        parser: Parser::Helpers,
        project: None,
        about: "named templates of a Helm chart",
    },
    FileType {
        name: "helmfile",
        holds: Holds::Helmfile,
        patterns: &[Yaml { prefix: "helmfile" }],
        parser: Parser::Template,
        project: None,
        about: "releases for helmfile",
    },
    FileType {
        name: "terraform",
        holds: Holds::Terraform,
        patterns: TERRAFORM_FILES,
        parser: Parser::Hcl,
        project: None,
        about: "Terraform, OpenTofu and other HCL, as of Terragrunt, Bake and Nomad: strings, here-documents, and what is \
                passed to `yamlencode` or `jsonencode`; fixes need review",
    },
    FileType {
        name: "env",
        holds: Holds::Text,
        patterns: &[Extension("env"), Extension("properties")],
        parser: Parser::Text,
        project: None,
        about: "settings by name, such as those that a kustomization makes a ConfigMap of (`envs`); fixes need review",
    },
    FileType {
        name: "tilt",
        holds: Holds::Text,
        patterns: &[Named(&["Tiltfile"]), Extension("tiltfile")],
        parser: Parser::Text,
        project: None,
        about: "what Tilt builds and deploys: manifests keep the names of what is built; fixes need review",
    },
    FileType {
        name: "json",
        holds: Holds::Json,
        patterns: &[Extension("json"), Extension("json5"), Extension("jsonc")],
        parser: Parser::Yaml,
        project: None,
        about: "manifests, values or other JSON",
    },
    FileType {
        name: "yaml",
        holds: Holds::Yaml,
        patterns: &[Yaml { prefix: "" }, Snapshot],
        parser: Parser::Yaml,
        project: None,
        about: "manifests, values or other YAML",
    },
];

/// The type of a file that none of [`FILE_TYPES`] matches but that is read anyway.
pub static TEXT: FileType = FileType {
    name: "text",
    holds: Holds::Text,
    patterns: &[],
    parser: Parser::Text,
    project: None,
    about: "any other text, if it is named on the command line or `--all-text` is given",
};

const TERRAFORM_FILES: &[Pattern] = &[
    Extension("tf"),
    Extension("tofu"),
    Extension("tfvars"),
    Extension("hcl"),
    Extension("nomad"),
];

/// A Terraform file that is also read as text.
static TERRAFORM_TEXT: FileType = FileType {
    name: "terraform",
    holds: Holds::Terraform,
    patterns: TERRAFORM_FILES,
    parser: Parser::HclText,
    project: None,
    about: "",
};

/// The type of standard input without a name: rendered manifests, or JSON, which is also YAML.
pub fn standard_input() -> &'static FileType {
    static UNNAMED: FileType = FileType {
        name: "yaml",
        holds: Holds::Yaml,
        patterns: &[],
        parser: Parser::Yaml,
        project: None,
        about: "",
    };
    &UNNAMED
}

/// The type of a file by its path, or `None` if files like it are not checked.
pub fn classify(path: &Path) -> Option<&'static FileType> {
    let name = Name::of(path)?;
    FILE_TYPES.iter().find(|file_type| file_type.matches(&name))
}

/// The names of files that make their folder a project.
pub fn project_files() -> impl Iterator<Item = &'static str> {
    let makers = FILE_TYPES
        .iter()
        .filter(|file_type| file_type.makes_project());
    let names = makers.flat_map(|file_type| file_type.patterns.iter().flat_map(Pattern::names));
    names.copied()
}

/// Whether a file is a kustomization, by its name.
pub fn is_kustomization(path: &Path) -> bool {
    KUSTOMIZATION_FILES.contains(&source::file_name(path))
}

impl FileType {
    fn matches(&self, name: &Name<'_>) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(name))
    }

    /// Returns the type that also reads such a file as plain text, if there is one, or else the same type.
    pub fn with_all_text(&'static self) -> &'static FileType {
        match self.parser {
            Parser::Hcl => &TERRAFORM_TEXT,
            _ => self,
        }
    }

    /// Whether a file of this type makes its folder a project.
    pub fn makes_project(&self) -> bool {
        self.project.is_some()
    }

    /// Describes a file by its type and its content: names do not tell manifests from values.
    pub fn describe(&self, bytes: &[u8]) -> &'static str {
        let has = |key: &str| memchr::memmem::find(bytes, key.as_bytes()).is_some();
        match self.holds {
            Holds::Json | Holds::Yaml if has("apiVersion") && has("kind") => "manifest",
            Holds::Json | Holds::Yaml => "values",
            _ => self.name,
        }
    }
}
