//! Any YAML or JSON, by the events of `granit-parser`.

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};

use super::build::Builder;
use super::{Parsed, Style, SyntaxError};
use crate::source::Span;

/// Collections nested deeper than this are a syntax error. Real manifests stay under a hundred levels; the walks
/// over the tree recurse, and this bounds their stack.
const DEEPEST: usize = 256;

/// All but the comments of the text of `region`, and where its scalars stand, in order.
pub(super) fn read(text: &str, region: Span) -> (Parsed<'_>, Vec<Span>) {
    let input = region.of(text);
    let options = granit_parser::options! {
        emit_unresolved_aliases: true,
        emit_comments: false,
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
    };
    let mut parser = Parser::new_from_str_with_options(input, options);
    let mut builder = Builder::default();
    let mut parsed = Parsed::default();
    loop {
        let error = match parser.next_event() {
            None => break,
            Some(Ok((event, span))) => {
                if let Some(range) = span.byte_range() {
                    let span = Span::new(range.start, range.end).shift(region.start);
                    parsed.documents.extend(take(&mut builder, event, span));
                }
                continue;
            }
            Some(Err(error)) => error,
        };
        let offset = error.marker().byte_offset().unwrap_or(0).min(input.len());
        let offset = (0..=offset)
            .rev()
            .find(|at| input.is_char_boundary(*at))
            .unwrap_or(0);
        parsed.errors.push(SyntaxError {
            offset: region.start + offset,
            message: error.info().to_string(),
        });
        parsed.documents.extend(builder.abandon());
        let resumes = may_resume(input, offset) && parser.proceed_next_document().unwrap_or(false);
        let end = if resumes {
            next_document(input, offset)
        } else {
            input.len()
        };
        let start = builder.seen.max(region.start);
        parsed
            .unparsed
            .push(Span::new(start, (region.start + end).max(start)));
        if !resumes {
            break;
        }
    }
    parsed.aliased = builder.aliased;
    parsed.shared = builder.shared;
    (parsed, builder.occupied)
}

/// Takes one event; gives a document when it ends.
fn take<'t>(builder: &mut Builder<'t>, event: Event<'t>, span: Span) -> Option<super::Node<'t>> {
    match event {
        Event::Scalar(value, style, anchor, _) => {
            builder.scalar(value, style_of(style), span, anchor);
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
        Event::DocumentEnd => return builder.end_document(),
        _ => {}
    }
    None
}

/// Whether another document may follow an error. The parser would read on to the end to know.
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
