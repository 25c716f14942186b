//! The text shown when the pointer rests on a finding: the output of `regfix explain`, and whether the new image exists.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind, Range};
use serde_json::Value;

use super::position::Lines;
use super::question::{Common, Event, Question};
use crate::finding::Finding;
use crate::printable;
use crate::run::{Judged, Session};

/// Sends the answer, immediately or when a registry has responded.
pub(super) fn answer(
    common: &Common,
    session: &Session<'_>,
    question: &Question,
    all: &BTreeMap<PathBuf, Judged>,
) {
    let common = common.clone();
    let id = question.id.clone();
    let send = |common: &Common, value| {
        let _ = common.events.send(Event::Answer(id, value));
    };
    let Some((finding, range)) = at(&common, question, all) else {
        return send(&common, Value::Null);
    };
    let area = session.area(&question.path);
    let explain = |what: &str| common.host.explain(&area.as_ref()?.rules.set, what);
    let of_image = Some(&finding.old).filter(|old| !old.is_empty());
    let pages = of_image.and_then(|image| explain(image));
    let pages = pages.into_iter().chain(explain(&finding.rule));
    let text = pages.collect::<Vec<_>>().join("\n");
    let new = finding.new.clone().filter(|_| common.host.is_online());
    let Some(new) = new else {
        return send(&common, hover(&common, &text, range));
    };
    // A registry may take long, and nothing else should wait for it.
    let ask = move || {
        let said = common.host.verify(&new);
        let text = match said {
            Some(said) => format!("{}\n\n{text}", said.trim_end()),
            None => text,
        };
        let value = hover(&common, &text, range);
        send(&common, value);
    };
    let thread = std::thread::Builder::new().name("verify".to_owned());
    // If no thread can be started, the request stays unanswered, as if the registry did not respond.
    let _ = thread.spawn(ask);
}

/// Finds the finding at the position, and the range of its piece there.
fn at<'a>(
    common: &Common,
    question: &Question,
    all: &'a BTreeMap<PathBuf, Judged>,
) -> Option<(&'a Finding, Range)> {
    let judged = all.get(&question.path)?;
    let lines = Lines::new(&judged.text, common.client.units);
    let offset = lines.offset(question.range.start);
    let found = judged.findings.iter().find_map(|finding| {
        let mut labels = finding.labels.iter();
        let here = labels.find(|label| label.span.start <= offset && offset <= label.span.end)?;
        Some((finding, here.span))
    });
    found.map(|(finding, span)| (finding, lines.range(span)))
}

fn hover(common: &Common, text: &str, range: Range) -> Value {
    let text = printable::lines(text);
    let (kind, value) = match common.client.markdown {
        // A fence keeps the layout, which is made for a terminal. `~~~` in the text could end the fence.
        true => {
            let text = text.trim_end().replace("~~~", "~ ~ ~");
            (MarkupKind::Markdown, format!("~~~text\n{text}\n~~~\n"))
        }
        false => (MarkupKind::PlainText, text.into_owned()),
    };
    let hover = Hover {
        contents: HoverContents::Markup(MarkupContent { kind, value }),
        range: Some(range),
    };
    serde_json::to_value(hover).unwrap_or_default()
}
