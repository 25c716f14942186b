//! Defaults inside placeholders: the values that apply if nothing else is set.
//!
//! `${REG:-k8s.gcr.io}/pause` is read as `k8s.gcr.io/pause`, and so is Jinja's `{{ reg | default('k8s.gcr.io') }}/pause`. The
//! argument of an unknown function is read in the same way, but with less certainty: `{{ Registry "k8s.gcr.io" }}/pause`.

use super::flag;
use super::input::{Inner, Input};
use super::usage::Certainty;
use super::words;
use crate::image::is_registry_host;
use crate::source::Span;
use crate::syntax::decoded::Decoded;
use crate::syntax::template::{self, Literal};

/// The maximum nesting of placeholders in defaults. Deeper ones are left alone.
const DEEPEST: usize = 4;

const BY_FUNCTION: Certainty =
    Certainty::Likely("it is an argument of a function that fills in the template");

/// The treatment of the names of variables that a placeholder assigns its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    Dropped,
    /// For a text of many words: `REG=k8s.gcr.io`.
    Kept,
}

/// Returns the text of a span with its placeholders replaced by their defaults. `None` if there are no defaults.
pub(super) fn expand(input: &Input<'_>, span: Span, names: Names) -> Option<Inner> {
    let (decoded, certainty) = expanded(input, span, names)?;
    Some(Inner::new(input, decoded, span).at_most(certainty))
}

/// Like [`expand`], as a piece of another text, with the certainty that this is the value.
pub(super) fn expanded(
    input: &Input<'_>,
    span: Span,
    names: Names,
) -> Option<(Decoded, Certainty)> {
    let slice = span.of(input.text);
    if !slice.contains("${") && !slice.contains("{{") || input.depth > DEEPEST {
        return None;
    }
    let mut decoded = Decoded::default();
    let mut found = None;
    replace(input, span, (DEEPEST, names), &mut decoded, &mut found);
    Some((decoded, found?))
}

fn replace(
    input: &Input<'_>,
    span: Span,
    (depth, names): (usize, Names),
    decoded: &mut Decoded,
    found: &mut Option<Certainty>,
) {
    let mut at = span.start;
    let mut copied = span.start;
    while at < span.end {
        let rest = &input.text[at..span.end];
        let next = match () {
            () if rest.starts_with("${") => shell(rest).map(|read| (read, Certainty::Certain)),
            // Template actions are masked and read with the template.
            () if rest.starts_with("{{") && input.masked[at..].starts_with("{{") => template(rest),
            () => None,
        };
        let is_read = |(inner, length): (Span, usize)| {
            let default = inner.of(rest);
            names_something(default) || rest[length..].starts_with('/') && is_account(default)
        };
        match next.filter(|(read, _)| depth > 0 && is_read(*read)) {
            None => at += rest.chars().next().map_or(1, char::len_utf8),
            Some(((inner, length), certainty)) => {
                decoded.push_exact(input.masked, Span::new(copied, at));
                *found = Some(found.map_or(certainty, |before| before.min(certainty)));
                if names == Names::Kept
                    && let Some((name, sign)) = assigned(input.text, Span::new(at, at + length))
                {
                    decoded.push_exact(input.masked, name);
                    decoded.push_exact(input.masked, sign);
                }
                let further = (depth - 1, names);
                replace(input, inner.shift(at), further, decoded, found);
                at += length;
                copied = at;
            }
        }
    }
    decoded.push_exact(input.masked, Span::new(copied, span.end));
}

/// Whether a default may be the account before a name: `${OWNER:-bitnami}/kubectl`.
fn is_account(default: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    default.starts_with(|letter: char| letter.is_ascii_lowercase()) && default.bytes().all(fits)
}

/// Whether a default is a name or a part of one, rather than a version.
fn names_something(default: &str) -> bool {
    let domain = default.rsplit('.').next().unwrap_or_default();
    let is_host = is_registry_host(default)
        && domain.len() > 1
        && domain.bytes().all(|byte| byte.is_ascii_alphabetic());
    default.contains(['/', ':']) || is_host
}

/// Returns the default in the `${NAME:-default}` at the start of a text, and the length of the placeholder.
fn shell(text: &str) -> Option<(Span, usize)> {
    let name = text[2..].bytes();
    let name = name.take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let start = 2 + name.count();
    let rest = &text[start..];
    let operator = [":-", ":=", "-", "="]
        .iter()
        .find(|operator| rest.starts_with(**operator))?;
    let from = start + operator.len();
    let mut depth = 0_usize;
    let mut end = None;
    for (at, byte) in text.bytes().enumerate().skip(from) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => {
                end = Some(at);
                break;
            }
            b'}' => depth -= 1,
            b'\n' => return None,
            _ => {}
        }
    }
    let end = end.filter(|end| start > 2 && *end > from)?;
    let quoted = [b'"', b'\''].iter().any(|quote| {
        end - from >= 2 && text.as_bytes()[from] == *quote && text.as_bytes()[end - 1] == *quote
    });
    let inner = match quoted {
        true => Span::new(from + 1, end - 1),
        false => Span::new(from, end),
    };
    Some((inner, end + 1))
}

