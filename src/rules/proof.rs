//! Adjusts verdicts to the answers of registries. Pure functions of both.

use super::answers::{Answers, Asking, Presence};
use super::query::{
    Availability, Move, Query, TagState, Verdict, Verified, cap_applicability, moved,
};
use crate::artifact::Artifact;
use crate::edit::Applicability;
use crate::image;

/// Returns the complete reference that is pulled, by digest if it has one. `None` if a part of it is not known.
fn whole(name: &str, query: &Query<'_>, strip_v: bool) -> Option<String> {
    let is_written = match query.tag {
        TagState::Text(tag) => image::is_tag(tag),
        _ => true,
    };
    let is_known = is_written
        && query.artifact == Artifact::Image
        && !query.bare
        && query.segments.len() > 1
        && query.literal >= query.segments.len();
    if !is_known {
        return None;
    }
    if let Some(digest) = query.digest {
        return Some(format!("{name}@{digest}"));
    }
    let tag = query.tag.pulled()?;
    let tag = match strip_v {
        true => tag.trim_start_matches('v'),
        false => tag,
    };
    Some(format!("{name}:{tag}"))
}

/// Returns the complete reference after the move.
fn after(target: &Move, query: &Query<'_>) -> Option<String> {
    whole(&moved(target, query), query, target.strip_v)
}

/// Whether the new location has the image. `None` unless a registry gave a clear answer.
pub(super) fn exists(answers: Option<&Answers>, target: &Move, query: &Query<'_>) -> Option<bool> {
    match answers?.about(&after(target, query)?)? {
        Presence::Exists { .. } => Some(true),
        Presence::Missing { .. } => Some(false),
        Presence::Undetermined { .. } => None,
    }
}

/// Raises or lowers the applicability according to the answers of registries, and records the outcome.
pub(super) fn apply(verdict: &mut Verdict<'_>, query: &Query<'_>, answers: &Answers) {
    let Some(target) = &verdict.target else {
        return;
    };
    let Some(new) = after(target, query) else {
        let is_image = query.artifact == Artifact::Image;
        verdict.verified = is_image.then(|| Verified {
            outcome: Availability::Undetermined,
            digest: None,
            text: "not verified: the whole reference is not known here".to_owned(),
        });
        return;
    };
    let old = match answers.asking {
        Asking::Both if query.digest.is_none() => whole(&query.segments.join("/"), query, false),
        _ => None,
    };
    let old = old.and_then(|old| answers.about(&old));
    let Some(answer) = answers.about(&new) else {
        return;
    };
    let verified = weigh(&new, query.digest.is_some(), old.as_ref(), &answer);
    match verified.outcome {
        Availability::SameDigest if verdict.applicability == Applicability::Unsafe => {
            verdict.applicability = Applicability::Safe;
            verdict.reason = None;
        }
        Availability::OtherDigest if verdict.applicability >= Applicability::Unsafe => {
            verdict.applicability = Applicability::Unsafe;
            verdict.reason = Some("the new location has another image by this name".to_owned());
        }
        Availability::Missing => {
            verdict.target = None;
            cap_applicability(verdict, Applicability::Display, || {
                "the new location does not have this image".to_owned()
            });
        }
        _ => {}
    }
    if answers.pin && query.digest.is_none() {
        verdict.pin.clone_from(&verified.digest);
    }
    verdict.verified = Some(verified);
}

