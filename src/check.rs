//! One file to its findings: text in, findings out. No disk, no threads, no clock, no formats.

use std::path::Path;
use std::sync::Arc;

use crate::artifact::Artifact;
use crate::detect::{self, Certainty, ImageUse, Input, Tag, Usage, View};
use crate::edit::{Applicability, Fix};
use crate::finding::{Finding, Label, Problem, Severity};
use crate::kind::{self, Kind, Layer, Masks, Parser};
use crate::rewrite::{self, Spelled};
use crate::rules::{self, RuleSet, TagState, Verdict};
use crate::source::Span;
use crate::syntax::template::{Action, ActionKind};
use crate::syntax::yaml::SyntaxError;

/// What one file comes to.
#[derive(Debug, Default)]
pub struct Checked {
    pub findings: Vec<Finding>,
    pub problems: Vec<Problem>,
    /// Comments, for ignore comments to be looked for.
    pub comments: Vec<Span>,
}

/// An image that a file names, legacy or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub span: Span,
    /// From the first piece to the last.
    pub extent: Span,
    /// Pieces joined as they are written, placeholders included.
    pub name: String,
    pub tag: Option<String>,
    pub digest: Option<String>,
    pub shape: &'static str,
}

impl Image {
    /// Name, tag and digest as one reference.
    pub fn reference(&self) -> String {
        let tag = self
            .tag
            .as_ref()
            .map(|tag| format!(":{tag}"))
            .unwrap_or_default();
        let digest = self
            .digest
            .as_ref()
            .map(|digest| format!("@{digest}"))
            .unwrap_or_default();
        format!("{}{tag}{digest}", self.name)
    }
}

/// Everything that a text names, as its kind reads it; near the hints only, if there are any.
fn uses(path: &Path, text: &str, kind: &Kind, hints: Option<&[usize]>) -> (Vec<ImageUse>, Checked) {
    let mut checked = Checked::default();
    if kind.parser == Parser::Text {
        let whole = Span::new(0, text.len());
        let mut found = detect::scan_text(text, whole, &[], detect::Prose::Anything);
        for one in &mut found {
            let limit = Certainty::Likely("the file is read as plain text");
            one.usage = one.usage.at_most(limit);
        }
        checked.comments = kind::text_comments(text);
        return (detect::in_order(found), checked);
    }
    let masks = Masks::default();
    let reading = kind::read(text, kind.parser, hints, &masks);
    let mut found = Vec::new();
    for (index, Layer { masked, parsed }) in reading.layers.into_iter().enumerate() {
        let view = View {
            input: Input {
                path,
                text,
                masked,
                actions: &reading.actions,
                // An alias counts where its scalar is not.
                hints: hints.filter(|_| !parsed.aliased),
                depth: 0,
            },
            documents: &parsed.documents,
            comments: &parsed.comments,
            unparsed: &parsed.unparsed,
        };
        found.extend(detect::uses(&view));
        if index == 0 {
            checked.comments = comments(text, &reading.actions, &parsed.comments, &parsed.unparsed);
            checked.problems = parsed.errors.into_iter().map(problem).collect();
        }
    }
    (detect::in_order(found), checked)
}

fn problem(error: SyntaxError) -> Problem {
    Problem {
        offset: Some(error.offset),
        message: format!(
            "{}; from here to the next document only single lines are read",
            error.message
        ),
        fatal: false,
    }
}

/// Where ignore comments may stand: in the YAML, in a template's comments, and in what is neither.
fn comments(text: &str, actions: &[Action], of_yaml: &[Span], unparsed: &[Span]) -> Vec<Span> {
    let mut found = of_yaml.to_vec();
    let of_template = actions
        .iter()
        .filter(|action| action.kind == ActionKind::Comment);
    found.extend(of_template.map(|action| action.span));
    for region in unparsed {
        let inside = kind::text_comments(region.of(text)).into_iter();
        found.extend(inside.map(|span| span.shift(region.start)));
    }
    found.sort();
    found
}

/// Checks a text by the rules.
pub fn check(path: &Path, text: &str, kind: &Kind, rules: &RuleSet) -> Checked {
    check_near(path, text, kind, rules, None)
}

/// Checks a text where the hints are: offsets of what a rule could speak about, in order.
pub fn check_near(
    path: &Path,
    text: &str,
    kind: &Kind,
    rules: &RuleSet,
    hints: Option<&[usize]>,
) -> Checked {
    let (uses, mut checked) = uses(path, text, kind, hints);
    let findings = uses.iter().filter_map(|one| at(one, text, rules));
    checked.findings = findings.collect();
    checked
}

/// Every image that a text names in a place from which it is pulled.
pub fn images(path: &Path, text: &str, kind: &Kind) -> Vec<Image> {
    let (uses, _) = uses(path, text, kind, None);
    let listed = uses.iter().filter(|one| {
        let is_image = one.artifact == Artifact::Image && one.name.is_some();
        is_image && one.usage.is_pull() && one.form != "comment"
    });
    listed
        .filter_map(|one| {
            Some(Image {
                span: one.primary_span(text),
                extent: one.span(),
                name: rewrite::spell(one, text)?.written_name(text),
                tag: match one.tag {
                    Tag::At(span) => Some(span.of(text).to_owned()),
                    _ => None,
                },
                digest: one.digest.map(|span| span.of(text).to_owned()),
                shape: one.form,
            })
        })
        .collect()
}

