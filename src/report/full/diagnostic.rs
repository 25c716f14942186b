//! A finding in the form in which miette draws it. Knows no findings: all text comes ready.

use std::fmt;

use miette::{Diagnostic, LabeledSpan, SourceCode};

use super::snippet::Snippet;
use crate::finding::Severity;

/// What miette asks for.
#[derive(Debug)]
pub(super) struct RenderedFinding {
    pub(super) severity: Severity,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) help: String,
    pub(super) url: Option<String>,
    pub(super) snippet: Snippet,
}

impl fmt::Display for RenderedFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RenderedFinding {}

impl Diagnostic for RenderedFinding {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Info => miette::Severity::Advice,
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.help))
    }

    fn url<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let url = self.url.as_ref()?;
        Some(Box::new(url))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.snippet)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.snippet.labels()))
    }
}
