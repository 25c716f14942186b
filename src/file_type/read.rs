//! Reads a text as its file type says: parses its documents, with template actions masked.

use std::cell::OnceCell;

use super::Parser;
use crate::search;
use crate::source::Span;
use crate::syntax::hcl;
use crate::syntax::json_comments;
use crate::syntax::template::{self, Action, Mask};
use crate::syntax::yaml::{self, Parsed, SyntaxError};

/// Storage for the masked texts that trees borrow: one for each kind of mask, filled when that kind is tried.
#[derive(Debug, Default)]
pub struct Masks {
    rungs: [OnceCell<String>; 6],
}

/// The result of [`read`].
#[derive(Debug)]
pub struct Reading<'t> {
    pub actions: Vec<Action>,
    /// One view, or two to be combined: one with the first branches of a template, the other with the last.
    pub layers: Vec<MaskedView<'t>>,
}

/// A masked text and its trees.
#[derive(Debug)]
pub struct MaskedView<'t> {
    /// It has the same length as the text.
    pub masked: &'t str,
    pub parsed: Parsed<'t>,
}

/// Reads a text. `hints` are sorted offsets: documents without a hint are not parsed, and only comments on lines with one are
/// collected, unless the text names regfix. `None` reads everything.
pub fn read<'t>(
    text: &'t str,
    parser: Parser,
    hints: Option<&[usize]>,
    masks: &'t Masks,
) -> Reading<'t> {
    let regions = |text: &str| {
        let mut documents = yaml::documents(text);
        if let Some(hints) = hints {
            documents.retain(|span| has_hint(hints, *span));
        }
        documents
    };
    // What an ignore comment applies to depends on the comments around it, so all of them are needed.
    let near = hints.filter(|_| search::own_names(text.as_bytes()).next().is_none());
    match parser {
        Parser::Text => plain(text, Parsed::default()),
        Parser::Hcl | Parser::HclText => {
            let scan = hcl::scan(text);
            let mask = || template::mask(text, &scan.actions, Mask::Lines);
            let masked: &'t str = masks.rungs[0].get_or_init(mask);
            let parsed = hcl::parse(masked, &scan);
            Reading {
                actions: scan.actions,
                layers: vec![MaskedView { masked, parsed }],
            }
        }
        Parser::Template if has_actions(text) => masked(text, &regions(text), near, masks),
        Parser::Yaml | Parser::Template => unmasked(text, &regions(text), near, masks),
        Parser::Helpers => {
            let mut bodies = template::define_bodies(&template::actions(text));
            // Without named templates, the whole text is read as one template, if that is YAML.
            let whole = || masked(text, &regions(text), near, masks);
            if let Some(whole) = bodies.is_empty().then(whole).filter(is_sound) {
                return whole;
            }
            bodies.retain(|span| hints.is_none_or(|hints| has_hint(hints, *span)));
            masked(text, &bodies, near, masks)
        }
    }
}

fn has_actions(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

fn plain<'t>(masked: &'t str, parsed: Parsed<'t>) -> Reading<'t> {
    Reading {
        actions: Vec::new(),
        layers: vec![MaskedView { masked, parsed }],
    }
}

/// Reads a plain file. If it does not parse, it may be JSON with comments, or a template.
fn unmasked<'t>(
    text: &'t str,
    regions: &[Span],
    near: Option<&[usize]>,
    masks: &'t Masks,
) -> Reading<'t> {
    let parsed = parse(text, regions, near);
    if parsed.errors.is_empty() {
        return plain(text, parsed);
    }
    match json_with_comments(text, regions, near, masks) {
        Some(reading) => reading,
        None if has_actions(text) => masked(text, regions, near, masks),
        None => plain(text, parsed),
    }
}

/// Reads JSON without its comments. `None` if it still does not parse.
fn json_with_comments<'t>(
    text: &'t str,
    regions: &[Span],
    near: Option<&[usize]>,
    masks: &'t Masks,
) -> Option<Reading<'t>> {
    let without = json_comments::masked(text)?;
    let masked: &'t str = masks.rungs[5].get_or_init(|| without);
    let parsed = parse(masked, regions, near);
    parsed.errors.is_empty().then(|| plain(masked, parsed))
}

/// Whether one of the offsets lies in the span.
pub fn has_hint(hints: &[usize], span: Span) -> bool {
    hints
        .get(hints.partition_point(|hint| *hint < span.start))
        .is_some_and(|hint| *hint < span.end)
}

