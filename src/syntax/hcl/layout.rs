//! The layout of lists and blocks, and insertions of items and blocks in the same style. Independent of keys.

use super::scan::{Kind, Scan, Token};
use crate::source::Span;
use crate::syntax::beside::{before_on_line, line_end};

/// The offset of an insertion, and its text.
pub type Insert = (usize, String);

/// The items of a list that is written out, so that the brackets contain the whole value.
pub struct Items<'t, 's> {
    text: &'t str,
    tokens: &'s [Token],
    open: usize,
    close: usize,
    /// The first and the last token of each item.
    items: Vec<(usize, usize)>,
    /// The comma after the last item, if there is one.
    comma: Option<usize>,
}

impl<'t, 's> Items<'t, 's> {
    /// Reads the items of a key's value. `None` if an expression computes the value.
    pub fn of_key(text: &'t str, scan: &'s Scan, key: Span) -> Option<Self> {
        let tokens = &scan.tokens[..];
        let kind_of = |at: usize| tokens.get(at).map(|token| token.kind);
        let key = at(tokens, key.start)?;
        let is_assigned = matches!(kind_of(key + 1), Some(Kind::Mark(b'=' | b':')));
        let open = key + 2;
        if !is_assigned || kind_of(open) != Some(Kind::Mark(b'[')) {
            return None;
        }
        let mut items = Self {
            text,
            tokens,
            open,
            close: open,
            items: Vec::new(),
            comma: None,
        };
        items.close = items.read()?;
        let is_for = |(first, _): &(usize, usize)| tokens[*first].span.of(text) == "for";
        let is_all = match kind_of(items.close + 1) {
            None | Some(Kind::Break | Kind::Mark(b'}' | b']' | b')' | b',')) => true,
            Some(_) => false,
        };
        (is_all && !items.items.first().is_some_and(is_for)).then_some(items)
    }

    /// Reads up to the bracket that closes the list, which it returns.
    fn read(&mut self) -> Option<usize> {
        let mut depth = 0;
        let mut is_new = true;
        for (at, token) in self.tokens.iter().enumerate().skip(self.open + 1) {
            match token.kind {
                Kind::Break => continue,
                Kind::Mark(b']') if depth == 0 => return Some(at),
                Kind::Mark(b',') if depth == 0 => {
                    is_new = true;
                    self.comma = Some(at);
                    continue;
                }
                Kind::Mark(b'{' | b'[' | b'(') => depth += 1,
                Kind::Mark(b'}' | b']' | b')') if depth == 0 => return None,
                Kind::Mark(b'}' | b']' | b')') => depth -= 1,
                _ => {}
            }
            match self.items.last_mut() {
                Some((_, last)) if !is_new => *last = at,
                _ => self.items.push((at, at)),
            }
            is_new = false;
            self.comma = None;
        }
        None
    }

    /// Returns each item as it is written, a here-document without its end marker.
    pub fn texts(&self) -> impl Iterator<Item = &'t str> {
        let spans = self.items.iter().map(|(first, last)| {
            let (first, last) = (self.tokens[*first], self.tokens[*last]);
            Span::new(first.start(self.text), last.end())
        });
        spans.map(|span| span.of(self.text))
    }

    /// Returns the insertions that add an item at the end. A list over several lines gets another line.
    pub fn push(&self, item: &str) -> Vec<Insert> {
        let Some((_, last)) = self.items.last().copied() else {
            return vec![(self.tokens[self.open].span.end, item.to_owned())];
        };
        let mut starts = self.items.iter().rev();
        let indent =
            starts.find_map(|(first, _)| indent(self.text, self.tokens[*first].start(self.text)));
        let before = self.comma.unwrap_or(last);
        let end = self.tokens[before].end();
        let next = end_of_line(self.text, self.tokens, before).unwrap_or(end);
        let newline = line_end(self.text, next);
        if self.tokens[before].kind == Kind::Lines {
            // The marker that ends a here-document is alone on its line.
            let indent = indent
                .or_else(|| self.indent_of_close())
                .unwrap_or_default();
            return vec![(next, format!("{newline}{indent}, {item}"))];
        }
        match (indent, self.comma) {
            (None, None) => vec![(end, format!(", {item}"))],
            (None, Some(_)) => vec![(end, format!(" {item},"))],
            (Some(indent), Some(_)) => vec![(next, format!("{newline}{indent}{item},"))],
            (Some(indent), None) if next == end => {
                vec![(end, format!(",{newline}{indent}{item}"))]
            }
            (Some(indent), None) => vec![
                (end, ",".to_owned()),
                (next, format!("{newline}{indent}{item}")),
            ],
        }
    }

    fn indent_of_close(&self) -> Option<&'t str> {
        indent(self.text, self.tokens[self.close].span.start)
    }
}

