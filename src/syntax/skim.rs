//! Leaves out of a large YAML text the maps and lists that nothing of interest stands in: most of a long values file need
//! not be parsed to understand the few lines that matter.
//!
//! Works on lines and their indentation. What it cannot tell so stays in: block scalars, flow collections, what begins on
//! the line of a dash. A document with an anchor, or with a quoted scalar over several lines, stays whole. So do the
//! lists of its root: what is in them can say what the document is.

use crate::source::Span;

/// Shorter documents are parsed faster than they are skimmed.
const LEAST_DOCUMENT: usize = 2048;

/// Shorter collections stay.
const LEAST_LEFT_OUT: usize = 256;

/// A text without what is left out of it.
#[derive(Debug)]
pub struct Skimmed {
    pub text: String,
    pub documents: Vec<Span>,
    /// Where pieces of the whole text begin in this one, and in the whole one; in order.
    pieces: Vec<(usize, usize)>,
}

/// Skims the documents of a text. `hints` are offsets, in order. `None` where nothing is left out.
pub fn skim(text: &str, documents: &[Span], hints: &[usize]) -> Option<Skimmed> {
    let left_out: Vec<Vec<Gap>> = documents
        .iter()
        .map(|document| in_document(text.as_bytes(), *document, hints))
        .collect();
    if left_out.iter().all(Vec::is_empty) {
        return None;
    }
    let mut skimmed = Skimmed {
        text: String::new(),
        documents: Vec::new(),
        pieces: Vec::new(),
    };
    for (document, left_out) in documents.iter().zip(left_out) {
        let start = skimmed.text.len();
        let mut from = document.start;
        for gap in left_out {
            skimmed.push(Span::new(from, gap.span.start).of(text), from);
            // The key still has what it had.
            skimmed.push(if gap.is_list { " []" } else { " {}" }, gap.span.start);
            from = gap.span.end;
        }
        skimmed.push(Span::new(from, document.end).of(text), from);
        let end = skimmed.text.len();
        skimmed.documents.push(Span::new(start, end));
    }
    Some(skimmed)
}

impl Skimmed {
    fn push(&mut self, piece: &str, origin: usize) {
        self.pieces.push((self.text.len(), origin));
        self.text.push_str(piece);
    }

    /// The same place in the whole text.
    pub fn origin(&self, span: Span) -> Span {
        let start = self.offset(span.start);
        match span.is_empty() {
            true => Span::new(start, start),
            // What ends with a piece ends there, and not where the next one begins.
            false => Span::new(start, self.offset(span.end - 1) + 1),
        }
    }

    fn offset(&self, at: usize) -> usize {
        let after = self.pieces.partition_point(|(start, _)| *start <= at);
        let piece = self.pieces.get(after.saturating_sub(1));
        piece.map_or(at, |(start, origin)| origin + at - start)
    }
}

/// A collection that is left out.
struct Gap {
    /// From after its key's colon to the end of its last line.
    span: Span,
    is_list: bool,
}

