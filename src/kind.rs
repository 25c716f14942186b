//! How a file is recognised, and how it is parsed. A new kind is a row in [`KINDS`].
//!
//! Knows no rule, no report and no image: what the parsed text spells is for `locate` to say.

use std::borrow::Cow;
use std::path::Path;

use crate::source::Span;
use crate::syntax::template::{self, Action, Mask};
use crate::syntax::yaml::{self, Node, SyntaxError};

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
}

impl Kind {
    /// What a file is, its contents considered: values have no name of their own.
    pub fn describe(&self, bytes: &[u8]) -> &'static str {
        if !matches!(self.name, "yaml" | "json") {
            return self.name;
        }
        let named = |key: &str| bytes.windows(key.len()).any(|window| window == key.as_bytes());
        if named("apiVersion") && named("kind") { "manifest" } else { "values" }
    }
}

/// What a path says.
struct Name<'p> {
    path: &'p Path,
    file: &'p str,
    extension: &'p str,
}

/// The most particular first; the first that claims a file has it.
pub static KINDS: &[Kind] = &[
    Kind { name: "chart", claims: |name| matches!(name.file, "Chart.yaml" | "Chart.yml"), parser: Parser::Yaml },
    Kind { name: "requirements", claims: |name| name.file == "requirements.yaml", parser: Parser::Yaml },
    Kind {
        name: "kustomization",
        claims: |name| matches!(name.file, "kustomization.yaml" | "kustomization.yml" | "Kustomization"),
        parser: Parser::Yaml,
    },
    Kind { name: "helpers", claims: |name| name.extension == "tpl" && !is_yaml_stem(name.file), parser: Parser::Helpers },
    Kind { name: "template", claims: is_template, parser: Parser::Template },
    Kind {
        name: "helmfile",
        claims: |name| name.file.starts_with("helmfile") && is_yaml(name.extension),
        parser: Parser::Template,
    },
    Kind { name: "json", claims: |name| name.extension == "json", parser: Parser::Yaml },
    Kind { name: "yaml", claims: |name| is_yaml(name.extension), parser: Parser::Yaml },
];

/// What a file is that has no kind of its own but is to be read all the same.
pub static TEXT: Kind = Kind { name: "text", claims: |_| true, parser: Parser::Text };

/// What comes in without a name: rendered manifests, or JSON, which is YAML.
pub fn standard_input() -> &'static Kind {
    static UNNAMED: Kind = Kind { name: "yaml", claims: |_| true, parser: Parser::Yaml };
    &UNNAMED
}

/// The kind of a file by its path, or `None` where files like it are not looked at.
pub fn classify(path: &Path) -> Option<&'static Kind> {
    let file = path.file_name()?.to_str()?;
    let name = Name {
        path,
        file,
        extension: file.rsplit_once('.').map_or("", |(_, extension)| extension),
    };
    KINDS.iter().find(|kind| (kind.claims)(&name))
}

fn is_yaml(extension: &str) -> bool {
    matches!(extension, "yaml" | "yml")
}

/// `x.yaml.gotmpl`, `x.yml.j2`
fn is_yaml_stem(file: &str) -> bool {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    stem.ends_with(".yaml") || stem.ends_with(".yml")
}

fn is_template(name: &Name<'_>) -> bool {
    let templated = matches!(
        name.extension,
        "gotmpl" | "tmpl" | "tpl" | "j2" | "jinja" | "jinja2" | "template" | "in" | "erb" | "mustache"
    );
    let in_chart = is_yaml(name.extension) && name.path.iter().any(|part| part == "templates");
    in_chart || templated && is_yaml_stem(name.file)
}

/// The trees of a masked text, which borrow it.
#[derive(Debug, Default)]
pub struct Trees<'t> {
    pub documents: Vec<Node<'t>>,
    pub comments: Vec<Span>,
    pub unparsed: Vec<Span>,
    pub errors: Vec<SyntaxError>,
}

/// The text to parse, with its actions masked in the way that parses best.
#[derive(Debug)]
pub struct Prepared<'t> {
    pub masked: Cow<'t, str>,
    pub actions: Vec<Action>,
    regions: Vec<Span>,
    /// Further masks of the same text, whose trees are united with the first.
    pub others: Vec<String>,
}

/// Masks what the parser could not read.
pub fn prepare<'t>(text: &'t str, parser: Parser) -> Prepared<'t> {
    let whole = Span::new(0, text.len());
    let plain = |regions: Vec<Span>| Prepared {
        masked: Cow::Borrowed(text),
        actions: Vec::new(),
        regions,
        others: Vec::new(),
    };
    let has_actions = || text.contains("{{") || text.contains("{%");
    match parser {
        Parser::Text => plain(Vec::new()),
        // A plain file may hold a template's actions all the same: it is parsed as one if it does not parse as it is.
        Parser::Yaml if !has_actions() => plain(vec![whole]),
        Parser::Yaml if yaml::parse(text, whole).errors.is_empty() => plain(vec![whole]),
        Parser::Template if !has_actions() => plain(vec![whole]),
        Parser::Yaml | Parser::Template => masked(text, vec![whole]),
        Parser::Helpers => {
            let bodies = template::define_bodies(&template::actions(text));
            masked(text, bodies)
        }
    }
}

/// Climbs the ladder of masks until one parses.
fn masked(text: &str, regions: Vec<Span>) -> Prepared<'_> {
    let actions = template::actions(text);
    let parses = |masked: &str| regions.iter().all(|region| yaml::parse(masked, *region).errors.is_empty());
    let lines = template::mask(text, &actions, Mask::Lines);
    let mut others = Vec::new();
    let chosen = if parses(&lines) {
        lines
    } else {
        let first = template::mask(text, &actions, Mask::FirstBranch);
        let last = template::mask(text, &actions, Mask::LastBranch);
        let blanks = template::mask(text, &actions, Mask::Blanks);
        if parses(&first) && parses(&last) {
            others.push(last);
            first
        } else if parses(&blanks) {
            blanks
        } else {
            lines
        }
    };
    Prepared {
        masked: Cow::Owned(chosen),
        actions,
        regions,
        others,
    }
}

impl Prepared<'_> {
    /// The trees of one of the masked texts.
    pub fn trees<'m>(&self, masked: &'m str) -> Trees<'m> {
        let mut trees = Trees::default();
        for region in &self.regions {
            let parsed = yaml::parse(masked, *region);
            trees.documents.extend(parsed.documents);
            trees.comments.extend(parsed.comments);
            trees.unparsed.extend(parsed.unparsed);
            trees.errors.extend(parsed.errors);
        }
        trees
    }
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
