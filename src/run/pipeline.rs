//! Takes files through all steps: check, suppress, adjust, and fix until nothing changes.
//!
//! Handles a single file, or the files of projects together. Texts in, texts and findings out. Knows no disk and no formats.

mod circle;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;

use crate::check;
use crate::check::pull_secrets::{self, PullSecret};
use crate::edit::{Applicability, Patch};
use crate::file_type::FileType;
use crate::finding::{Finding, Findings, Fixed, Problem, Unjudged};
use crate::printable;
use crate::project::{Member, Members, Plan, Project};
use crate::source::{LineIndex, Span};
use crate::suppress;

use super::domains::Domains;
use super::settings::Settings;
use circle::Passes;

/// The maximum number of passes: a fix can lead to findings of other rules. If the fixes have not settled by then, none is
/// written.
const MOST_PASSES: usize = 8;

/// The maximum number of legacy locations checked in one file at once, because findings take memory.
const MOST_LOCATIONS: usize = 50_000;

/// The inputs that are the same for all files.
pub(super) struct Pipeline<'r> {
    pub settings: &'r Settings<'r>,
    pub domains: &'r Domains,
    /// The date that decides which ignore comments have expired.
    pub as_of: Date,
    /// Pull secrets by domain.
    pub pull_secrets: Vec<Vec<PullSecret>>,
    /// Projects by domain.
    pub projects: Vec<Vec<Box<dyn Project + 'r>>>,
}

/// Which fixes to apply.
#[derive(Clone, Copy)]
struct Fixing<'f> {
    /// The applicability that they need.
    limit: Applicability,
    /// Only apply fixes of findings in this file, if set.
    only: Option<&'f Path>,
}

impl Fixing<'_> {
    fn all(limit: Applicability) -> Self {
        Self { limit, only: None }
    }
}

/// The result of a file.
#[derive(Debug, Default)]
pub(super) struct FileResult {
    /// The text after the fixes, or the original text if there were none.
    pub text: Arc<str>,
    /// Remaining findings, with spans in `text`.
    pub left: Vec<Finding>,
    pub fixed: Vec<Fixed>,
    pub problems: Vec<Problem>,
    pub unjudged: Vec<Unjudged>,
    pub suppressed: usize,
    /// Ignore comments that were added to `text`.
    pub comments_added: usize,
}