/// Returns the variable that a placeholder assigns its default to, and the `=`. `None` if it is not an assignment, or other
/// letters of a name touch the placeholder.
fn assigned(text: &str, placeholder: Span) -> Option<(Span, Span)> {
    let start = placeholder.start + 2;
    let rest = placeholder.of(text).strip_prefix("${")?;
    let length = rest.find([':', '='])?;
    let sign = match rest[length..].starts_with(":=") {
        true => length + 1,
        false if rest[length..].starts_with('=') => length,
        false => return None,
    };
    let touches = |letter: char| letter.is_ascii_alphanumeric() || "./:@_-".contains(letter);
    let before = text[..placeholder.start].chars().next_back();
    let after = text[placeholder.end..].chars().next();
    let is_alone = !before.is_some_and(touches) && !after.is_some_and(touches);
    let name = Span::new(start, start + length);
    is_alone.then(|| (name, Span::new(start + sign, start + sign + 1)))
}

/// Returns the default in the action at the start of a text, with the length of the action and the certainty of the default.
fn template(text: &str) -> Option<((Span, usize), Certainty)> {
    let action = template::actions(&text[..flag::ahead(text, 0, LONGEST)]);
    let action = action.first().filter(|action| action.span.start == 0)?;
    let inner = action.span.of(text);
    let words: Vec<_> = template::literals(text, action.span);
    let found = match words.as_slice() {
        [literal] => (literal.span, certainty_of(literal, inner)?),
        // `lookup('env', 'REG') | default('k8s.gcr.io', true)`: the other literals do not matter.
        all => {
            let is_one = |literal: &&Literal<'_>| {
                is_default(literal, inner) && names_something(literal.span.of(inner))
            };
            let mut defaults = all.iter().filter(is_one);
            let only = defaults.next().filter(|_| defaults.next().is_none());
            (
                only.filter(|_| !joins(inner, all))?.span,
                Certainty::Certain,
            )
        }
    };
    let (literal, certainty) = found;
    (!literal.is_empty()).then_some(((literal, action.span.len()), certainty))
}

/// Returns the certainty that an action results in its only literal. `None` if it does not.
fn certainty_of(literal: &Literal<'_>, inner: &str) -> Option<Certainty> {
    if is_default(literal, inner) {
        return Some(Certainty::Certain);
    }
    let head = before(literal, inner).trim_start_matches(['{', '-', '~', ' ']);
    match literal.function {
        None if head.is_empty() => piped(&inner[literal.span.end..]),
        _ if is_function(head) && passes_on(head) => Some(BY_FUNCTION),
        _ => None,
    }
}

/// Whether an action results in the literal if nothing else is set, or if a condition holds.
fn is_default(literal: &Literal<'_>, inner: &str) -> bool {
    let before = before(literal, inner);
    let behind = inner[literal.span.end..].trim_start_matches(['"', '\'', '`', ')']);
    let word = before.rsplit([' ', '|', ',', '(']).next();
    // `d` is Jinja's short name of the function, and `default=` a parameter of `lookup`.
    let is_named = matches!(word, Some("d" | "default=" | "else" | "or"));
    before.ends_with("default")
        || is_named
        || behind.starts_with(" if ")
        || matches!(literal.function, Some("or" | "coalesce" | "ternary"))
        || called(&inner[..literal.span.start]) == Some("ternary")
}

/// Returns the function whose open parenthesis contains the end of a text.
fn called(before: &str) -> Option<&str> {
    let mut closed = 0_usize;
    let open = before.bytes().rposition(|byte| {
        match byte {
            b')' => closed += 1,
            b'(' if closed == 0 => return true,
            b'(' => closed -= 1,
            _ => {}
        }
        false
    })?;
    before[..open].rsplit([' ', '|', '(']).next()
}

/// Returns the part of an action before a literal.
fn before<'i>(literal: &Literal<'_>, inner: &'i str) -> &'i str {
    inner[..literal.span.start].trim_end_matches(['"', '\'', '`', '(', ' '])
}

