//! Judges one image use by the rules.

use super::{alternatives, beside};
use crate::artifact::Artifact;
use crate::detect::{Certainty, ImageUse, Tag, Usage};
use crate::edit::{Applicability, Edit, Fix, Pin};
use crate::finding::{Finding, Label, Severity};
use crate::image;
use crate::rewrite::{self, Spelled};
use crate::rules::{self, RuleSet, TagState, Verdict};
use crate::source::Span;

const OTHER_TAG: &str = "at the new location, the tags are spelled without `v`";
const NOT_CHANGEABLE: &str = "the parts of this reference cannot be changed to the new name";
const NOT_EDITABLE: &str = "it is written with escapes or over several lines: edit it by hand";
/// What to do about a list, a mirror table or an account that names the old location. [`LET_THROUGH`] is for policies.
const NAME_IT: &str = "name it here, too";
const LET_THROUGH: &str = "check that the policy allows them";

/// Returns the finding for one image use in the text of a file. `None` if its usage is unknown or no rule applies to it.
pub fn finding(one: &ImageUse, file: &str, rules: &RuleSet) -> Option<Finding> {
    let text = one.text(file);
    let spelled = rewrite::spell(one, text)?;
    let names = spelled.names();
    let query = rules::Query {
        segments: &names,
        literal: spelled.literal,
        bare: one.name.is_none(),
        tag: rewrite::tag_state(one, text),
        digest: one.digest.map(|span| span.of(text)),
        artifact: one.artifact,
        chart: one.chart.as_deref(),
    };
    let found = Found {
        one,
        text,
        file,
        spelled: &spelled,
    };
    match one.usage {
        Usage::Unknown(_) => None,
        Usage::Pull(_) | Usage::Selector { .. } => {
            let bare = rules::Query {
                bare: true,
                tag: TagState::Unknown,
                ..query
            };
            let as_folder = || rules.verdict(&bare).filter(|_| one.may_be_folder);
            let verdict = rules.verdict(&query).or_else(as_folder)?;
            let mut finding = found.of_verdict(verdict, &query);
            if one.name.is_some() && one.artifact == Artifact::Image {
                alternatives::add(&mut finding, &names.join("/"), rules.facts().alternatives);
            }
            Some(finding)
        }
        Usage::Mention(reason)
        | Usage::Observed(reason)
        | Usage::Pushed(reason)
        | Usage::Compared(reason) => {
            let mut finding = found.mention(rules.mentions(&query)?, reason)?;
            let what = match one.usage {
                usage if usage.is_of_registries() => Some(NAME_IT),
                usage if usage.is_of_policy() => Some(LET_THROUGH),
                _ => None,
            };
            let note = what.and_then(|what| found.new_location(rules, &query, what));
            finding.notes.extend(note);
            Some(finding)
        }
    }
}

/// An image use, and how its name is spelled.
struct Found<'f> {
    one: &'f ImageUse,
    /// The text that the spans of the use refer to.
    text: &'f str,
    file: &'f str,
    spelled: &'f Spelled,
}

