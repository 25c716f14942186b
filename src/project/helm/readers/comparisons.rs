//! Fixes of values that templates compare. If the template names the registry that a fix moves, both change together;
//! any other fix that would change the result of a comparison is shown and not applied.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compared::Compared;
use crate::disjoint::DisjointSets;
use crate::edit::{Applicability, Edit, FileEdit};
use crate::finding::{Finding, Id};
use crate::project::Members;
use crate::source::Span;

/// The most fixes that change together, since each of them lists the edits of all. Larger sets are left to people.
const MOST_TOGETHER: usize = 64;

/// A fix that changes the results of comparisons, and its edits.
struct Turning<'c> {
    path: PathBuf,
    finding: Id,
    edits: Vec<FileEdit>,
    /// The comparisons, each with the edit that keeps its result, if there is one.
    turned: Vec<(&'c Compared, Option<FileEdit>)>,
}

/// A member of a set that changes together.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Item {
    /// A fix, by its index.
    Fix(usize),
    Literal(Arc<Path>, Span),
}

/// Edits comparisons along with the fixes that would change their results, if `may_follow`, and removes the other
/// fixes.
pub(super) fn settle(members: &mut Members, compared: &[&Compared], may_follow: bool) {
    let turning = turning(members, compared);
    let mut sets = DisjointSets::default();
    for (index, one) in turning.iter().enumerate() {
        let number = sets.add(Item::Fix(index));
        for literal in one.follow().into_iter().flatten() {
            let path = Arc::clone(&literal.path);
            let literal = sets.add(Item::Literal(path, literal.edit.span));
            sets.join(number, literal);
        }
    }
    for set in sets.into_sets() {
        let fixes = set.iter().filter_map(|item| match item {
            Item::Fix(index) => turning.get(*index),
            Item::Literal(..) => None,
        });
        let fixes: Vec<&Turning<'_>> = fixes.collect();
        let may_follow = may_follow && fixes.len() <= MOST_TOGETHER;
        let together = may_follow.then(|| together(&fixes, members, compared));
        match together.flatten() {
            Some(edits) => tie(&fixes, &edits, members),
            None => block_fixes(&fixes, members),
        }
    }
}

fn turning<'c>(members: &Members, compared: &[&'c Compared]) -> Vec<Turning<'c>> {
    let mut turning = Vec::new();
    for (path, member) in members {
        for finding in &member.findings {
            let Some(fix) = &finding.fix else {
                continue;
            };
            let edits: Vec<(&Path, &Edit)> = fix.in_files(path).collect();
            let turned = compared.iter().filter(|one| one.is_turned_by(&edits));
            let followed = |one: &&'c Compared| (*one, one.follow(&edits));
            let turned: Vec<_> = turned.map(followed).collect();
            if !turned.is_empty() {
                turning.push(Turning {
                    path: path.clone(),
                    finding: finding.id,
                    edits: edits.into_iter().map(file_edit).collect(),
                    turned,
                });
            }
        }
    }
    turning
}

impl<'c> Turning<'c> {
    /// Returns the edits that keep the results of the comparisons. `None` if one of them has none.
    fn follow(&self) -> Option<Vec<&FileEdit>> {
        let followed = self.turned.iter();
        followed.map(|(_, edit)| edit.as_ref()).collect()
    }

    /// Returns the finding, and the comparison to name: preferably one that cannot follow.
    fn shown<'m>(&self, members: &'m mut Members) -> Option<(&'m mut Finding, &'c Compared)> {
        let finding = members
            .get_mut(&self.path)?
            .findings
            .get_mut(self.finding)?;
        let stays = self.turned.iter().find(|(_, edit)| edit.is_none());
        let (compared, _) = stays.or(self.turned.first())?;
        Some((finding, compared))
    }
}

/// Returns all edits of the fixes and of the comparisons that follow them; `None` if a comparison would still change
/// its result.
fn together(
    fixes: &[&Turning<'_>],
    members: &Members,
    compared: &[&Compared],
) -> Option<Arc<[FileEdit]>> {
    let mut all = Vec::new();
    for one in fixes {
        let finding = members.get(&one.path)?.findings.get(one.finding)?;
        let fix = finding.fix.as_ref();
        fix.filter(|fix| fix.applicability.is_written())?;
        all.extend(one.edits.iter().cloned());
        all.extend(one.follow()?.into_iter().cloned());
    }
    let all = FileEdit::shared(all);
    let is_known = |one: &FileEdit| members.contains_key(&*one.path);
    let is_one =
        |two: &[FileEdit]| two[0].path != two[1].path || two[0].edit.span != two[1].edit.span;
    let pairs: Vec<(&Path, &Edit)> = all.iter().map(|one| (&*one.path, &one.edit)).collect();
    let holds = all.iter().all(is_known)
        && all.windows(2).all(is_one)
        && !compared.iter().any(|one| one.is_turned_by(&pairs));
    holds.then_some(all)
}

fn tie(fixes: &[&Turning<'_>], edits: &Arc<[FileEdit]>, members: &mut Members) {
    for one in fixes {
        let Some((finding, turned)) = one.shown(members) else {
            continue;
        };
        if let Some(fix) = &mut finding.fix {
            fix.elsewhere = Arc::clone(edits);
            fix.applicability = Applicability::Unsafe;
        }
        let why = format!("{}, which changes too", turned.describe());
        finding.reason = Some(match finding.reason.take() {
            Some(other) => format!("{other}; {why}"),
            None => why,
        });
    }
}

fn block_fixes(fixes: &[&Turning<'_>], members: &mut Members) {
    for one in fixes {
        let Some((finding, turned)) = one.shown(members) else {
            continue;
        };
        finding.reason = Some(turned.reason());
        if let Some(fix) = &mut finding.fix {
            fix.applicability = Applicability::Display;
        }
    }
}

fn file_edit((path, edit): (&Path, &Edit)) -> FileEdit {
    FileEdit {
        path: Arc::from(path),
        edit: edit.clone(),
    }
}
