//! Finds the rule that applies to a name, and its verdict: the new location, and how far to trust the move.

use super::answers::Answers;
use super::edition::Facts;
use super::index::Answer;
use super::possible;
use super::proof;
use super::query::{Move, Query, TagState, Verdict, cap_applicability, moved};
use super::schema::{DigestPolicy, TagList, TagPolicy, TagsSpec};
use super::{Mapping, Rule, RuleSet, Safety};
use crate::artifact::Artifact;
use crate::edit::Applicability;
use crate::version::numbers_of_tag;

impl RuleSet {
    /// Returns the verdict of the rule that matches the name most specifically.
    pub fn verdict(&self, query: &Query<'_>) -> Option<Verdict<'_>> {
        self.matching(query)
            .max_by_key(|(rule, mapping)| Self::rank(rule, mapping, query))
            .map(|(rule, mapping)| {
                let known = Known {
                    answers: self.answers().map(|answers| &**answers),
                    facts: self.facts(),
                };
                let mut verdict = evaluate(rule, mapping, query, known);
                possible::apply(self, mapping, query, &mut verdict);
                verdict
            })
    }

    /// Returns the mappings that apply to the name.
    pub(super) fn matching(&self, query: &Query<'_>) -> impl Iterator<Item = (&Rule, &Mapping)> {
        let host = query.segments.first().copied().unwrap_or_default();
        self.candidates(host)
            .filter(|(rule, _)| artifacts_meet(rule.artifact, query.artifact))
            .filter(|(rule, mapping)| applies(rule, mapping, query))
    }

    /// Returns the rank of a mapping. If several apply, the highest wins.
    pub(super) fn rank(
        rule: &Rule,
        mapping: &Mapping,
        query: &Query<'_>,
    ) -> ((usize, bool, usize), bool) {
        (mapping.from.weight(), rule.artifact == query.artifact)
    }

    /// Returns the first rule that matches the name, whatever its tag. For references that are not pulled.
    pub fn mentions(&self, query: &Query<'_>) -> Option<&Rule> {
        let host = query.segments.first()?;
        self.candidates(host)
            .filter(|(rule, _)| artifacts_meet(rule.artifact, query.artifact))
            .find(|(_, mapping)| {
                mapping
                    .from
                    .matches(query.segments)
                    .is_some_and(|hit| hit.taken <= query.literal)
            })
            .map(|(rule, _)| rule)
    }
}

/// Whether a rule for one kind of artifact covers another. An OCI registry holds both images and charts; URLs are separate.
fn artifacts_meet(rule: Artifact, wanted: Artifact) -> bool {
    match wanted {
        Artifact::Image => matches!(rule, Artifact::Image | Artifact::Chart),
        Artifact::Chart => matches!(
            rule,
            Artifact::Image | Artifact::Chart | Artifact::ChartRepository
        ),
        Artifact::ChartRepository => matches!(rule, Artifact::ChartRepository | Artifact::Url),
        Artifact::Url => rule == Artifact::Url,
    }
}

fn applies(rule: &Rule, mapping: &Mapping, query: &Query<'_>) -> bool {
    let Some(hit) = mapping.from.matches(query.segments) else {
        return false;
    };
    let excepted = rule
        .except
        .iter()
        .any(|except| except.matches(query.segments).is_some());
    let written_tag = matches!(query.tag, TagState::Text(_) | TagState::Digest);
    // `us.gcr.io/k8s-artifacts-prod` alone is a project, but `old.example.com/team/app` may be an image.
    let whole = mapping.from.exact || written_tag || hit.taken > 2;
    let named = query.bare
        || query.artifact != Artifact::Image
        || query.segments.len() > hit.taken
        || whole;
    let charted = rule.charts().is_empty()
        || query
            .chart
            .is_none_or(|chart| rule.charts().iter().any(|one| one == chart));
    hit.taken <= query.literal && !excepted && named && charted && covers_tag(rule.tags(), query)
}

fn covers_tag(tags: Option<&TagsSpec>, query: &Query<'_>) -> bool {
    let Some(tags) = tags else {
        return true;
    };
    let tag = match query.tag {
        TagState::None => "none",
        TagState::Text(tag) => tag,
        // A tag that is not known is assumed not to be one of the few that are listed.
        TagState::Digest | TagState::Unknown | TagState::Any => return tags.only.is_empty(),
    };
    let listed = |list: &[String]| list.iter().any(|one| covers(one, tag));
    let high_enough = match (&tags.min, query.tag) {
        (Some(min), TagState::Text(tag)) => numbers_of_tag(tag) >= numbers_of_tag(min),
        (Some(_), _) => false,
        (None, _) => true,
    };
    (tags.only.is_empty() || listed(&tags.only)) && !listed(&tags.not) && high_enough
}

/// Whether a listed tag matches the given one. A `*` at its end matches any suffix.
fn covers(listed: &str, tag: &str) -> bool {
    match listed.strip_suffix('*') {
        Some(start) => tag.starts_with(start),
        None => listed == tag,
    }
}

/// The inputs of a verdict besides the rule.
#[derive(Clone, Copy)]
struct Known<'k> {
    answers: Option<&'k Answers>,
    facts: Facts,
}

