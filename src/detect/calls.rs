//! Calls in code that pull, push or build images: Bazel rules, Tilt functions, Jenkins steps.
//!
//! Knows no particular language: only names, parentheses, strings, and `name = "value"` between commas. Runs nothing.

use std::borrow::Cow;

use super::aliases::Aliases;
use super::context::Context;
use super::document::Document;
use super::image_use::{ImageUse, Tag};
use super::input::Input;
use super::usage::Usage;
use super::{reference, spread};
use crate::source::Span;
use crate::syntax::yaml::{Node, Scalar, Style};

/// The effect of a call on the images it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    /// Its named arguments together are one image.
    Pull,
    /// All images it names are pushed.
    Push,
    /// The first argument names what is built.
    Build,
    /// The first argument is an image. It is pushed if a chained call says so.
    Take,
}

const CALLS: [(&str, Does); 12] = [
    ("container_pull", Does::Pull),
    ("oci_pull", Does::Pull),
    ("oci.pull", Does::Pull),
    ("container_push", Does::Push),
    ("docker_push", Does::Push),
    ("oci_push", Does::Push),
    ("default_registry", Does::Push),
    ("custom_build", Does::Build),
    ("docker_build", Does::Build),
    ("docker_build_with_restart", Does::Build),
    ("docker.build", Does::Build),
    ("docker.image", Does::Take),
];

const PUSHED: Usage = Usage::Pushed("the call pushes it and does not pull it");
const BUILT: Usage = Usage::Pushed("the call builds it and does not pull it");
const IN_CALL: Usage = Usage::likely("it is an argument of a call in code");

/// The maximum number of bytes of a call that are read.
const LONGEST: usize = 1 << 12;

/// Applies the calls in a region. `out` contains the uses that the words of the region are by themselves.
pub(super) fn of_text(input: &Input<'_>, region: Span, out: &mut Vec<ImageUse>) {
    let text = input.masked;
    let bytes = region.of(text).as_bytes();
    // This runs for every value of interest, and few contain a call.
    if memchr::memchr(b'(', bytes).is_none() {
        return;
    }
    let mut calls: Vec<(Call<'_>, Does)> = Vec::new();
    for (name, does) in CALLS {
        let starts = memchr::memmem::find_iter(bytes, name.as_bytes());
        let starts = starts.map(|start| region.start + start);
        let found = starts.filter_map(|start| Some((Call::at(text, start, name)?, does)));
        calls.extend(found);
    }
    if calls.is_empty() {
        return;
    }
    out.sort_by_key(|one| one.extent().start);
    let mut taken: Vec<Span> = Vec::new();
    let mut added: Vec<ImageUse> = Vec::new();
    for (call, does) in &calls {
        let first = out.partition_point(|one| one.extent().start < call.span.start);
        let many = out[first..].partition_point(|one| one.extent().start < call.span.end);
        let own = &mut out[first..first + many];
        let named = call.arguments.first();
        let is_first = |one: &ImageUse| named.is_some_and(|named| named.span.covers(one.extent()));
        match does {
            Does::Push => own.iter_mut().for_each(|one| one.usage = PUSHED),
            Does::Build => {
                let built = own.iter_mut().filter(|one| is_first(one));
                built.for_each(|one| one.usage = BUILT);
            }
            Does::Take if text[call.span.end..].starts_with(".push") => {
                let pushed = own.iter_mut().filter(|one| is_first(one));
                pushed.for_each(|one| one.usage = PUSHED);
            }
            Does::Take if !own.iter().any(is_first) => added.extend(call.taken(input)),
            Does::Take => {}
            Does::Pull => {
                let joined = call.joined(input);
                let pieces = joined.iter().flat_map(ImageUse::pieces);
                taken.extend(pieces.filter(|piece| !piece.is_empty()));
                added.extend(joined);
            }
        }
    }
    taken.sort();
    out.retain(|one| {
        let before = taken.partition_point(|piece| piece.end <= one.extent().start);
        let next = taken.get(before);
        !next.is_some_and(|piece| piece.overlaps(one.extent()))
    });
    out.append(&mut added);
}

struct Call<'c> {
    /// The arguments with the parentheses.
    span: Span,
    arguments: Vec<Argument<'c>>,
}

/// An argument that is a single string.
struct Argument<'c> {
    key: Option<&'c str>,
    /// The content of the string.
    span: Span,
}

impl<'c> Call<'c> {
    /// Parses the call whose name is at `start`.
    fn at(text: &'c str, start: usize, name: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let is_part =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let before = start.checked_sub(1).and_then(|at| bytes.get(at));
        let open = start + name.len();
        if before.is_some_and(is_part) || bytes.get(open) != Some(&b'(') {
            return None;
        }
        let mut reader = Reader {
            text,
            end: text.len().min(open + LONGEST),
            at: open + 1,
        };
        let arguments = reader.arguments()?;
        Some(Self {
            span: Span::new(open, reader.at),
            arguments,
        })
    }

