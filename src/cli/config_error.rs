//! An error in a configuration, drawn with the line that is to blame.
//!
//! Knows no key: what is wrong comes ready, from [`crate::config`].

use std::borrow::Cow;
use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
};

use crate::config::ConfigError;
use crate::printable;
use crate::source::Span;

/// The message, and the line that is to blame if the file could be read.
pub(super) fn render(error: &ConfigError, color: bool, width: usize) -> String {
    let theme = match color {
        true => GraphicalTheme::unicode(),
        false => GraphicalTheme::unicode_nocolor(),
    };
    let error = printable(error);
    let name = printable::path(&error.path);
    let snippet = Snippet {
        error: &error,
        source: (!error.text.is_empty()).then(|| NamedSource::new(name, error.text.clone())),
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(width);
    let mut out = String::new();
    match handler.render_report(&mut out, &snippet) {
        Ok(()) => out,
        Err(_) => format!("{error}\n"),
    }
}

/// The same error in text that is safe to print.
fn printable(error: &ConfigError) -> ConfigError {
    let moved = |offset: usize| {
        let before = error.text.get(..offset);
        before.map_or(0, |before| printable::lines(before).len())
    };
    let help = error.help.as_deref().map(printable::lines);
    ConfigError {
        path: error.path.clone(),
        text: printable::lines(&error.text).into_owned(),
        span: Span::new(moved(error.span.start), moved(error.span.end)),
        message: printable::lines(&error.message).into_owned(),
        help: help.map(Cow::into_owned),
    }
}

/// What miette draws.
#[derive(Debug)]
struct Snippet<'e> {
    error: &'e ConfigError,
    source: Option<NamedSource<String>>,
}

impl fmt::Display for Snippet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Some(_) => f.write_str(&self.error.message),
            None => self.error.fmt(f),
        }
    }
}

impl std::error::Error for Snippet<'_> {}

impl Diagnostic for Snippet<'_> {
    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        let help = self.error.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Span { start, end } = self.error.span;
        Some(Box::new(std::iter::once(LabeledSpan::new(
            None,
            start,
            end - start,
        ))))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

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
    fn the_end_of_the_text_and_no_text_can_be_drawn() {
        assert!(drawn("a", 1, 1, false).contains("no rule"));
        assert!(drawn("a: [\n", 5, 5, false).contains("no rule"));
        let unread = drawn("", 0, 0, false);
        assert!(unread.contains("a/.regfix.yaml: there is"), "{unread}");
    }
}
