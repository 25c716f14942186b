//! How a file is recognised, and how it is parsed. A new kind is a row in [`KINDS`].
//!
//! Knows no rule, no report and no image: what the parsed text spells is for `detect` to say.

use std::cell::OnceCell;
use std::path::Path;

use crate::source::Span;
use crate::syntax::template::{self, Action, Mask};
use crate::syntax::yaml::{self, Parsed};

/// A kind of file.
#[derive(Debug)]
pub struct Kind {
    /// As `--files` shows it.
    pub name: &'static str,
    claims: fn(&Name<'_>) -> bool,
    pub parser: Parser,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parser {
    Yaml,
    /// YAML with the actions of a template in it.
    Template,
    /// Definitions of a template, each a document.
    Helpers,
    /// Any text, token by token.
    Text,
    /// Nothing in it is an image use. What it names otherwise, such as a chart, is for others to read.
    Names,
}

impl Kind {
    /// Whether files of this kind make one thing of several files.
    pub fn makes_project(&self) -> bool {
        PROJECT_KINDS.contains(&self.name)
    }

    /// What a file is, its contents considered: values have no name of their own.
    pub fn describe(&self, bytes: &[u8]) -> &'static str {
        if !matches!(self.name, "yaml" | "json") {
            return self.name;
        }
        let named = |key: &str| {
            bytes
                .windows(key.len())
                .any(|window| window == key.as_bytes())
        };
        if named("apiVersion") && named("kind") {
            "manifest"
        } else {
            "values"
        }
    }
}

/// Those that make one thing of several files.
const PROJECT_KINDS: [&str; 2] = ["chart", "kustomization"];

/// The names of files that make a project of the folder that they are in.
pub fn project_files() -> impl Iterator<Item = &'static str> {
    let names = CHART_FILES.iter().chain(&KUSTOMIZATION_FILES);
    names.copied()
}

pub const CHART_FILES: [&str; 2] = ["Chart.yaml", "Chart.yml"];
pub const KUSTOMIZATION_FILES: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What a path says.
struct Name<'p> {
    path: &'p Path,
    file: &'p str,
    /// In lower case.
    extension: String,
}

/// The most particular first; the first that claims a file has it.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "chart",
        claims: |name| CHART_FILES.contains(&name.file),
        parser: Parser::Yaml,
    },
    Kind {
        name: "requirements",
        claims: |name| name.file == "requirements.yaml",
        parser: Parser::Yaml,
    },
    Kind {
        name: "kustomization",
        claims: |name| KUSTOMIZATION_FILES.contains(&name.file),
        parser: Parser::Yaml,
    },
    Kind {
        name: "helpers",
        claims: |name| name.extension == "tpl" && !is_data_stem(name.file),
        parser: Parser::Helpers,
    },
    Kind {
        name: "template",
        claims: is_template,
        parser: Parser::Template,
    },
    Kind {
        name: "helmfile",
        claims: |name| name.file.starts_with("helmfile") && is_yaml(&name.extension),
        parser: Parser::Template,
    },
    Kind {
        name: "terraform",
        claims: |name| name.extension == "tf",
        parser: Parser::Names,
    },
    Kind {
        name: "json",
        claims: |name| matches!(name.extension.as_str(), "json" | "json5" | "jsonc"),
        parser: Parser::Yaml,
    },
    Kind {
        name: "yaml",
        claims: |name| is_yaml(&name.extension),
        parser: Parser::Yaml,
    },
];

/// What a file is that has no kind of its own but is to be read all the same.
pub static TEXT: Kind = Kind {
    name: "text",
    claims: |_| true,
    parser: Parser::Text,
};

/// What comes in without a name: rendered manifests, or JSON, which is YAML.
pub fn standard_input() -> &'static Kind {
    static UNNAMED: Kind = Kind {
        name: "yaml",
        claims: |_| true,
        parser: Parser::Yaml,
    };
    &UNNAMED
}

/// What is put behind the name of a file that is filled in, or copied and then edited.
const TEMPLATED: [&str; 16] = [
    "gotmpl", "tmpl", "tpl", "tplt", "tftpl", "j2", "jinja", "jinja2", "template", "in", "erb",
    "mustache", "dist", "example", "sample", "default",
];

/// The kind of a file by its path, or `None` where files like it are not looked at.
pub fn classify(path: &Path) -> Option<&'static Kind> {
    // What is no Unicode in a name does not keep it from its ending.
    let file = path.file_name()?.to_string_lossy();
    let file = file.as_ref();
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    let name = Name {
        path,
        file,
        extension: extension.to_ascii_lowercase(),
    };
    KINDS.iter().find(|kind| (kind.claims)(&name))
}

fn is_yaml(extension: &str) -> bool {
    matches!(extension, "yaml" | "yml")
}

