//! Masks of templates: texts of the same length whose unmasked rest parses as YAML.
//!
//! Knows where actions are and of which kind, but not what they contain.

use std::collections::HashSet;

use super::{Action, ActionKind};
use crate::source::Span;

/// The ways to mask a template, the one with which most templates parse first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mask {
    /// Lines that contain nothing but actions become empty. Inside a line, output becomes a word, and other actions spaces.
    Lines,
    /// As `Lines`, with all branches of a structure but the first blanked out.
    FirstBranch,
    /// As `Lines`, with all branches of a structure but the last blanked out.
    LastBranch,
    /// Every action becomes spaces.
    Blanks,
}

/// Masks the actions of a text and keeps its length in bytes, so that offsets are the same in both. Newlines may be added,
/// but not removed, so that line numbers differ.
pub fn mask(text: &str, actions: &[Action], how: Mask) -> String {
    let mut bytes = text.as_bytes().to_vec();
    match how {
        Mask::FirstBranch => hide_branches(&mut bytes, actions, true),
        Mask::LastBranch => hide_branches(&mut bytes, actions, false),
        Mask::Lines | Mask::Blanks => {}
    }
    for action in actions {
        let fill = match action.kind {
            _ if how == Mask::Blanks => b' ',
            ActionKind::Inline => b'x',
            _ => b' ',
        };
        fill_line_wise(&mut bytes[action.span.start..action.span.end], fill);
    }
    if how != Mask::Blanks {
        clear_action_lines(text, &mut bytes, actions);
    }
    text_of(bytes)
}

/// Converts bytes back to text. Only whole actions, and what is between them, were overwritten, all with ASCII.
fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Fills the first line of an action with the filler. The lines that follow become empty.
fn fill_line_wise(bytes: &mut [u8], filler: u8) {
    let mut tail = false;
    for byte in bytes {
        if *byte == b'\n' {
            tail = true;
        }
        *byte = if tail { b'\n' } else { filler };
    }
}

/// Empties the lines that contain nothing but actions. In a block scalar, a line of spaces that is deeper than the first
/// line is illegal; an empty line never is.
fn clear_action_lines(text: &str, bytes: &mut [u8], actions: &[Action]) {
    let source = text.as_bytes();
    let mut next = 0;
    while let Some(first) = actions.get(next) {
        let start = line_start(source, first.span.start);
        let mut end = start;
        let mut line_end = start;
        let mut bare = true;
        // All actions that begin on the line, or on the line where the one before ends.
        while let Some(action) = actions
            .get(next)
            .filter(|action| end == start || action.span.start < line_end)
        {
            bare &= is_blank(&source[end..action.span.start]);
            end = action.span.end;
            if end > line_end {
                line_end = self::line_end(source, end);
            }
            next += 1;
        }
        if bare && is_blank(&source[end..line_end]) {
            bytes[start..line_end].fill(b'\n');
        }
    }
}

/// Overwrites the branches that are not kept with empty lines.
fn hide_branches(bytes: &mut [u8], actions: &[Action], keep_first: bool) {
    let mut hidden: Vec<Span> = Vec::new();
    for mut branches in structures(actions) {
        let kept = if keep_first { 0 } else { branches.len() - 1 };
        branches.remove(kept);
        hidden.extend(branches);
    }
    // Text in a branch that is hidden already is not filled again, however deep it is nested.
    hidden.sort();
    let mut done = 0;
    for span in hidden {
        if span.end > done {
            fill_line_wise(&mut bytes[span.start.max(done)..span.end], b' ');
            done = span.end;
        }
    }
}

/// The bodies of the branches of each structure that is closed, inner structures first.
fn structures(actions: &[Action]) -> Vec<Vec<Span>> {
    // For each open structure: where its current branch starts, and the branches so far.
    let mut open: Vec<(usize, Vec<Span>)> = Vec::new();
    let mut closed = Vec::new();
    for action in actions {
        match action.kind {
            ActionKind::Open | ActionKind::Define => open.push((action.span.end, Vec::new())),
            ActionKind::Else => {
                if let Some((start, branches)) = open.last_mut() {
                    branches.push(Span::new(*start, action.span.start));
                    *start = action.span.end;
                }
            }
            ActionKind::End => {
                if let Some((start, mut branches)) = open.pop() {
                    branches.push(Span::new(start, action.span.start));
                    closed.push(branches);
                }
            }
            _ => {}
        }
    }
    closed
}

/// The bodies of all branches, in order of their ends.
pub fn branches(actions: &[Action]) -> Vec<Span> {
    let of_branches = actions.iter().filter(|one| one.kind != ActionKind::Define);
    let starts: HashSet<usize> = of_branches.map(|one| one.span.end).collect();
    let mut all = structures(actions).concat();
    all.retain(|span| starts.contains(&span.start));
    all.sort_by_key(|span| (span.end, span.start));
    all
}

/// Masks another part of a masked text. The rest keeps its offsets.
#[must_use]
pub fn without(masked: &str, span: Span) -> String {
    let mut bytes = masked.as_bytes().to_vec();
    fill_line_wise(&mut bytes[span.start..span.end], b' ');
    text_of(bytes)
}

fn line_start(bytes: &[u8], at: usize) -> usize {
    bytes[..at]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1)
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |length| at + length)
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}