/// Returns an object with the given keys and texts, laid out like the one at `model`.
pub fn object_like(text: &str, scan: &Scan, model: Span, pairs: &[(&str, &str)]) -> String {
    let open = at(&scan.tokens, model.start);
    let inner = open.and_then(|open| first_line(text, &scan.tokens, open));
    let outer = indent(text, model.end - 1);
    match inner.zip(outer) {
        Some((inner, outer)) => lines(text, model.start, pairs, inner, outer),
        None => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| format!("{key} = {value:?}"));
            let pairs: Vec<String> = pairs.collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}

/// Returns the insertion of a block with the given attributes after the block that has the body. `None` if that block does
/// not begin a line, or does not end one.
pub fn block_after(text: &str, scan: &Scan, body: Span, pairs: &[(&str, &str)]) -> Option<Insert> {
    let tokens = &scan.tokens;
    let open = at(tokens, body.start)?;
    let close = at(tokens, body.end - 1)?;
    let name = tokens.get(open.checked_sub(1)?);
    let name = name.filter(|name| name.kind == Kind::Word)?;
    let outer = indent(text, name.span.start)?;
    let deeper = format!("{outer}  ");
    let inner = first_line(text, tokens, open).unwrap_or(&deeper);
    let newline = line_end(text, body.end);
    let line = name.span.start - outer.len();
    let above = text[..line].lines().rev();
    let mut above = above.skip_while(|line| line.trim_start().starts_with(['#', '/']));
    let gap = match above.next().is_some_and(|line| line.trim().is_empty()) {
        true => newline,
        false => "",
    };
    let body = lines(text, body.start, pairs, inner, outer);
    let block = format!("{newline}{gap}{outer}{} {body}", name.span.of(text));
    Some((end_of_line(text, tokens, close)?, block))
}

/// Formats attributes in braces, one per line, with their signs aligned like `terraform fmt` does.
fn lines(text: &str, at: usize, pairs: &[(&str, &str)], inner: &str, outer: &str) -> String {
    let newline = line_end(text, at);
    let width = pairs.iter().map(|(key, _)| key.len()).max();
    let width = width.unwrap_or_default();
    let pairs = pairs.iter();
    let pairs = pairs.map(|(key, value)| format!("{inner}{key:width$} = {value:?}{newline}"));
    format!("{{{newline}{}{outer}}}", pairs.collect::<String>())
}

/// Returns the indentation inside braces, if the first token there begins a line.
fn first_line<'t>(text: &'t str, tokens: &[Token], open: usize) -> Option<&'t str> {
    let mut inner = tokens[open + 1..].iter();
    let first = inner.find(|token| token.kind != Kind::Break)?;
    indent(text, first.start(text))
}

/// The token at an offset.
fn at(tokens: &[Token], start: usize) -> Option<usize> {
    let at = tokens.partition_point(|token| token.span.start < start);
    let is_there = tokens
        .get(at)
        .is_some_and(|token| token.span.start == start);
    is_there.then_some(at)
}

/// Returns the indentation before an offset. `None` if something else is before it on its line.
fn indent(text: &str, at: usize) -> Option<&str> {
    let before = before_on_line(text, at).of(text);
    let is_blank = before.bytes().all(|byte| matches!(byte, b' ' | b'\t'));
    is_blank.then_some(before)
}

/// Returns where the line of a token ends, if no other token follows there. A comment may follow.
fn end_of_line(text: &str, tokens: &[Token], at: usize) -> Option<usize> {
    let next = tokens.get(at + 1)?;
    let end = next.span.start;
    let carriage = usize::from(text[..end].ends_with('\r'));
    (next.kind == Kind::Break).then_some(end - carriage)
}

