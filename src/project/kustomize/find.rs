//! Findings that need the whole tree: `images` entries that name legacy locations, and the final tags with which the images
//! of bases are pulled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::left_behind;

use super::build_graph::{BuildGraph, Rewrite, is_fixable};
use super::evaluate;
use super::image_name::SplitName;
use super::image_scalars::{Field, ImageScalar};
use super::image_value::{Cause, Origin};
use super::simulator::{PlannedChanges, Simulated, Simulator};
use crate::edit::Applicability;
use crate::finding::{Finding, Label};
use crate::project::Members;
use crate::rules::RuleSet;

const OTHER_TAG: &str = "the tag that an `images` entry sets may not exist at the new location";

/// Adds the findings of entries, and judges bases by their final tags.
pub(super) fn find(group: &mut BuildGraph, members: &mut Members, rules: &RuleSet) {
    let plan = PlannedChanges::nothing(group);
    let simulated = Simulator::new(group, &plan, &|_| true).play();
    left_behind::mark(group, &simulated, rules);
    let mut added: BTreeMap<&Path, Vec<Finding>> = BTreeMap::new();
    for index in 0..group.overrides.len() {
        if let Some(finding) = of_entry(group, &simulated, index, members) {
            let path = &*group.files[group.overrides[index].file].path;
            added.entry(path).or_default().push(finding);
        }
    }
    judge_again(group, &simulated, members, rules);
    for (path, findings) in added {
        if let Some(member) = members.get_mut(path) {
            member.findings.extend(findings);
        }
    }
}

/// Returns the finding of an entry that is legacy by itself, was left behind, or has to follow a base.
fn of_entry(
    group: &BuildGraph,
    simulated: &Simulated,
    index: usize,
    members: &Members,
) -> Option<Finding> {
    let rewrite = &group.overrides[index];
    if let Some(left_behind) = &rewrite.left_behind {
        return Some(left_behind.finding.clone());
    }
    let entry = &rewrite.entry;
    let own = &rewrite.verdict;
    let lost = simulated.inputs[index].iter().find(|image_value| {
        entry.pattern.selects(&image_value.before) && !entry.pattern.selects(&image_value.after)
    });
    match (own, lost) {
        (Some(own), None) => entry.new_name.is_none().then(|| own.clone()),
        (Some(own), Some(_)) => Some(own.clone()),
        (None, None) => None,
        (None, Some(image_value)) => {
            let source = image_value.causes.iter().find_map(|cause| match cause {
                Cause::Source(source) => Some(&group.sources[*source]),
                Cause::Entry(_) => None,
            })?;
            let cause = group.finding(source, members)?;
            Some(Finding {
                labels: vec![Label::new(entry.location(), "")],
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

/// Judges bases by the final tags with which they are pulled, if entries set those.
fn judge_again(group: &BuildGraph, simulated: &Simulated, members: &mut Members, rules: &RuleSet) {
    let pulled = pulled(group, simulated);
    for (source, pulled) in group.sources.iter().zip(&pulled) {
        if pulled.is_empty() {
            continue;
        }
        let member = members.get_mut(&*group.files[source.file].path);
        let finding = member.and_then(|member| member.findings.get_mut(source.finding));
        let Some(finding) = finding else {
            continue;
        };
        let written = evaluate::of_reference(&source.old, rules);
        // A registry alone is not a reference: no entry applies to it.
        let is_piece = |reference: &String| written.is_none() && *reference == source.old;
        let verdicts: Vec<Option<Finding>> = pulled
            .iter()
            .filter(|reference| !is_piece(reference))
            .map(|reference| evaluate::of_reference(reference, rules))
            .collect();
        judge(finding, written.as_ref(), &verdicts);
    }
}

/// Returns the references that each source names after the build, as far as they are known.
fn pulled(group: &BuildGraph, simulated: &Simulated) -> Vec<BTreeSet<String>> {
    let mut pulled = vec![BTreeSet::new(); group.sources.len()];
    for image_value in &simulated.results {
        let (named, written): (&[usize], _) = match (image_value.named_by, image_value.origin) {
            (Some(entry), _) => (&group.overrides[entry].sources, None),
            (None, Origin::Leaf(leaf)) => match &group.leaves[leaf] {
                ImageScalar {
                    sources,
                    value,
                    field: Field::At { .. },
                    ..
                } if is_whole(group, sources, value) => (sources, Some(value)),
                _ => continue,
            },
            (None, Origin::Unseen(_)) => continue,
        };
        for source in named {
            // A value that no entry changes has the tag that is written beside it.
            let reference = match written == Some(&image_value.before) {
                true => &group.sources[*source].old,
                false => &image_value.before,
            };
            if !pulled[*source].contains(reference) {
                pulled[*source].insert(reference.clone());
            }
        }
    }
    pulled
}

/// Whether a value has exactly one source, which moves the whole name.
fn is_whole(group: &BuildGraph, sources: &[usize], value: &str) -> bool {
    let [source] = sources else {
        return false;
    };
    SplitName::of(value).name == SplitName::of(&group.sources[*source].old).name
}

fn judge(finding: &mut Finding, written: Option<&Finding>, verdicts: &[Option<Finding>]) {
    let trust = |finding: &Finding| finding.applicability();
    let moved = evaluate::new_name(finding).map(str::to_owned);
    let Some(fix) = finding.fix.as_mut() else {
        return;
    };
    let same = |verdict: &&Finding| evaluate::new_name(verdict) == moved.as_deref();
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
    // The location may be trusted less than the rule. Then the trust is not raised.
    let of_place = written
        .and_then(trust)
        .is_some_and(|trust| trust > fix.applicability);
    if now < fix.applicability || now > fix.applicability && !of_place {
        fix.applicability = now;
        finding.reason = lowest.reason.clone();
    }
}

/// Returns the name and verdict with which a `newName` may be added to an entry. `None` if it has one, or if the verdict
/// is not about the name alone.
pub(super) fn addition(rewrite: &Rewrite) -> Option<(String, &Finding)> {
    if rewrite.entry.new_name.is_some() {
        return None;
    }
    let verdict = rewrite.verdict.as_ref()?;
    // A tag that is spelled differently at the new location would have to be rewritten, too.
    let same_tag = SplitName::of(verdict.new.as_deref()?).tag == SplitName::of(&verdict.old).tag;
    let name = evaluate::new_name(verdict)?.to_owned();
    (same_tag && is_fixable(verdict)).then_some((name, verdict))
}
