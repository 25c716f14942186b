//! Applies the plan to the findings: joins the fixes that belong together, and blocks others with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::build_graph::{BuildGraph, File, Rewrite, is_fixable};
use super::find;
use super::findings::{BySpan, Location};
use super::fix_set::FixSet;
use super::image_scalars::Test;
use super::image_value::Cause;
use super::plan::{FixPlan, Permission, Planner};
use crate::edit::{Applicability, Edit, FileEdit, Fix};
use crate::finding::{Finding, Id};
use crate::printable;
use crate::project::Members;
use crate::source::LineIndex;

const KEPT: &str = "an ignore comment or the configuration keeps it as it is";
const TESTED_STAYS: &str = "it tests a value that does not change";
const FOLLOWS: &str = "it belongs to a fix that is less safe";

pub(super) fn plan(group: &BuildGraph, members: &mut Members) {
    let findings = BySpan::new(members);
    let sources = group.sources.iter();
    let sources: Vec<Option<Location>> = sources
        .map(|source| {
            let finding = group.finding(source, members)?;
            is_fixable(finding).then_some((source.file, source.finding))
        })
        .collect();
    let overrides = group.overrides.iter();
    let entries: Vec<Option<Location>> = overrides
        .map(|one| findings.within(one.file, one.entry.name.span).next())
        .collect();
    let tests = group.tests.iter();
    let tests: Vec<Vec<Location>> = tests
        .map(|test| findings.within(test.file, test.span).collect())
        .collect();
    let is_there: Vec<bool> = sources.iter().map(Option::is_some).collect();
    let overrides = group.overrides.iter().zip(&entries);
    let leaves: Vec<Permission> = overrides
        .map(|(one, finding)| leave(group, one, finding.is_some()))
        .collect();
    let fixed_tests: Vec<Option<String>> = group
        .tests
        .iter()
        .zip(&tests)
        .map(|(test, findings)| why_fixed(group, test, !findings.is_empty()))
        .collect();
    let planner = Planner {
        group,
        is_there: &is_there,
        leaves: &leaves,
        fixed_tests: &fixed_tests,
        places: &places(group),
    };
    let outcome = planner.plan();
    let fixer = Fixer {
        group,
        members,
        sources,
        entries,
        tests,
        leaves: &leaves,
        outcome,
    };
    fixer.all();
}

/// Returns the changes that an entry may make.
fn leave(group: &BuildGraph, rewrite: &Rewrite, is_found: bool) -> Permission {
    let file = &group.files[rewrite.file];
    if let Err(why) = &file.free {
        return Permission {
            fixed: Some(why.to_string()),
            ..Permission::default()
        };
    }
    let is_unreadable = rewrite.entry.name.span.is_empty();
    let left_behind = rewrite.left_behind.as_ref().filter(|_| is_found);
    // An entry that was left behind gets a `newName` only if it may follow.
    let is_sure = left_behind.is_none_or(|one| one.trust > Applicability::Display);
    let added = find::addition(rewrite).map(|(name, _)| name);
    Permission {
        fixed: (!is_found && !is_unreadable).then(|| KEPT.to_owned()),
        added: added.filter(|name| is_found && is_sure && can_add(file, rewrite, name)),
        follows: left_behind.is_some() && is_sure,
    }
}

fn can_add(file: &File, rewrite: &Rewrite, name: &str) -> bool {
    let change = super::entry::Change {
        added: Some(name.to_owned()),
        ..super::entry::Change::default()
    };
    rewrite.entry.edits(&file.text, &change, None).is_ok()
}

/// Returns why a test must stay as it is. `None` if it may change.
fn why_fixed(group: &BuildGraph, test: &Test, is_found: bool) -> Option<String> {
    let why = match &group.files[test.file].free {
        Err(why) => Some(&**why),
        Ok(()) if !is_found => Some(KEPT),
        Ok(()) if !test.verbatim => {
            Some("it is written with escapes or over several lines, so it cannot be edited")
        }
        Ok(()) => None,
    };
    why.map(str::to_owned)
}

fn places(group: &BuildGraph) -> Vec<String> {
    let mut lines: BTreeMap<usize, LineIndex> = BTreeMap::new();
    let place = |rewrite: &Rewrite| {
        let file = &group.files[rewrite.file];
        let lines = lines
            .entry(rewrite.file)
            .or_insert_with(|| LineIndex::new(&file.text));
        let line = lines.line(rewrite.entry.span.start) + 1;
        format!("{}:{line}", printable::path(&file.path))
    };
    group.overrides.iter().map(place).collect()
}

