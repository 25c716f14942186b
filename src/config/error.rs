//! What is wrong with a configuration, and where in it.
//!
//! Knows no key: what is said comes from who finds it.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
};

use crate::printable;
use crate::source::{LineIndex, Span};

/// A configuration that cannot be used.
#[derive(Debug, Clone)]
pub struct ConfigError {
    pub path: PathBuf,
    /// Empty where the file could not be read.
    pub text: String,
    /// The key or the value that is to blame.
    pub span: Span,
    pub message: String,
    pub help: Option<String>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = printable::path(&self.path);
        if self.text.is_empty() {
            return write!(f, "{path}: {}", self.message);
        }
        let at = LineIndex::new(&self.text).position(&self.text, self.span.start);
        write!(f, "{path}:{}:{}: {}", at.line, at.column, self.message)
    }
}

impl ConfigError {
    /// With the line that is to blame.
    pub fn render(&self, color: bool, width: usize) -> String {
        let theme = match color {
            true => GraphicalTheme::unicode(),
            false => GraphicalTheme::unicode_nocolor(),
        };
        let error = self.printable();
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
            Err(_) => format!("{self}\n"),
        }
    }
}

impl ConfigError {
    /// The same in text that can be shown.
    fn printable(&self) -> Self {
        let moved = |offset: usize| {
            let before = self.text.get(..offset);
            before.map_or(0, |before| printable::lines(before).len())
        };
        let help = self.help.as_deref().map(printable::lines);
        Self {
            path: self.path.clone(),
            text: printable::lines(&self.text).into_owned(),
            span: Span::new(moved(self.span.start), moved(self.span.end)),
            message: printable::lines(&self.message).into_owned(),
            help: help.map(Cow::into_owned),
        }
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

/// Something wrong, before it is known in which file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) span: Option<Span>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    /// Keeps the place that it has: the innermost is the best.
    pub(crate) fn at(mut self, span: Span) -> Self {
        self.span = self.span.or(Some(span));
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn into_error(self, path: PathBuf, text: &str) -> ConfigError {
        let span = self.span.unwrap_or(Span { start: 0, end: 0 });
        ConfigError {
            path,
            text: text.to_owned(),
            span: Span {
                start: span.start.min(text.len()),
                end: span.end.min(text.len()),
            },
            message: self.message,
            help: self.help,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str, span: Span) -> ConfigError {
        let fault = Fault::new("there is no rule `x`")
            .at(span)
            .help("did you mean `y`?");
        fault.into_error(PathBuf::from("a/.regfix.yaml"), text)
    }

    #[test]
    fn says_where() {
        let error = error("select:\n  - ä\n  - x\n", Span::new(19, 20));
        assert_eq!(
            error.to_string(),
            "a/.regfix.yaml:3:5: there is no rule `x`"
        );
        let drawn = error.render(false, 80);
        for part in [
            "there is no rule `x`",
            "a/.regfix.yaml:3:5",
            "- x",
            "did you mean `y`?",
        ] {
            assert!(drawn.contains(part), "{drawn}");
        }
        assert!(!drawn.contains('\u{1b}'));
        assert!(error.render(true, 80).contains('\u{1b}'));
    }

    #[test]
    fn a_place_after_the_end_or_none_can_be_drawn() {
        assert!(
            error("a", Span::new(9, 12))
                .render(false, 80)
                .contains("no rule")
        );
        assert!(
            error("a: [\n", Span::new(5, 5))
                .render(false, 40)
                .contains("no rule")
        );
        let unread = error("", Span::new(0, 0));
        assert_eq!(unread.to_string(), "a/.regfix.yaml: there is no rule `x`");
        assert!(
            unread
                .render(false, 80)
                .contains("a/.regfix.yaml: there is")
        );
    }
}
