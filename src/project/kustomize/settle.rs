//! From the plan to the findings: fixes that go together, and those that are held back, with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::bundle::Bundle;
use super::find;
use super::flow::Mover;
use super::group::Group;
use super::plan::{Leave, Outcome, Planner};
use super::words;
use crate::edit::{Applicability, Edit, FileEdit, Fix};
use crate::finding::Finding;
use crate::printable;
use crate::project::Members;
use crate::rules::RuleSet;
use crate::source::LineIndex;

const KEPT: &str = "an ignore comment or the settings keep that as it is";
const TESTED_STAYS: &str = "it tests a value that stays as it is";
const FOLLOWS: &str = "it goes together with a fix that is less sure";

pub(super) fn settle(group: &Group, members: &mut Members, rules: &RuleSet) {
    let unseen = find::unseen_names(group, rules);
    let additions: Vec<Option<(String, Finding)>> = (0..group.overrides.len())
        .map(|index| find::addition(group, index, rules))
        .collect();
    let leaves = leaves(group, members, &additions);
    let fixed_tests = fixed_tests(group, members);
    let places = places(group);
    let planner = Planner {
        group,
        unseen: &unseen,
        leaves: &leaves,
        fixed_tests: &fixed_tests,
        places: &places,
    };
    let settler = Settler {
        group,
        members,
        additions: &additions,
        outcome: planner.plan(),
        rules,
    };
    settler.all();
}

/// What entries may do.
fn leaves(group: &Group, members: &Members, additions: &[Option<(String, Finding)>]) -> Vec<Leave> {
    let leave = |(index, rewrite): (usize, &super::group::Rewrite)| {
        let file = &group.files[rewrite.file];
        if let Err(why) = &file.free {
            return Leave {
                fixed: Some(why.to_string()),
                added: None,
            };
        }
        let entry = &rewrite.entry;
        let told = find::at(members, &file.path, entry.name.span).is_some();
        let unreadable = entry.name.span.is_empty();
        Leave {
            fixed: (!told && !unreadable).then(|| KEPT.to_owned()),
            added: additions[index]
                .as_ref()
                .filter(|(name, _)| told && can_add(group, index, name))
                .map(|(name, _)| name.clone()),
        }
    };
    group.overrides.iter().enumerate().map(leave).collect()
}

fn can_add(group: &Group, index: usize, name: &str) -> bool {
    let rewrite = &group.overrides[index];
    let change = super::entry::Change {
        added: Some(name.to_owned()),
        ..super::entry::Change::default()
    };
    let text = &group.files[rewrite.file].text;
    rewrite.entry.edits(text, &change, None).is_ok()
}

/// Why tests must stay as they are.
fn fixed_tests(group: &Group, members: &Members) -> Vec<Option<String>> {
    let fixed = |test: &super::leaf::Test| {
        let file = &group.files[test.file];
        let why = match &file.free {
            Err(why) => Some(&**why),
            Ok(()) if find::at(members, &file.path, test.span).is_none() => Some(KEPT),
            Ok(()) if test.span.of(&file.text) != test.value => {
                Some("its text is not as it is meant, so it cannot be edited")
            }
            Ok(()) => None,
        };
        why.map(str::to_owned)
    };
    group.tests.iter().map(fixed).collect()
}

fn places(group: &Group) -> Vec<String> {
    let mut lines: BTreeMap<usize, LineIndex> = BTreeMap::new();
    let place = |rewrite: &super::group::Rewrite| {
        let file = &group.files[rewrite.file];
        let lines = lines
            .entry(rewrite.file)
            .or_insert_with(|| LineIndex::new(&file.text));
        let line = lines.line(rewrite.entry.span.start) + 1;
        format!("{}:{line}", printable::path(&file.path))
    };
    group.overrides.iter().map(place).collect()
}

struct Settler<'s> {
    group: &'s Group,
    members: &'s mut Members,
    additions: &'s [Option<(String, Finding)>],
    outcome: Outcome,
    rules: &'s RuleSet,
}

/// A finding, by its file and its place there.
type Place = (usize, usize);

