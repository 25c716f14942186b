//! One file to its findings: text in, findings out. No disk, no threads, no clock, no formats.

use std::path::Path;
use std::sync::Arc;

use crate::artifact::Artifact;
use crate::edit::{Applicability, Fix};
use crate::finding::{Finding, Label, Problem, Severity};
use crate::kind::{self, Kind, Layer, Masks, Parser};
use crate::locate::{self, Site, TagAt, Trust, View};
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
fn sites(path: &Path, text: &str, kind: &Kind, hints: Option<&[usize]>) -> (Vec<Site>, Checked) {
    let mut checked = Checked::default();
    if kind.parser == Parser::Text {
        let mut sites =
            locate::scan_text(text, Span::new(0, text.len()), &[], locate::Prose::Anything);
        for site in &mut sites {
            site.trust = site
                .trust
                .min(Trust::Likely("the file is read as plain text"));
        }
        checked.comments = kind::text_comments(text);
        return (locate::in_order(sites), checked);
    }
    let masks = Masks::default();
    let reading = kind::read(text, kind.parser, hints, &masks);
    let mut found = Vec::new();
    for (index, Layer { masked, parsed }) in reading.layers.into_iter().enumerate() {
        let view = View {
            path,
            text,
            masked,
            actions: &reading.actions,
            documents: &parsed.documents,
            comments: &parsed.comments,
            unparsed: &parsed.unparsed,
            // An alias counts where its scalar does not stand.
            hints: hints.filter(|_| !parsed.aliased),
        };
        found.extend(locate::sites(&view));
        if index == 0 {
            checked.comments = comments(text, &reading.actions, &parsed.comments, &parsed.unparsed);
            checked.problems = parsed.errors.into_iter().map(problem).collect();
        }
    }
    (locate::in_order(found), checked)
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
    let (sites, mut checked) = sites(path, text, kind, hints);
    checked.findings = sites
        .iter()
        .filter_map(|site| at(site, text, rules))
        .collect();
    checked
}

/// Every image that a text names in a place from which it is pulled.
pub fn images(path: &Path, text: &str, kind: &Kind) -> Vec<Image> {
    let (sites, _) = sites(path, text, kind, None);
    let pulled = |site: &&Site| {
        site.kind == Artifact::Image && site.name.is_some() && site.trust > Trust::Mention("")
    };
    let listed = sites
        .iter()
        .filter(pulled)
        .filter(|site| site.shape != "comment" && !matches!(site.trust, Trust::Mention(_)));
    listed
        .filter_map(|site| {
            Some(Image {
                span: site.head(text),
                extent: site.span(),
                name: rewrite::spell(site, text)?.written_name(text),
                tag: match site.tag {
                    TagAt::At(span) => Some(span.of(text).to_owned()),
                    _ => None,
                },
                digest: site.digest.map(|span| span.of(text).to_owned()),
                shape: site.shape,
            })
        })
        .collect()
}

/// What the rules say of one site.
pub fn at(site: &Site, text: &str, rules: &RuleSet) -> Option<Finding> {
    let spelled = rewrite::spell(site, text)?;
    let names = spelled.names();
    let query = rules::Query {
        segments: &names,
        literal: spelled.literal,
        bare: site.name.is_none(),
        tag: rewrite::tag_state(site, text),
        digest: site.digest.is_some(),
        kind: site.kind,
        chart: site.chart.as_deref(),
    };
    if let Trust::Mention(reason) = site.trust {
        let rule = rules.mentions(&query)?;
        return Some(Finding {
            rule: Arc::from(rule.id.as_str()),
            severity: Severity::Info,
            message: format!("names a legacy place without pulling from it: {reason}"),
            labels: labels(site, text),
            old: written(site, &spelled, text),
            new: None,
            fix: None,
            reason: Some(reason.to_owned()),
            related: Vec::new(),
            url: rule.url().map(str::to_owned),
            mention: true,
        });
    }
    let verdict = rules.verdict(&query)?;
    Some(of_verdict(site, &spelled, text, &verdict, &query))
}

fn of_verdict(
    site: &Site,
    spelled: &Spelled,
    text: &str,
    verdict: &Verdict<'_>,
    query: &rules::Query<'_>,
) -> Finding {
    let mut reason = verdict.reason.clone();
    let moved = verdict.target.as_ref().and_then(|target| {
        let moved = spelled.relocate(target, site, text);
        if moved.is_none() {
            reason = Some("the pieces cannot hold the new name".to_owned());
        }
        moved
    });
    let in_place = match site.trust {
        Trust::Pull => Applicability::Safe,
        Trust::Likely(why) => lowered(verdict, Applicability::Unsafe, why, &mut reason),
        Trust::Shown(why) | Trust::Mention(why) => {
            lowered(verdict, Applicability::Display, why, &mut reason)
        }
    };
    let new = moved
        .as_ref()
        .map(|(_, name)| with_tag(name, site, query, verdict));
    let fix = moved.map(|(edits, _)| Fix::here(edits, verdict.applicability.min(in_place)));
    Finding {
        rule: Arc::from(verdict.rule.id.as_str()),
        severity: verdict.severity,
        message: verdict.summary.to_owned(),
        labels: labels(site, text),
        old: written(site, spelled, text),
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
fn with_tag(name: &str, site: &Site, query: &rules::Query<'_>, verdict: &Verdict<'_>) -> String {
    let strip = verdict.target.as_ref().is_some_and(|target| target.strip_v);
    let scheme = if site.kind == Artifact::Chart {
        "oci://"
    } else {
        ""
    };
    match query.tag {
        TagState::Text(tag) if has_tag(site) => {
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
fn has_tag(site: &Site) -> bool {
    match (site.kind, site.tag, site.name) {
        (Artifact::Image, TagAt::At(_), _) => true,
        (Artifact::Chart, TagAt::At(tag), Some(name)) => tag.start == name.end + 1,
        _ => false,
    }
}

/// The reference as it stands, its tag included.
fn written(site: &Site, spelled: &Spelled, text: &str) -> String {
    let name = match site.kind {
        Artifact::ChartRepository | Artifact::Url => {
            site.name.map_or("", |span| span.of(text)).to_owned()
        }
        Artifact::Chart => format!("oci://{}", spelled.written_name(text)),
        Artifact::Image => spelled.written_name(text),
    };
    match site.tag {
        TagAt::At(span) if has_tag(site) => format!("{name}:{}", span.of(text)),
        _ => name,
    }
}

fn labels(site: &Site, text: &str) -> Vec<Label> {
    let mut labels = Vec::new();
    let registry = site.registry.filter(|span| !span.is_empty());
    let pieces = [
        (registry, "registry"),
        (site.name, if registry.is_some() { "path" } else { "" }),
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
            span: site.head(text),
            text: String::new(),
        });
    }
    labels
}
