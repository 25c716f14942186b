//! Findings about ignore comments themselves: unused, invalid and expired ones.

use jiff::civil::Date;

use super::Layout;
use super::directive::{Directive, Named};
use crate::edit::{Applicability, Edit, Fix};
use crate::finding::{Finding, IGNORE_EXPIRED, IGNORE_UNUSED, Label, Severity};
use crate::printable::excerpt;
use crate::rules::select::Names;
use crate::source::Span;

const BLANKS: [char; 2] = [' ', '\t'];

/// Returns what to report about a directive, once it is known what it suppressed.
pub(super) fn complaints(
    directive: &Directive,
    layout: &Layout<'_>,
    names: &Names,
    today: Date,
) -> Vec<Finding> {
    let text = layout.lines.text();
    let faults = directive.faults.iter();
    let unused = |spans, message, edit| complaint(IGNORE_UNUSED, spans, message, text, edit);
    let faults = faults.map(|(span, why)| unused(vec![*span], why.clone(), None));
    let mut said: Vec<Finding> = faults.collect();
    let would = directive.rules.iter().any(|named| named.used);
    if let Some(until) = directive
        .until
        .filter(|_| would && directive.is_over(today))
    {
        let message = format!("this ignore comment has expired; its last day was {until}");
        let edit = removal(directive, layout);
        let spans = vec![directive.span];
        said.push(complaint(IGNORE_EXPIRED, spans, message, text, edit));
        return said;
    }
    let is_unused = |named: &&Named| {
        let judged = |selector| names.all_run(selector);
        !named.used && named.selector.as_ref().is_some_and(judged)
    };
    let (unused, kept): (Vec<&Named>, Vec<&Named>) = directive.rules.iter().partition(is_unused);
    if unused.is_empty() {
        return said;
    }
    let listed: Vec<&str> = unused.iter().map(|named| named.span.of(text)).collect();
    let place = if directive.whole_file {
        "in this file"
    } else {
        "here"
    };
    let message = match directive.list {
        Some(_) => format!(
            "no finding of `{}` to ignore {place}",
            excerpt(&listed.join(", "))
        ),
        None => format!("no finding to ignore {place}"),
    };
    let (spans, edit) = match kept.is_empty() {
        true => (vec![directive.span], removal(directive, layout)),
        false => (
            unused.iter().map(|named| named.span).collect(),
            shorter(directive, &kept, text),
        ),
    };
    said.push(complaint(IGNORE_UNUSED, spans, message, text, edit));
    said
}

fn complaint(
    rule: &str,
    spans: Vec<Span>,
    message: String,
    text: &str,
    edit: Option<Edit>,
) -> Finding {
    let old = spans
        .first()
        .map(|span| excerpt(span.of(text)))
        .unwrap_or_default();
    let label = |span| Label::new(span, "");
    Finding {
        fix: edit.map(|edit| Fix::here(vec![edit], Applicability::Unsafe)),
        ..Finding::new(
            rule,
            Severity::Warning,
            message,
            spans.into_iter().map(label).collect(),
            old,
        )
    }
}

/// Keeps only the rules in the brackets that suppress something, or may do so.
fn shorter(directive: &Directive, kept: &[&Named], text: &str) -> Option<Edit> {
    let kept: Vec<&str> = kept.iter().map(|named| named.span.of(text)).collect();
    Some(Edit::new(directive.list?, kept.join(", ")))
}

/// Removes the directive from its line, and the whole line if nothing else is on it.
fn removal(directive: &Directive, layout: &Layout<'_>) -> Option<Edit> {
    let lines = layout.lines;
    let text = lines.text();
    let Directive { span, comment, .. } = *directive;
    let closers = ['*', '/', '#', '-', '}', ' ', '\t', '\r', '\n'];
    let rest = &text[span.end..comment.end];
    let is_last = rest.trim_start_matches(closers).is_empty();
    let to_line_end = comment.of(text).starts_with(['#', '/']);
    let is_all = is_last && span.start == comment.start;
    if !is_all && !to_line_end {
        // It is only a part of a comment that is closed later.
        return None;
    }
    let end_line = lines.line(comment.end.max(1) - 1);
    let line_end = lines.span(end_line).end;
    let closes_line = text[comment.end.min(line_end)..line_end]
        .trim_start()
        .is_empty();
    let span = match (layout.opens_line(span.start), is_last) {
        (true, true) if closes_line => {
            let start = lines.start(lines.line(span.start));
            let mark = if text[start..].starts_with('\u{feff}') {
                '\u{feff}'.len_utf8()
            } else {
                0
            };
            Span::new(start + mark, lines.start(end_line + 1))
        }
        (true, true) => comment,
        (false, true) => Span::new(
            text[..span.start].trim_end_matches(BLANKS).len(),
            comment.end,
        ),
        (_, false) => Span::new(
            span.start,
            span.end + rest.len() - rest.trim_start_matches(BLANKS).len(),
        ),
    };
    Some(Edit::new(span, ""))
}
