//! What filters and tests of Jinja in the values of a plain file compare with: `{{ image | replace('k8s.gcr.io', 'x') }}`.
//!
//! Of templates, `literal` reads the actions.

use super::flag;
use super::image_use::ImageUse;
use super::input::Input;
use super::reference;
use super::usage::{IN_FILTER, Usage};
use super::words;
use crate::source::{self, Span};

const COMPARED: Usage = Usage::Compared(IN_FILTER);

/// How far from an offset an expression is looked for: a line may be a megabyte of images.
const FARTHEST: usize = 1 << 9;

pub(super) fn uses(input: &Input<'_>) -> Vec<ImageUse> {
    let mut found: Vec<ImageUse> = Vec::new();
    for hint in input.hints.unwrap_or_default() {
        let Some(literal) = compared(input.text, *hint) else {
            continue;
        };
        let is_known = |last: &ImageUse| last.extent().overlaps(literal);
        if found.last().is_some_and(is_known) {
            continue;
        }
        match reference::read(input.text, literal, &[]) {
            Some(reference) if reference.hosted => {
                found.push(reference.into_use(COMPARED, "template"))
            }
            _ => {
                let registry = reference::read_registry(input.text, literal);
                let registry =
                    registry.map(|span| ImageUse::of_registry(span, COMPARED, "template"));
                found.extend(registry);
            }
        }
    }
    found
}

/// The string around an offset, where an expression on its line compares with it.
fn compared(text: &str, at: usize) -> Option<Span> {
    let near = flag::far(text, at, FARTHEST);
    let line = near + source::line_start(&text[near..], at - near);
    let before = &text[line..at];
    let action = before.rfind("{{").max(before.rfind("{%"));
    let action = action.filter(|at| !["}}", "%}"].iter().any(|end| before[*at..].contains(end)));
    let is_whole = line == 0 || line > near;
    let condition = || is_whole.then(|| condition(before)).flatten();
    let expression = action.map(|at| at + 2).or_else(condition)?;
    let start = before
        .rfind(['\'', '"'])
        .filter(|start| *start >= expression)?
        + 1;
    let quote = before.as_bytes()[start - 1];
    let far = (at..=text.len().min(at + FARTHEST))
        .rev()
        .find(|at| text.is_char_boundary(*at))?;
    let rest = text[at..far].lines().next()?;
    let end = at + rest.find(char::from(quote))?;
    let head = before[..start - 1].trim_end();
    let tail = text[end + 1..far].trim_start();
    let operators = ["==", "!=", "in ", "not in "];
    let is_operand = ["==", "!="].iter().any(|operator| head.ends_with(operator))
        || operators.iter().any(|operator| tail.starts_with(operator));
    let is_argument = head.strip_suffix('(').is_some_and(|head| {
        let in_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let mut names = head.rsplit(|letter| !in_name(letter));
        names.next().is_some_and(words::is_function_that_compares)
    });
    // Whole names are found there as in any condition.
    let is_known = action.is_none() && text[line + start..end].contains('/');
    let anchor = usize::from(text[line + start..].starts_with('^'));
    (!is_known && (is_operand || is_argument)).then(|| Span::new(line + start + anchor, end))
}

/// Where the expression of a condition of Ansible begins, if the line is one.
fn condition(line: &str) -> Option<usize> {
    let (key, _) = line.split_once(':')?;
    let name = key.trim_start_matches([' ', '-']);
    (words::is_compared(&words::fold(name)) && !name.is_empty()).then_some(key.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::compared;

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
            let found = compared(text, text.find("HOST").unwrap());
            assert_eq!(found.map(|span| span.of(text)), expected, "{text}");
        }
    }
}
