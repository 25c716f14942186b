//! Removes or changes fixes that do not suit every reader of the value they edit: an anchor, a merged map, or one registry
//! of several names.

use std::collections::{HashMap, HashSet};

use crate::detect::{ImageUse, OwnKey, Usage};
use crate::edit::{Applicability, Edit};
use crate::finding::Finding;
use crate::source::{LineIndex, Span};
use crate::syntax::beside::Insertion;

const LESS_SURE: &str = "the fix of another image that reads the same value needs review";

/// The indexes of the uses that read a piece, by its offset in the file.
type Readers = HashMap<usize, Vec<usize>>;

/// For each use, the offsets of those of its pieces that other uses need unchanged.
type Starts = HashMap<usize, Vec<usize>>;

/// Removes or changes fixes that other readers of the same values cannot take. `findings` has one entry for each use.
pub(super) fn hold(uses: &[ImageUse], findings: &mut [Option<Finding>], text: &str) {
    let mut readers = Readers::new();
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
    let (held, shared) = claims(uses, findings, &readers);
    let lines = LineIndex::new(text);
    let mut has_own = HashSet::new();
    for (index, held) in held {
        if has_own.contains(&index) {
            continue;
        }
        let other = match held {
            Held::To(limit) => {
                findings[index]
                    .iter_mut()
                    .for_each(|one| one.limit(limit, LESS_SURE));
                continue;
            }
            Held::By(other) => other,
        };
        let starts = shared.get(&index).map(Vec::as_slice).unwrap_or_default();
        let apart = with_own_keys(&uses[index], starts, edits(&findings[index]), text)
            .or_else(|| with_keys_of_others(index, starts, &readers, uses, findings, text));
        let Some(finding) = &mut findings[index] else {
            continue;
        };
        match (apart, &mut finding.fix) {
            (Some(edits), Some(fix)) => {
                fix.edits = edits;
                has_own.insert(index);
            }
            _ => refuse(finding, &uses[other], &lines),
        }
    }
}

/// Returns how other readers restrict each fix, in order, and which pieces of each use others need unchanged.
fn claims(
    uses: &[ImageUse],
    findings: &[Option<Finding>],
    readers: &Readers,
) -> (Vec<(usize, Held)>, Starts) {
    let trust = |index: usize| {
        let finding: &Option<Finding> = &findings[index];
        finding.as_ref()?.fix.as_ref().map(|fix| fix.applicability)
    };
    let mut held: Vec<(usize, Held)> = Vec::new();
    let mut shared = Starts::new();
    for (start, readers) in readers {
        let wanted = |index: usize| {
            let edits = edits(&findings[index]);
            piece_at(&uses[index], *start).map_or(Vec::new(), |piece| within(edits, piece))
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
    held.sort();
    (held, shared)
}

/// Returns the longest piece of a use that begins at an offset in the file.
fn piece_at(one: &ImageUse, start: usize) -> Option<Span> {
    let pieces = one.pieces().map(|piece| one.in_file(piece));
    pieces.filter(|piece| piece.start == start).max()
}

/// How the other readers of a value restrict a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    By(usize),
    To(Applicability),
}

/// Whether a use depends on its values, so that changing them changes what it means.
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

/// Returns the edits that change a piece.
fn within(edits: &[Edit], piece: Span) -> Vec<&Edit> {
    let inside = |edit: &&Edit| piece.covers(edit.span) || piece.overlaps(edit.span);
    edits.iter().filter(inside).collect()
}

/// Returns the edits with a separate key for each piece that others need unchanged. `None` if a key cannot be added.
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
            // Two keys are inserted at the same location.
            Some(edit) => edit.text.push_str(&value),
            None => all.push(Edit::new(span, value)),
        }
    }
    all.sort();
    Some(all)
}

/// Returns the edits, and replaces the aliases of the other readers by the old values. This is for an anchor in the map of
/// the use itself, which has no room for another key. `None` if anything but aliases that stay reads a piece.
fn with_keys_of_others(
    index: usize,
    shared: &[usize],
    readers: &Readers,
    uses: &[ImageUse],
    findings: &[Option<Finding>],
    text: &str,
) -> Option<Vec<Edit>> {
    let mut all = edits(&findings[index]).to_vec();
    for start in shared {
        let piece = piece_at(&uses[index], *start)?;
        let value = piece.of(text);
        let alias_of = |other: usize| {
            let mut keys = uses[other].own_keys.iter();
            let key = keys.find(|key| key.piece.start == *start)?;
            let is_alias = key.insertion.span.of(text).starts_with('*');
            let is_moved = !within(edits(&findings[other]), piece).is_empty();
            (is_alias && !is_moved).then_some(&key.insertion)
        };
        let others = readers[start].iter().filter(|other| **other != index);
        let aliases: Vec<&Insertion> = others
            .map(|other| alias_of(*other))
            .collect::<Option<_>>()?;
        let name = aliases.first()?.span.of(text);
        let is_same = aliases.iter().all(|alias| alias.span.of(text) == name);
        let is_whole = is_plain(value) && !text[piece.end..].starts_with('/');
        if !is_same || !is_whole || count(text, name) != aliases.len() {
            return None;
        }
        all.extend(
            aliases
                .iter()
                .map(|alias| Edit::new(alias.span, alias.with(value))),
        );
    }
    all.sort();
    Some(all)
}

/// Counts the occurrences of an alias in a text.
fn count(text: &str, alias: &str) -> usize {
    let is_end = |at: usize| {
        let next = text[at + alias.len()..].chars().next();
        !next.is_some_and(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.'))
    };
    let found = text.match_indices(alias);
    found.filter(|(at, _)| is_end(*at)).count()
}

/// Whether a value needs no quotes.
fn is_plain(value: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/');
    let fits = value.starts_with(|letter: char| letter.is_ascii_alphabetic());
    fits && value.contains(['.', '/']) && value.bytes().all(is_plain)
}

/// Removes the edits of a piece and returns its value after them. `None` if the value would need quotes.
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
    is_plain(&value).then_some(value)
}

fn refuse(finding: &mut Finding, other: &ImageUse, lines: &LineIndex) {
    if finding.fix.take().is_none() {
        return;
    }
    let own = other.text(lines.text());
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
