//! Reads any YAML or JSON from the events of `granit-parser`.

use std::borrow::Cow;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, StructureStyle};

use super::build::Builder;
use super::shallow::Joined;
use super::{Parsed, Style, SyntaxError};
use crate::source::Span;

/// Collections nested deeper than this are a syntax error. Real manifests stay under a hundred levels; the walks
/// over the tree recurse, and this bounds their stack.
const DEEPEST: usize = 256;

/// Parses the text of `region`, without comments. Also returns the spans of its scalars and aliases, in order.
pub(super) fn read(text: &str, region: Span) -> (Parsed<'_>, Vec<Span>) {
    let input = region.of(text);
    let mut reader = Reader::new(region);
    reader.read(input, |value, _, _| value);
    if reader.is_shallow
        && let Some(mut joined) = Joined::of(input)
    {
        let mut again = Reader::new(region);
        let lines = std::mem::take(&mut joined.text);
        again.read(&lines, |value, style, span| {
            Cow::Owned(joined.meant(&value, style, span))
        });
        let reach = |reader: &Reader<'_>| match reader.parsed.errors.first() {
            None => usize::MAX,
            Some(error) => error.offset,
        };
        if joined.holds() && reach(&again) > reach(&reader) {
            reader = again;
        }
    }
    let Reader {
        builder,
        mut parsed,
        ..
    } = reader;
    parsed.aliased = builder.aliased;
    parsed.shared = builder.shared;
    (parsed, builder.occupied)
}

/// Reads the text of a region into trees whose spans are of the whole text.
struct Reader<'t> {
    region: Span,
    builder: Builder<'t>,
    parsed: Parsed<'t>,
    /// Whether a quoted scalar continues on a line that is not deeper than its key.
    is_shallow: bool,
}

impl<'t> Reader<'t> {
    fn new(region: Span) -> Self {
        Self {
            region,
            builder: Builder::default(),
            parsed: Parsed::default(),
            is_shallow: false,
        }
    }

    /// `meant` returns the final value of a scalar, given its parsed value, its style, and its span in the input.
    fn read<'i>(
        &mut self,
        input: &'i str,
        mut meant: impl FnMut(Cow<'i, str>, Style, Span) -> Cow<'t, str>,
    ) {
        let options = granit_parser::options! {
            emit_unresolved_aliases: true,
            emit_comments: false,
            flow_nesting_limit: DEEPEST,
            block_nesting_limit: DEEPEST,
        };
        let mut parser = Parser::new_from_str_with_options(input, options);
        while let Some(next) = parser.next_event() {
            let error = match next {
                Ok((event, span)) => {
                    if let Some(range) = span.byte_range() {
                        self.take(event, Span::new(range.start, range.end), &mut meant);
                    }
                    continue;
                }
                Err(error) => error,
            };
            self.is_shallow |= *error.kind() == ErrorKind::InvalidQuotedScalarIndent;
            let offset = error.marker().byte_offset().unwrap_or(0).min(input.len());
            let offset = (0..=offset)
                .rev()
                .find(|at| input.is_char_boundary(*at))
                .unwrap_or(0);
            self.parsed.errors.push(SyntaxError {
                offset: self.region.start + offset,
                message: error.info().to_string(),
                in_branch: false,
            });
            self.parsed.documents.extend(self.builder.abandon());
            let resumes =
                may_resume(input, offset) && parser.proceed_next_document().unwrap_or(false);
            let end = if resumes {
                next_document(input, offset)
            } else {
                input.len()
            };
            let start = self.builder.seen.max(self.region.start);
            let unparsed = Span::new(start, (self.region.start + end).max(start));
            self.parsed.unparsed.push(unparsed);
            if !resumes {
                break;
            }
        }
    }

    fn take<'i>(
        &mut self,
        event: Event<'i>,
        within: Span,
        meant: &mut impl FnMut(Cow<'i, str>, Style, Span) -> Cow<'t, str>,
    ) {
        let span = within.shift(self.region.start);
        let builder = &mut self.builder;
        match event {
            Event::Scalar(value, style, anchor, _) => {
                let style = style_of(style);
                builder.scalar(meant(value, style, within), style, span, anchor);
            }
            Event::Alias(anchor) => builder.alias(anchor, span),
            Event::UnresolvedAlias(_) => builder.unresolved(span),
            Event::MappingStart(style, anchor, _) => {
                builder.begin_map(span, style == StructureStyle::Flow, anchor);
            }
            Event::SequenceStart(style, anchor, _) => {
                builder.begin_list(span, style == StructureStyle::Flow, anchor);
            }
            Event::MappingEnd | Event::SequenceEnd => builder.close(span.end),
            Event::DocumentEnd => self.parsed.documents.extend(builder.end_document()),
            _ => {}
        }
    }
}

/// Whether another document may follow an error. Without this, the parser would read on to the end to find out.
fn may_resume(input: &str, offset: usize) -> bool {
    let rest = &input.as_bytes()[offset.saturating_sub(1)..];
    let is_there = |mark: &[u8]| memchr::memmem::find(rest, mark).is_some();
    is_there(b"\n---") || is_there(b"\n...")
}

/// Where the first `---` line after `offset` starts.
fn next_document(input: &str, offset: usize) -> usize {
    let rest = &input[offset..];
    match rest.find("\n---") {
        Some(at) => offset + at + 1,
        None => input.len(),
    }
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::SingleQuoted => Style::Single,
        ScalarStyle::DoubleQuoted => Style::Double,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
        _ => Style::Plain,
    }
}
