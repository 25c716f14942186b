//! Values that command options set: `helm upgrade web CHART --set image.repository=a,image.tag=1`.
//!
//! Turns text into pairs of path and value with spans. Has no notion of images or charts.

use super::Command;
use crate::source::Span;
use crate::syntax::placeholder;
use crate::syntax::yaml::{self, Node, Style};

/// The maximum number of bytes of an argument that are read.
const LONGEST: usize = 1 << 12;

/// A path and the value that is set.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::detect) struct Setting {
    /// The path, with its placeholders masked.
    pub(in crate::detect) path: String,
    /// The span of the value without quotes. `None` if the value is not spelled verbatim.
    pub(in crate::detect) value: Option<Span>,
    /// Whether it is an item of a list: `{a,b}`.
    pub(in crate::detect) in_list: bool,
}

/// An option, and what it sets.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::detect) struct SetOption {
    pub(in crate::detect) name: &'static str,
    /// The argument with the settings, without surrounding quotes.
    pub(in crate::detect) span: Span,
    pub(in crate::detect) settings: Vec<Setting>,
    /// Whether the whole argument could be read.
    pub(in crate::detect) is_whole: bool,
    /// Whether its end is quoted.
    pub(in crate::detect) is_quoted: bool,
}

/// The syntax of an option's argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// `a=b,c={d,e}`, where a value that looks like a number is a number.
    Typed,
    /// Like `Typed`, but all values are strings.
    Text,
    /// Everything after the first `=` is the value.
    Literal,
    /// The text after the first `=` is JSON, or all of it if there is no `=`.
    Json,
}

/// Options of `helm`, and those that `argocd` passes on to it.
const OPTIONS: [(&str, Reading); 7] = [
    ("--set", Reading::Typed),
    ("--set-string", Reading::Text),
    ("--set-literal", Reading::Literal),
    ("--set-json", Reading::Json),
    ("--helm-set", Reading::Typed),
    ("--helm-set-string", Reading::Text),
    ("--helm-set-literal", Reading::Literal),
];

/// Parses a word as an option, with the text after its `=`.
fn option(word: &str) -> Option<((&'static str, Reading), Option<&str>)> {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    let known = OPTIONS.iter().find(|(known, _)| *known == name)?;
    Some((*known, value))
}

/// Whether a text may contain such options.
pub(in crate::detect) fn may_be_in(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), b"-set").is_some()
}

impl SetOption {
    /// Whether the option takes several pairs, and values other than strings.
    pub(in crate::detect) fn is_typed(&self) -> bool {
        matches!(option(self.name), Some(((_, Reading::Typed), _)))
    }

    /// Moves the option to a text that has `by` more bytes before it.
    #[must_use]
    pub(in crate::detect) fn shift(mut self, by: usize) -> Self {
        self.span = self.span.shift(by);
        for one in &mut self.settings {
            one.value = one.value.map(|span| span.shift(by));
        }
        self
    }
}

impl Command<'_> {
    /// Returns the options of the command, each with the index of its word. `text` is the text that was split into words.
    pub(in crate::detect) fn set_options(&self, text: &str) -> Vec<(usize, SetOption)> {
        let words = self.words.iter().enumerate();
        let read = words.filter_map(|(index, word)| {
            let ((name, reading), value) = option(word.text)?;
            let argument = match value {
                Some(value) => {
                    let quote = text[..word.span.start].bytes().next_back();
                    let quote = quote.filter(|byte| is_quote(*byte));
                    Argument::read(text, word.span.end - value.len(), quote)
                }
                None => behind(text, word.span.end)?,
            };
            Some((index, argument.option(name, reading)))
        });
        read.collect()
    }
}

/// Returns the options in a list of arguments, which no shell reads, each with the index of the argument for its settings.
pub(in crate::detect) fn of_arguments(
    text: &str,
    arguments: &[Option<Span>],
) -> Vec<(usize, SetOption)> {
    let mut found = Vec::new();
    let mut named: Option<(&'static str, Reading)> = None;
    for (index, span) in arguments.iter().enumerate() {
        let own = span.map_or("", |span| span.of(text));
        let (reads, start) = match (named.take(), option(own)) {
            (Some(before), _) => (before, span.map(|span| span.start)),
            (None, Some((known, Some(value)))) => (known, span.map(|span| span.end - value.len())),
            (None, Some((known, None))) => {
                named = Some(known);
                continue;
            }
            (None, None) => continue,
        };
        if let (Some(start), Some(span)) = (start, span) {
            let argument = Argument::exact(text, Span::new(start, span.end));
            found.push((index, argument.option(reads.0, reads.1)));
        }
    }
    found
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'')
}

