//! What only the whole tree tells: entries that are legacy by their own words, and the tags with which bases are pulled
//! in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::flow::{Mover, Origin, Plan, Played, Player};
use super::group::{Group, is_fixable};
use super::leaf::Field;
use super::value::Cut;
use super::words;
use crate::edit::Applicability;
use crate::finding::{Finding, Label};
use crate::project::Members;
use crate::rules::RuleSet;
use crate::source::Span;

const OTHER_TAG: &str =
    "with the tag that an images entry sets, nothing says that it is at the new place";

/// The names that bases which are not here may hold, as far as entries speak about them; the last stands for all others.
pub(super) fn unseen_names(group: &Group, rules: &RuleSet) -> Vec<String> {
    let spoken = group.overrides.iter().filter(|rewrite| {
        let entry = &rewrite.entry;
        let named = || words::of_name(&entry.name.text, rules).is_some();
        entry.is_literal() && (entry.new_name.is_some() || named())
    });
    let names: BTreeSet<String> = spoken
        .map(|rewrite| rewrite.entry.name.text.clone())
        .collect();
    names.into_iter().chain([String::new()]).collect()
}

/// Takes away what is said of names that only select. Gives whether there was any.
pub(super) fn strip_names(group: &Group, members: &mut Members) -> bool {
    let mut stripped = false;
    for (file, member) in members.values_mut().enumerate() {
        let names: Vec<Span> = group
            .overrides
            .iter()
            .filter(|rewrite| rewrite.file == file)
            .map(|rewrite| rewrite.entry.name.span)
            .collect();
        let before = member.findings.len();
        member
            .findings
            .retain(|finding| !names.iter().any(|name| name.overlaps(finding.span())));
        stripped |= member.findings.len() != before;
    }
    stripped
}

/// Adds what is to be said of entries, and says of bases what their final tags tell.
pub(super) fn find(group: &Group, members: &mut Members, rules: &RuleSet) {
    let unseen = unseen_names(group, rules);
    let plan = Plan::nothing(group);
    let played = Player::new(group, &unseen, &plan, &|_| true).play();
    let mut added: BTreeMap<&Path, Vec<Finding>> = BTreeMap::new();
    for index in 0..group.overrides.len() {
        if let Some(finding) = of_entry(group, &played, index, members, rules) {
            let path = &*group.files[group.overrides[index].file].path;
            added.entry(path).or_default().push(finding);
        }
    }
    judge_again(group, &played, members, rules);
    for (path, findings) in added {
        if let Some(member) = members.get_mut(path) {
            member.findings.extend(findings);
            member.findings.sort_by_key(Finding::span);
        }
    }
}

/// What is to be said of an entry: that it is legacy by its own words, or that it has to follow a base.
fn of_entry(
    group: &Group,
    played: &Played,
    index: usize,
    members: &Members,
    rules: &RuleSet,
) -> Option<Finding> {
    let rewrite = &group.overrides[index];
    let entry = &rewrite.entry;
    let text = &group.files[rewrite.file].text;
    let own = words::of_entry(entry, text, rules);
    let left_behind = played.inputs[index]
        .iter()
        .find(|flow| entry.pattern.selects(&flow.before) && !entry.pattern.selects(&flow.after));
    match (own, left_behind) {
        (Some(own), None) => entry.new_name.is_none().then_some(own),
        (Some(own), Some(_)) => Some(own),
        (None, None) => None,
        (None, Some(flow)) => {
            let source = flow.movers.iter().find_map(|mover| match mover {
                Mover::Source(source) => Some(&group.sources[*source]),
                Mover::Entry(_) => None,
            })?;
            let member = members.get(&*group.files[source.file].path)?;
            let cause = member.findings.get(source.finding)?;
            let span = if entry.name.span.is_empty() {
                entry.span
            } else {
                entry.name.span
            };
            Some(Finding {
                labels: vec![Label {
                    span,
                    text: String::new(),
                }],
                old: entry.name.text.clone(),
                new: None,
                fix: None,
                reason: None,
                related: Vec::new(),
                notes: Vec::new(),
                alternatives: Vec::new(),
                ..cause.clone()
            })
        }
    }
}

