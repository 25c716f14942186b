//! Renders an error in a configuration or a catalogue, with the line that is wrong.
//!
//! This module knows no keys: the message comes from [`crate::config`].

use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::config::ConfigError;
use crate::finding::Label;
use crate::printable;
use crate::report::full::{Drawn, Snippet};
use crate::report::text::Places;
use crate::source::LineIndex;

/// Renders the message, and the wrong line if the file could be read.
pub(super) fn render(error: &ConfigError, color: bool, width: usize) -> String {
    let theme = match color {
        true => GraphicalTheme::unicode(),
        false => GraphicalTheme::unicode_nocolor(),
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(width);
    let mut out = String::new();
    match handler.render_report(&mut out, &drawn(error, width)) {
        Ok(()) => out,
        Err(_) => format!("{error}\n"),
    }
}

fn drawn(error: &ConfigError, width: usize) -> Drawn {
    let safe = |text: &str| printable::lines(text).into_owned();
    let help = error.help.as_deref().map(safe);
    if error.text.is_empty() {
        return Drawn {
            message: safe(&error.to_string()),
            help,
            ..Drawn::default()
        };
    }
    let lines = LineIndex::new(&error.text);
    let mut places = Places::of(&lines);
    let label = Label::new(error.span, "");
    let name = printable::path(&error.path);
    Drawn {
        message: safe(&error.message),
        help,
        snippet: Some(Snippet::new(&mut places, &name, &[label], width)),
        ..Drawn::default()
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::source::Span;

    fn drawn(text: &str, start: usize, end: usize, color: bool) -> String {
        let error = ConfigError {
            path: PathBuf::from("a/.regfix.yaml"),
            text: text.to_owned(),
            span: Span { start, end },
            message: "there is no rule `x`".to_owned(),
            help: Some("did you mean `y`?".to_owned()),
        };
        render(&error, color, 80)
    }

    #[test]
    fn the_line_is_drawn_with_its_position() {
        let text = "select:\n  - ä\n  - x\n";
        let plain = drawn(text, 19, 20, false);
        for part in [
            "there is no rule `x`",
            "a/.regfix.yaml:3:5",
            "- x",
            "did you mean `y`?",
        ] {
            assert!(plain.contains(part), "{plain}");
        }
        assert!(!plain.contains('\u{1b}'));
        assert!(drawn(text, 19, 20, true).contains('\u{1b}'));
    }

    #[test]
    fn a_long_line_is_cut_around_what_is_to_blame() {
        let long = "x".repeat(1000);
        let text = format!("rules:\n  - {{a: {long}, wrong: 1, b: {long}}}\n");
        let start = text.find("wrong").unwrap();
        let plain = drawn(&text, start, start + 5, false);
        assert!(plain.contains("a/.regfix.yaml:2:1011]"), "{plain}");
        assert!(plain.contains("…") && plain.contains("wrong: 1"), "{plain}");
        assert!(
            plain.lines().all(|line| line.chars().count() <= 80),
            "{plain}"
        );
    }

    #[test]
    fn the_end_of_the_text_and_no_text_can_be_drawn() {
        assert!(drawn("a", 1, 1, false).contains("no rule"));
        assert!(drawn("a: [\n", 5, 5, false).contains("no rule"));
        let unread = drawn("", 0, 0, false);
        assert!(unread.contains("a/.regfix.yaml: there is"), "{unread}");
    }
}
