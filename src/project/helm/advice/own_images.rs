//! Charts that are made for the images of their owner: what is said of others, and what has the charts accept them.
//!
//! Only the names of these charts are known. Those that are in the tree say themselves what they refuse.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::super::given::Written;
use super::super::refusal::{self, Lift};
use super::super::values::{File, Spot};
use super::named::Named;
use crate::finding::{Finding, Id};
use crate::project::{Member, Members};
use crate::source::Span;
use crate::structure;

const NOT_LIFTED: &str = "the chart refuses images from elsewhere: set `global.security.allowInsecureImages` to true in this \
                          release, too, by hand";

/// Says of the images that a chart gets that it is not made for any others than those of its owner.
pub(super) fn note(one: &Named, path: &Path, members: &mut Members, places: &mut Places) {
    let note = format!(
        "the chart {} expects images of its own vendor: another one needs other values, too",
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

/// The places of what was found in files, each file read once.
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

/// No key of values can be written into HCL: what would need one is for a person to change.
pub(super) fn refuse_to_lift(one: &Named, path: &Path, members: &mut Members) {
    if one.given.is_lifted() {
        return;
    }
    let (Some(member), Some(release)) = (members.get_mut(path), one.extent) else {
        return;
    };
    for finding in &mut member.findings {
        if refusal::moves(finding) && release.covers(finding.span()) {
            finding.fix = None;
            finding.reason = Some(NOT_LIFTED.to_owned());
        }
    }
}

/// Values in a file, and the key of them that a chart gets, if it does not get all.
type Below<'n> = (&'n Spot, Written, Option<&'n str>);

/// Has charts of which only the names are known accept the images that fixes of their values bring.
pub(super) fn lift(named: &[&Named], members: &mut Members, places: &mut Places) {
    let refusing = named.iter();
    let refusing = refusing.filter(|one| !one.is_here && !one.given.is_lifted());
    let mut by_file: BTreeMap<&Path, BTreeSet<Below<'_>>> = BTreeMap::new();
    for one in refusing {
        for place in &one.places {
            let values = by_file.entry(&place.file).or_default();
            values.insert((&place.at, place.written, one.key.as_deref()));
        }
    }
    for (file, values) in by_file {
        if let Some(member) = members.get_mut(file) {
            let has_keys = values.iter().any(|(.., key)| key.is_some());
            let places = has_keys.then(|| places.of(file, member));
            let lifts = lifts(&values, member, places);
            refusal::lift_all(member, &lifts);
        }
    }
}

/// `places` are those of the findings, where a chart gets the values of one key.
fn lifts(
    values: &BTreeSet<Below<'_>>,
    member: &Member,
    places: Option<&HashMap<usize, String>>,
) -> Vec<Lift> {
    let moving = member.findings.iter().filter(|one| refusal::moves(one));
    let mut moving: Vec<(usize, Id)> = moving.map(|one| (one.span().start, one.id)).collect();
    moving.sort_unstable();
    let file = match moving.is_empty() {
        true => None,
        false => File::parse(&member.text).ok(),
    };
    let Some(file) = file else {
        return Vec::new();
    };
    let key_of = |offset: &usize| places?.get(offset)?.split('.').next();
    let lift = |(at, written, key): &Below<'_>| {
        let all = file.covered(at)?;
        let is_in = |offset: usize| all.covers(Span::new(offset, offset));
        let from = moving.partition_point(|(offset, _)| *offset < all.start);
        let own = moving[from..].iter();
        let own = own.take_while(|(offset, _)| is_in(*offset));
        let own = own.filter(|(offset, _)| key.is_none() || key_of(offset) == *key);
        Some(Lift {
            at: (*at).clone(),
            written: *written,
            findings: own.map(|(_, id)| *id).collect(),
        })
    };
    values.iter().filter_map(lift).collect()
}