impl Pipeline<'_> {
    /// Checks one file that is not part of a project. Applies fixes with at least the applicability `fix`; none if it is
    /// `None`.
    pub(super) fn file(
        &self,
        path: &Path,
        text: Arc<str>,
        file_type: &'static FileType,
        fix: Option<Applicability>,
    ) -> FileResult {
        let member = Member::new(file_type, text);
        let members = Members::from([(path.to_owned(), member)]);
        let mut outcomes = self.alone(members, fix);
        outcomes.remove(path).unwrap_or_default()
    }

    /// Like [`Self::file`], for several files.
    pub(super) fn alone(
        &self,
        members: Members,
        fix: Option<Applicability>,
    ) -> BTreeMap<PathBuf, FileResult> {
        self.passes(members, &[], fix.map(Fixing::all))
    }

    /// Checks the files of projects together.
    pub(super) fn group(
        &self,
        members: Members,
        fix: Option<Applicability>,
    ) -> BTreeMap<PathBuf, FileResult> {
        let projects = self.projects_of(&members);
        self.passes(members, projects, fix.map(Fixing::all))
    }

    /// Like [`Self::group`], but only applies fixes of findings in the file `path`.
    pub(super) fn fix_of(
        &self,
        path: &Path,
        members: Members,
        limit: Applicability,
    ) -> BTreeMap<PathBuf, FileResult> {
        let projects = self.projects_of(&members);
        let fix = Fixing {
            limit,
            only: Some(path),
        };
        self.passes(members, projects, Some(fix))
    }

    fn projects_of(&self, members: &Members) -> &[Box<dyn Project + '_>] {
        let domain = members.keys().find_map(|path| self.domain(path));
        let projects = domain.and_then(|domain| self.projects.get(domain));
        projects.map_or(&[], Vec::as_slice)
    }

    fn domain(&self, path: &Path) -> Option<usize> {
        self.domains.of_file(self.settings, path)
    }

    /// Checks and fixes until nothing changes. If the fixes do not settle, restores all texts.
    fn passes(
        &self,
        mut members: Members,
        projects: &[Box<dyn Project + '_>],
        fix: Option<Fixing<'_>>,
    ) -> BTreeMap<PathBuf, FileResult> {
        let mut outcomes = none(&members);
        let mut passes = Passes::default();
        self.find(&mut members, projects, &mut outcomes);
        while let Some(fix) = fix {
            // If a file has too many findings for one run, each run takes a part.
            let is_last = members.values().any(|member| member.is_cut);
            let changed = apply(&mut members, &mut outcomes, fix);
            if changed.is_empty() {
                break;
            }
            let settles = passes.pass(&mut members, changed, &outcomes);
            if let Err(unsettled) = settles {
                outcomes = none(&members);
                passes.undo(&mut members);
                self.find(&mut members, projects, &mut outcomes);
                unsettled.block_fixes(&mut members);
                break;
            }
            self.find(&mut members, projects, &mut outcomes);
            if is_last {
                break;
            }
        }
        for (path, mut member) in members {
            let outcome = outcomes.entry(path).or_default();
            outcome.left = member.findings.take();
            outcome.problems = member.problems;
            outcome.unjudged = member.unjudged;
            outcome.text = member.text;
            if let Some(fix) = fix {
                outcome.say_why_left(fix.limit);
            }
        }
        outcomes
    }

    /// Finds all findings in the current texts of all members.
    fn find(
        &self,
        members: &mut Members,
        projects: &[Box<dyn Project + '_>],
        outcomes: &mut BTreeMap<PathBuf, FileResult>,
    ) {
        let mut comments = Vec::new();
        for (path, member) in members.iter_mut() {
            comments.push(self.check(path, member));
        }
        let projects = projects.iter();
        let plans: Vec<Plan<'_>> = projects.map(|project| project.find(members)).collect();
        members.values_mut().for_each(keep_unjudged);
        for ((path, member), comments) in members.iter_mut().zip(comments) {
            let suppressed = self.suppress(path, member, &comments);
            if let Some(outcome) = outcomes.get_mut(path) {
                outcome.suppressed = suppressed;
            }
        }
        for plan in plans {
            plan(members);
        }
        hold_locked(members);
        for (path, member) in members.iter_mut() {
            let secrets = self.domain(path).and_then(|at| self.pull_secrets.get(at));
            pull_secrets::note(secrets.map_or(&[], Vec::as_slice), &mut member.findings);
            member.findings.iter_mut().for_each(Finding::pin);
            member.findings.arrange();
        }
    }

    /// Checks a single file. Returns its comments.
    fn check(&self, path: &Path, member: &mut Member) -> Vec<Span> {
        member.findings = Findings::default();
        member.problems.clear();
        member.unjudged.clear();
        member.is_cut = false;
        let text = &member.text;
        let Some(area) = self.settings.of(path) else {
            return Vec::new();
        };
        let rules = &area.rules;
        let searched = member.hints.clone();
        let search = || rules.prefilter.search(text.as_bytes()).1.map(Arc::from);
        let Some(hints) = searched.or_else(search) else {
            return Vec::new();
        };
        let excess = (hints.len() > MOST_LOCATIONS)
            .then(|| rules.prefilter.excess(text.as_bytes(), MOST_LOCATIONS))
            .flatten();
        let checked = match excess {
            Some(at) => check::check_before(at, path, text, member.file_type, &rules.set, &hints),
            None => check::check_near(path, text, member.file_type, &rules.set, Some(&hints)),
        };
        member.findings = checked.findings.into();
        member.problems = checked.problems;
        member.unjudged = checked.unjudged;
        member.is_cut = checked.is_cut;
        checked.comments
    }

    /// Removes what ignore comments and settings suppress. Returns how many.
    fn suppress(&self, path: &Path, member: &mut Member, comments: &[Span]) -> usize {
        if member.findings.is_empty() && member.unjudged.is_empty() && comments.is_empty() {
            return 0;
        }
        let found = member.findings.take();
        let unjudged = std::mem::take(&mut member.unjudged);
        let before = unjudged.len();
        let Some(area) = self.settings.of(path) else {
            return 0;
        };
        let names = &area.rules.names;
        let kept = suppress::apply(&member.text, comments, names, self.as_of, found, unjudged);
        member.unjudged = kept.unjudged;
        let names = before - member.unjudged.len();
        let config = &area.config;
        let mut left = kept.left;
        let by_settings = config.adjust(path, &mut left, &mut member.unjudged);
        member.findings.put_back(left);
        kept.suppressed.len() + names + by_settings
    }
}

/// Keeps the unjudged locations that no project has a finding about.
fn keep_unjudged(member: &mut Member) {
    let findings = &member.findings;
    member.unjudged.retain(|one| {
        let mut labels = findings.iter().flat_map(|finding| &finding.labels);
        !labels.any(|label| label.span.overlaps(one.span))
    });
}

fn none(members: &Members) -> BTreeMap<PathBuf, FileResult> {
    let paths = members.keys().cloned();
    paths.map(|path| (path, FileResult::default())).collect()
}

/// Limits fixes that edit a file which the run may not write: they are shown with the reason but not applied.
fn hold_locked(members: &mut Members) {
    let locked: BTreeMap<PathBuf, Arc<str>> = members
        .iter()
        .filter_map(|(path, member)| Some((path.clone(), member.locked.clone()?)))
        .collect();
    if locked.is_empty() {
        return;
    }
    for (path, member) in members {
        for finding in &mut member.findings {
            let others = finding.fix.iter().flat_map(|fix| fix.elsewhere.iter());
            let others = others.map(|other| &*other.path);
            let mut edited = std::iter::once(path.as_path()).chain(others);
            if let Some((edited, why)) = edited.find_map(|path| locked.get_key_value(path)) {
                let reason = match edited == path {
                    true => why.to_string(),
                    false => format!("{} has to change, too: {why}", printable::path(edited)),
                };
                finding.limit(Applicability::Display, &reason);
            }
        }
    }
}

/// Applies the fixes that are allowed. Returns the changed files with their new texts.
fn apply(
    members: &mut Members,
    outcomes: &mut BTreeMap<PathBuf, FileResult>,
    fixing: Fixing<'_>,
) -> Vec<(PathBuf, String)> {
    let free = members
        .iter()
        .filter(|(_, member)| member.locked.is_none())
        .map(|(path, member)| (path.as_path(), &*member.text));
    let mut patch = Patch::new(free);
    let mut taken = Vec::new();
    for (path, member) in &*members {
        let is_asked = fixing.only.is_none_or(|only| only == path);
        for finding in &member.findings {
            let fix = finding.fix.as_ref();
            let fix = fix.filter(|fix| is_asked && fix.applicability >= fixing.limit);
            taken.push(fix.is_some_and(|fix| patch.offer(path, fix)));
        }
    }
    let changed: Vec<(PathBuf, String)> = patch
        .changed()
        .map(|(path, text)| (path.to_owned(), text))
        .collect();
    if changed.is_empty() {
        return changed;
    }
    let mut taken = taken.into_iter();
    for (path, member) in members.iter_mut() {
        let lines = LineIndex::new(&member.text);
        for finding in member.findings.take() {
            if taken.next() == Some(true)
                && let Some(outcome) = outcomes.get_mut(path)
            {
                let position = lines.position(finding.span().start);
                outcome.fixed.push(Fixed { finding, position });
            }
        }
    }
    changed
}

impl FileResult {
    /// Explains remaining fixable findings: their fix conflicts with another one.
    fn say_why_left(&mut self, limit: Applicability) {
        for finding in &mut self.left {
            let fix = finding.fix.as_ref();
            if fix.is_some_and(|fix| fix.applicability >= limit) {
                finding.reason = Some("another fix changes the same text".to_owned());
            }
        }
    }
}
