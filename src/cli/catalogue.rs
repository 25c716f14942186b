//! `regfix rules`: lists the rules as a table or as JSON.

use std::io::{self, Write};

use jiff::civil::Date;

use super::Exit;
use super::text::paint;
use crate::printable;
use crate::report::{RenderOptions, text};
use crate::rules::schema::{ChangeSpec, DateSpec};
use crate::rules::{Rule, RuleSet};

/// The options of `regfix rules`.
pub(super) struct Listing {
    pub json: bool,
    /// Only rules that changed after this day, or became more severe.
    pub changed_since: Option<Date>,
    pub today: Date,
}

pub(super) fn list(
    rules: &RuleSet,
    listing: &Listing,
    render_options: RenderOptions,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    let since = listing.changed_since;
    let shown = rules.rules();
    let shown: Vec<&Rule> = shown
        .filter(|rule| since.is_none_or(|since| !changes(rule, since, listing.today).is_empty()))
        .collect();
    if listing.json {
        let rows: Vec<_> = shown.iter().map(|rule| rule.described()).collect();
        writeln!(out, "{}", printable::pretty_json(&rows))?;
    } else {
        table(&shown, listing, render_options, out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// If a move has less room than this, it gets its own line.
const LEAST_ROOM: usize = 20;

fn table(
    rules: &[&Rule],
    listing: &Listing,
    render_options: RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let widths = rules.iter().map(|rule| rule.id.len());
    let widest = widths.max().unwrap_or_default();
    // Output to a pipe is for programs, so it is not cut off.
    let width = if render_options.terminal {
        render_options.width
    } else {
        usize::MAX
    };
    let room = width.saturating_sub(widest + 2 + 7 + 2 + 12 + 2);
    for rule in rules {
        let star = if rule.is_gated() { "*" } else { "" };
        let safety = format!("{}{star}", rule.safety.name());
        let (severity, id) = (rule.severity.name(), printable::line(&rule.id));
        let is_narrow = room < LEAST_ROOM;
        if is_narrow {
            let head = format!(
                "{}  {severity}  {safety}",
                paint(&id, "1", render_options.color)
            );
            let wrapping = textwrap::Options::new(width).subsequent_indent("    ");
            for line in textwrap::wrap(&head, wrapping) {
                writeln!(out, "{line}")?;
            }
            let room = width.saturating_sub(4);
            writeln!(out, "    {}", printable::line(&fit(&move_of(rule), room)))?;
        } else {
            let id = paint(&format!("{id:<widest$}"), "1", render_options.color);
            let moved = fit(&move_of(rule), room);
            let moved = printable::line(&moved);
            writeln!(out, "{id}  {severity:<7}  {safety:<12}  {moved}")?;
        }
        if let Some(since) = listing.changed_since {
            for change in changes(rule, since, listing.today) {
                writeln!(out, "    {}", printable::line(&change))?;
            }
        }
    }
    let count = rules.len();
    let number = text::count(count, "rule");
    let changed = match listing.changed_since {
        Some(since) => format!(" changed since {since}"),
        None => String::new(),
    };
    let star = match rules.iter().any(|rule| rule.is_gated()) {
        true => "; * safe only for tags known to exist at the new location",
        false => "",
    };
    let space = if count == 0 { "" } else { "\n" };
    let closing = format!("{number}{changed}{star}. `regfix explain RULE` shows more.");
    let closing = textwrap::wrap(&closing, width).join("\n");
    writeln!(out, "{space}{closing}")
}

/// Returns what happened to a rule after a day: changes like `2026-11-28 added`, and dates that raised the severity.
fn changes(rule: &Rule, since: Date, today: Date) -> Vec<String> {
    let after = |day: Option<Date>| day.is_some_and(|day| since < day && day <= today);
    let changed = rule.history().iter();
    let changed = changed
        .filter(|change| after(change.day()))
        .map(|ChangeSpec { date, what }| format!("{date} {what}"));
    let risen = rule.dates().iter().filter(|date| after(date.day()));
    let risen = risen.filter_map(
        |DateSpec {
             when,
             what,
             severity,
         }| {
            let severity = severity.as_ref()?.name();
            Some(format!("{when} {severity}: {what}"))
        },
    );
    changed.chain(risen).collect()
}

/// `k8s.gcr.io → registry.k8s.io`
fn move_of(rule: &Rule) -> String {
    let Some(mapping) = rule.mappings().first() else {
        return String::new();
    };
    match &mapping.to {
        Some(to) => format!("{} → {to}", mapping.from.as_str()),
        None => mapping.from.as_str().to_owned(),
    }
}

fn fit(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{kept}…")
}