/// Combines the answers about both locations. `pinned`: the reference has a digest, so an image that exists is the same image.
fn weigh(new: &str, pinned: bool, old: Option<&Presence>, answer: &Presence) -> Verified {
    let (outcome, text) = match (answer, old) {
        (Presence::Missing { nearest, anonymous }, _) => {
            (Availability::Missing, missing(new, nearest, *anonymous))
        }
        (Presence::Undetermined { reason }, _) => (
            Availability::Undetermined,
            format!("not verified: {new}: {reason}"),
        ),
        (Presence::Exists { digest }, _) if pinned => (
            Availability::SameDigest,
            format!("verified: same digest at the new location, {digest}"),
        ),
        (Presence::Exists { digest }, Some(Presence::Exists { digest: before })) => {
            match digest == before {
                true => (
                    Availability::SameDigest,
                    format!("verified: same digest at both locations, {digest}"),
                ),
                false => (
                    Availability::OtherDigest,
                    format!("verified: {before} at the old location, {digest} at the new one"),
                ),
            }
        }
        (Presence::Exists { digest }, Some(Presence::Missing { .. })) => (
            Availability::Exists,
            format!("verified: exists, {digest}; the old location does not have it"),
        ),
        (Presence::Exists { digest }, Some(Presence::Undetermined { reason })) => (
            Availability::Exists,
            format!("verified: exists, {digest}; nothing is known of the old location: {reason}"),
        ),
        (Presence::Exists { digest }, None) => {
            (Availability::Exists, format!("verified: exists, {digest}"))
        }
    };
    let digest = match answer {
        Presence::Exists { digest } => Some(digest.clone()),
        _ => None,
    };
    Verified {
        outcome,
        digest,
        text,
    }
}

fn missing(image: &str, nearest: &[String], anonymous: bool) -> String {
    let answers = match anonymous {
        true => " (asked without credentials)",
        false => "",
    };
    match nearest {
        [] => format!("{image} does not exist{answers}"),
        tags => format!(
            "{image} does not exist{answers}; nearest tags: {}",
            tags.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(digest: &str) -> Presence {
        Presence::Exists {
            digest: digest.to_owned(),
        }
    }

    fn undetermined() -> Presence {
        Presence::Undetermined {
            reason: "timeout".to_owned(),
        }
    }

    fn gone(nearest: &[&str]) -> Presence {
        Presence::Missing {
            nearest: nearest.iter().map(ToString::to_string).collect(),
            anonymous: false,
        }
    }

    #[track_caller]
    fn check(
        pinned: bool,
        old: Option<Presence>,
        new: Presence,
        outcome: Availability,
        text: &str,
    ) {
        let verified = weigh("a.io/x:1", pinned, old.as_ref(), &new);
        assert_eq!((verified.outcome, verified.text.as_str()), (outcome, text));
        let digest = matches!(new, Presence::Exists { .. });
        assert_eq!(verified.digest.is_some(), digest);
    }

    #[test]
    fn only_missing_is_missing() {
        check(
            false,
            None,
            gone(&["0.9", "1.1"]),
            Availability::Missing,
            "a.io/x:1 does not exist; nearest tags: 0.9, 1.1",
        );
        check(
            true,
            None,
            gone(&[]),
            Availability::Missing,
            "a.io/x:1 does not exist",
        );
        check(
            false,
            Some(there("d")),
            undetermined(),
            Availability::Undetermined,
            "not verified: a.io/x:1: timeout",
        );
    }

    #[test]
    fn digests_are_compared() {
        let same = "verified: same digest at both locations, d";
        check(
            false,
            Some(there("d")),
            there("d"),
            Availability::SameDigest,
            same,
        );
        let other = "verified: e at the old location, d at the new one";
        check(
            false,
            Some(there("e")),
            there("d"),
            Availability::OtherDigest,
            other,
        );
        let pinned = "verified: same digest at the new location, d";
        check(true, None, there("d"), Availability::SameDigest, pinned);
    }

    #[test]
    fn without_the_old_image_nothing_is_said_about_sameness() {
        let exists_at = |rest: &str| format!("verified: exists, d{rest}");
        check(
            false,
            None,
            there("d"),
            Availability::Exists,
            &exists_at(""),
        );
        let old_missing = exists_at("; the old location does not have it");
        check(
            false,
            Some(gone(&[])),
            there("d"),
            Availability::Exists,
            &old_missing,
        );
        let old_unknown = exists_at("; nothing is known of the old location: timeout");
        check(
            false,
            Some(undetermined()),
            there("d"),
            Availability::Exists,
            &old_unknown,
        );
    }
}
