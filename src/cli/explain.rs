//! `regfix explain`: everything that is known about a rule, an image or a chart.

mod chart;
mod image;
mod rule;

use std::io::{self, Write};

use super::Exit;
use super::text::Page;
use crate::finding::{LEGACY_CHART, about};
use crate::printable::{complain, excerpt};
use crate::report::RenderOptions;
use crate::rules::select::nearest;
use crate::rules::{Rule, RuleSet};

/// Explains each argument: a rule's id, several ids with a `*`, a chart as `NAME@VERSION`, or an image or URL.
pub(super) fn explain(
    rules: &RuleSet,
    asked: &[String],
    render_options: RenderOptions,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let pages: Result<Vec<Vec<String>>, String> = asked
        .iter()
        .map(|one| pages(rules, one.trim(), render_options))
        .collect();
    match pages.map(|pages| pages.concat()) {
        Ok(pages) => {
            out.write_all(pages.join("\n\n").as_bytes())?;
            out.flush()?;
            Ok(Exit::Done)
        }
        Err(message) => {
            complain(err, message)?;
            Ok(Exit::Failed)
        }
    }
}

pub(super) fn pages(
    rules: &RuleSet,
    asked: &str,
    render_options: RenderOptions,
) -> Result<Vec<String>, String> {
    if asked.is_empty() || asked.contains(char::is_control) {
        return Err(unknown(rules, asked));
    }
    if let Some(text) = about(asked) {
        let mut page = Page::new(render_options);
        // A chart has the severity of the rule that applies to its images.
        page.title(
            asked,
            if asked == LEGACY_CHART {
                ""
            } else {
                " (warning)"
            },
        );
        page.paragraph(text);
        return Ok(vec![page.finish()]);
    }
    let matching = rules_named(rules, asked);
    if !matching.is_empty() {
        let pages = matching
            .iter()
            .map(|rule| rule::page(rule, rules, render_options));
        return Ok(pages.collect());
    }
    if let Some(chart) = chart::Asked::parse(asked) {
        return chart::page(&chart, rules, render_options).map(|page| vec![page]);
    }
    let looks_like_reference = asked.contains(['/', '.', ':']);
    let found = image::page(asked, rules, render_options);
    match found {
        Some(page) => Ok(vec![page]),
        None if looks_like_reference => {
            let mut page = Page::new(render_options);
            page.title(asked, "");
            page.paragraph("No rule applies to this reference.");
            Ok(vec![page.finish()])
        }
        None => Err(unknown(rules, asked)),
    }
}

/// Finds the rule with an id, or several: `bitnami-*`.
fn rules_named<'r>(rules: &'r RuleSet, asked: &str) -> Vec<&'r Rule> {
    let all = rules.rules();
    match asked.strip_suffix('*') {
        Some(start) => all.filter(|rule| rule.id.starts_with(start)).collect(),
        None => all.filter(|rule| rule.id == asked).collect(),
    }
}

fn unknown(rules: &RuleSet, asked: &str) -> String {
    let ids = rules.rules().map(|rule| rule.id.as_str());
    let advice = match nearest(asked, ids) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`regfix rules` lists the rules; write an image with its path, like `bitnami/redis`, and a chart with \
                 its version, like `kube-state-metrics@4.7.0`"
            .to_owned(),
    };
    format!("there is no rule `{}`; {advice}", excerpt(asked))
}