/// What the rules say of one image use.
pub fn at(one: &ImageUse, text: &str, rules: &RuleSet) -> Option<Finding> {
    let spelled = rewrite::spell(one, text)?;
    let names = spelled.names();
    let query = rules::Query {
        segments: &names,
        literal: spelled.literal,
        bare: one.name.is_none(),
        tag: rewrite::tag_state(one, text),
        digest: one.digest.is_some(),
        artifact: one.artifact,
        chart: one.chart.as_deref(),
    };
    if let Usage::Mention(reason) = one.usage {
        let rule = rules.mentions(&query)?;
        return Some(Finding {
            rule: Arc::from(rule.id.as_str()),
            severity: Severity::Info,
            message: format!("names a legacy place without pulling from it: {reason}"),
            labels: labels(one, text),
            old: written(one, &spelled, text),
            new: None,
            fix: None,
            reason: Some(reason.to_owned()),
            related: Vec::new(),
            url: rule.url().map(str::to_owned),
            mention: true,
        });
    }
    let verdict = rules.verdict(&query)?;
    Some(of_verdict(one, &spelled, text, &verdict, &query))
}

fn of_verdict(
    one: &ImageUse,
    spelled: &Spelled,
    text: &str,
    verdict: &Verdict<'_>,
    query: &rules::Query<'_>,
) -> Finding {
    let mut reason = verdict.reason.clone();
    let moved = verdict.target.as_ref().and_then(|target| {
        let moved = spelled.relocate(target, one, text);
        if moved.is_none() {
            reason = Some("the pieces cannot hold the new name".to_owned());
        }
        moved
    });
    let in_place = match one.usage {
        Usage::Pull(Certainty::Certain) => Applicability::Safe,
        Usage::Pull(Certainty::Likely(why)) => {
            lowered(verdict, Applicability::Unsafe, why, &mut reason)
        }
        Usage::Pull(Certainty::MustAgree(why)) | Usage::Mention(why) => {
            lowered(verdict, Applicability::Display, why, &mut reason)
        }
    };
    let new = moved
        .as_ref()
        .map(|(_, name)| with_tag(name, one, query, verdict));
    let fix = moved.map(|(edits, _)| Fix::here(edits, verdict.applicability.min(in_place)));
    Finding {
        rule: Arc::from(verdict.rule.id.as_str()),
        severity: verdict.severity,
        message: verdict.summary.to_owned(),
        labels: labels(one, text),
        old: written(one, spelled, text),
        new,
        fix,
        reason,
        related: Vec::new(),
        url: verdict.rule.url().map(str::to_owned),
        mention: false,
    }
}

/// The place lowers the trust of the rule; the reason is of whichever is lower.
fn lowered(
    verdict: &Verdict<'_>,
    limit: Applicability,
    why: &str,
    reason: &mut Option<String>,
) -> Applicability {
    if verdict.applicability > limit || reason.is_none() {
        *reason = Some(why.to_owned());
    }
    limit
}

/// The name after the move, as it will be written.
fn with_tag(name: &str, one: &ImageUse, query: &rules::Query<'_>, verdict: &Verdict<'_>) -> String {
    let strip = verdict.target.as_ref().is_some_and(|target| target.strip_v);
    let scheme = if one.artifact == Artifact::Chart {
        "oci://"
    } else {
        ""
    };
    match query.tag {
        TagState::Text(tag) if has_tag(one) => {
            let tag = if strip {
                tag.trim_start_matches('v')
            } else {
                tag
            };
            format!("{scheme}{name}:{tag}")
        }
        _ => format!("{scheme}{name}"),
    }
}

/// A chart's version is no part of the place that it comes from, unless it is written there.
fn has_tag(one: &ImageUse) -> bool {
    match (one.artifact, one.tag, one.name) {
        (Artifact::Image, Tag::At(_), _) => true,
        (Artifact::Chart, Tag::At(tag), Some(name)) => tag.start == name.end + 1,
        _ => false,
    }
}

/// The reference as it stands, its tag included.
fn written(one: &ImageUse, spelled: &Spelled, text: &str) -> String {
    let name = match one.artifact {
        Artifact::ChartRepository | Artifact::Url => {
            one.name.map_or("", |span| span.of(text)).to_owned()
        }
        Artifact::Chart => format!("oci://{}", spelled.written_name(text)),
        Artifact::Image => spelled.written_name(text),
    };
    match one.tag {
        Tag::At(span) if has_tag(one) => format!("{name}:{}", span.of(text)),
        _ => name,
    }
}

fn labels(one: &ImageUse, text: &str) -> Vec<Label> {
    let mut labels = Vec::new();
    let registry = one.registry.filter(|span| !span.is_empty());
    let pieces = [
        (registry, "registry"),
        (one.name, if registry.is_some() { "path" } else { "" }),
    ];
    for (span, name) in pieces {
        if let Some(span) = span {
            labels.push(Label {
                span,
                text: name.to_owned(),
            });
        }
    }
    if labels.is_empty() {
        labels.push(Label {
            span: one.primary_span(text),
            text: String::new(),
        });
    }
    labels
}
