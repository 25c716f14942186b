//! Charts that refuse images from elsewhere, as those of Bitnami do: what a change brings along so that they render.
//!
//! A chart says so by the value of a key, or by a template that reads the key where the values do not have it.

use std::path::PathBuf;
use std::sync::Arc;

use super::chart::Dependency;
use super::given::{Given, Written};
use super::guard::KEY;
use super::load::Chart;
use super::overrides::{self, Override};
use super::values::{self, Leaf, LeafKind, Origin, Spot, Table, Value, table_at};
use crate::edit::{Applicability, Edit};
use crate::finding::{Finding, LEGACY_CHART};
use crate::project::Member;
use crate::source::Span;

/// The tables, and the key in them, where the values of such a chart say whether it accepts other images.
const TABLES: [&str; 2] = ["global", "security"];

pub(super) const REASON: &str = "the chart refuses images from elsewhere, so `global.security.allowInsecureImages` becomes true";

/// What values say of it. `None` where they have no such key.
fn said(values: &Table) -> Option<&Leaf> {
    match table_at(values, TABLES)?.get(KEY)? {
        Value::Leaf(leaf) => Some(leaf),
        _ => None,
    }
}

/// Whether a chart refuses images from elsewhere.
pub(super) fn refuses(chart: &Chart) -> bool {
    match said(&chart.values) {
        Some(leaf) => leaf.kind == LeafKind::Bool(false),
        None => chart.guard.is_read(),
    }
}

/// Whether a chart or one below it does.
fn refuses_below(chart: &Chart) -> bool {
    refuses(chart) || chart.children.iter().any(|child| refuses_below(child))
}

/// Whether values that are laid over those of a chart have it accept them.
pub(super) fn is_lifted(values: &Table) -> bool {
    said(values).is_some_and(|leaf| leaf.kind == LeafKind::Bool(true))
}

/// The override that has all charts below the keys accept other images.
pub(super) fn lift(below: &[String]) -> Override {
    let keys = TABLES.iter().chain([&KEY]).map(|key| (*key).to_owned());
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

/// Adds the override to each fix that moves an image in the values of a chart, where that chart, or the subchart that the
/// values are for, refuses others.
pub(super) fn lift_in(chart: &Chart, values: &mut Member) {
    let Some((table, keys)) = read(&values.text) else {
        return;
    };
    if is_lifted(&table) {
        return;
    }
    let refusing = |finding: &Finding| {
        let start = finding.span().start;
        let below = keys.partition_point(|(_, at)| *at <= start);
        let key = below
            .checked_sub(1)
            .map_or("", |last| keys[last].0.as_str());
        let subchart = subcharts(chart).find(|(own, _)| *own == key);
        match subchart {
            Some((_, subchart)) => {
                let own = table.get(key).and_then(Value::as_table);
                refuses_below(subchart) && !own.is_some_and(is_lifted)
            }
            None => refuses(chart),
        }
    };
    lift_where(values, &Given::whole(PathBuf::new()), &refusing);
}

/// The same for values that a release lays over those of a chart of the tree.
pub(super) fn lift_given(chart: &Chart, given: &Given, member: &mut Member) {
    let Ok(table) = given.read(&member.text, 0) else {
        return;
    };
    if !refuses(chart) || is_lifted(&table) {
        return;
    }
    if let Some(all) = given.at.covered(&member.text) {
        lift_where(member, given, &|finding| all.covers(finding.span()));
    }
}

/// Adds the override to each fix of a file that moves an image for which it is needed; `given` is where values are in it.
pub(super) fn lift_where(values: &mut Member, given: &Given, needed: &dyn Fn(&Finding) -> bool) {
    let found = values.findings.iter_mut();
    let mut needing = found.filter(|one| moves(one) && needed(one)).peekable();
    if needing.peek().is_none() {
        return;
    }
    let override_ = lift(&[]);
    let planned = match given.written {
        Written::Tree => overrides::plan(&values.text, &given.at, &[override_]).remove(0),
        Written::Pairs | Written::TextPairs => {
            overrides::plan_pair(&values.text, &given.at, &override_.path.join("."), "true")
        }
    };
    for finding in needing {
        match &planned {
            Ok(edits) => bring(finding, edits.iter()),
            Err(reason) => {
                finding.fix = None;
                finding.reason = Some(format!("{REASON}, and there is no room for that: {reason}"));
            }
        }
    }
}

fn bring<'e>(finding: &mut Finding, edits: impl Iterator<Item = &'e Edit>) {
    let Some(fix) = finding.fix.as_mut() else {
        return;
    };
    for edit in edits {
        if !fix.edits.contains(edit) {
            fix.edits.push(edit.clone());
        }
    }
    fix.edits.sort();
    if fix.applicability > Applicability::Unsafe {
        fix.applicability = Applicability::Unsafe;
        finding.reason = Some(REASON.to_owned());
    }
}

/// The values of a text, and its keys with where each begins.
fn read(text: &str) -> Option<(Table, Vec<(String, usize)>)> {
    let table = values::read(text, 0).ok()?;
    let parsed = Spot::default().parse(text).ok()?;
    let map = parsed.documents.first()?.as_map()?;
    let keys = map.entries.iter();
    let keys = keys.filter_map(|entry| Some((values::key(entry)?, entry.key.span().start)));
    Some((table, keys.collect()))
}

/// The subcharts of a chart with the keys that their values are under.
fn subcharts(chart: &Chart) -> impl Iterator<Item = (&str, &Chart)> {
    let dependencies = chart.metadata.dependencies.iter().flatten();
    chart.children.iter().flat_map(move |child| {
        let name = &child.metadata.name;
        let asking = dependencies.clone().filter(move |one| one.name == *name);
        let keys = asking.map(Dependency::key).chain([name.as_str()]);
        keys.map(move |key| (key, child.as_ref()))
    })
}