/// Judges bases by the tags with which they are pulled in the end, where entries set those.
fn judge_again(group: &Group, played: &Played, members: &mut Members, rules: &RuleSet) {
    for (index, source) in group.sources.iter().enumerate() {
        let pulled = pulled(group, played, index);
        if pulled.is_empty() {
            continue;
        }
        let Some(finding) = members
            .get_mut(&*group.files[source.file].path)
            .and_then(|member| member.findings.get_mut(source.finding))
        else {
            continue;
        };
        let written = words::of_reference(&source.old, rules);
        let verdicts: Vec<Option<Finding>> = pulled
            .iter()
            .map(|reference| words::of_reference(reference, rules))
            .collect();
        judge(finding, written.as_ref(), &verdicts);
    }
}

/// The references that a source names when all is built, where that can be said.
fn pulled(group: &Group, played: &Played, index: usize) -> BTreeSet<String> {
    let results = played.results.iter().filter(|flow| match flow.named_by {
        Some(entry) => group.overrides[entry].sources.contains(&index),
        None => matches!(flow.origin, Origin::Leaf(leaf) if {
            let leaf = &group.leaves[leaf];
            let whole = Cut::of(&leaf.value).name == Cut::of(&group.sources[index].old).name;
            leaf.sources == [index] && whole && matches!(leaf.field, Field::At { .. })
        }),
    });
    results.map(|flow| flow.before.clone()).collect()
}

fn judge(finding: &mut Finding, written: Option<&Finding>, verdicts: &[Option<Finding>]) {
    let trust = |finding: &Finding| finding.fix.as_ref().map(|fix| fix.applicability);
    let moved = words::new_name(finding).map(str::to_owned);
    let Some(fix) = finding.fix.as_mut() else {
        return;
    };
    let same = |verdict: &&Finding| words::new_name(verdict) == moved.as_deref();
    let known: Vec<&Finding> = verdicts.iter().flatten().filter(same).collect();
    if known.len() < verdicts.len() {
        let other = verdicts.iter().flatten().find(|verdict| !same(verdict));
        finding.verified = other.and_then(|verdict| verdict.verified.clone());
        fix.applicability = Applicability::Display;
        finding.reason = Some(OTHER_TAG.to_owned());
        return;
    }
    let Some(lowest) = known.into_iter().min_by_key(|verdict| trust(verdict)) else {
        return;
    };
    finding.verified.clone_from(&lowest.verified);
    let Some(now) = trust(lowest) else {
        return;
    };
    // The place may be less sure than the rule: it stays so.
    let of_place = written
        .and_then(trust)
        .is_some_and(|trust| trust > fix.applicability);
    if now < fix.applicability || now > fix.applicability && !of_place {
        fix.applicability = now;
        finding.reason = lowest.reason.clone();
    }
}

/// The finding that speaks about a span, if it is still there.
pub(super) fn at(members: &Members, path: &Path, span: Span) -> Option<usize> {
    let findings = &members.get(path)?.findings;
    findings
        .iter()
        .position(|finding| !finding.mention && span.overlaps(finding.span()))
}

/// Whether a bundle may count on an entry's own verdict.
pub(super) fn addition(group: &Group, index: usize, rules: &RuleSet) -> Option<(String, Finding)> {
    let rewrite = &group.overrides[index];
    let entry = &rewrite.entry;
    if entry.new_name.is_some() {
        return None;
    }
    let verdict = words::of_entry(entry, &group.files[rewrite.file].text, rules)?;
    // A tag that is spelled otherwise there would have to be rewritten too.
    let same_tag = Cut::of(verdict.new.as_deref()?).tag == Cut::of(&verdict.old).tag;
    let name = words::new_name(&verdict)?.to_owned();
    (same_tag && is_fixable(&verdict)).then_some((name, verdict))
}
