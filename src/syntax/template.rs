//! Go templates (and Jinja's, which nest alike): the actions of a text, masks of the same length that let the
//! rest parse as YAML ([`mask()`]), and the string literals inside actions.
//!
//! Does not interpret the YAML, and does not run templates.

mod mask;

use crate::source::Span;

pub use mask::{Mask, branches, mask, without};

/// One `{{ ... }}`, `{% ... %}` or `{# ... #}`, delimiters included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    pub span: Span,
    pub kind: ActionKind,
}

impl Action {
    /// The same action in the part of the text that begins at `start`.
    #[must_use]
    pub fn back(self, start: usize) -> Self {
        Self {
            span: Span::new(self.span.start - start, self.span.end - start),
            kind: self.kind,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionKind {
    Comment,
    /// `if`, `with`, `range`, `block`: opens a structure that `end` closes.
    Open,
    Else,
    End,
    Define,
    /// Writes nothing: an assignment, `break`, a Jinja statement.
    Silent,
    /// Writes one or more whole lines: its result goes through `nindent` or `indent`.
    Block,
    /// Writes part of a line.
    Inline,
}

/// A string literal inside an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Literal<'t> {
    /// Without its quotes.
    pub span: Span,
    /// The function that it is an argument of. `None` at the head of a pipeline.
    pub function: Option<&'t str>,
}

/// A text with more actions that are never closed is not a template.
const MOST_UNCLOSED: usize = 32;

/// Returns all actions of a text, in order. One that is never closed is not listed.
pub fn actions(text: &str) -> Vec<Action> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut unclosed = 0;
    let mut at = 0;
    while let Some(step) = bytes[at..].iter().position(|byte| *byte == b'{') {
        let start = at + step;
        let Some((end, jinja)) = action_end(text, start) else {
            at = start + 1;
            unclosed += usize::from(matches!(bytes.get(at), Some(b'{' | b'%' | b'#')));
            if unclosed > MOST_UNCLOSED {
                break;
            }
            continue;
        };
        let span = Span::new(start, end);
        found.push(Action {
            span,
            kind: kind(span.of(text), jinja),
        });
        at = end;
    }
    found
}

/// Returns where the action that opens at `start` ends, and whether it has delimiters that only Jinja has.
fn action_end(text: &str, start: usize) -> Option<(usize, bool)> {
    let rest = &text[start..];
    if let Some(body) = rest.strip_prefix("{#") {
        return find(body, "#}").map(|end| (start + end + 4, true));
    }
    if rest.starts_with("{%") {
        return close(text, start + 2, *b"%}").map(|end| (end, true));
    }
    if !rest.starts_with("{{") {
        return None;
    }
    let comment = rest[2..].trim_start_matches('-').trim_start();
    if comment.starts_with("/*") {
        let body = start + rest.len() - rest[2..].len();
        let end = find(&text[body..], "*/").map(|at| body + at + 2)?;
        let tail = find(&text[end..], "}}")?;
        return Some((end + tail + 2, false));
    }
    close(text, start + 2, *b"}}").map(|end| (end, false))
}

/// Returns where the needle is, if that is within `LONGEST` bytes.
fn find(text: &str, needle: &str) -> Option<usize> {
    let near = &text.as_bytes()[..text.len().min(LONGEST)];
    memchr::memmem::find(near, needle.as_bytes())
}

/// The most bytes of an action. Limits the search for the end of those that are never closed.
const LONGEST: usize = 1 << 16;

/// Returns the end of the delimiter. Skips strings and raw strings.
fn close(text: &str, from: usize, delimiter: [u8; 2]) -> Option<usize> {
    let bytes = &text.as_bytes()[..text.len().min(from + LONGEST)];
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'"' | b'\'' | b'`' => at = string_end(bytes, at)?,
            byte if byte == delimiter[0] && bytes.get(at + 1) == Some(&delimiter[1]) => {
                return Some(at + 2);
            }
            _ => at += 1,
        }
    }
    None
}

/// Returns the offset after the closing quote of the string that opens at `start`. A quote that is not closed on its
/// line, as in the prose of a malformed action, is a byte like others.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let quote = bytes[start];
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote != b'`' => at += 2,
            b'\n' if quote != b'`' => return Some(start + 1),
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    Some(start + 1)
}

fn kind(action: &str, jinja: bool) -> ActionKind {
    let inner = action
        .trim_start_matches(['{', '%', '#'])
        .trim_start_matches(['-', '~', '+'])
        .trim_start();
    if inner.starts_with("/*") || action.starts_with("{#") {
        return ActionKind::Comment;
    }
    let word = inner
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .next()
        .unwrap_or_default();
    match word {
        "if" | "with" | "range" | "block" | "for" => ActionKind::Open,
        "else" | "elif" => ActionKind::Else,
        "end" | "endif" | "endfor" => ActionKind::End,
        "define" => ActionKind::Define,
        "break" | "continue" => ActionKind::Silent,
        _ if jinja => ActionKind::Silent,
        _ if inner.starts_with('$') && assigns(inner) => ActionKind::Silent,
        _ if inner.contains("nindent") || inner.contains("indent ") => ActionKind::Block,
        _ => ActionKind::Inline,
    }
}

