//! Charts that are made for the images of their own vendor, and the value that makes them accept others.
//!
//! These charts are known by name only. Charts in the tree show in their own files what they refuse.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::super::given::Written;
use super::super::refusal::{self, Lift};
use super::super::values::{self, File, Spot, Value};
use super::named::Named;
use super::{terraform, ways};
use crate::detect::NOT_LIFTED_IN_RELEASE;
use crate::edit::Applicability;
use crate::finding::{Finding, Id};
use crate::project::{Member, Members};
use crate::source::Span;
use crate::structure;

const LIFTED_FIRST: &str = "the chart refuses images from elsewhere until the fix of this release's values file is applied";

/// Adds a note to the findings in a chart's values: the chart is made for the images of its owner only.
pub(super) fn note(one: &Named, path: &Path, members: &mut Members, places: &mut Places) {
    let note = format!(
        "the chart {} expects images of its own vendor: images of others need other values, too",
        one.chart
    );
    if let Some(member) = members.get_mut(path) {
        let document = one.extent.filter(|_| one.key.is_none());
        for finding in &mut member.findings {
            let span = finding.span();
            let is_of_chart = span == one.name_at || document.is_some_and(|all| all.covers(span));
            add_note(finding, is_of_chart, &note);
        }
    }
    for file in &one.given.files {
        let Some(member) = members.get_mut(file) else {
            continue;
        };
        let Some(key) = &one.key else {
            let findings = member.findings.iter_mut();
            findings.for_each(|finding| add_note(finding, true, &note));
            continue;
        };
        let places = places.of(file, member);
        for finding in &mut member.findings {
            let place = places.get(&finding.span().start);
            let is_below = place.is_some_and(|place| place.split('.').any(|step| step == key));
            add_note(finding, is_below, &note);
        }
    }
}

/// The paths of findings in the structure of their files; each file is read once.
#[derive(Default)]
pub(super) struct Places {
    by_file: HashMap<PathBuf, HashMap<usize, String>>,
}

impl Places {
    fn of(&mut self, path: &Path, member: &Member) -> &HashMap<usize, String> {
        self.by_file.entry(path.to_owned()).or_insert_with(|| {
            let offsets = member.findings.iter().map(|one| one.span().start);
            let offsets: Vec<usize> = offsets.collect();
            let places = structure::places(&member.text, member.file_type, &offsets);
            offsets.into_iter().zip(places).collect()
        })
    }
}

fn add_note(finding: &mut Finding, is_of_chart: bool, note: &str) {
    let is_new = || !finding.notes.iter().any(|one| one == note);
    if is_of_chart && !finding.alternatives.is_empty() && is_new() {
        finding.notes.push(note.to_owned());
    }
}

/// Removes the fixes of findings in the spans, which are sorted and disjoint.
fn refuse(member: &mut Member, spans: &[Span]) {
    let moving = member.findings.iter().filter(|one| refusal::moves(one));
    let moving = moving.filter(|one| covering(spans, one.span()).is_some());
    let moving: Vec<Id> = moving.map(|one| one.id).collect();
    refusal::bring(member, &moving, Err(NOT_LIFTED_IN_RELEASE));
}

/// The same for values in a file that nothing can be added to.
fn refuse_closed(file: &Path, spots: &BTreeSet<&Spot>, members: &mut Members) {
    let Some(member) = members.get_mut(file) else {
        return;
    };
    if !member.findings.iter().any(refusal::moves) {
        return;
    }
    let Ok(parsed) = File::parse(&member.text) else {
        return;
    };
    let spans = spots.iter().filter_map(|spot| parsed.covered(spot));
    let mut spans: Vec<Span> = spans.collect();
    spans.sort();
    refuse(member, &spans);
}

/// Returns the span that covers `inner`, from spans that are sorted and disjoint.
fn covering(spans: &[Span], inner: Span) -> Option<Span> {
    let after = spans.partition_point(|span| span.start <= inner.start);
    let last = spans[..after].last().copied();
    last.filter(|last| last.covers(inner))
}

/// The values of a chart in a file.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Below<'n> {
    at: &'n Spot,
    /// In a string that contains more than the values: the keys that lead to them.
    keys: &'n [String],
    written: Written,
    /// The key of the part that the chart gets, if it does not get all of them.
    key: Option<&'n str>,
    /// The location of texts in the file that are substituted into the values.
    filled_from: Option<&'n Spot>,
}

/// Makes charts that are known by name only accept the images that fixes of their values bring.
pub(super) fn lift(named: &[(&PathBuf, &Named)], members: &mut Members, places: &mut Places) {
    let refusing = named.iter();
    let refusing = refusing.filter(|(_, one)| !one.is_here && !one.is_lifted);
    let mut by_file: BTreeMap<&Path, BTreeSet<Below<'_>>> = BTreeMap::new();
    let mut closed: BTreeMap<&Path, BTreeSet<&Spot>> = BTreeMap::new();
    for (path, one) in refusing {
        for given in &one.closed {
            closed.entry(&given.file).or_default().insert(&given.at);
        }
        let mut own = one.places.iter();
        let filled = own.find(|place| place.given.file == **path);
        for place in &one.places {
            let values = by_file.entry(&place.given.file).or_default();
            values.insert(Below {
                at: &place.given.at,
                keys: &place.keys,
                written: place.given.written,
                key: one.key.as_deref(),
                filled_from: one.filled_from.as_ref().filter(|_| filled == Some(place)),
            });
        }
    }
    for (file, spots) in closed {
        refuse_closed(file, &spots, members);
    }
    for (file, values) in by_file {
        if let Some(member) = members.get_mut(file) {
            let has_keys = values.iter().any(|one| one.key.is_some());
            let places = has_keys.then(|| places.of(file, member));
            let lifts = lifts(&values, member, places);
            refusal::lift_all(member, &lifts);
        }
    }
}

