//! Checks one file: finds the image uses in its text and judges them by the rules.
//!
//! Knows nothing of other files, ignore comments and output formats.

mod alternatives;
mod beside;
mod cautions;
mod evaluate;
pub mod pull_secrets;
mod readers;
mod terraform;
mod unjudged;

use std::path::Path;

use crate::artifact::Artifact;
use crate::detect::{self, Certainty, ImageUse, Input, Tag, View};
use crate::file_type::{self, FileType, MaskedView, Masks, Parser};
use crate::finding::{Finding, Problem, Unjudged};
use crate::rewrite;
use crate::rules::RuleSet;
use crate::source::Span;
use crate::syntax::template::{Action, ActionKind};
use crate::syntax::yaml::SyntaxError;

pub use evaluate::finding as at;

/// The result of checking one file.
#[derive(Debug, Default)]
pub struct Checked {
    pub findings: Vec<Finding>,
    pub problems: Vec<Problem>,
    /// Legacy locations whose usage is unknown.
    pub unjudged: Vec<Unjudged>,
    /// Comments, which may be ignore comments.
    pub comments: Vec<Span>,
    /// Whether only the beginning was checked. `problems` then says so.
    pub is_cut: bool,
}

/// An image that a file names, legacy or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub span: Span,
    /// From the first piece to the last.
    pub extent: Span,
    /// The pieces as written, joined; placeholders included.
    pub name: String,
    pub tag: Option<String>,
    pub digest: Option<String>,
    pub shape: &'static str,
}

impl Image {
    /// Joins name, tag and digest into one reference.
    pub fn reference(&self) -> String {
        let tag = self
            .tag
            .as_ref()
            .map(|tag| format!(":{tag}"))
            .unwrap_or_default();
        let digest = self
            .digest
            .as_ref()
            .map(|digest| format!("@{digest}"))
            .unwrap_or_default();
        format!("{}{tag}{digest}", self.name)
    }
}

/// Finds the image uses of a text, read as its file type says; if there are hints, only near them.
fn uses(
    path: &Path,
    text: &str,
    file_type: &FileType,
    hints: Option<&[usize]>,
) -> (Vec<ImageUse>, Checked) {
    let mut checked = Checked::default();
    if matches!(file_type.parser, Parser::Hcl | Parser::HclText) {
        return terraform::uses(path, text, file_type, hints);
    }
    if file_type.parser == Parser::Text {
        checked.comments = file_type::text_comments(text);
        return (of_plain_text(path, text), checked);
    }
    let masks = Masks::default();
    let reading = file_type::read(text, file_type.parser, hints, &masks);
    let mut found = Vec::new();
    for (index, MaskedView { masked, parsed }) in reading.layers.into_iter().enumerate() {
        let view = View {
            input: Input {
                path,
                text,
                masked,
                actions: &reading.actions,
                // The hint for a use by an alias is at its scalar, which may be in another part of the text.
                hints: hints.filter(|_| !parsed.aliased && parsed.shared.is_empty()),
                depth: 0,
            },
            documents: &parsed.documents,
            shared: &parsed.shared,
            comments: &parsed.comments,
            unparsed: &parsed.unparsed,
            has_literals: true,
        };
        found.extend(detect::uses(&view));
        if index == 0 {
            checked.comments = comments(text, &reading.actions, &parsed.comments, &parsed.unparsed);
            checked.problems = parsed.errors.into_iter().map(problem).collect();
        }
    }
    (detect::in_order(found), checked)
}

fn of_plain_text(path: &Path, text: &str) -> Vec<ImageUse> {
    let input = Input::of_text(path, text);
    let whole = Span::new(0, text.len());
    let mut found = detect::scan_text(&input, whole, detect::Prose::Anything);
    for one in &mut found {
        let limit = Certainty::Likely("the file is read as plain text");
        one.usage = one.usage.at_most(limit);
    }
    detect::in_order(found)
}

fn problem(error: SyntaxError) -> Problem {
    let unread = match error.in_branch {
        true => "this branch of the template",
        false => "the rest of this document",
    };
    Problem::new(
        Some(error.offset),
        format!("{}; {unread} is checked line by line", error.message),
        false,
    )
}

/// Returns all comments that may be ignore comments: of the YAML, of the template, and in the parts that were not parsed.
fn comments(text: &str, actions: &[Action], of_yaml: &[Span], unparsed: &[Span]) -> Vec<Span> {
    let mut found = of_yaml.to_vec();
    let of_template = actions
        .iter()
        .filter(|action| action.kind == ActionKind::Comment);
    found.extend(of_template.map(|action| action.span));
    for region in unparsed {
        let inside = file_type::text_comments(region.of(text)).into_iter();
        found.extend(inside.map(|span| span.shift(region.start)));
    }
    found.sort();
    found
}

/// Checks a whole text by the rules.
pub fn check(path: &Path, text: &str, file_type: &FileType, rules: &RuleSet) -> Checked {
    check_near(path, text, file_type, rules, None)
}

/// Checks only what is before the line of an offset, and adds a problem that says so.
pub fn check_before(
    offset: usize,
    path: &Path,
    text: &str,
    file_type: &FileType,
    rules: &RuleSet,
    hints: &[usize],
) -> Checked {
    let newline = memchr::memrchr(b'\n', &text.as_bytes()[..offset]);
    let end = newline.map_or(0, |newline| newline + 1);
    let hints = &hints[..hints.partition_point(|hint| *hint < end)];
    let mut checked = check_near(path, &text[..end], file_type, rules, Some(hints));
    checked.is_cut = true;
    checked.problems.push(Problem::new(Some(end), "there is too much to fix before this line, so the rest of the file was not checked: run again when \
                  that is fixed"
            .to_owned(), true));
    checked
}

/// Checks a text near the hints: sorted offsets of names that a rule could apply to. `None` checks all of it.
pub fn check_near(
    path: &Path,
    text: &str,
    kind: &FileType,
    rules: &RuleSet,
    hints: Option<&[usize]>,
) -> Checked {
    let (mut uses, mut checked) = uses(path, text, kind, hints);
    checked.unjudged = unjudged::list(text, hints, &uses, &checked.comments, rules);
    detect::once_each(text, &mut uses);
    let mut found: Vec<Option<Finding>> = uses
        .iter()
        .map(|one| evaluate::finding(one, text, rules))
        .collect();
    readers::hold(&uses, &mut found, text);
    cautions::add(&uses, &mut found, text, kind);
    checked.findings = found.into_iter().flatten().collect();
    alternatives::warn_of_commands(&mut checked.findings, text, kind);
    checked
}

/// Returns every image that a text pulls, except in comments.
pub fn images(path: &Path, text: &str, kind: &FileType) -> Vec<Image> {
    let (uses, _) = uses(path, text, kind, None);
    let listed = uses.iter().filter(|one| {
        let is_image = one.artifact == Artifact::Image && one.name.is_some();
        is_image && one.usage.is_pull() && one.form != "comment"
    });
    let image = |one: &ImageUse| {
        let own = one.text(text);
        let name = rewrite::spell(one, own)?.written_name(own);
        // `defaultImage: true`
        let is_switch = matches!(&*name, "true" | "false");
        (!is_switch).then(|| Image {
            span: one.in_file(one.primary_span(own)),
            extent: one.extent(),
            name,
            tag: match one.tag {
                Tag::At(span) => Some(span.of(own).to_owned()),
                _ => None,
            },
            digest: one.digest.map(|span| span.of(own).to_owned()),
            shape: one.form,
        })
    };
    listed.filter_map(image).collect()
}