struct Fixer<'s> {
    group: &'s BuildGraph,
    members: &'s mut Members,
    /// The findings of each source, of each entry's name, and at each test.
    sources: Vec<Option<Location>>,
    entries: Vec<Option<Location>>,
    tests: Vec<Vec<Location>>,
    leaves: &'s [Permission],
    outcome: FixPlan,
}

impl Fixer<'_> {
    fn all(mut self) {
        self.block();
        let fix_sets = std::mem::take(&mut self.outcome.fix_sets);
        let (mut done, mut tested) = (BTreeSet::new(), BTreeSet::new());
        for fix_set in &fix_sets {
            if !fix_set.entries.is_empty() || !fix_set.tests.is_empty() {
                self.tie(fix_set);
                done.extend(&fix_set.entries);
                tested.extend(&fix_set.tests);
            }
        }
        self.hold_tests(&tested);
        self.leave(&done);
    }

    fn finding(&mut self, (file, id): Location) -> Option<&mut Finding> {
        let path = &*self.group.files.get(file)?.path;
        self.members.get_mut(path)?.findings.get_mut(id)
    }

    fn block(&mut self) {
        let blocked = std::mem::take(&mut self.outcome.blocked);
        for (cause, why) in &blocked {
            if let Cause::Source(source) = cause
                && let Some(location) = self.sources[*source]
                && let Some(finding) = self.finding(location)
            {
                finding.limit(Applicability::Display, why);
            }
        }
        self.outcome.blocked = blocked;
        for file in &self.group.files {
            let Err(why) = &file.free else { continue };
            if let Some(member) = self.members.get_mut(&*file.path) {
                let written = member.findings.iter_mut().filter(|one| one.fix.is_some());
                written.for_each(|finding| finding.limit(Applicability::Display, why));
            }
        }
    }

    /// Blocks the fixes at tests that do not change together with what they test.
    fn hold_tests(&mut self, done: &BTreeSet<usize>) {
        let tests = std::mem::take(&mut self.tests);
        for (test, locations) in tests.iter().enumerate() {
            let locations = locations.iter().filter(|_| !done.contains(&test));
            for location in locations {
                if let Some(finding) = self.finding(*location) {
                    finding.limit(Applicability::Display, TESTED_STAYS);
                }
            }
        }
    }

    /// Returns the planned edits of an entry.
    fn edits_of(&self, index: usize) -> Vec<Edit> {
        let rewrite = &self.group.overrides[index];
        let blocked = &self.outcome.blocked;
        let is_active = |source: usize| {
            self.sources[source].is_some() && !blocked.contains_key(&Cause::Source(source))
        };
        let new_name = rewrite.new_name(self.group, &is_active);
        let new_name = new_name.as_ref().map(|(name, _)| name.as_str());
        let text = &self.group.files[rewrite.file].text;
        let change = &self.outcome.plan.changes[index];
        let edits = rewrite.entry.edits(text, change, new_name);
        edits.unwrap_or_default()
    }

    /// Makes one fix of everything in a set.
    fn tie(&mut self, fix_set: &FixSet) {
        let mut tied = Tied::default();
        for source in &fix_set.sources {
            self.tie_source(*source, &mut tied);
        }
        for index in &fix_set.entries {
            self.tie_entry(*index, &mut tied);
        }
        for index in &fix_set.tests {
            self.tie_test(*index, &mut tied);
        }
        let Least(Some((applicability, reason))) = std::mem::take(&mut tied.least) else {
            return;
        };
        self.give(tied, applicability, reason.as_deref().unwrap_or(FOLLOWS));
        for index in &fix_set.entries {
            self.say_new_name(*index);
        }
    }

    fn tie_source(&mut self, source: usize, tied: &mut Tied) {
        if let Some(location) = self.sources[source]
            && let Some(finding) = self.finding(location)
        {
            tied.least.weigh(finding);
            let own = finding.fix.as_ref().map(|fix| fix.edits.clone());
            tied.edits.push((location, own.unwrap_or_default()));
        }
    }

    fn tie_entry(&self, index: usize, tied: &mut Tied) {
        let rewrite = &self.group.overrides[index];
        let change = &self.outcome.plan.changes[index];
        if change.added.is_some()
            && let Some((_, verdict)) = find::addition(rewrite)
        {
            tied.least.weigh(verdict);
        }
        if change.follows
            && let Some(left_behind) = &rewrite.left_behind
        {
            tied.least.weigh(&left_behind.finding);
        }
        let own = self.edits_of(index);
        match self.entries[index] {
            Some(location) => tied.edits.push((location, own)),
            None => {
                let path = &self.group.files[rewrite.file].path;
                tied.loose.extend(FileEdit::all(Arc::clone(path), &own));
            }
        }
    }

    fn tie_test(&self, index: usize, tied: &mut Tied) {
        let test = &self.group.tests[index];
        let next = self.outcome.plan.tests[index].clone().unwrap_or_default();
        if let Some(verdict) = test.verdict.as_ref().filter(|_| test.left_behind) {
            tied.least.weigh(verdict);
        }
        let edit = Edit::new(test.span, next);
        let locations = self.tests[index].iter();
        let edits = locations.map(|location| (*location, vec![edit.clone()]));
        tied.edits.extend(edits);
    }

    /// Gives each finding its own edits, and those of the others as edits elsewhere.
    fn give(&mut self, tied: Tied, applicability: Applicability, reason: &str) {
        let edits = tied.edits;
        let all = edits.iter().flat_map(|((file, _), edits)| {
            FileEdit::all(Arc::clone(&self.group.files[*file].path), edits)
        });
        let all = all.chain(tied.loose).collect();
        let shared = match edits.len() {
            1 => Arc::default(),
            _ => FileEdit::shared(all),
        };
        for (location, edits) in edits {
            let Some(finding) = self.finding(location) else {
                continue;
            };
            let before = finding.applicability();
            if before != Some(applicability) || applicability == Applicability::Safe {
                finding.reason = match applicability {
                    Applicability::Safe => None,
                    _ => Some(reason.to_owned()),
                };
            }
            finding.replace_fix(Fix::across(edits, Arc::clone(&shared), applicability));
        }
    }

    /// Sets the new reference that is reported for an entry.
    fn say_new_name(&mut self, index: usize) {
        let change = &self.outcome.plan.changes[index];
        let name = change.names.first().or(change.added.as_ref());
        let (Some(location), Some(name)) = (self.entries[index], name.cloned()) else {
            return;
        };
        let new_tag = self.group.overrides[index].entry.new_tag.clone();
        if let Some(finding) = self.finding(location) {
            let tag = new_tag.map(|tag| format!(":{}", tag.text));
            let tag = tag.filter(|tag| finding.old.ends_with(tag));
            finding.new = Some(name + &tag.unwrap_or_default());
        }
    }

    /// Blocks the findings of entries that stay as they are. Drops those of entries that have a `newName`, or are not legacy
    /// by themselves.
    fn leave(&mut self, done: &BTreeSet<usize>) {
        let mut dropped: BTreeMap<usize, BTreeSet<Id>> = BTreeMap::new();
        for (index, rewrite) in self.group.overrides.iter().enumerate() {
            let (Some(location), false) = (self.entries[index], done.contains(&index)) else {
                continue;
            };
            let is_quiet = rewrite.entry.new_name.is_some() || rewrite.verdict.is_none();
            if is_quiet && rewrite.left_behind.is_none() {
                dropped.entry(location.0).or_default().insert(location.1);
                continue;
            }
            let blocked = self.outcome.blocked.get(&Cause::Entry(index));
            let why = blocked.or(self.leaves[index].fixed.as_ref()).cloned();
            let why = why.unwrap_or_else(|| "a `newName` cannot be added to the entry".to_owned());
            if let Some(finding) = self.finding(location) {
                finding.limit(Applicability::Display, &why);
            }
        }
        for (file, dropped) in dropped {
            let path: &Path = &self.group.files[file].path;
            if let Some(member) = self.members.get_mut(path) {
                member.findings.retain(|one| !dropped.contains(&one.id));
            }
        }
    }
}

/// The parts of a joint fix, as collected so far.
#[derive(Default)]
struct Tied {
    /// Each finding with its own edits.
    edits: Vec<(Location, Vec<Edit>)>,
    /// The edits of entries without a finding.
    loose: Vec<FileEdit>,
    least: Least,
}

/// The least trust in any of the fixes that belong together, and the reason for it.
#[derive(Default)]
struct Least(Option<(Applicability, Option<String>)>);

impl Least {
    fn weigh(&mut self, finding: &Finding) {
        let Some(fix) = &finding.fix else { return };
        let known = self.0.as_ref();
        if known.is_none_or(|(least, _)| fix.applicability < *least) {
            self.0 = Some((fix.applicability, finding.reason.clone()));
        }
    }
}