/// The same for values that are written in HCL. A release needs the value once, preferably in a values file that it
/// reads.
pub(super) fn lift_in_hcl(named: &[(&PathBuf, &Named)], members: &mut Members) {
    let mut by_file: BTreeMap<&Path, BTreeMap<Span, bool>> = BTreeMap::new();
    let refusing = named.iter();
    let refusing = refusing.filter(|(_, one)| one.is_hcl && !one.is_lifted);
    for (path, one) in refusing {
        let mut files = one.places.iter().map(|place| &place.given.file);
        let is_lifted_first = files.any(|file| members.get(file).is_some_and(will_move));
        let releases = by_file.entry(path).or_default();
        releases.extend(one.extent.map(|release| (release, is_lifted_first)));
    }
    for (file, releases) in by_file {
        let Some(member) = members.get_mut(file) else {
            continue;
        };
        let spans: Vec<Span> = releases.keys().copied().collect();
        let mut moving: BTreeMap<Span, Vec<Id>> = BTreeMap::new();
        for finding in member.findings.iter().filter(|one| refusal::moves(one)) {
            if let Some(release) = covering(&spans, finding.span()) {
                moving.entry(release).or_default().push(finding.id);
            }
        }
        let asked = moving.keys().filter(|release| !releases[release]);
        let asked: BTreeSet<Span> = asked.copied().collect();
        let planned = terraform::consents(&member.text, &asked);
        for (release, findings) in moving {
            let edits = match planned.get(&release) {
                Some(edits) => Ok(edits.as_slice()),
                None if releases[&release] => Err(LIFTED_FIRST),
                None => Err(NOT_LIFTED_IN_RELEASE),
            };
            refusal::bring(member, &findings, edits);
        }
    }
}

/// Whether the file has fixes that move images and that can be written.
fn will_move(member: &Member) -> bool {
    let mut moving = member.findings.iter().filter(|one| refusal::moves(one));
    moving.any(|one| one.applicability().is_some_and(Applicability::is_written))
}

/// `places` are the paths of the findings, needed if a chart gets only the values of one key.
fn lifts(
    values: &BTreeSet<Below<'_>>,
    member: &Member,
    places: Option<&HashMap<usize, String>>,
) -> Vec<Lift> {
    let moving = member.findings.iter().filter(|one| refusal::moves(one));
    let moving: BTreeMap<usize, Vec<Id>> = moving.fold(BTreeMap::new(), |mut all, one| {
        all.entry(one.span().start).or_default().push(one.id);
        all
    });
    if moving.is_empty() {
        return Vec::new();
    }
    // The output of a template has no room for a key, so its fixes are left out.
    let file = File::parse(&member.text).ok();
    let documents = match &file {
        Some(file) => file.values(0).unwrap_or_default(),
        None => ways::documents(member.file_type, &member.text),
    };
    let key_of = |offset: &usize| places?.get(offset)?.split('.').next();
    let is_lifted = |one: &Below<'_>| {
        let root = documents.get(one.at.document);
        let values = root.map(|root| values::at(root, &one.at.steps));
        let values = values.and_then(Value::as_table);
        one.key.is_none() && one.keys.is_empty() && values.is_some_and(refusal::is_lifted)
    };
    let lift = |one: &Below<'_>| {
        let covered = |at: &Spot| match &file {
            Some(file) => file.covered(at),
            None => at.is_whole().then(|| Span::new(0, member.text.len())),
        };
        let inner = file.as_ref().filter(|_| !one.keys.is_empty());
        let inner = inner.and_then(|file| file.covered_in_text(one.at, one.keys));
        let written = inner.or_else(|| covered(one.at)).into_iter();
        let filling = one.filled_from.and_then(covered);
        let mut spans: Vec<Span> = written.chain(filling).collect();
        // Values from an alias or a merge key are written elsewhere in the file.
        if let Some(root) = documents.get(one.at.document).filter(|_| inner.is_none()) {
            add_leaves(values::at(root, &one.at.steps), &mut spans);
        }
        let found = spans
            .iter()
            .flat_map(|span| moving.range(span.start..=span.end));
        let own = found.filter(|(offset, _)| one.key.is_none() || key_of(offset) == one.key);
        let findings: BTreeSet<Id> = own.flat_map(|(_, ids)| ids).copied().collect();
        Lift {
            at: one.at.clone(),
            below: one.keys.to_vec(),
            written: one.written,
            findings: findings.into_iter().collect(),
        }
    };
    let values = values.iter().filter(|one| !is_lifted(one));
    values.map(lift).collect()
}

/// Adds the spans of the scalars of a value.
fn add_leaves(value: &Value, spans: &mut Vec<Span>) {
    match value {
        Value::Null => {}
        Value::Leaf(leaf) => spans.push(leaf.origin.span),
        Value::List(items) => items.iter().for_each(|item| add_leaves(item, spans)),
        Value::Table(table) => table.values().for_each(|value| add_leaves(value, spans)),
    }
}