fn evaluate<'r>(
    rule: &'r Rule,
    mapping: &'r Mapping,
    query: &Query<'_>,
    known: Known<'_>,
) -> Verdict<'r> {
    let mut verdict = Verdict {
        rule,
        summary: mapping.summary.as_deref().unwrap_or(&rule.summary),
        severity: mapping.severity,
        target: target(rule, mapping, query),
        applicability: match mapping.safety {
            Safety::Safe => Applicability::Safe,
            Safety::Review => Applicability::Unsafe,
            Safety::ReportOnly => Applicability::Display,
        },
        reason: None,
        verified: None,
        pin: None,
    };
    if verdict.target.is_none() {
        verdict.applicability = Applicability::Display;
        if mapping.to.is_some() {
            verdict.reason = Some("this image has no known name at the new location".to_owned());
        } else if !rule.is_built_in() {
            verdict.reason = Some("the rule has no `to`, so it only reports".to_owned());
        }
        return verdict;
    }
    apply_tag_policy(&mut verdict, mapping, query, known.answers);
    apply_tag_list(&mut verdict, mapping, query, known);
    if verdict.reason.is_none() && verdict.applicability == Applicability::Unsafe {
        verdict.reason = Some(match rule.evidence() {
            Some(super::Evidence::ThirdParty) => "the owner never announced this move".to_owned(),
            _ => "tags, contents or terms may differ at the new location".to_owned(),
        });
    }
    if !rule.charts().is_empty() && query.chart.is_none() {
        cap_applicability(&mut verdict, Applicability::Display, || {
            "only some charts moved, and this does not name one".to_owned()
        });
    }
    if let Some(answers) = known.answers {
        proof::apply(&mut verdict, query, answers);
    }
    verdict
}

/// Returns the new location, or `None` if the rule has none for this name.
fn target(rule: &Rule, mapping: &Mapping, query: &Query<'_>) -> Option<Move> {
    let to = mapping.to.as_deref()?;
    let hit = mapping.from.matches(query.segments)?;
    let mut taken = hit.taken;
    let mut to = match hit.wildcard {
        Some(wildcard) => to.replace("{*}", rule.wildcard(wildcard).unwrap_or(wildcard)),
        None => to.to_owned(),
    };
    if mapping.from.exact && to.ends_with('/') {
        taken -= 1;
    }
    while to.ends_with('/') {
        to.pop();
    }
    if let Some(names) = rule.rename().filter(|_| !query.bare) {
        let last = query.segments.len().checked_sub(1)?;
        let name = names.get(query.segments[last])?;
        if taken < last || last >= query.literal {
            return None;
        }
        taken = last + 1;
        to = format!("{to}/{name}");
    }
    Some(Move {
        taken,
        to,
        strip_v: mapping.tag == TagPolicy::StripV,
    })
}

fn apply_tag_policy(
    verdict: &mut Verdict<'_>,
    mapping: &Mapping,
    query: &Query<'_>,
    answers: Option<&Answers>,
) {
    let rule = verdict.rule;
    if mapping.tag == TagPolicy::Choose {
        cap_applicability(verdict, Applicability::Display, || {
            "no tag is the same at the new location: choose one there".to_owned()
        });
    }
    if query.digest.is_some() && rule.digest() == DigestPolicy::Choose {
        cap_applicability(verdict, Applicability::Display, || {
            "digests are not the same at the new location: choose a tag there".to_owned()
        });
    }
    if query.tag == TagState::Digest && rule.tags().is_some() {
        cap_applicability(verdict, Applicability::Display, || {
            "the digest alone does not say which tag this is".to_owned()
        });
    }
    let tag = query.tag.pulled().unwrap_or_default();
    let mut unavailable = rule.unavailable_tags().iter();
    if let Some(word) = unavailable.find(|word| tag.contains(word.as_str()))
        && !is_proven(answers, verdict.target.as_ref(), query)
    {
        verdict.target = None;
        cap_applicability(verdict, Applicability::Display, || match tag == word {
            true => format!("the tag {tag} is not at the new location"),
            false => format!("tags built on {word} were not copied"),
        });
    }
    if let Some(limit) = rule.tags_below() {
        let carries = matches!(query.tag, TagState::Text(tag)
            if tag.bytes().any(|byte| byte.is_ascii_digit()) && numbers_of_tag(tag) < numbers_of_tag(limit));
        if !carries {
            cap_applicability(verdict, Applicability::Display, || {
                format!(
                    "only tags below {limit} are the same at the new location: choose one there"
                )
            });
        }
    }
    let min_unknown =
        rule.tags().is_some_and(|tags| tags.min.is_some()) && query.tag == TagState::Unknown;
    if min_unknown {
        cap_applicability(verdict, Applicability::Display, || {
            "only newer tags moved, and this one is not known".to_owned()
        });
    }
}

