//! A text to analyze: a file, or a document embedded in one.

use std::path::Path;
use std::sync::Arc;

use super::image_use::ImageUse;
use super::usage::Certainty;
use crate::source::Span;
use crate::syntax::decoded::Decoded;
use crate::syntax::template::Action;
use crate::syntax::yaml::Scalar;

#[derive(Debug, Clone, Copy)]
pub struct Input<'i> {
    /// The path of the file. Empty for an embedded document.
    pub path: &'i Path,
    /// The text as read.
    pub text: &'i str,
    /// A text of the same length, with the placeholders of templates masked.
    pub masked: &'i str,
    pub actions: &'i [Action],
    /// Sorted offsets near which something may be of interest. `None` if that is everywhere.
    pub hints: Option<&'i [usize]>,
    /// The number of texts that it is nested in.
    pub depth: usize,
}

impl<'i> Input<'i> {
    /// Creates an input without templates or hints.
    pub(crate) fn of_text(path: &'i Path, text: &'i str) -> Self {
        Self {
            path,
            text,
            masked: text,
            actions: &[],
            hints: None,
            depth: 0,
        }
    }
}

impl Input<'_> {
    /// Whether anything of interest may be in the span.
    pub(super) fn is_of_interest(&self, span: Span) -> bool {
        let next = self.next_of_interest(span.start);
        self.hints.is_none() || next.is_some_and(|next| next < span.end)
    }

    /// Returns the first offset from `from` that may be of interest.
    pub(super) fn next_of_interest(&self, from: usize) -> Option<usize> {
        match self.hints {
            None => Some(from),
            Some(hints) => hints
                .get(hints.partition_point(|hint| *hint < from))
                .copied(),
        }
    }

    /// Returns the lines of a region that may contain anything of interest, in order. No reference spans two lines.
    pub(super) fn lines_of_interest(&self, region: Span) -> impl Iterator<Item = Span> {
        let bytes = &self.masked.as_bytes()[..region.end];
        let mut next = region.start;
        std::iter::from_fn(move || {
            let at = self.next_of_interest(next)?;
            if at >= region.end {
                return None;
            }
            let start = memchr::memrchr(b'\n', &bytes[next..at]);
            let start = start.map_or(next, |newline| next + newline + 1);
            let end = memchr::memchr(b'\n', &bytes[at..]).map_or(region.end, |end| at + end);
            next = end + 1;
            Some(Span::new(start, end))
        })
    }

    /// Returns the span of a scalar that is on one line and spelled verbatim.
    pub(super) fn verbatim(&self, scalar: &Scalar<'_>) -> Option<Span> {
        let one_line = !scalar.is_block() && !scalar.span.of(self.text).contains('\n');
        (one_line && scalar.is_verbatim(self.masked)).then_some(scalar.span)
    }

    /// Returns the actions inside a span.
    pub(super) fn actions_in(&self, span: Span) -> &[Action] {
        let first = self
            .actions
            .partition_point(|action| action.span.start < span.start);
        let many = self.actions[first..].partition_point(|action| action.span.end <= span.end);
        &self.actions[first..first + many]
    }
}

/// A text that is decoded from another one.
pub(super) struct Inner {
    decoded: Arc<Decoded>,
    masked: String,
    actions: Vec<Action>,
    /// The certainty that this is the text.
    limit: Certainty,
}

impl Inner {
    /// Creates the text. `decoded` comes from the masked outer text, in the span `written`.
    pub(super) fn new(outer: &Input<'_>, decoded: Decoded, written: Span) -> Self {
        let actions = outer.actions_in(written).iter().filter_map(|action| {
            let start = decoded.position(action.span.start)?;
            let end = decoded.position(action.span.end)?;
            // Actions that were left out are empty here.
            let span = (start < end).then(|| Span::new(start, end))?;
            Some(Action { span, ..*action })
        });
        let actions = actions.collect();
        Self {
            masked: decoded.text.clone(),
            decoded: Arc::new(decoded.of_other(outer.text)),
            actions,
            limit: Certainty::Certain,
        }
    }

    pub(super) fn at_most(self, limit: Certainty) -> Self {
        Self { limit, ..self }
    }

    /// Decodes a scalar that is not spelled verbatim. `None` if the result cannot be mapped back.
    pub(super) fn of_scalar(outer: &Input<'_>, scalar: &Scalar<'_>) -> Option<Self> {
        let decoded = Decoded::of_scalar(outer.masked, scalar)?;
        Some(Self::new(outer, decoded, scalar.span))
    }

    pub(super) fn input<'i>(&'i self, outer: &Input<'i>) -> Input<'i> {
        Input {
            path: Path::new(""),
            text: &self.decoded.text,
            masked: &self.masked,
            actions: &self.actions,
            hints: None,
            depth: outer.depth + 1,
        }
    }

    pub(super) fn decoded(&self) -> &Arc<Decoded> {
        &self.decoded
    }

    /// Moves the uses found in this text to the outer text.
    pub(super) fn adopt(&self, found: Vec<ImageUse>, out: &mut Vec<ImageUse>) {
        out.extend(found.into_iter().map(|one| {
            let usage = one.usage.at_most(self.limit);
            ImageUse { usage, ..one }.written_in(&self.decoded)
        }));
    }
}