/// `x.yaml.gotmpl`, `x.yml.j2`, `x.json.tmpl`
fn is_data_stem(file: &str) -> bool {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let extension = stem.rsplit_once('.').map_or("", |(_, extension)| extension);
    let extension = extension.to_ascii_lowercase();
    is_yaml(&extension) || extension == "json"
}

fn is_template(name: &Name<'_>) -> bool {
    let folder = "templates";
    let bytes = name.path.as_os_str().as_encoded_bytes();
    // Most paths are told apart without taking them to pieces.
    let in_chart = || {
        is_yaml(&name.extension)
            && memchr::memmem::find(bytes, folder.as_bytes()).is_some()
            && name.path.iter().any(|part| part == folder)
    };
    in_chart() || TEMPLATED.contains(&name.extension.as_str()) && is_data_stem(name.file)
}

/// Where the masked texts are kept that trees borrow: one a rung of the ladder, filled as far as it is climbed.
#[derive(Debug, Default)]
pub struct Masks {
    rungs: [OnceCell<String>; 4],
}

/// A text as its kind reads it.
#[derive(Debug)]
pub struct Reading<'t> {
    pub actions: Vec<Action>,
    /// One, or two whose trees are to be united: of the first branches of a template, and of the last.
    pub layers: Vec<Layer<'t>>,
}

/// A masked text and its trees.
#[derive(Debug)]
pub struct Layer<'t> {
    /// As long as the text.
    pub masked: &'t str,
    pub parsed: Parsed<'t>,
}

/// Reads a text. `hints` are offsets, in order: documents without any are not looked into. `None` reads all.
pub fn read<'t>(
    text: &'t str,
    parser: Parser,
    hints: Option<&[usize]>,
    masks: &'t Masks,
) -> Reading<'t> {
    let plain = |parsed: Parsed<'t>| Reading {
        actions: Vec::new(),
        layers: vec![Layer {
            masked: text,
            parsed,
        }],
    };
    let regions = |text: &str| {
        let mut documents = yaml::documents(text);
        if let Some(hints) = hints {
            documents.retain(|span| has_hint(hints, *span));
        }
        documents
    };
    let has_actions = || text.contains("{{") || text.contains("{%");
    match parser {
        Parser::Text | Parser::Names => plain(Parsed::default()),
        Parser::Template if has_actions() => masked(text, &regions(text), masks),
        Parser::Yaml | Parser::Template => {
            let regions = regions(text);
            let parsed = parse(text, &regions);
            // A plain file may hold a template's actions all the same: it is read as one if it does not parse as it is.
            if parsed.errors.is_empty() || !has_actions() {
                plain(parsed)
            } else {
                masked(text, &regions, masks)
            }
        }
        Parser::Helpers => {
            let mut bodies = template::define_bodies(&template::actions(text));
            bodies.retain(|span| hints.is_none_or(|hints| has_hint(hints, *span)));
            masked(text, &bodies, masks)
        }
    }
}

/// Whether one of the offsets lies in the span.
pub fn has_hint(hints: &[usize], span: Span) -> bool {
    hints
        .get(hints.partition_point(|hint| *hint < span.start))
        .is_some_and(|hint| *hint < span.end)
}

/// Climbs the ladder of masks until one parses.
fn masked<'t>(text: &'t str, regions: &[Span], masks: &'t Masks) -> Reading<'t> {
    let actions = template::actions(text);
    let rung = |at: usize, how: Mask| {
        let masked: &'t str = masks.rungs[at].get_or_init(|| template::mask(text, &actions, how));
        let parsed = parse(masked, regions);
        Layer { masked, parsed }
    };
    let sound = |layer: &Layer<'_>| layer.parsed.errors.is_empty();
    let lines = rung(0, Mask::Lines);
    let layers = if sound(&lines) {
        vec![lines]
    } else {
        let branches = vec![rung(1, Mask::FirstBranch), rung(2, Mask::LastBranch)];
        let blanks = rung(3, Mask::Blanks);
        match () {
            () if branches.iter().all(sound) => branches,
            () if sound(&blanks) => vec![blanks],
            () => vec![lines],
        }
    };
    Reading { actions, layers }
}

fn parse<'t>(text: &'t str, regions: &[Span]) -> Parsed<'t> {
    let mut all = Parsed::default();
    for region in regions {
        let parsed = yaml::parse(text, *region);
        all.documents.extend(parsed.documents);
        all.comments.extend(parsed.comments);
        all.unparsed.extend(parsed.unparsed);
        all.errors.extend(parsed.errors);
        all.aliased |= parsed.aliased;
        all.shared.extend(parsed.shared);
    }
    all
}

/// In text without a grammar, what follows a `#` or `//` on its line: for ignore comments.
pub fn text_comments(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        if let Some(start) = content.find('#').or_else(|| content.find("//")) {
            found.push(Span::new(at + start, at + content.len()));
        }
        at += line.len();
    }
    found
}
