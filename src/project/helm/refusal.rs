//! Charts that refuse images from other registries, as Bitnami's do: what a fix has to add so that they render.
//!
//! A chart refuses through the value of a key, or through a template that reads the key if the values do not have it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::coalesce::read_whole;
use super::given::{Given, Written};
use super::load::Chart;
use super::overrides::{self, Override, Wanted};
use super::values::{self, Leaf, LeafKind, Origin, Spot, Table, Value, table_at};
use crate::detect::{CONSENT_KEY, CONSENT_TABLES, LIFTED};
use crate::edit::{Applicability, Edit, FileEdit};
use crate::finding::{Finding, Id, LEGACY_CHART};
use crate::image::name_of;
use crate::project::Member;
use crate::source::Span;
use crate::syntax::yaml::Node;

/// Returns the consent in the values; `None` if they have no such key.
fn allowed_images(values: &Table) -> Option<&Leaf> {
    table_at(values, CONSENT_TABLES)?
        .get(CONSENT_KEY)?
        .as_leaf()
}

/// Whether a chart refuses images from other registries.
pub(super) fn refuses(chart: &Chart) -> bool {
    match allowed_images(&chart.values) {
        Some(leaf) => leaf.kind == LeafKind::Bool(false),
        None => chart.guard.is_read(),
    }
}

/// Whether a chart or one of its subcharts does.
fn refuses_below(chart: &Chart) -> bool {
    refuses(chart) || chart.children.iter().any(|child| refuses_below(child))
}

/// Whether values that override a chart's own make it accept other images.
pub(super) fn is_lifted(values: &Table) -> bool {
    allowed_images(values).is_some_and(|leaf| leaf.kind == LeafKind::Bool(true))
}

/// Returns the override that makes all charts below the keys accept other images.
pub(super) fn lift(below: &[String]) -> Override {
    let keys = CONSENT_TABLES
        .iter()
        .chain([&CONSENT_KEY])
        .map(|key| (*key).to_owned());
    Override {
        path: below.iter().cloned().chain(keys).collect(),
        value: Value::Leaf(Leaf {
            text: Arc::from("true"),
            kind: LeafKind::Bool(true),
            origin: Origin {
                file: 0,
                span: Span::new(0, 0),
            },
        }),
    }
}

/// Whether a finding moves an image.
pub(super) fn moves(finding: &Finding) -> bool {
    *finding.rule != *LEGACY_CHART && !finding.mention && finding.fix.is_some()
}

/// A location of values that must allow the images that some findings of the file move.
pub(super) struct Lift {
    pub at: Spot,
    /// The keys that lead from there to the values.
    pub below: Vec<String>,
    pub written: Written,
    pub findings: Vec<Id>,
}

/// Images that a chart lists in its `Chart.yaml`, by their new names, with the edits that rename them.
pub(super) type Listed = HashMap<String, (Arc<[FileEdit]>, Applicability)>;

/// Collects the listed images that findings in `Chart.yaml` rename.
pub(super) fn listed(path: &Path, about: &Member) -> Listed {
    let moved = about.findings.iter().filter(|one| moves(one));
    let listed = moved.filter_map(|finding| {
        let (fix, new) = finding.fix.as_ref().zip(finding.new.as_deref())?;
        let edits = FileEdit::all(path, &fix.edits).collect();
        let edits = (edits, fix.applicability);
        fix.elsewhere
            .is_empty()
            .then(|| (name_of(new).to_owned(), edits))
    });
    listed.collect()
}

/// Lets the chart's list follow a fix if the list has the moved image, too: then the chart accepts it. Returns
/// whether that was possible.
fn follow(finding: &mut Finding, listed: &Listed) -> bool {
    let new = finding.new.as_deref().map(name_of);
    let (Some((edits, limit)), Some(fix)) = (new.and_then(|new| listed.get(new)), &mut finding.fix)
    else {
        return false;
    };
    if !fix.elsewhere.is_empty() {
        return false;
    }
    fix.elsewhere = Arc::clone(edits);
    fix.applicability = fix.applicability.min(*limit);
    true
}