/// `$name = ...` or `$name := ...`
fn assigns(inner: &str) -> bool {
    let rest =
        inner[1..].trim_start_matches(|letter: char| letter.is_alphanumeric() || letter == '_');
    let rest = rest.trim_start();
    rest.starts_with(":=") || (rest.starts_with('=') && !rest.starts_with("=="))
}

/// The bodies of the outermost `define`s and control structures: in a file of helpers, each is a separate document.
pub fn define_bodies(actions: &[Action]) -> Vec<Span> {
    let mut bodies = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for action in actions {
        match action.kind {
            ActionKind::Define | ActionKind::Open => {
                if depth == 0 {
                    start = action.span.end;
                }
                depth += 1;
            }
            ActionKind::End if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    bodies.push(Span::new(start, action.span.start));
                }
            }
            _ => {}
        }
    }
    bodies
}

/// The string literals of an action, in order.
pub fn literals(text: &str, action: Span) -> Vec<Literal<'_>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    // The head of the command at each depth of parentheses; `None` until its first word.
    let mut heads: Vec<Option<&str>> = vec![None];
    let mut at = action.start;
    while at < action.end {
        match bytes[at] {
            b'"' | b'\'' | b'`' => {
                let end = string_end(bytes, at).unwrap_or(action.end).min(action.end);
                if end > at + 1 {
                    found.push(Literal {
                        span: Span::new(at + 1, end - 1),
                        function: heads.last().copied().flatten(),
                    });
                }
                at = end;
            }
            b'(' => {
                heads.push(None);
                at += 1;
            }
            b')' => {
                if heads.len() > 1 {
                    heads.pop();
                }
                at += 1;
            }
            b'|' | b'=' => {
                if let Some(head) = heads.last_mut() {
                    *head = None;
                }
                at += 1;
            }
            byte if byte.is_ascii_alphabetic() => {
                let end = word_end(bytes, at, action.end);
                let word = &text[at..end];
                let field = at > 0 && matches!(bytes[at - 1], b'.' | b'$');
                let keyword = matches!(word, "if" | "else" | "with" | "range" | "elif" | "end");
                if let Some(head @ None) = heads.last_mut()
                    && !field
                    && !keyword
                {
                    *head = Some(word);
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    found
}

fn word_end(bytes: &[u8], start: usize, limit: usize) -> usize {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    start
        + bytes[start..limit]
            .iter()
            .take_while(|byte| word(byte))
            .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str, how: Mask) -> String {
        let out = mask(text, &actions(text), how);
        assert_eq!(out.len(), text.len());
        out
    }

    #[test]
    fn actions_know_strings_comments_and_their_kind() {
        let text = r#"{{- /* "}}" */ -}}{{ if eq .a "}}" }}{{ `}}` }}{{ $x := 1 }}{{ .a | nindent 2 }}{{ open"#;
        let kinds: Vec<_> = actions(text).iter().map(|action| action.kind).collect();
        use ActionKind::*;
        assert_eq!(kinds, [Comment, Open, Inline, Silent, Block]);
    }

    #[test]
    fn lines_of_actions_vanish_and_output_stands_in() {
        let text = "a:\n  {{- if .x }}\n  image: \"{{ .r }}/p:{{ .t }}\"\n  {{- end }}\n";
        let lines = masked(text, Mask::Lines);
        let kept: Vec<_> = lines.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(kept, ["a:", "  image: \"xxxxxxxx/p:xxxxxxxx\""]);
        assert!(masked("l: {{ include \"x\" . | nindent 4 }}\n", Mask::Lines).starts_with("l:   "));
    }

    #[test]
    fn what_never_closes_is_no_action() {
        assert_eq!(actions("{{ a }} {{ b\n{{ c }}").len(), 1 + 1);
        assert_eq!(actions(&"{{".repeat(200_000)), []);
        let nested = format!(
            "{}x{}",
            "{{ if a }}".repeat(5_000),
            "{{ else }}{{ end }}".repeat(5_000)
        );
        assert_eq!(masked(&nested, Mask::LastBranch).len(), nested.len());
    }

    #[test]
    fn one_branch_is_kept() {
        let text = "{{ if .a }}\nx: 1\n{{ else }}\nx: 2\n{{ end }}\n";
        assert!(!masked(text, Mask::FirstBranch).contains("x: 2"));
        assert!(!masked(text, Mask::LastBranch).contains("x: 1"));
    }

    #[test]
    fn literals_know_their_function() {
        let text = r#"{{ printf "%s" (default "a" .x) | replace "b" "c" }}"#;
        let found: Vec<_> = literals(text, Span::new(0, text.len()))
            .iter()
            .map(|literal| (literal.span.of(text), literal.function))
            .collect();
        let expected = [
            ("%s", Some("printf")),
            ("a", Some("default")),
            ("b", Some("replace")),
            ("c", Some("replace")),
        ];
        assert_eq!(found, expected);
        let text = r#"{{- if contains "bitnami/" .r }}"#;
        assert_eq!(
            literals(text, Span::new(0, text.len()))[0].function,
            Some("contains")
        );
    }
}
