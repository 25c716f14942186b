//! Template branches on one line: `{% if mirror %}m.example.com{% else %}k8s.gcr.io{% endif %}/pause`.
//!
//! Each branch is read together with the text around the structure, as the template would write it.

use super::image_use::ImageUse;
use super::input::{Inner, Input};
use crate::source::Span;
use crate::syntax::decoded::Decoded;
use crate::syntax::template::{self, Action, ActionKind};

/// The maximum number of branches that are read.
const MOST_BRANCHES: usize = 8;

const OTHER_REGISTRY: &str = "a template puts another registry before it in another case, and the image may not have the new path there";

/// A value with branches.
pub(super) struct Branched {
    /// The texts that it can become, one per branch.
    pub(super) texts: Vec<Inner>,
    /// The spans of the structures.
    structures: Vec<Span>,
}

impl Branched {
    /// Marks an image if branches before its path may make another registry of it.
    pub(super) fn mark(&self, one: &mut ImageUse, text: &str) {
        let Some(name) = one.name.map(|name| one.in_file(name)) else {
            return;
        };
        let is_before = |structure: &Span| {
            let end = structure.end;
            let gap = text.get(end..name.start).unwrap_or_default();
            end < name.end && structure.start < name.end && !gap.contains(char::is_whitespace)
        };
        if self.structures.iter().any(is_before) {
            one.other_registry.get_or_insert(OTHER_REGISTRY);
        }
    }
}

/// Reads the branches of a value. `None` if it has none.
pub(super) fn expand(input: &Input<'_>, span: Span) -> Option<Branched> {
    // In a file that is not a template, a value may still be one.
    let own = match input.actions.is_empty() {
        true => actions_of(span.of(input.text), span.start),
        false => Vec::new(),
    };
    let span = with_actions_around(input, span);
    let actions = match own.is_empty() {
        true => input.actions_in(span),
        false => &own,
    };
    if !actions.iter().any(|action| action.kind == ActionKind::End) {
        return None;
    }
    let structures = structures(actions, input.text).filter(|found| !found.is_empty())?;
    let most = structures.iter().map(|one| one.branches.len()).max();
    let most = most.unwrap_or_default().min(MOST_BRANCHES);
    let texts = (0..most).map(|choice| {
        let mut decoded = Decoded::default();
        write(input, span, &structures, choice, &mut decoded);
        Inner::new(input, decoded, span)
    });
    Some(Branched {
        texts: texts.collect(),
        structures: structures.iter().map(|one| one.span).collect(),
    })
}

fn actions_of(value: &str, start: usize) -> Vec<Action> {
    if !value.contains("{%") && !value.contains("{{") {
        return Vec::new();
    }
    let actions = template::actions(value).into_iter();
    let shifted = actions.map(|action| Action {
        span: action.span.shift(start),
        ..action
    });
    shifted.collect()
}

/// Extends the span by adjacent actions that produce no output. YAML takes them for spaces.
fn with_actions_around(input: &Input<'_>, span: Span) -> Span {
    let Span { mut start, mut end } = span;
    let first = input.actions.partition_point(|one| one.span.start < start);
    let is_blank = |gap: &str| gap.bytes().all(|byte| matches!(byte, b' ' | b'\t'));
    let structures = [ActionKind::Open, ActionKind::Else, ActionKind::End];
    let (before, behind) = input.actions.split_at(first);
    for one in before.iter().rev() {
        let is_next = one.span.end <= start && is_blank(&input.text[one.span.end..start]);
        if !is_next || !structures.contains(&one.kind) {
            break;
        }
        start = one.span.start;
    }
    for one in behind.iter().filter(|one| one.span.start >= span.end) {
        let is_next = is_blank(&input.text[end..one.span.start]);
        if !is_next || !structures.contains(&one.kind) {
            break;
        }
        end = one.span.end;
    }
    Span::new(start, end)
}

/// A control structure in the span, from its opening action to its end.
struct Structure {
    span: Span,
    /// A structure without an `else` for all other cases gets an empty last one.
    branches: Vec<Span>,
}

/// Returns the outermost structures. `None` if one begins or ends outside the actions.
fn structures(actions: &[Action], text: &str) -> Option<Vec<Structure>> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let (mut opened, mut branch) = (0, 0);
    let mut is_complete = false;
    let mut branches = Vec::new();
    for Action { span, kind } in actions {
        match kind {
            ActionKind::Open => {
                if depth == 0 {
                    (opened, branch) = (span.start, span.end);
                    is_complete = false;
                }
                depth += 1;
            }
            ActionKind::Else if depth == 1 => {
                branches.push(Span::new(branch, span.start));
                branch = span.end;
                is_complete |= has_no_condition(span.of(text));
            }
            ActionKind::End => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    branches.push(Span::new(branch, span.start));
                    if !is_complete {
                        branches.push(Span::new(span.start, span.start));
                    }
                    found.push(Structure {
                        span: Span::new(opened, span.end),
                        branches: std::mem::take(&mut branches),
                    });
                }
            }
            _ => {}
        }
    }
    (depth == 0).then_some(found)
}

/// Whether an action is `{% else %}`, without a condition as in `{{ else if .x }}` or `{% elif x %}`.
fn has_no_condition(action: &str) -> bool {
    let inner = action.trim_matches(|letter: char| !letter.is_alphanumeric());
    inner == "else"
}

fn write(
    input: &Input<'_>,
    span: Span,
    structures: &[Structure],
    choice: usize,
    decoded: &mut Decoded,
) {
    let mut at = span.start;
    for structure in structures {
        decoded.push_exact(input.masked, Span::new(at, structure.span.start));
        let last = structure.branches.len() - 1;
        let branch = structure.branches[choice.min(last)];
        // Structures inside a branch are read when the branch is.
        decoded.push_exact(input.masked, branch);
        at = structure.span.end;
    }
    decoded.push_exact(input.masked, Span::new(at, span.end));
}
