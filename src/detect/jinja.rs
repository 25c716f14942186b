//! Strings in Jinja expressions in the values of a plain file: what filters and tests compare with, as in
//! `{{ image | replace('k8s.gcr.io', 'x') }}`, and parts of images, as in `{{ 'k8s.gcr.io/pause:' + version }}`.
//!
//! For templates, `literal` reads the actions.

use super::flag;
use super::image_use::{ImageUse, Tag};
use super::input::Input;
use super::reference;
use super::usage::{IN_FILTER, Usage};
use super::words;
use crate::source::{self, Span};

const COMPARED: Usage = Usage::Compared(IN_FILTER);
const MADE: Usage = Usage::likely("an expression builds an image name from it");

/// The maximum distance from an offset to its expression, in bytes: a line may be a megabyte of images.
const FARTHEST: usize = 1 << 9;

/// Returns the uses in such strings. `known` are the uses found in whole values.
pub(super) fn uses(input: &Input<'_>, known: &[ImageUse]) -> Vec<ImageUse> {
    let mut found: Vec<ImageUse> = Vec::new();
    let mut known: Vec<Span> = known.iter().map(ImageUse::extent).collect();
    known.sort();
    // Every host contains a dot.
    let dots = || input.text.match_indices('.').map(|(at, _)| at).collect();
    let all: Vec<usize> = input.hints.map_or_else(dots, <[usize]>::to_vec);
    for hint in all {
        let Some(one) = Literal::around(input.text, hint) else {
            continue;
        };
        let around = known[..known.partition_point(|span| span.start < one.span.end)].last();
        let is_read = || around.is_some_and(|span| span.overlaps(one.span));
        let usage = match () {
            () if one.is_compared() => COMPARED,
            () if one.is_made_into_an_image() && !is_read() => MADE,
            () => continue,
        };
        let is_known = |last: &ImageUse| last.extent().overlaps(one.span);
        if found.last().is_some_and(is_known) {
            continue;
        }
        // `'k8s.gcr.io/pause:' + version`
        let written = one.span.of(input.text).trim_end_matches([':', '/', '@']);
        let literal = Span::new(one.span.start, one.span.start + written.len());
        match reference::read(input.text, literal, &[]) {
            Some(mut reference) if reference.hosted => {
                if usage.is_pull() && !reference.is_pinned() {
                    reference.tag = Tag::Elsewhere;
                }
                found.push(ImageUse {
                    may_be_folder: usage.is_pull() && !reference.is_pinned(),
                    ..reference.into_use(usage, "template")
                });
            }
            _ => {
                let registry = reference::read_registry(input.text, literal);
                let registry = registry.map(|span| ImageUse::of_registry(span, usage, "template"));
                found.extend(registry);
            }
        }
    }
    found
}

/// A string in an expression.
struct Literal<'l> {
    span: Span,
    /// The text before and after it.
    head: &'l str,
    tail: &'l str,
    /// The line up to the string.
    line: &'l str,
    /// Whether it is inside expression marks, rather than in a condition without them.
    in_action: bool,
    has_path: bool,
}

impl<'l> Literal<'l> {
    /// Finds the string around an offset, if it is in an expression on the same line.
    fn around(text: &'l str, at: usize) -> Option<Self> {
        let near = flag::far(text, at, FARTHEST);
        let line = near + source::line_start(&text[near..], at - near);
        let before = &text[line..at];
        let action = before.rfind("{{").max(before.rfind("{%"));
        let action =
            action.filter(|at| !["}}", "%}"].iter().any(|end| before[*at..].contains(end)));
        let is_whole = line == 0 || line > near;
        let condition = || is_whole.then(|| condition(before)).flatten();
        let expression = action.map(|at| at + 2).or_else(condition)?;
        let start = before
            .rfind(['\'', '"'])
            .filter(|start| *start >= expression)?
            + 1;
        let quote = before.as_bytes()[start - 1];
        let far = flag::ahead(text, at, FARTHEST);
        let rest = text[at..far].lines().next()?;
        let end = at + rest.find(char::from(quote))?;
        let start = line + start;
        let anchor = usize::from(text[start..].starts_with('^'));
        Some(Self {
            span: Span::new(start + anchor, end),
            head: text[line..start - 1].trim_end(),
            tail: text[end + 1..far].trim_start(),
            line: &text[line..start],
            in_action: action.is_some(),
            has_path: text[start..end].contains('/'),
        })
    }

    fn is_compared(&self) -> bool {
        let operators = ["==", "!=", "in ", "not in "];
        let is_operand = ["==", "!="]
            .iter()
            .any(|operator| self.head.ends_with(operator))
            || operators
                .iter()
                .any(|operator| self.tail.starts_with(operator));
        let is_argument = self.head.strip_suffix('(').is_some_and(|head| {
            let in_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            let mut names = head.rsplit(|letter| !in_name(letter));
            names.next().is_some_and(words::is_function_that_compares)
        });
        // In a condition, whole names are found without this.
        let is_known = !self.in_action && self.has_path;
        !is_known && (is_operand || is_argument)
    }

    /// Whether the key of its line shows that the value is an image or a part of one.
    fn is_made_into_an_image(&self) -> bool {
        let key = self
            .line
            .split_once(':')
            .map(|(key, _)| words::fold(key.trim()));
        let is_of_image = |key: &String| words::is_image(key) || words::is_bare_host(key);
        self.in_action && key.as_ref().is_some_and(is_of_image)
    }
}

/// Returns the offset of the expression, if the line is an Ansible condition.
fn condition(line: &str) -> Option<usize> {
    let (key, _) = line.split_once(':')?;
    let name = key.trim_start_matches([' ', '-']);
    (words::is_compared(&words::fold(name)) && !name.is_empty()).then_some(key.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::Literal;

    #[test]
    fn strings_that_expressions_compare_with() {
        for (text, expected) in [
            ("a: \"{{ x | replace('HOST', 'y') }}\"", Some("HOST")),
            (
                "a: '{{ x | regex_replace(\"^HOST/\", \"y\") }}'",
                Some("HOST/"),
            ),
            ("{{ 'y' if x.startswith('HOST') else 'z' }}", Some("HOST")),
            ("{{ 'HOST/a:1' == x }}", Some("HOST/a:1")),
            ("{% if x != \"HOST\" %}", Some("HOST")),
            ("{{ 'HOST' in x }}", Some("HOST")),
            ("{{ x | default('HOST') }}", None),
            ("{{ x }} replace('HOST')", None),
            ("  when: \"'HOST' in x\"", Some("HOST")),
            ("- failed_when: x.startswith('HOST')", Some("HOST")),
            ("when: x == 'HOST/a:1'", None),
            ("name: \"'HOST' in x\"", None),
            ("replace('HOST', 'y')", None),
        ] {
            let found = Literal::around(text, text.find("HOST").unwrap());
            let found = found.filter(Literal::is_compared);
            assert_eq!(found.map(|one| one.span.of(text)), expected, "{text}");
        }
    }
}