fn is_sound(reading: &Reading<'_>) -> bool {
    let mut layers = reading.layers.iter();
    layers.all(|layer| layer.parsed.errors.is_empty())
}

/// Tries one kind of mask after the other until one parses.
fn masked<'t>(
    text: &'t str,
    regions: &[Span],
    near: Option<&[usize]>,
    masks: &'t Masks,
) -> Reading<'t> {
    let actions = template::actions(text);
    let rung = |at: usize, how: Mask| {
        let masked: &'t str = masks.rungs[at].get_or_init(|| template::mask(text, &actions, how));
        let parsed = parse(masked, regions, near);
        MaskedView { masked, parsed }
    };
    let sound = |layer: &MaskedView<'_>| layer.parsed.errors.is_empty();
    let lines = rung(0, Mask::Lines);
    let layers = if sound(&lines) {
        vec![lines]
    } else {
        let branches = vec![rung(1, Mask::FirstBranch), rung(2, Mask::LastBranch)];
        let blanks = rung(3, Mask::Blanks);
        match () {
            () if branches.iter().all(sound) => branches,
            () if sound(&blanks) => vec![blanks],
            () => vec![without_faults(
                &actions,
                lines,
                regions,
                near,
                &masks.rungs[4],
            )],
        }
    };
    Reading { actions, layers }
}

/// The most branches that are left out of the tree because they do not parse.
const MOST_FAULTS: usize = 8;

/// Parses the text without the branches that do not parse. Those branches are not part of any tree.
fn without_faults<'t>(
    actions: &[Action],
    lines: MaskedView<'t>,
    regions: &[Span],
    near: Option<&[usize]>,
    slot: &'t OnceCell<String>,
) -> MaskedView<'t> {
    let branches = template::branches(actions);
    let mut left = lines.masked.to_owned();
    let (mut errors, mut lost) = (lines.parsed.errors.clone(), length(&lines.parsed.unparsed));
    let (mut reported, mut faulty) = (Vec::new(), Vec::new());
    while let Some(error) = errors.first().filter(|_| faulty.len() < MOST_FAULTS) {
        let near_fault = near_fault(&branches, error.offset).into_iter();
        let mut tried = near_fault.map(|branch| {
            let text = template::without(&left, branch);
            let parsed = parse(&text, regions, near);
            let lost = length(&parsed.unparsed) + length(&faulty) + branch.len();
            let errors = parsed.errors;
            (branch, text, errors, lost)
        });
        let Some((branch, text, next, now)) = tried.find(|(.., now)| *now < lost) else {
            break;
        };
        reported.push(SyntaxError {
            in_branch: true,
            ..error.clone()
        });
        faulty.push(branch);
        (left, errors, lost) = (text, next, now);
    }
    if faulty.is_empty() {
        return lines;
    }
    let mut parsed = parse(slot.get_or_init(|| left), regions, near);
    parsed.errors.splice(0..0, reported);
    parsed.unparsed.extend(faulty);
    parsed.unparsed.sort();
    MaskedView { parsed, ..lines }
}

fn length(spans: &[Span]) -> usize {
    spans.iter().map(|span| span.len()).sum()
}

/// The branches that an error may come from: the innermost one around it, and the last one that ends before it, because the
/// parser notices some errors only on the next line.
fn near_fault(branches: &[Span], offset: usize) -> Vec<Span> {
    let ended = branches.partition_point(|span| span.end <= offset);
    let around = branches[ended..].iter().filter(|span| span.start <= offset);
    let before = ended.checked_sub(1).map(|last| branches[last]);
    let around = around.max_by_key(|span| span.start).copied();
    around.into_iter().chain(before).collect()
}

fn parse<'t>(text: &'t str, regions: &[Span], near: Option<&[usize]>) -> Parsed<'t> {
    let mut all = Parsed::default();
    for region in regions {
        let parsed = yaml::parse_near(text, *region, near);
        all.documents.extend(parsed.documents);
        all.comments.extend(parsed.comments);
        all.unparsed.extend(parsed.unparsed);
        all.errors.extend(parsed.errors);
        all.aliased |= parsed.aliased;
        all.shared.extend(parsed.shared);
    }
    all
}

/// Returns what follows a `#` or `//` on its line in a text without a grammar, because it may be an ignore comment.
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