impl Found<'_> {
    fn mention(&self, rule: &rules::Rule, reason: &str) -> Option<Finding> {
        Some(Finding {
            reason: Some(reason.to_owned()),
            url: rule.url().map(str::to_owned),
            mention: true,
            usage: Some(self.one.usage),
            object: self.one.object.clone(),
            ..Finding::new(
                rule.id.as_str(),
                Severity::Info,
                self.message(&format!(
                    "names a legacy location but does not pull from it: {reason}"
                )),
                self.labels(),
                self.written(),
            )
        })
    }

    /// Returns a note with the host that images will be pulled from. `None` if there is none, or it is already named nearby.
    fn new_location(
        &self,
        rules: &RuleSet,
        query: &rules::Query<'_>,
        what: &str,
    ) -> Option<String> {
        let target = rules.verdict(query)?.target?;
        let host = target.to.split('/').next().unwrap_or_default();
        let at = self.one.extent().start;
        (!beside::names(self.file, at, host))
            .then(|| format!("images that move are pulled from {host}: {what}"))
    }

    fn of_verdict(&self, mut verdict: Verdict<'_>, query: &rules::Query<'_>) -> Finding {
        let mut limit = Limit {
            applicability: verdict.applicability,
            reason: verdict.reason.take(),
        };
        let moved = self.moved(&verdict, &mut limit);
        match self.one.usage {
            Usage::Pull(certainty) => limit.certainty(certainty),
            Usage::Selector { reason, .. } if self.one.new_name.is_none() => {
                limit.to(Applicability::Display, reason);
            }
            _ => {}
        }
        if verdict.rule.artifact == Artifact::Url {
            limit.certainty(self.one.follows_redirects);
        }
        if let (Some(reason), Some((_, name))) = (self.one.other_registry, &moved)
            && self.has_other_path(name)
        {
            limit.to(Applicability::Unsafe, reason);
        }
        let new = moved
            .as_ref()
            .map(|(_, name)| self.with_tag(name, query, &verdict));
        let fix = moved.and_then(|(edits, name)| self.fix(&verdict, edits, &name, &mut limit));
        // The image that it selects is replaced by another one, so nothing legacy is pulled.
        let is_replaced = matches!(self.one.usage, Usage::Selector { replaced: true, .. });
        Finding {
            new,
            fix,
            reason: limit.reason,
            verified: verdict.verified.take(),
            url: verdict.rule.url().map(str::to_owned),
            usage: Some(self.one.usage),
            object: self.one.object.clone(),
            ..Finding::new(
                verdict.rule.id.as_str(),
                match is_replaced {
                    true => Severity::Info,
                    false => verdict.severity,
                },
                self.message(verdict.summary),
                self.labels(),
                self.written(),
            )
        }
    }

    /// Whether more than the registry differs in the new name.
    fn has_other_path(&self, new: &str) -> bool {
        let name = self.one.name.map(|name| name.of(self.text));
        name.is_some_and(|name| !new.ends_with(image::split_host(name).1))
    }

    /// Returns the edits of the pieces, and the new name that they make.
    fn moved(&self, verdict: &Verdict<'_>, limit: &mut Limit) -> Option<(Vec<Edit>, String)> {
        let target = verdict.target.as_ref()?;
        if target.strip_v && self.one.new_name.is_some() {
            limit.reason = Some(OTHER_TAG.to_owned());
            return None;
        }
        let moved = self.spelled.relocate(target, self.one, self.text);
        if moved.is_none() {
            limit.reason = Some(NOT_CHANGEABLE.to_owned());
        }
        moved
    }

    /// Returns the fix of a name that moves: the `edits` of its pieces, or a new name that is added beside it, and what else
    /// has to be added with them.
    fn fix(
        &self,
        verdict: &Verdict<'_>,
        edits: Vec<Edit>,
        name: &str,
        limit: &mut Limit,
    ) -> Option<Fix> {
        let edits = match &self.one.new_name {
            Some(insertion) => Some(vec![Edit::new(insertion.span, insertion.with(name))]),
            None => self.in_file(edits),
        };
        let Some(mut edits) = edits else {
            limit.reason = Some(NOT_EDITABLE.to_owned());
            return None;
        };
        edits.extend(
            self.one
                .companion
                .as_ref()
                .map(|companion| Edit::new(companion.insertion.span, companion.with(name))),
        );
        let fix = Fix::here(edits, limit.applicability);
        let pin = self.pin(verdict, limit.applicability);
        Some(Fix { pin, ..fix })
    }

    /// Returns the digest that was verified, if there is a tag too and the digest can follow it or has its own key.
    fn pin(&self, verdict: &Verdict<'_>, trust: Applicability) -> Option<Pin> {
        let digest = verdict.pin.as_ref().filter(|_| trust.is_written())?;
        let (Usage::Pull(_), Tag::At(tag), None, None) = (
            self.one.usage,
            self.one.tag,
            &self.one.new_name,
            &self.one.decoded,
        ) else {
            return None;
        };
        let pin = |span: Span, spellings: Vec<String>, needs_proof: bool| Pin {
            digest: digest.clone(),
            span,
            spellings,
            needs_proof,
        };
        let is_beside = self.one.name.is_some_and(|name| tag.start == name.end + 1);
        match self.one.digest_slot {
            Some(slot) => {
                let (_, digits) = digest.split_once(':')?;
                let mut spellings = vec![digest.clone(), digits.to_owned()];
                if !slot.takes_whole {
                    spellings.reverse();
                }
                Some(pin(slot.span, spellings, !slot.takes_whole))
            }
            None if is_beside => {
                let behind = Span::new(tag.end, tag.end);
                Some(pin(behind, vec![format!("@{digest}")], false))
            }
            None => None,
        }
    }

    /// Adds the live object, if there is one, to a message.
    fn message(&self, message: &str) -> String {
        match &self.one.object {
            Some(object) => format!("{message} ({})", object.shown()),
            None => message.to_owned(),
        }
    }

    /// Maps edits to the file. `None` if what is written there cannot be edited piece by piece.
    fn in_file(&self, edits: Vec<Edit>) -> Option<Vec<Edit>> {
        let Some(decoded) = &self.one.decoded else {
            return Some(edits);
        };
        let fits = |edit: &Edit| decoded.is_editable(edit.span, self.file);
        let all = edits.iter().all(fits);
        let edits = edits.into_iter().map(|edit| Edit {
            span: decoded.raw(edit.span),
            ..edit
        });
        all.then(|| edits.collect())
    }

    /// Returns the new reference as it will be written.
    fn with_tag(&self, name: &str, query: &rules::Query<'_>, verdict: &Verdict<'_>) -> String {
        let strip = verdict.target.as_ref().is_some_and(|target| target.strip_v);
        let scheme = match self.one.artifact {
            Artifact::Chart => "oci://",
            _ => "",
        };
        match query.tag {
            TagState::Text(tag) if self.has_tag() => {
                let tag = match strip {
                    true => tag.trim_start_matches('v'),
                    false => tag,
                };
                format!("{scheme}{name}:{tag}")
            }
            _ => format!("{scheme}{name}"),
        }
    }

    /// Whether the tag is part of the reference. A chart's version is not, unless it directly follows the name.
    fn has_tag(&self) -> bool {
        match (self.one.artifact, self.one.tag, self.one.name) {
            (Artifact::Image, Tag::At(_), _) => true,
            (Artifact::Chart, Tag::At(tag), Some(name)) => tag.start == name.end + 1,
            _ => false,
        }
    }

    /// Returns the reference as written, with its tag.
    fn written(&self) -> String {
        let (one, text) = (self.one, self.text);
        let name = match one.artifact {
            Artifact::ChartRepository | Artifact::Url => {
                one.name.map_or("", |span| span.of(text)).to_owned()
            }
            Artifact::Chart => format!("oci://{}", self.spelled.written_name(text)),
            Artifact::Image => self.spelled.written_name(text),
        };
        match one.tag {
            Tag::At(span) if self.has_tag() => format!("{name}:{}", span.of(text)),
            _ => name,
        }
    }

    fn labels(&self) -> Vec<Label> {
        let one = self.one;
        let label = |span: Span, text: &str| Label::new(one.in_file(span), text);
        let registry = one.registry.filter(|span| !span.is_empty());
        let path = if registry.is_some() { "path" } else { "" };
        let registry = registry.map(|span| label(span, "registry"));
        let name = one.name.map(|span| label(span, path));
        let mut labels: Vec<Label> = registry.into_iter().chain(name).collect();
        if labels.is_empty() {
            labels.push(label(one.primary_span(self.text), ""));
        }
        labels
    }
}

/// How far a fix can be trusted, and why not further.
struct Limit {
    applicability: Applicability,
    reason: Option<String>,
}

impl Limit {
    fn certainty(&mut self, certainty: Certainty) {
        match certainty {
            Certainty::Certain => {}
            Certainty::Likely(why) => self.to(Applicability::Unsafe, why),
            Certainty::MustAgree(why) => self.to(Applicability::Display, why),
        }
    }

    /// Lowers the trust to a limit. If that is lower than before, or there is no reason yet, `why` becomes the reason.
    fn to(&mut self, limit: Applicability, why: &str) {
        if self.applicability > limit || self.reason.is_none() {
            self.reason = Some(why.to_owned());
        }
        self.applicability = self.applicability.min(limit);
    }
}
