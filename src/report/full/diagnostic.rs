//! A message with its lines as a miette diagnostic. Knows no findings: all texts are passed in.

use std::fmt;

use miette::{Diagnostic, LabeledSpan, SourceCode};

use super::snippet::Snippet;
use crate::finding::Severity;

/// A finding, or an error in the settings.
#[derive(Debug, Default)]
pub(crate) struct Drawn {
    pub(crate) severity: Option<Severity>,
    pub(crate) code: Option<String>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) snippet: Option<Snippet>,
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawn {}

/// Converts an optional text for miette.
fn shown(text: Option<&String>) -> Option<Box<dyn fmt::Display + '_>> {
    text.map(|text| Box::new(text) as Box<dyn fmt::Display>)
}

impl Diagnostic for Drawn {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        shown(self.code.as_ref())
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity? {
            Severity::Info => miette::Severity::Advice,
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        shown(self.help.as_ref())
    }

    fn url<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        shown(self.url.as_ref())
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        let snippet = self.snippet.as_ref()?;
        Some(snippet)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let snippet = self.snippet.as_ref()?;
        Some(Box::new(snippet.labels()))
    }
}
