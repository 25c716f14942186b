//! An error in a configuration or a catalogue, drawn with the line that is to blame.
//!
//! Knows no key: what is wrong comes ready, from [`crate::config`].

use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};

use crate::config::ConfigError;
use crate::finding::Label;
use crate::printable;
use crate::report::full::Snippet;
use crate::report::text::Places;
use crate::source::LineIndex;

/// The message, and the line that is to blame if the file could be read.
pub(super) fn render(error: &ConfigError, color: bool, width: usize) -> String {
    let theme = match color {
        true => GraphicalTheme::unicode(),
        false => GraphicalTheme::unicode_nocolor(),
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(width);
    let mut out = String::new();
    match handler.render_report(&mut out, &Drawn::new(error, width)) {
        Ok(()) => out,
        Err(_) => format!("{error}\n"),
    }
}

/// What miette draws.
#[derive(Debug)]
struct Drawn {
    message: String,
    help: Option<String>,
    snippet: Option<Snippet>,
}

impl Drawn {
    fn new(error: &ConfigError, width: usize) -> Self {
        let safe = |text: &str| printable::lines(text).into_owned();
        let help = error.help.as_deref().map(safe);
        if error.text.is_empty() {
            return Self {
                message: safe(&error.to_string()),
                help,
                snippet: None,
            };
        }
        let lines = LineIndex::new(&error.text);
        let mut places = Places::of(&error.text, &lines);
        let label = Label {
            span: error.span,
            text: String::new(),
        };
        let name = printable::path(&error.path);
        Self {
            message: safe(&error.message),
            help,
            snippet: Some(Snippet::new(&mut places, &name, &[label], width)),
        }
    }
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawn {}

impl Diagnostic for Drawn {
    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        let help = self.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.snippet
            .as_ref()
            .map(|snippet| snippet as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let snippet = self.snippet.as_ref()?;
        Some(Box::new(snippet.labels()))
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