#[cfg(test)]
mod tests {
    use super::super::scan;
    use super::*;

    fn with(text: &str, mut inserts: Vec<Insert>) -> String {
        let mut after = text.to_owned();
        inserts.sort();
        for (at, inserted) in inserts.iter().rev() {
            after.insert_str(*at, inserted);
        }
        after
    }

    #[track_caller]
    fn check(list: &str, expected: &str) {
        let text = format!("a = {list}\n");
        let scan = scan(&text);
        let items = Items::of_key(&text, &scan, Span::new(0, 1));
        let after = items.map(|items| with(&text, items.push("x")));
        let after = after
            .as_deref()
            .and_then(|after| after.strip_prefix("a = "));
        let after = after.map_or("none", str::trim_end);
        assert_eq!(after, expected, "{list}");
    }

    #[test]
    fn a_list_gets_an_item_in_its_own_style() {
        check("[]", "[x]");
        check("[b]", "[b, x]");
        check("[b, c,]", "[b, c, x,]");
        check("[b({\n  c = 1\n})]", "[b({\n  c = 1\n}), x]");
        check("[b({\n  c = 1\n}),]", "[b({\n  c = 1\n}), x,]");
        check("[\n  b,\n  c\n]", "[\n  b,\n  c,\n  x\n]");
        check("[\r\n\tb,\r\n]", "[\r\n\tb,\r\n\tx,\r\n]");
        check("[b,\n     c]", "[b,\n     c,\n     x]");
        check("[\n  b # ],\n  /* ] */ ]", "[\n  b, # ],\n  x\n  /* ] */ ]");
        check("[\n  b, // c\n  # d,\n]", "[\n  b, // c\n  x,\n  # d,\n]");
        check(
            "[\n  \"${b[\"]\"]}\", c ? [d] : e[0]\n]",
            "[\n  \"${b[\"]\"]}\", c ? [d] : e[0],\n  x\n]",
        );
    }

    #[test]
    fn nothing_follows_the_end_marker_of_a_here_document() {
        check("[<<B\n]\nB\n]", "[<<B\n]\nB\n, x\n]");
        check(
            "[\n  <<-B\n  ${c(\"}\")}\n  B\n]",
            "[\n  <<-B\n  ${c(\"}\")}\n  B\n  , x\n]",
        );
        check("[<<B\n]\nB\n  ,\n]", "[<<B\n]\nB\n  , x,\n]");
        check("[<<B\r\nB\r\n  ]", "[<<B\r\nB\r\n  , x\r\n  ]");
    }

    #[test]
    fn what_is_computed_is_no_list() {
        for value in [
            "b",
            "concat([b], c)",
            "[for b in c : d]",
            "[b] == c ? [d] : [e]",
            "[b, c][0]",
            "[b",
            "[b}",
        ] {
            check(value, "none");
        }
    }

    #[test]
    fn objects_and_blocks_follow_the_one_before() {
        let pairs = [("name", "n"), ("value", "v")];
        let like = |text: &str| {
            let end = text.trim_end().len();
            let start = text.find('{').unwrap_or_default();
            object_like(text, &scan(text), Span::new(start, end), &pairs)
        };
        assert_eq!(like("[{ a = 1 }"), r#"{ name = "n", value = "v" }"#);
        assert_eq!(
            like("  {\n    a = 1\n  }"),
            "{\n    name  = \"n\"\n    value = \"v\"\n  }"
        );
        let after = |text: &str| {
            let start = text.rfind('{').unwrap_or_default();
            let end = text.rfind('}').map_or(text.len(), |at| at + 1);
            let insert = block_after(text, &scan(text), Span::new(start, end), &pairs)?;
            Some(with(text, vec![insert]))
        };
        assert_eq!(
            after("\tset {\n\t\ta = 1\n\t} # b\n").as_deref(),
            Some(
                "\tset {\n\t\ta = 1\n\t} # b\n\tset {\n\t\tname  = \"n\"\n\t\tvalue = \"v\"\n\t}\n"
            )
        );
        assert_eq!(
            after("\n\n# a\nset {}\n").as_deref(),
            Some("\n\n# a\nset {}\n\nset {\n  name  = \"n\"\n  value = \"v\"\n}\n")
        );
        assert_eq!(after("a { set {}\n}"), None);
    }
}
