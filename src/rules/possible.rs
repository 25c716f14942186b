//! Names that are not known here, because a template completes them: whether all of them move the same way.

use super::query::{Query, Verdict, cap_applicability};
use super::{Mapping, Pattern, RuleSet};
use crate::edit::Applicability;

const NOT_ALL: &str =
    "a template completes the name, and not all names that may result move the same way";

/// What may begin a placeholder in a segment.
const PLACEHOLDERS: [char; 6] = ['{', '$', '<', '%', '[', '('];

/// Lowers the applicability if an exception, or a more specific rule, covers some of the names that may result.
pub(super) fn apply(
    rules: &RuleSet,
    mapping: &Mapping,
    query: &Query<'_>,
    verdict: &mut Verdict<'_>,
) {
    let is_known = query.literal >= query.segments.len();
    if is_known || verdict.applicability != Applicability::Safe {
        return;
    }
    let host = query.segments.first().copied().unwrap_or_default();
    let may_match = |pattern: &Pattern| may_match(pattern, query);
    let mut more_specific = rules
        .candidates(host)
        .filter(|(_, other)| other.from.weight() > mapping.from.weight());
    if verdict.rule.except.iter().any(may_match)
        || more_specific.any(|(_, other)| may_match(&other.from))
    {
        cap_applicability(verdict, Applicability::Unsafe, || NOT_ALL.to_owned());
    }
}

/// Whether a pattern may match the name once its placeholders are filled in. They may contain slashes.
fn may_match(pattern: &Pattern, query: &Query<'_>) -> bool {
    let known = &query.segments[..query.literal];
    let mut own = pattern.segments();
    let fits = |text: &str, (before, after): (&str, Option<&str>)| match after {
        None => before == text,
        Some(after) => text
            .strip_prefix(before)
            .is_some_and(|rest| rest.ends_with(after)),
    };
    if !known
        .iter()
        .all(|text| own.next().is_some_and(|one| fits(text, one)))
    {
        return false;
    }
    let open = query.segments[query.literal];
    let start = open.split(PLACEHOLDERS).next().unwrap_or_default();
    own.next().is_some_and(|(before, after)| {
        before.starts_with(start) || after.is_some() && start.starts_with(before)
    })
}