/// Whether an action concatenates strings, outside of its literals.
fn joins(inner: &str, literals: &[Literal<'_>]) -> bool {
    let is_text = |at: usize| {
        literals
            .iter()
            .any(|one| one.span.start <= at && at < one.span.end)
    };
    let mut signs = inner.match_indices(['~', '+']);
    signs.any(|(at, _)| !is_text(at) && 2 < at && at + 3 < inner.len())
}

/// Returns the certainty that an action results in the literal it begins with, given what follows the literal.
fn piped(behind: &str) -> Option<Certainty> {
    let behind = behind.trim_start_matches(['"', '\'', '`', ' ']);
    let Some(rest) = behind.strip_prefix('|') else {
        let ends = behind.trim_start_matches(['-', '~']).starts_with("}}");
        return ends.then_some(Certainty::Certain);
    };
    let rest = rest.trim_start();
    let mut names = rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    passes_on(names.next()?).then_some(BY_FUNCTION)
}

fn is_function(text: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty() && text.bytes().all(letters)
}

/// Whether a function may return its argument, rather than compare with it or look something up by it.
fn passes_on(function: &str) -> bool {
    const LOOK_UP: [&str; 7] = [
        "lookup", "get", "find", "query", "fail", "required", "include",
    ];
    let folded = function.to_ascii_lowercase();
    !words::is_function_that_compares(function) && !LOOK_UP.iter().any(|word| folded.contains(word))
}

/// The maximum number of bytes of an action that are read.
const LONGEST: usize = 1 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let input = Input::of_text(Path::new(""), text);
        let inner = expand(&input, Span::new(0, text.len()), Names::Dropped);
        let meant = inner.as_ref().map(|inner| inner.decoded().text.as_str());
        assert_eq!(meant, expected, "{text}");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        for space in [" ", "  "] {
            let rest = format!("{space}{}", "é".repeat(LONGEST));
            let text = format!("{{{{ x | default('q.io/a:1') }}}}{rest}");
            check(&text, Some(&format!("q.io/a:1{rest}")));
        }
    }

    #[test]
    fn placeholders_are_what_they_default_to() {
        check("${I:-q.io/a:1}", Some("q.io/a:1"));
        check("${R:=q.io}/a", Some("q.io/a"));
        check("${P-q.io/b/}a", Some("q.io/b/a"));
        check("x/${A:-${B:-q.io}}/y", Some("x/q.io/y"));
        check("${A:-\"q.io/a\"}", Some("q.io/a"));
        check("{{ r | default('q.io') }}/a", Some("q.io/a"));
        check("{{ r | default(\"q.io\", true) }}/a", Some("q.io/a"));
        check("{{ r|d('q.io/a:1') }}", Some("q.io/a:1"));
        check("{{ .r | default \"q.io\" }}/a", Some("q.io/a"));
        check("{{ default \"q.io\" .r }}/a", Some("q.io/a"));
        check("{{ or .i \"q.io/a:1\" }}", Some("q.io/a:1"));
        check("{{ Registry \"q.io\" }}/a", Some("q.io/a"));
        check("{{- registry('q.io') -}}/a", Some("q.io/a"));
        check("{{ 'q.io/a:1' | mirrored }}", Some("q.io/a:1"));
        check(
            "{{ lookup('env', 'R') | d('q.io', true) }}/a",
            Some("q.io/a"),
        );
        check(
            "{{ lookup('vars', 'i', default='q.io/a:1') }}",
            Some("q.io/a:1"),
        );
        check(
            "{{ m | default(lookup('env','R') | default('q.io', true)) }}/a",
            Some("q.io/a"),
        );
        check("{{ lookup('env', 'R') or 'q.io' }}/a", Some("q.io/a"));
        check("{{ 'q.io' if not m else n }}/a", Some("q.io/a"));
        check("{{ (n) if m == 'q.io/x' else 'q.io' }}/a", Some("q.io/a"));
        check("{{ m | ternary(n, 'q.io') }}/a", Some("q.io/a"));
        check(
            "{{ r | default('q.io', true) | trim('/') }}/a",
            Some("q.io/a"),
        );
        for text in [
            "${I}/a",
            "${I:?no}",
            "{{ r }}/a",
            "{{ r | replace('a', 'b') }}",
            "{{ contains 'q.io' }}/a",
            "{{ 'q.io' in r }}/a",
            "{{ 'q.io' | match }}/a",
            "{{ lookup('q.io') }}/a",
            "{{ r['q.io'] }}/a",
            "{{ r | contains('q.io') }}/a",
            "{{ 'q.io' if m else 'r.io' }}/a",
            "{{ (r | default('q.io')) ~ '/a' }}",
            "{{ lookup('env', 'q.io/a') }}",
            "a",
            "${I:-",
        ] {
            check(text, None);
        }
    }
}