/// Whether a registry confirmed that the new location has the image.
fn is_proven(answers: Option<&Answers>, target: Option<&Move>, query: &Query<'_>) -> bool {
    target.and_then(|target| proof::exists(answers, target, query)) == Some(true)
}

fn apply_tag_list(
    verdict: &mut Verdict<'_>,
    mapping: &Mapping,
    query: &Query<'_>,
    Known { answers, facts }: Known<'_>,
) {
    let (Some(list), Some(target)) = (&mapping.requires_tag_in, &verdict.target) else {
        return;
    };
    if query.bare && query.tag == TagState::Any {
        // No image is named: the new location serves whatever is pulled from there.
        return;
    }
    let name = moved(target, query);
    // A registry's answer outweighs a list. An image that is missing there has no fix, unless the rule has a fallback.
    let other = verdict.rule.fallback();
    let has_other = verdict.applicability == Applicability::Safe && other.is_some();
    let (passes, why) = match proof::exists(answers, target, query) {
        Some(true) => return,
        Some(false) if has_other => (Some(false), format!("{name} does not have this tag")),
        Some(false) => return,
        None => is_listed(list, &name, query, facts),
    };
    cap_by_list(verdict, passes, why, query);
}

/// Whether a list has the tag at the new location, `None` if that is not known, and the reason to give if it has not.
fn is_listed(
    list: &TagList,
    name: &str,
    query: &Query<'_>,
    facts: Facts,
) -> (Option<bool>, String) {
    match list {
        TagList::Named(_) => is_in_index(name, query, facts),
        TagList::Tags(tags) => {
            let tag = query.tag.pulled();
            let listed = tag.map(|tag| tags.iter().any(|one| one == tag));
            let why = format!("{} was not copied", tag.unwrap_or("this tag"));
            (listed, why)
        }
    }
}

/// Like [`is_listed`], for the offline index.
fn is_in_index(name: &str, query: &Query<'_>, facts: Facts) -> (Option<bool>, String) {
    let image = name
        .strip_prefix("registry.k8s.io/")
        .filter(|_| query.literal >= query.segments.len());
    match (image, query.tag.pulled()) {
        (Some(image), _)
            if !query.bare && facts.index.look_up(image, "") == Answer::NoSuchImage =>
        {
            (Some(false), format!("{name} is not in the offline index"))
        }
        (Some(_), None) if query.tag == TagState::Any => (Some(true), String::new()),
        (Some(image), Some(tag)) if !query.bare && facts.is_listed_by_configuration(image, tag) => {
            let why = "only the catalogue that the configuration pins lists this tag";
            (Some(false), why.to_owned())
        }
        (Some(image), Some(tag)) if !query.bare => {
            let present = facts.index.look_up(image, tag) == Answer::Present;
            let why = format!("{name}:{tag} is not in the offline index");
            (Some(present), why)
        }
        _ => (None, String::new()),
    }
}

/// Lowers the applicability to what is known of the tag at the new location, or switches to the rule's fallback.
fn cap_by_list(verdict: &mut Verdict<'_>, passes: Option<bool>, why: String, query: &Query<'_>) {
    match (passes, verdict.applicability) {
        (Some(true), _) => {}
        (None, Applicability::Safe) => cap_applicability(verdict, Applicability::Unsafe, || {
            "the tag is not given here, so it may not exist at the new location".to_owned()
        }),
        (None, _) => {}
        (Some(false), Applicability::Safe) => match verdict.rule.fallback() {
            Some(fallback) => {
                let reason = format!("{why}; {fallback} may have it");
                verdict.target = Some(Move {
                    taken: query.segments.len(),
                    to: fallback.to_owned(),
                    strip_v: false,
                });
                cap_applicability(verdict, Applicability::Unsafe, || reason);
            }
            None => cap_applicability(verdict, Applicability::Unsafe, || why),
        },
        (Some(false), _) => {
            verdict.target = None;
            cap_applicability(verdict, Applicability::Display, || why);
        }
    }
}