/// Reads the argument after an option, in a shell command or in a list of strings in code.
fn behind(text: &str, end: usize) -> Option<Argument> {
    let bytes = text.as_bytes();
    let mut at = end;
    let mut is_in_code = false;
    loop {
        match bytes.get(at)? {
            b' ' | b'\t' => at += 1,
            b'\\' if matches!(bytes.get(at + 1), Some(b'\n' | b'\r')) => {
                at += 1 + usize::from(bytes[at + 1] == b'\r') + 1;
            }
            b',' => {
                is_in_code = true;
                at += 1;
            }
            byte if is_quote(*byte) && at == end => at += 1,
            byte if is_quote(*byte) && is_in_code => {
                return Some(Argument::read(text, at + 1, Some(*byte)));
            }
            b'\n' | b'\r' => return None,
            _ => return (at > end && !is_in_code).then(|| Argument::read(text, at, None)),
        }
    }
}

/// The decoded bytes of an argument, and where each of them is written.
#[derive(Default)]
struct Argument {
    meant: Vec<u8>,
    places: Vec<usize>,
    start: usize,
    is_whole: bool,
    is_quoted: bool,
}

impl Argument {
    fn exact(text: &str, span: Span) -> Self {
        Self {
            meant: span.of(text).as_bytes().to_vec(),
            places: (span.start..span.end).collect(),
            start: span.start,
            is_whole: true,
            is_quoted: true,
        }
    }

    /// Reads a word of a shell. `outer` is the quote around the whole word.
    fn read(text: &str, start: usize, outer: Option<u8>) -> Self {
        let bytes = text.as_bytes();
        let mut argument = Self {
            start,
            is_quoted: outer.is_some(),
            ..Self::default()
        };
        let mut quote = outer;
        let mut at = start;
        argument.is_whole = loop {
            let Some(byte) = bytes.get(at).filter(|_| argument.meant.len() < LONGEST) else {
                break quote.is_none();
            };
            let next = bytes.get(at + 1).copied().unwrap_or_default();
            let is_escaped = *byte == b'\\' && is_quote(next) && quote != Some(b'\'');
            let mark = if is_escaped { next } else { *byte };
            match mark {
                _ if is_quote(mark) && quote.is_none_or(|quote| quote == mark) => {
                    let length = 1 + usize::from(is_escaped);
                    if quote.is_some() && outer.is_some()
                        || quote.is_none() && argument.is_inside_quotes(&bytes[at + length..])
                    {
                        break true;
                    }
                    quote = quote.is_none().then_some(mark);
                    at += length;
                }
                b'\n' | b'\r' => break quote.is_none(),
                b' ' | b'\t' | b';' | b'|' | b'&' | b')' | b'<' | b'>' if quote.is_none() => {
                    break true;
                }
                b'\\' if matches!(next, b'\n' | b'\r') => break quote.is_none(),
                b'`' if quote != Some(b'\'') => break false,
                b'(' if quote.is_none() => break false,
                b'$' | b'{' => {
                    let length = match opened(&text[at..]) {
                        Some(0) => break false,
                        Some(length) => length,
                        None => 1,
                    };
                    argument.take(bytes, at, length, quote.is_some());
                    at += length;
                }
                _ => {
                    argument.take(bytes, at, 1, quote.is_some());
                    at += 1;
                }
            }
        };
        argument
    }

    /// Whether a quote closes one that surrounds the whole command.
    fn is_inside_quotes(&self, rest: &[u8]) -> bool {
        let may_open = matches!(self.meant.last(), None | Some(b'=' | b',' | b'{'));
        let ends = matches!(
            rest.first(),
            None | Some(b' ' | b'\n' | b'\r' | b';' | b',' | b')' | b']')
        );
        !may_open && ends
    }

    fn take(&mut self, bytes: &[u8], at: usize, length: usize, is_quoted: bool) {
        self.meant.extend_from_slice(&bytes[at..at + length]);
        self.places.extend(at..at + length);
        self.is_quoted = is_quoted;
    }

