//! A fix holds for every reader of what it edits: an anchor, a merged map, one registry of several names.

use std::collections::{HashMap, HashSet};

use crate::detect::{ImageUse, OwnKey, Usage};
use crate::edit::{Applicability, Edit};
use crate::finding::Finding;
use crate::source::{LineIndex, Span};

const LESS_SURE: &str = "another image that reads the same value is less sure";

/// Takes away the fixes that other readers of the same values do not want. `findings` are of the uses, in their order.
pub(super) fn hold(uses: &[ImageUse], findings: &mut [Option<Finding>], text: &str) {
    let mut readers: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, one) in uses.iter().enumerate().filter(|(_, one)| reads(one)) {
        for piece in one.pieces().filter(|piece| !piece.is_empty()) {
            let start = one.in_file(piece).start;
            readers.entry(start).or_default().push(index);
        }
    }
    readers.retain(|_, readers| readers.len() > 1);
    if readers.is_empty() {
        return;
    }
    let trust = |index: usize| {
        let finding: &Option<Finding> = &findings[index];
        finding.as_ref()?.fix.as_ref().map(|fix| fix.applicability)
    };
    let mut held: Vec<(usize, Held)> = Vec::new();
    // Where the pieces begin that others need unchanged.
    let mut shared: HashMap<usize, Vec<usize>> = HashMap::new();
    for (start, readers) in &readers {
        let piece_of = |index: usize| {
            let pieces = uses[index].pieces().map(|piece| uses[index].in_file(piece));
            pieces.filter(|piece| piece.start == *start).max()
        };
        let wanted = |index: usize| {
            let edits = edits(&findings[index]);
            piece_of(index).map_or(Vec::new(), |piece| within(edits, piece))
        };
        let first = wanted(readers[0]);
        let other = readers.iter().find(|index| wanted(**index) != first);
        let least = readers.iter().filter_map(|index| trust(*index)).min();
        for index in readers {
            let own = wanted(*index);
            if own.is_empty() {
                continue;
            }
            let by = match (other, least) {
                (Some(other), _) if own == first => Held::By(*other),
                (Some(_), _) => Held::By(readers[0]),
                (None, Some(least)) => Held::To(least),
                (None, None) => continue,
            };
            if let Held::By(_) = by {
                shared.entry(*index).or_default().push(*start);
            }
            held.push((*index, by));
        }
    }
    let lines = LineIndex::new(text);
    held.sort();
    let mut has_own = HashSet::new();
    for (index, held) in held {
        if has_own.contains(&index) {
            continue;
        }
        match (&mut findings[index], held) {
            (Some(finding), Held::To(limit)) => lower(finding, limit),
            (Some(finding), Held::By(other)) => {
                let starts = shared.get(&index).map(Vec::as_slice).unwrap_or_default();
                let own = finding.fix.as_ref().and_then(|fix| {
                    let one = &uses[index];
                    with_own_keys(one, starts, &fix.edits, text)
                });
                match (own, &mut finding.fix) {
                    (Some(edits), Some(fix)) => {
                        fix.edits = edits;
                        has_own.insert(index);
                    }
                    _ => refuse(finding, &uses[other], text, &lines),
                }
            }
            (None, _) => {}
        }
    }
}

/// What the other readers of a value leave of a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    By(usize),
    To(Applicability),
}

/// Whether a use reads its values, so that a change of them changes what it means.
fn reads(one: &ImageUse) -> bool {
    match one.usage {
        Usage::Unknown(_) => false,
        Usage::Mention(_) => one.by_alias,
        _ => one.form != "comment",
    }
}

fn edits(finding: &Option<Finding>) -> &[Edit] {
    let fix = finding.as_ref().and_then(|finding| finding.fix.as_ref());
    fix.map(|fix| fix.edits.as_slice()).unwrap_or_default()
}

/// Those of the edits that change a piece.
fn within(edits: &[Edit], piece: Span) -> Vec<&Edit> {
    let inside = |edit: &&Edit| piece.covers(edit.span) || piece.overlaps(edit.span);
    edits.iter().filter(inside).collect()
}

/// The edits, where each piece that others need unchanged gets a key of its own. `None` where there is no room for one.
fn with_own_keys(
    one: &ImageUse,
    shared: &[usize],
    edits: &[Edit],
    text: &str,
) -> Option<Vec<Edit>> {
    let mut all = edits.to_vec();
    for start in shared {
        let mut keys = one.own_keys.iter();
        let key = keys.find(|key| key.piece.start == *start)?;
        let value = edited(key, &mut all, text)?;
        let span = key.insertion.span;
        let value = key.insertion.with(&value);
        match all.iter_mut().find(|edit| edit.span == span) {
            // Two keys in one place.
            Some(edit) => edit.text.push_str(&value),
            None => all.push(Edit { span, text: value }),
        }
    }
    all.sort();
    Some(all)
}

/// What a piece becomes; its edits are taken out. `None` where it is no plain scalar then.
fn edited(key: &OwnKey, edits: &mut Vec<Edit>, text: &str) -> Option<String> {
    let piece = key.piece;
    let mut value = piece.of(text).to_owned();
    let (mut inside, others): (Vec<Edit>, Vec<Edit>) = std::mem::take(edits)
        .into_iter()
        .partition(|edit| piece.covers(edit.span));
    *edits = others;
    inside.sort();
    for edit in inside.iter().rev() {
        let start = edit.span.start - piece.start;
        value.replace_range(start..start + edit.span.len(), &edit.text);
    }
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/');
    let fits = value.starts_with(|letter: char| letter.is_ascii_alphabetic());
    (fits && value.contains(['.', '/']) && value.bytes().all(is_plain)).then_some(value)
}

fn lower(finding: &mut Finding, limit: Applicability) {
    if let Some(fix) = finding.fix.as_mut().filter(|fix| fix.applicability > limit) {
        fix.applicability = limit;
        finding.reason = Some(LESS_SURE.to_owned());
    }
}

fn refuse(finding: &mut Finding, other: &ImageUse, text: &str, lines: &LineIndex) {
    if finding.fix.take().is_none() {
        return;
    }
    let own = other.text(text);
    let pieces = [other.registry, other.name].into_iter().flatten();
    let written: Vec<&str> = pieces
        .map(|piece| piece.of(own).trim_matches('/'))
        .collect();
    let at = other
        .name
        .or(other.registry)
        .map(|piece| other.in_file(piece));
    let line = lines.line(at.map_or(0, |span| span.start)) + 1;
    finding.reason = Some(format!(
        "`{}` in line {line} reads the same value and needs it unchanged",
        written.join("/")
    ));
}
