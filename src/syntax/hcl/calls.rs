//! Arguments of function calls, anywhere in an expression. The caller names the functions.

use super::scan::{Kind, Scan, scan};
use crate::source::Span;

/// Returns the first arguments of calls of `functions` that are strings, in order. Calls in objects are left out, because
/// their result is one value among others.
pub fn first_texts(text: &str, found: &Scan, within: Span, functions: &[&str]) -> Vec<Span> {
    let mut texts = of_tokens(text, found, within, functions);
    let first = found
        .actions
        .partition_point(|action| action.span.start < within.start);
    for action in &found.actions[first..] {
        if action.span.end > within.end {
            break;
        }
        // `${file("values.yaml")}` in a string.
        let Some(inner) = action.span.of(text).strip_prefix("${") else {
            continue;
        };
        let start = action.span.start + "${".len();
        let whole = Span::new(0, inner.len());
        let inner = of_tokens(inner, &scan(inner), whole, functions).into_iter();
        texts.extend(inner.map(|span| Span::new(start + span.start, start + span.end)));
    }
    texts.sort();
    texts
}

fn of_tokens(text: &str, found: &Scan, within: Span, functions: &[&str]) -> Vec<Span> {
    let tokens = &found.tokens;
    let first = tokens.partition_point(|token| token.span.start < within.start);
    let mut objects = 0_usize;
    let mut texts = Vec::new();
    for (at, token) in tokens.iter().enumerate().skip(first) {
        if token.span.start >= within.end {
            break;
        }
        match token.kind {
            Kind::Mark(b'{') => objects += 1,
            Kind::Mark(b'}') => objects = objects.saturating_sub(1),
            Kind::Word if objects == 0 && functions.contains(&token.span.of(text)) => {
                let mut next = tokens[at + 1..].iter();
                let mut next = || next.find(|token| token.kind != Kind::Break);
                let is_call = next().is_some_and(|token| token.kind == Kind::Mark(b'('));
                let argument = next().filter(|token| is_call && token.kind == Kind::Text);
                texts.extend(argument.map(|token| token.span));
            }
            _ => {}
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let whole = Span::new(0, text.len());
        let found = first_texts(text, &scan(text), whole, &["file", "templatefile"]);
        let found = found.into_iter().map(|span| span.of(text));
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn arguments_are_found_outside_of_objects() {
        check("[file(\"a\"), file(\n  \"b\"\n), file(var.c)]", &["a", "b"]);
        check(
            r#"concat([templatefile("${path.module}/a", { x = file("no") })], ["${file("b")}"])"#,
            &["${path.module}/a", "b"],
        );
        check(
            r#"[yamlencode({ a = file("no") }), fileset("no", "*")]"#,
            &[],
        );
        check("<<-EOT\n  ${file(\"a\")}\nEOT\n", &["a"]);
    }
}