    fn option(mut self, name: &'static str, reading: Reading) -> SetOption {
        // A comma at the end sets nothing and belongs to the surrounding text.
        while matches!(reading, Reading::Typed | Reading::Text) && self.meant.last() == Some(&b',')
        {
            self.meant.pop();
            self.places.pop();
        }
        let end = self.places.last().map_or(self.start, |last| last + 1);
        let meant = String::from_utf8(std::mem::take(&mut self.meant)).unwrap_or_default();
        let masked = placeholder::mask(&meant).map_or(meant, |masked| masked.text);
        SetOption {
            name,
            span: Span::new(self.places.first().copied().unwrap_or(end), end),
            settings: match reading {
                Reading::Json => self.settings_of_json(&masked),
                _ => self.settings(&masked, reading == Reading::Literal),
            },
            is_whole: self.is_whole,
            is_quoted: self.is_quoted,
        }
    }

    fn settings(&self, masked: &str, is_literal: bool) -> Vec<Setting> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(mark) = masked[at..].find(['=', ',']).map(|mark| at + mark) {
            if masked[mark..].starts_with(',') {
                at = mark + 1;
                continue;
            }
            let (path, start) = (&masked[at..mark], mark + 1);
            let mut add = |span: Span, in_list: bool| {
                found.push(Setting {
                    path: path.to_owned(),
                    value: self.written(span, masked),
                    in_list,
                });
            };
            let rest = &masked[start..];
            let closed = rest
                .find('}')
                .filter(|_| rest.starts_with('{') && !is_literal);
            at = match closed {
                Some(close) => {
                    let mut item = start + 1;
                    for value in rest[1..close].split(',') {
                        add(Span::new(item, item + value.len()), true);
                        item += value.len() + 1;
                    }
                    start + close + 1
                }
                None => {
                    let end = match is_literal {
                        true => rest.len(),
                        false => end_of_value(rest),
                    };
                    add(Span::new(start, start + end), false);
                    start + end
                }
            };
        }
        found
    }

    /// Reads the settings in JSON: `image={"registry": "k8s.gcr.io"}`
    fn settings_of_json(&self, masked: &str) -> Vec<Setting> {
        let is_whole = masked.starts_with(['{', '[']);
        let split = masked.split_once('=').filter(|_| !is_whole);
        let path = split.map_or("", |(path, _)| path);
        let start = split.map_or(0, |(path, _)| path.len() + 1);
        let parsed = yaml::parse(masked, Span::new(start, masked.len()));
        let mut found = Vec::new();
        if let ([root], true) = (parsed.documents.as_slice(), parsed.errors.is_empty()) {
            self.add_json(masked, root, (path, false), &mut found);
        }
        found
    }

    fn add_json(
        &self,
        masked: &str,
        node: &Node<'_>,
        (path, in_list): (&str, bool),
        found: &mut Vec<Setting>,
    ) {
        match node {
            Node::Map(map) => {
                for entry in &map.entries {
                    let key = entry.name().unwrap_or_default();
                    let path = match path {
                        "" => key.to_owned(),
                        path => format!("{path}.{key}"),
                    };
                    self.add_json(masked, &entry.value, (&path, false), found);
                }
            }
            Node::List(list) => {
                for item in &list.items {
                    self.add_json(masked, item, (path, true), found);
                }
            }
            Node::Scalar(scalar) if scalar.style == Style::Double => found.push(Setting {
                path: path.to_owned(),
                value: self.written(scalar.span, masked),
                in_list,
            }),
            Node::Scalar(_) | Node::Alias(_) => {}
        }
    }

    /// Returns the span in which a piece of the decoded argument is written, if it is spelled verbatim.
    fn written(&self, piece: Span, masked: &str) -> Option<Span> {
        let places = self.places.get(piece.start..piece.end)?;
        let (Some(first), Some(last)) = (places.first(), places.last()) else {
            let before = piece.start.checked_sub(1)?;
            let at = self.places.get(before)? + 1;
            return Some(Span::new(at, at));
        };
        let is_exact = last - first + 1 == piece.len() && !piece.of(masked).contains('\\');
        is_exact.then(|| Span::new(*first, last + 1))
    }
}

/// Returns the length of a value: up to a comma that is not escaped.
fn end_of_value(text: &str) -> usize {
    let mut marks = text.match_indices(',');
    let end = marks.find(|(at, _)| !text[..*at].ends_with('\\'));
    end.map_or(text.len(), |(at, _)| at)
}

