//! Errors in a configuration, with their locations.
//!
//! It knows no keys: whoever finds an error provides the message.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::printable;
use crate::source::{LineIndex, Span};

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    pub path: PathBuf,
    /// Empty if the file could not be read.
    pub text: String,
    /// The key or value that is wrong.
    pub span: Span,
    pub message: String,
    pub help: Option<String>,
}

impl ConfigError {
    /// Replaces the path by the name that the user gave the file, if the error is in that file.
    pub(super) fn renamed(self, path: &Path, named: &Path) -> Self {
        match self.path == path {
            true => Self {
                path: named.to_owned(),
                ..self
            },
            false => self,
        }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = printable::path(&self.path);
        if self.text.is_empty() {
            return write!(f, "{path}: {}", self.message);
        }
        let at = LineIndex::new(&self.text).position(self.span.start);
        write!(f, "{path}:{}:{}: {}", at.line, at.column, self.message)
    }
}

/// An error whose file is not known yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) span: Option<Span>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// The error, if it is in a file that this one extends.
    pub(super) elsewhere: Option<Box<ConfigError>>,
}

impl From<ConfigError> for Fault {
    fn from(error: ConfigError) -> Self {
        Self {
            elsewhere: Some(Box::new(error)),
            ..Self::default()
        }
    }
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    /// Sets the span, unless there is one already: the innermost is the most precise.
    pub(crate) fn at(mut self, span: Span) -> Self {
        self.span = self.span.or(Some(span));
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn into_error(self, path: PathBuf, text: &str) -> ConfigError {
        if let Some(error) = self.elsewhere {
            return *error;
        }
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

    #[test]
    fn says_where() {
        let fault = Fault::new("there is no rule `x`").at(Span::new(19, 20));
        let path = PathBuf::from("a/.regfix.yaml");
        assert_eq!(
            fault
                .clone()
                .into_error(path.clone(), "select:\n  - ä\n  - x\n")
                .to_string(),
            "a/.regfix.yaml:3:5: there is no rule `x`"
        );
        assert_eq!(
            fault.into_error(path, "").to_string(),
            "a/.regfix.yaml: there is no rule `x`"
        );
    }
}