impl Settler<'_> {
    fn all(mut self) {
        self.hold_back();
        let tests = self.hold_tests();
        let entries = self.entries();
        let bundles = std::mem::take(&mut self.outcome.bundles);
        let mut done: BTreeSet<usize> = BTreeSet::new();
        for bundle in &bundles {
            if !bundle.entries.is_empty() || !bundle.tests.is_empty() {
                self.tie(bundle, &entries, &tests);
                done.extend(&bundle.entries);
            }
        }
        self.leave(&entries, &done);
    }

    fn finding(&mut self, (file, finding): Place) -> Option<&mut Finding> {
        let path = &*self.group.files.get(file)?.path;
        self.members.get_mut(path)?.findings.get_mut(finding)
    }

    fn hold_back(&mut self) {
        let held = std::mem::take(&mut self.outcome.held);
        for (mover, why) in &held {
            if let Mover::Source(source) = mover {
                let source = &self.group.sources[*source];
                if let Some(finding) = self.finding((source.file, source.finding)) {
                    lower(finding, Applicability::Display, why);
                }
            }
        }
        self.outcome.held = held;
        for file in &self.group.files {
            let Err(why) = &file.free else { continue };
            if let Some(member) = self.members.get_mut(&*file.path) {
                let written = member.findings.iter_mut().filter(|one| one.fix.is_some());
                written.for_each(|finding| lower(finding, Applicability::Display, why));
            }
        }
    }

    /// What stands at each test. None of it is fixed but with what it tests.
    fn hold_tests(&mut self) -> Vec<Vec<Place>> {
        let group = self.group;
        let mut found = Vec::new();
        for test in &group.tests {
            let path = &*group.files[test.file].path;
            let findings = self.members.get(path).map(|member| &member.findings);
            let here: Vec<Place> = findings
                .into_iter()
                .flatten()
                .enumerate()
                .filter(|(_, finding)| !finding.mention && test.span.overlaps(finding.span()))
                .map(|(index, _)| (test.file, index))
                .collect();
            for place in &here {
                if let Some(finding) = self.finding(*place) {
                    lower(finding, Applicability::Display, TESTED_STAYS);
                }
            }
            found.push(here);
        }
        found
    }

    /// The finding of each entry's name.
    fn entries(&self) -> Vec<Option<Place>> {
        let place = |rewrite: &super::group::Rewrite| {
            let path = &*self.group.files[rewrite.file].path;
            let at = find::at(self.members, path, rewrite.entry.name.span)?;
            Some((rewrite.file, at))
        };
        self.group.overrides.iter().map(place).collect()
    }

    /// The edits of an entry, as they are planned.
    fn edits_of(&self, index: usize) -> Vec<Edit> {
        let rewrite = &self.group.overrides[index];
        let held = &self.outcome.held;
        let is_active = |source: usize| !held.contains_key(&Mover::Source(source));
        let new_name = rewrite.new_name(self.group, &is_active);
        let new_name = new_name.as_ref().map(|(name, _)| name.as_str());
        let text = &self.group.files[rewrite.file].text;
        let change = &self.outcome.plan.changes[index];
        let edits = rewrite.entry.edits(text, change, new_name);
        edits.unwrap_or_default()
    }

    /// Makes one fix of all that goes together.
    fn tie(&mut self, bundle: &Bundle, entries: &[Option<Place>], tests: &[Vec<Place>]) {
        let group = self.group;
        let mut edits: Vec<(Place, Vec<Edit>)> = Vec::new();
        let mut lowest: Option<(Applicability, Option<String>)> = None;
        let mut weigh = |finding: &Finding| {
            if let Some(fix) = &finding.fix
                && lowest
                    .as_ref()
                    .is_none_or(|(least, _)| fix.applicability < *least)
            {
                lowest = Some((fix.applicability, finding.reason.clone()));
            }
        };
        for source in bundle.sources.iter().map(|at| &group.sources[*at]) {
            let place = (source.file, source.finding);
            let path = &*group.files[source.file].path;
            if let Some(finding) = self
                .members
                .get(path)
                .and_then(|member| member.findings.get(source.finding))
            {
                weigh(finding);
                let own = finding.fix.as_ref().map(|fix| fix.edits.clone());
                edits.push((place, own.unwrap_or_default()));
            }
        }
        let mut loose: Vec<FileEdit> = Vec::new();
        for index in &bundle.entries {
            let change = &self.outcome.plan.changes[*index];
            if change.added.is_some()
                && let Some((_, verdict)) = &self.additions[*index]
            {
                weigh(verdict);
            }
            let own = self.edits_of(*index);
            match entries[*index] {
                Some(place) => edits.push((place, own)),
                None => {
                    let path = &group.files[group.overrides[*index].file].path;
                    loose.extend(own.into_iter().map(|edit| FileEdit {
                        path: Arc::clone(path),
                        edit,
                    }));
                }
            }
        }
        for index in &bundle.tests {
            let test = &group.tests[*index];
            let next = self.outcome.plan.tests[*index].clone().unwrap_or_default();
            let edit = Edit {
                span: test.span,
                text: next,
            };
            for place in &tests[*index] {
                edits.push((*place, vec![edit.clone()]));
            }
        }
        let Some((applicability, reason)) = lowest else {
            return;
        };
        let all = edits.iter().flat_map(|((file, _), edits)| {
            let path = &group.files[*file].path;
            edits.iter().map(|edit| FileEdit {
                path: Arc::clone(path),
                edit: edit.clone(),
            })
        });
        let mut all: Vec<FileEdit> = all.chain(loose).collect();
        all.sort();
        all.dedup();
        let shared: Arc<[FileEdit]> = match edits.len() {
            1 => Arc::default(),
            _ => Arc::from(all),
        };
        for (place, edits) in edits {
            let Some(finding) = self.finding(place) else {
                continue;
            };
            let before = finding.fix.as_ref().map(|fix| fix.applicability);
            if before != Some(applicability) || applicability == Applicability::Safe {
                finding.reason = match applicability {
                    Applicability::Safe => None,
                    _ => Some(reason.clone().unwrap_or_else(|| FOLLOWS.to_owned())),
                };
            }
            finding.fix = Some(Fix {
                edits,
                elsewhere: Arc::clone(&shared),
                applicability,
            });
        }
        for index in &bundle.entries {
            self.say_new_name(*index, entries[*index]);
        }
    }

    /// What an entry pulls then, for people.
    fn say_new_name(&mut self, index: usize, place: Option<Place>) {
        let change = &self.outcome.plan.changes[index];
        let name = change.names.first().or(change.added.as_ref());
        let (Some(place), Some(name)) = (place, name.cloned()) else {
            return;
        };
        let new_tag = self.group.overrides[index].entry.new_tag.clone();
        if let Some(finding) = self.finding(place) {
            let tag = new_tag.map(|tag| format!(":{}", tag.text));
            let tag = tag.filter(|tag| finding.old.ends_with(tag));
            finding.new = Some(name + &tag.unwrap_or_default());
        }
    }

    /// Entries that stay as they are: nothing is said where their result is elsewhere.
    fn leave(&mut self, entries: &[Option<Place>], done: &BTreeSet<usize>) {
        let mut drop: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (index, place) in entries.iter().enumerate() {
            let (Some(place), false) = (*place, done.contains(&index)) else {
                continue;
            };
            let rewrite = &self.group.overrides[index];
            let text = &self.group.files[rewrite.file].text;
            let own = words::of_entry(&rewrite.entry, text, self.rules);
            if rewrite.entry.new_name.is_some() || own.is_none() {
                drop.entry(place.0).or_default().insert(place.1);
                continue;
            }
            let why = self.outcome.held.get(&Mover::Entry(index)).cloned();
            let why = why.unwrap_or_else(|| "the entry cannot be given a newName".to_owned());
            if let Some(finding) = self.finding(place) {
                lower(finding, Applicability::Display, &why);
            }
        }
        for (file, findings) in drop {
            let path: &Path = &self.group.files[file].path;
            if let Some(member) = self.members.get_mut(path) {
                let mut index = 0;
                member.findings.retain(|_| {
                    index += 1;
                    !findings.contains(&(index - 1))
                });
            }
        }
    }
}

/// Lowers the trust in a fix, and says why.
fn lower(finding: &mut Finding, limit: Applicability, why: &str) {
    if let Some(fix) = finding.fix.as_mut().filter(|fix| fix.applicability > limit) {
        fix.applicability = limit;
        finding.reason = Some(why.to_owned());
    }
}