/// Returns the length of the placeholder at the start of a text, on one line. 0 if it does not end, or is a command.
fn opened(text: &str) -> Option<usize> {
    let (open, close) = [("${{", "}}"), ("{{", "}}"), ("${", "}"), ("$(", ")")]
        .into_iter()
        .find(|(open, _)| text.starts_with(*open))?;
    let near = &text.as_bytes()[open.len()..text.len().min(LONGEST)];
    let near = &near[..memchr::memchr(b'\n', near).unwrap_or(near.len())];
    let inner = memchr::memmem::find(near, close.as_bytes()).map(|end| &near[..end]);
    let is_command = |inner: &&[u8]| open == "$(" && inner.iter().any(u8::is_ascii_whitespace);
    let length = |inner: &[u8]| open.len() + inner.len() + close.len();
    Some(inner.filter(|inner| !is_command(inner)).map_or(0, length))
}

#[cfg(test)]
mod tests {
    use super::super::commands;
    use super::*;

    /// Formats each setting as `path=value`, with `?` if it is not spelled verbatim, and `...` if the rest could not be read.
    fn read(text: &str) -> Vec<String> {
        let mut shown = Vec::new();
        for command in commands(text) {
            for (_, option) in command.set_options(text) {
                shown.extend(option.settings.iter().map(|one| {
                    let value = one.value.map_or("?", |span| span.of(text));
                    let item = if one.in_list { "[]" } else { "" };
                    format!("{}{item}={value}", one.path)
                }));
                shown.extend((!option.is_whole).then(|| "...".to_owned()));
            }
        }
        shown
    }

    #[test]
    fn pairs_are_read_as_helm_reads_them() {
        for (text, expected) in [
            ("helm upgrade r c --set a.b=c --set-string d=1", "a.b=c d=1"),
            ("x --set a.b=c,d.e=f,", "a.b=c d.e=f"),
            ("x --set=a=b --set='c=d' --set \"e=f\"", "a=b c=d e=f"),
            ("x \"--set=a=b\" '--set' 'c=d'", "a=b c=d"),
            ("x --set a=\"b\" --set \"a\"='b'", "a=b a=b"),
            ("x --set a=\"b\"c", "a=?"),
            ("x --set 'a=b\\,c=d,e=f'", "a=? e=f"),
            ("x --set a={b,c},d[0].e=f", "a[]=b a[]=c d[0].e=f"),
            ("x --set-literal a=b,c=d", "a=b,c=d"),
            ("x --set a=,b=c", "a= b=c"),
            ("x --set \\\n  a=b \\\n  --set c=d", "a=b c=d"),
            (
                "x --set a=$B,c=${D:-e,f},g=${{ h.i }}",
                "a=$B c=${D:-e,f} g=${{ h.i }}",
            ),
            ("x --set a=$(B),c=d", "a=$(B) c=d"),
            ("x --set a=b,c=$(d e)", "a=b c= ..."),
            ("x --set a=\"$(b c)\" --set d=e", "a= ... d=e"),
            ("x(\"--set\", \"a=b\", \"--set=c=d\")", "a=b c=d"),
            ("x \\\"--set\\\" \\\"a=b\\\"", ""),
            ("sh -c \"x --set \\\"a=b\\\" --set c=d\"", "a=b c=d"),
            ("sh -c \"x --set a=b\" && y \"z\"", "a=b"),
            ("x --set a=b; y --set c=d | z", "a=b c=d"),
            ("x --set-file a=b --set-json c=d --set", ""),
            ("x --set a", ""),
        ] {
            assert_eq!(read(text).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn arguments_of_lists_are_read_as_they_are() {
        let text = "--set a='b',c=d --set=e=f x";
        let mut at = 0;
        let spans = text.split(' ').map(|word| {
            let span = Span::new(at, at + word.len());
            at = span.end + 1;
            Some(span)
        });
        let spans: Vec<Option<Span>> = spans.collect();
        let found = of_arguments(text, &spans).into_iter();
        let shown = found.flat_map(|(_, option)| option.settings).map(|one| {
            let value = one.value.unwrap().of(text);
            format!("{}={value}", one.path)
        });
        assert_eq!(shown.collect::<Vec<_>>(), ["a='b'", "c=d", "e=f"]);
    }

    #[test]
    fn nothing_breaks_the_reader() {
        let text =
            "x --set \"ä=${ö\", '{{ü' --set=a={b,c --set 'd=\\' --set=$( --set=`e` \"--set\", \"f";
        for (at, _) in text.char_indices() {
            read(&text[..at]);
            read(&text[at..]);
        }
        read(&"--set ${".repeat(50_000));
        read(&format!("x --set {}", "a={".repeat(50_000)));
    }
}
