//! `regfix rules` and `regfix explain`: the rules, as a person or a program reads them.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::Exit;
use crate::check;
use crate::finding::{Finding, IGNORE_EXPIRED, IGNORE_UNUSED};
use crate::kind;
use crate::report::Look;
use crate::rules::select::{nearest, shown};
use crate::rules::{Rule, RuleSet};

/// A rule, as `regfix rules --format json` tells it.
#[derive(Serialize)]
struct Told<'r> {
    id: &'r str,
    kind: &'static str,
    from: Vec<&'r str>,
    to: Option<&'r str>,
    safety: &'static str,
    gated: bool,
    severity: &'static str,
    state: &'r str,
    since: Option<&'r str>,
    summary: &'r str,
    sources: &'r [String],
}

pub(super) fn list(
    rules: &RuleSet,
    json: bool,
    look: Look,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    if json {
        let told: Vec<Told<'_>> = rules.rules().iter().map(tell).collect();
        serde_json::to_writer_pretty(&mut *out, &told)?;
        writeln!(out)?;
    } else {
        let widest = rules
            .rules()
            .iter()
            .map(|rule| rule.id.len())
            .max()
            .unwrap_or_default();
        for rule in rules.rules() {
            let id = format!("{:<widest$}", rule.id);
            let safety = if rule.gated {
                format!("{}*", rule.safety.name())
            } else {
                rule.safety.name().to_owned()
            };
            let head = format!(
                "{}  {:<7}  {safety:<12}  ",
                paint(&id, "1", look.color),
                rule.severity.name()
            );
            let room = look.width.saturating_sub(widest + 2 + 7 + 2 + 12 + 2);
            writeln!(out, "{head}{}", fit(&move_of(rule), room))?;
        }
        let count = rules.rules().len();
        let noun = if count == 1 { "rule" } else { "rules" };
        let gated = rules.rules().iter().any(|rule| rule.gated);
        let star = if gated {
            "; * only where a list says that the tag was copied"
        } else {
            ""
        };
        writeln!(
            out,
            "\n{count} {noun}{star}. `regfix explain RULE` tells more."
        )?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn tell(rule: &Rule) -> Told<'_> {
    Told {
        id: &rule.id,
        kind: rule.artifact.name(),
        from: rule
            .mappings()
            .iter()
            .map(|place| place.from.as_str())
            .collect(),
        to: rule
            .mappings()
            .first()
            .and_then(|place| place.to.as_deref()),
        safety: rule.safety.name(),
        gated: rule.gated,
        severity: rule.severity.name(),
        state: &rule.state,
        since: rule.since.as_deref(),
        summary: &rule.summary,
        sources: &rule.sources,
    }
}

/// `k8s.gcr.io → registry.k8s.io`
fn move_of(rule: &Rule) -> String {
    let Some(place) = rule.mappings().first() else {
        return String::new();
    };
    match &place.to {
        Some(to) => format!("{} → {to}", place.from.as_str()),
        None => place.from.as_str().to_owned(),
    }
}

fn fit(text: &str, room: usize) -> String {
    if text.chars().count() <= room.max(20) {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.max(20) - 1).collect();
    format!("{kept}…")
}

pub(super) fn explain(
    rules: &RuleSet,
    id: &str,
    look: Look,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    if id == IGNORE_UNUSED {
        writeln!(
            out,
            "{IGNORE_UNUSED} (warning)\n\n  An ignore comment suppresses nothing, or cannot be understood. Remove it, or correct it."
        )?;
        return Ok(Exit::Done);
    }
    if id == IGNORE_EXPIRED {
        writeln!(
            out,
            "{IGNORE_EXPIRED} (warning)\n\n  The last day of an ignore comment is over, and what it suppressed is told again. Fix that, or\n  give the comment another day."
        )?;
        return Ok(Exit::Done);
    }
    let Some(rule) = rules.rules().iter().find(|rule| rule.id == id) else {
        let ids = rules.rules().iter().map(|rule| rule.id.as_str());
        let advice = match nearest(id, ids) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`regfix rules` lists them".to_owned(),
        };
        writeln!(err, "regfix: there is no rule `{}`; {advice}", shown(id))?;
        return Ok(Exit::Failed);
    };
    out.write_all(page(rule, rules, look).as_bytes())?;
    out.flush()?;
    Ok(Exit::Done)
}