/// Adds the override to each fix that moves an image in the values of a chart, if that chart, or the subchart that
/// the values are for, refuses others. `listed` has the images that the chart's own list will contain.
pub(super) fn lift_in(chart: &Chart, values: &mut Member, listed: &Listed) {
    let Some((table, keys)) = read(&values.text) else {
        return;
    };
    if is_lifted(&table) {
        return;
    }
    let subcharts = subcharts(chart);
    let key_of = |finding: &Finding| {
        let start = finding.span().start;
        let below = keys.partition_point(|(_, at)| *at <= start);
        below
            .checked_sub(1)
            .map_or("", |last| keys[last].0.as_str())
    };
    let refusing = |finding: &Finding| {
        let key = key_of(finding);
        match subcharts.get(key) {
            Some(subchart) => {
                let own = table.get(key).and_then(Value::as_table);
                refuses_below(subchart) && !own.is_some_and(is_lifted)
            }
            None => refuses(chart),
        }
    };
    let mut findings = moving(values, refusing);
    if chart.guard.is_by_list() {
        findings.retain(|id| {
            let finding = values.findings.get_mut(*id);
            let own = finding.filter(|one| !subcharts.contains_key(key_of(one)));
            !own.is_some_and(|one| follow(one, listed))
        });
    }
    let lift = Lift {
        at: Spot::default(),
        below: Vec::new(),
        written: Written::Tree,
        findings,
    };
    lift_all(values, &[lift]);
}

/// The same for values in a file that releases give to a chart of the tree.
pub(super) fn lift_given(chart: &Chart, given: &[&Given], member: &mut Member) {
    if !refuses(chart) || !member.findings.iter().any(moves) {
        return;
    }
    let read = values::File::parse(&member.text).and_then(|file| Ok((file.values(0)?, file)));
    let Ok((documents, file)) = read else {
        return;
    };
    let lift = |given: &&Given| {
        let table = given.values(&documents).ok()?;
        let all = file.covered(&given.at).filter(|_| !is_lifted(&table))?;
        Some(Lift {
            at: given.at.clone(),
            below: Vec::new(),
            written: given.written,
            findings: moving(member, |finding| all.covers(finding.span())),
        })
    };
    let lifts: Vec<Lift> = given.iter().filter_map(lift).collect();
    lift_all(member, &lifts);
}

fn moving(member: &Member, is_one: impl Fn(&Finding) -> bool) -> Vec<Id> {
    let findings = member.findings.iter();
    let findings = findings.filter(|one| moves(one) && is_one(one));
    findings.map(|one| one.id).collect()
}

/// Adds the overrides to the fixes that need them, all of a file together.
pub(super) fn lift_all(values: &mut Member, lifts: &[Lift]) {
    let needed = lifts.iter().filter(|lift| !lift.findings.is_empty());
    let needed: Vec<&Lift> = needed.collect();
    if needed.is_empty() {
        return;
    }
    let overrides: Vec<Override> = needed.iter().map(|one| lift(&one.below)).collect();
    let wanted = needed.iter().zip(&overrides);
    let wanted = wanted.map(|(lift, override_)| Wanted {
        at: &lift.at,
        written: lift.written,
        override_,
    });
    let wanted: Vec<Wanted<'_>> = wanted.collect();
    let planned = overrides::plan(&values.text, &wanted);
    for (lift, planned) in needed.into_iter().zip(planned) {
        let reason = |reason| format!("{LIFTED}, and there is no room for that: {reason}");
        let planned = planned.map_err(reason);
        let edits = planned.as_ref().map(Vec::as_slice);
        bring(values, &lift.findings, edits.map_err(String::as_str));
    }
}

/// Adds edits to fixes that would fail without them. If the edits cannot be made, the fixes are removed.
pub(super) fn bring(member: &mut Member, findings: &[Id], edits: Result<&[Edit], &str>) {
    for id in findings {
        let Some(finding) = member.findings.get_mut(*id) else {
            continue;
        };
        match (edits, &mut finding.fix) {
            (Ok(edits), Some(fix)) => {
                fix.edits.extend_from_slice(edits);
                fix.edits.sort();
                fix.edits.dedup();
                finding.doubt(LIFTED);
            }
            (Ok(_), None) => {}
            (Err(reason), _) => finding.block(reason.to_owned()),
        }
    }
}

/// Reads the values of a text, and its keys with the offset of each.
fn read(text: &str) -> Option<(Table, Vec<(String, usize)>)> {
    let table = read_whole(text, 0).ok()?;
    let file = values::File::parse(text).ok()?;
    let maps = file.documents().iter().filter_map(Node::as_map);
    let keys = maps.flat_map(|map| &map.entries);
    let keys = keys.filter_map(|entry| Some((values::key(entry)?, entry.key.span().start)));
    Some((table, keys.collect()))
}

/// Returns the subcharts of a chart by the keys of their values.
fn subcharts(chart: &Chart) -> HashMap<&str, &Chart> {
    let mut asked: HashMap<&str, Vec<&str>> = HashMap::new();
    for dependency in chart.metadata.dependencies.iter().flatten() {
        let keys = asked.entry(&dependency.name).or_default();
        keys.push(dependency.key());
    }
    let mut subcharts = HashMap::new();
    for child in &chart.children {
        let name = child.metadata.name.as_str();
        let keys = asked.get(name).into_iter().flatten().copied();
        for key in keys.chain([name]) {
            subcharts.entry(key).or_insert(child.as_ref());
        }
    }
    subcharts
}