/// A key with nothing after it on its line.
struct Open {
    indent: usize,
    /// After its colon.
    start: usize,
    follows: Follows,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Follows {
    Nothing,
    Map,
    List,
}

impl Open {
    /// Whether a line that begins so deep is no longer what the key has. A list may begin where its key does.
    fn ends_before(&self, indent: usize, dash: bool) -> bool {
        let own_list = dash && self.follows != Follows::Map && self.indent == indent;
        self.indent >= indent && !own_list
    }
}

/// What is left out of a document, in order.
fn in_document(text: &[u8], document: Span, hints: &[usize]) -> Vec<Gap> {
    let mut left_out: Vec<Gap> = Vec::new();
    if document.len() < LEAST_DOCUMENT || has_anchor(&text[document.start..document.end]) {
        return left_out;
    }
    let mut open: Vec<Open> = Vec::new();
    // How deep the key of a block scalar stands: deeper lines are its text.
    let mut block_scalar = None;
    // Where the last line that is more than a comment ends.
    let mut end = document.start;
    let mut start = document.start;
    while start < document.end {
        let rest = &text[start..document.end];
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest[..length].trim_ascii_end();
        let indent = line.iter().take_while(|byte| **byte == b' ').count();
        let content = &line[indent..];
        let next = start + length + 1;
        let in_scalar = block_scalar.is_some_and(|of| indent > of);
        if content.is_empty() || (content[0] == b'#' && !in_scalar) {
            start = next;
            continue;
        }
        if !in_scalar {
            if opens_quoted(content) || content.starts_with(b"--- ") {
                return Vec::new();
            }
            let dash = content == b"-" || content.starts_with(b"- ");
            while let Some(key) = open.pop_if(|key| key.ends_before(indent, dash)) {
                leave_out(&key, end, hints, &mut left_out);
            }
            if let Some(key) = open.last_mut()
                && key.follows == Follows::Nothing
            {
                key.follows = if dash { Follows::List } else { Follows::Map };
            }
            if content.ends_with(b":") && !dash && content[0] != b'?' {
                open.push(Open {
                    indent,
                    start: start + line.len(),
                    follows: Follows::Nothing,
                });
                block_scalar = None;
            } else {
                block_scalar = opens_block_scalar(content).map(|deeper| indent + deeper);
            }
        }
        end = start + line.len();
        start = next;
    }
    while let Some(key) = open.pop() {
        leave_out(&key, end, hints, &mut left_out);
    }
    left_out
}

/// Leaves out what stands below a key, if it is long and holds no hint, in place of what was left out of it.
fn leave_out(key: &Open, end: usize, hints: &[usize], left_out: &mut Vec<Gap>) {
    let is_list = key.follows == Follows::List;
    if end < key.start + LEAST_LEFT_OUT || is_list && key.indent == 0 {
        return;
    }
    let first = hints.partition_point(|hint| *hint < key.start);
    if hints.get(first).is_some_and(|hint| *hint < end) {
        return;
    }
    while left_out
        .pop_if(|inner| inner.span.start > key.start)
        .is_some()
    {}
    left_out.push(Gap {
        span: Span::new(key.start, end),
        is_list,
    });
}

/// What an alias names counts where the alias stands.
fn has_anchor(text: &[u8]) -> bool {
    memchr::memchr_iter(b'&', text).any(|at| {
        let named = text
            .get(at + 1)
            .is_some_and(|byte| !byte.is_ascii_whitespace() && *byte != b'&');
        let begins =
            at == 0 || text[at - 1].is_ascii_whitespace() || b"[{,".contains(&text[at - 1]);
        named && begins
    })
}

/// The length of the dashes of list items before a line's content, and the content.
fn after_dashes(line: &[u8]) -> (usize, &[u8]) {
    let mut content = line;
    while let Some(rest) = content.strip_prefix(b"- ") {
        content = rest.trim_ascii_start();
    }
    (line.len() - content.len(), content)
}

/// Whether a quoted scalar begins that does not end on the line.
fn opens_quoted(line: &[u8]) -> bool {
    if memchr::memchr2(b'"', b'\'', line).is_none() {
        return false;
    }
    let (_, content) = after_dashes(line);
    let value = match memchr::memmem::find(content, b": ") {
        Some(colon) => content[colon + 2..].trim_ascii_start(),
        None => content,
    };
    match value {
        [quote @ (b'"' | b'\''), rest @ ..] => memchr::memchr(*quote, rest).is_none(),
        _ => false,
    }
}

/// Of `key: |` and `- >-`, with a comment or without: how much deeper than the line's start the key or the dash stands.
fn opens_block_scalar(line: &[u8]) -> Option<usize> {
    memchr::memchr2(b'|', b'>', line)?;
    let line = match memchr::memmem::find(line, b" #") {
        Some(comment) => line[..comment].trim_ascii_end(),
        None => line,
    };
    let (dashes, content) = after_dashes(line);
    let mark = content.rsplit(|byte| *byte == b' ').next()?;
    let opens = matches!(mark, [b'|' | b'>', ..]) && mark.len() <= 3;
    let alone = mark.len() == content.len();
    opens.then(|| dashes.saturating_sub(if alone { 2 } else { 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `HINT` is one; `LONG` is longer than what stays; `«` and `»` stand around what is left out.
    #[track_caller]
    fn check(marked: &str) {
        let long = "l".repeat(LEAST_LEFT_OUT);
        let padding = format!("pad: {}\n", "p".repeat(LEAST_DOCUMENT));
        let marked = format!("{}{padding}", marked.replace("LONG", &long));
        let text = marked.replace(['«', '»'], "");
        let hints: Vec<usize> = text.match_indices("HINT").map(|(at, _)| at).collect();
        let whole = Span::new(0, text.len());
        let gaps = in_document(text.as_bytes(), whole, &hints);
        let mut shown = text.clone();
        for gap in gaps.iter().rev() {
            shown.insert(gap.span.end, '»');
            shown.insert(gap.span.start, '«');
        }
        assert_eq!(shown, marked);
        let Some(skimmed) = skim(&text, &[whole], &hints) else {
            assert!(gaps.is_empty());
            return;
        };
        for word in ["HINT", "end", "pad"] {
            for (at, _) in skimmed.text.match_indices(word) {
                let origin = skimmed.origin(Span::new(at, at + word.len()));
                assert_eq!(origin.of(&text), word);
            }
        }
    }

    #[test]
    fn maps_and_lists_without_hints() {
        check("a:«\n  b: LONG»\nc: HINT\n");
        check("a:\n  b:«\n    c: LONG\n    d: 1»\n  e: HINT\nend:«\n  f:\n    g: LONG»\n");
        check("a:\n  b:«\n  - LONG\n  - c»\n  d: HINT\n  e:«\n    - LONG»\nend: HINT\n");
        check("a:\n  - b: HINT\n    c:«\n    - LONG»\n    d:«\n      e: LONG»\n  - f\n");
        check("a:«\r\n  b: LONG»\r\nc: HINT\r\n");
        check("a:«\n  b: LONG\n# at the margin\n\n  c: 1»\n# of what follows\nd: HINT\n");
    }

    #[test]
    fn what_stays() {
        check("a:\n  b: short\nc: HINT\n");
        check("a:\n- LONG\nb: HINT\n");
        check("a:\n  - b:\n      c: HINT\n    d: LONG\n");
        check("- a:\n    b: LONG\n- HINT\n");
        check("a: HINT\nb: {c: LONG,\n  d: e}\n");
        check("a: |\n  b:\n    LONG\nc: HINT\n");
        check("- a: |\n    b:\n      LONG\n  c: HINT\n");
        check("a: # none\n  b: LONG\nc: HINT\n");
        check("? a:\n  b: LONG\n: HINT\n");
    }

    #[test]
    fn documents_that_stay_whole() {
        check("a:\n  b: &x LONG\nc: HINT\n");
        check("a:\n  b: LONG\nc: \"one\n  two:\n    three\"\nd: HINT\n");
        check("a:\n  b: LONG\nc:\n  - 'one\n  two'\nd: HINT\n");
        check("--- |\na:\n  LONG\nHINT\n");
    }

    #[test]
    fn what_ends_with_a_piece_ends_there() {
        let long = "l".repeat(LEAST_DOCUMENT);
        let text = format!("a: HINT\nm:\n  b: {long}\nc: end\n---\nno: 1\n---\nd: HINT\n");
        let documents = crate::syntax::yaml::documents(&text);
        let skimmed = skim(&text, &[documents[0], documents[2]], &[3, text.len() - 5]).unwrap();
        assert_eq!(skimmed.text, "a: HINT\nm: {}\nc: end\n---\nd: HINT\n");
        let first = skimmed.origin(skimmed.documents[0]);
        assert_eq!(first, documents[0]);
        assert_eq!(skimmed.origin(skimmed.documents[1]), documents[2]);
    }
}