    /// Returns the image that the named arguments together are.
    fn joined(&self, input: &Input<'_>) -> Vec<ImageUse> {
        let named = self.arguments.iter();
        let named = named.filter_map(|argument| Some((argument.key?, argument.span)));
        let named = named.filter(|(key, _)| {
            matches!(*key, "registry" | "repository" | "image" | "tag" | "digest")
        });
        let pairs = named.map(|(key, span)| {
            let scalar = Scalar {
                span,
                style: Style::Plain,
                value: Cow::Borrowed(span.of(input.masked)),
            };
            (key, Node::Scalar(scalar))
        });
        let pairs: Vec<(&str, Node<'_>)> = pairs.collect();
        let aliases = Aliases::of(&[], &[]);
        let document = Document::of_text(&aliases);
        let mut found = Vec::new();
        spread::of_settings(&Context::root(input, &document), &pairs, &mut found);
        found.retain(|one| one.decoded.is_none());
        found
    }

    /// Returns the image in the first argument, if that is a path with a tag.
    fn taken(&self, input: &Input<'_>) -> Option<ImageUse> {
        let first = self.arguments.first()?;
        let reference = reference::read(input.masked, first.span, &[])?;
        let has_path = reference.name.of(input.masked).contains('/');
        let is_image = has_path && matches!(reference.tag, Tag::At(_));
        (is_image && !reference.chart).then(|| reference.into_use(IN_CALL, "argument"))
    }
}

struct Reader<'r> {
    text: &'r str,
    end: usize,
    at: usize,
}

impl<'r> Reader<'r> {
    /// Reads the arguments and the closing parenthesis. `None` if there is none within [`LONGEST`].
    fn arguments(&mut self) -> Option<Vec<Argument<'r>>> {
        let bytes = &self.text.as_bytes()[..self.end];
        let mut found = Vec::new();
        let mut depth = 0_usize;
        let mut start = self.at;
        loop {
            match *bytes.get(self.at)? {
                b'#' => self.pass_line(bytes),
                b'/' if bytes[self.at..].starts_with(b"//") => self.pass_line(bytes),
                quote @ (b'"' | b'\'') => {
                    let content = self.string(bytes, quote)?;
                    let before = self.text[start..content.start - 1].trim();
                    let behind = self.text[self.at..].trim_start();
                    if depth == 0 && behind.starts_with([',', ')']) {
                        found.extend(argument(before, content));
                    }
                }
                b'(' | b'[' | b'{' => {
                    depth += 1;
                    self.at += 1;
                }
                b')' if depth == 0 => {
                    self.at += 1;
                    return Some(found);
                }
                b')' | b']' | b'}' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' if depth == 0 => {
                    self.at += 1;
                    start = self.at;
                }
                _ => self.at += 1,
            }
        }
    }

    fn pass_line(&mut self, bytes: &[u8]) {
        let newline = memchr::memchr(b'\n', &bytes[self.at..]);
        self.at = newline.map_or(bytes.len(), |newline| self.at + newline);
    }

    /// Reads a string on one line and returns the span of its content.
    fn string(&mut self, bytes: &[u8], quote: u8) -> Option<Span> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            match *bytes.get(at)? {
                b'\\' => at += 2,
                b'\n' => return None,
                byte if byte == quote => break,
                _ => at += 1,
            }
        }
        self.at = at + 1;
        Some(Span::new(start, at))
    }
}

/// Parses what precedes the string of an argument: nothing, a comment or `key =`.
fn argument(before: &str, span: Span) -> Option<Argument<'_>> {
    let line = before.rsplit('\n').next().unwrap_or_default().trim();
    let (key, rest) = match line.strip_suffix('=') {
        Some(key) => (Some(key.trim_end()), ""),
        None => (None, line),
    };
    let is_word = |key: &str| {
        key.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let fits = rest.is_empty() && key.is_none_or(|key| !key.is_empty() && is_word(key));
    fits.then_some(Argument { key, span })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Formats each argument as `key=value`.
    fn read(text: &str) -> Option<String> {
        let call = Call::at(text, text.find("f(")?, "f")?;
        let shown = call.arguments.iter().map(|argument| {
            let value = argument.span.of(text);
            format!("{}={value}", argument.key.unwrap_or_default())
        });
        Some(shown.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn arguments_are_strings_by_name() {
        for (text, expected) in [
            ("f(\"a\", b = 'c')", Some("=a b=c")),
            (
                "f(\n  a = \"b\", # \") (\n  # c\n  d = \"e\",\n)",
                Some("a=b d=e"),
            ),
            (
                "f(a = [\"b\"], c = g(\"d\"), e = \"f\" + \"g\", h = \"i\")",
                Some("h=i"),
            ),
            ("f(\"a\", {\"b\": \"c\"})", Some("=a")),
            ("f(a == \"b\")", Some("")),
            ("f(\"a\\\")\")", Some("=a\\\")")),
            ("f(\"a", None),
            ("gf(\"a\")", None),
            ("f (\"a\")", None),
        ] {
            assert_eq!(read(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn nothing_breaks_the_reader() {
        let text = "f(\"ä\", ö = 'ü', # é\n [\"\\é\"] // à\n)";
        for (at, _) in text.char_indices() {
            read(&text[at..]);
            read(&format!("f({}", &text[at..]));
            read(&text[..at]);
        }
        read(&"f(".repeat(10_000));
    }
}