fn page(rule: &Rule, rules: &RuleSet, look: Look) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        page,
        "{} ({})",
        paint(&rule.id, "1", look.color),
        rule.severity.name()
    );
    paragraph(&mut page, "", &rule.summary, look.width);
    heading(&mut page, "What", look);
    for place in rule.mappings() {
        let scope = if place.from.exact {
            ""
        } else {
            " and all below"
        };
        let to = place
            .to
            .as_ref()
            .map(|to| format!(" → {to}"))
            .unwrap_or_default();
        paragraph(
            &mut page,
            "",
            &format!("{}{scope}{to}", place.from.as_str()),
            look.width,
        );
    }
    heading(&mut page, "Why", look);
    paragraph(&mut page, "", &rule.why, look.width);
    heading(&mut page, "Since", look);
    let since = rule
        .since
        .as_deref()
        .map(|since| format!("{since}: "))
        .unwrap_or_default();
    paragraph(&mut page, "", &format!("{since}{}", rule.state), look.width);
    for date in &rule.dates {
        paragraph(
            &mut page,
            "- ",
            &format!("{}: {}", date.when, date.what),
            look.width,
        );
    }
    heading(&mut page, "Example", look);
    example(&mut page, rule, rules);
    heading(&mut page, "How safe", look);
    safety(&mut page, rule, look.width);
    for caution in &rule.cautions {
        paragraph(&mut page, "- ", caution, look.width);
    }
    heading(&mut page, "Sources", look);
    for source in &rule.sources {
        let _ = writeln!(page, "  {source}");
    }
    page
}

/// What a check makes of the rule's own example.
fn example(page: &mut String, rule: &Rule, rules: &RuleSet) {
    let key = if rule.example.contains("://") {
        "url"
    } else {
        "image"
    };
    let text = format!("{key}: {}\n", rule.example);
    let found = check::check(
        Path::new("example.yaml"),
        &text,
        kind::standard_input(),
        rules,
    )
    .findings;
    let finding: Option<&Finding> = found.iter().find(|finding| *finding.rule == *rule.id);
    let _ = writeln!(page, "  {}", rule.example);
    if let Some(new) = finding.and_then(|finding| finding.new.as_ref()) {
        let fix = finding
            .and_then(|finding| finding.fix.as_ref())
            .map_or("shown only", |fix| fix.applicability.name());
        let _ = writeln!(page, "  → {new} ({fix})");
    }
}

fn safety(page: &mut String, rule: &Rule, width: usize) {
    let told = match rule.safety.name() {
        "safe" if rule.gated => {
            "Safe where a list says that the tag was copied: `--write` fixes it. Other tags ask for a review: `--unsafe-fixes`."
        }
        "safe" => "Safe: the same images and tags are at the new place, so `--write` fixes it.",
        "review" if rule.gated => {
            "Asks for a review: `--unsafe-fixes` fixes it, and only where a list says that the tag was copied."
        }
        "review" => "Asks for a review: `--unsafe-fixes` fixes it.",
        _ => "Nothing is written: there is no place to go to that is known to hold the same.",
    };
    paragraph(page, "", told, width);
    if let Some(evidence) = rule.evidence {
        paragraph(
            page,
            "",
            &format!("It rests on {}.", evidence.name()),
            width,
        );
    }
}

fn heading(page: &mut String, title: &str, look: Look) {
    let _ = writeln!(page, "\n{}", paint(title, "1;4", look.color));
}

fn paragraph(page: &mut String, bullet: &str, text: &str, width: usize) {
    let first = format!("  {bullet}");
    let rest = " ".repeat(first.len());
    let options = textwrap::Options::new(width)
        .initial_indent(&first)
        .subsequent_indent(&rest)
        .break_words(false);
    let _ = writeln!(page, "{}", textwrap::fill(text.trim(), options));
}

fn paint(text: &str, code: &str, color: bool) -> String {
    if color {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}
