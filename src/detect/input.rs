//! A text that is looked into: a file, or a document inside one.

use std::path::Path;

use crate::source::Span;
use crate::syntax::template::Action;
use crate::syntax::yaml::Scalar;

#[derive(Debug, Clone, Copy)]
pub struct Input<'i> {
    /// Of the file; empty of a document inside one.
    pub path: &'i Path,
    /// As it was read.
    pub text: &'i str,
    /// As long, with placeholders of templates masked.
    pub masked: &'i str,
    pub actions: &'i [Action],
    /// Offsets, in order, near which something of interest is. `None`: anywhere.
    pub hints: Option<&'i [usize]>,
    /// How many documents it is embedded in.
    pub depth: usize,
}

impl Input<'_> {
    /// Whether anything of interest may be in the span.
    pub(super) fn is_of_interest(&self, span: Span) -> bool {
        self.hints.is_none_or(|hints| {
            let first = hints.partition_point(|hint| *hint < span.start);
            hints.get(first).is_some_and(|hint| *hint < span.end)
        })
    }

    /// The span of a scalar whose text is its value, and that is on one line.
    pub(super) fn verbatim(&self, scalar: &Scalar<'_>) -> Option<Span> {
        let one_line = !scalar.is_block() && !scalar.span.of(self.text).contains('\n');
        (one_line && scalar.is_verbatim(self.masked)).then_some(scalar.span)
    }
}
