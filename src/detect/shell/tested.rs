//! Words that a script compares: `[ "$X" = NAME ]`.

use super::{Command, MOST_WORDS};

impl Command<'_> {
    /// Whether the word is compared: `[ "$X" = NAME ]`, `X == NAME`, or the pattern before the `)` of a `case`.
    pub(super) fn is_tested(&self, index: usize) -> bool {
        let compares = |word: &str| matches!(word, "==" | "!=" | "=~" | "-eq" | "-ne");
        let previous = self.previous(index);
        // `select(.image=="NAME")`
        let is_compared = compares(previous) || previous.ends_with("==");
        let next = self.words.get(index + 1).map_or("", |word| word.text);
        let in_test = (index.saturating_sub(MOST_WORDS)..index).any(|at| self.begins_test(at));
        let word = self.words[index].text;
        let is_asserted = self.words[0].text.starts_with("assert") && index > 0;
        let is_pattern = word.ends_with(')') && !word.contains('(') && index == 0;
        is_compared || compares(next) || in_test || is_asserted || is_pattern
    }

    /// Whether a test begins here, not a list as in `images = ["NAME"]`, or another word as in `kubectl run test`.
    fn begins_test(&self, at: usize) -> bool {
        const BEFORE: [&str; 13] = [
            "!", "{", "RUN", "and", "do", "elif", "else", "if", "or", "sudo", "then", "until",
            "while",
        ];
        let is_list = match self.words[at].text.trim_start_matches(['@', '-']) {
            "[" | "[[" => true,
            "test" | "case" => false,
            _ => return false,
        };
        let previous = self.previous(at);
        let is_script = || previous.starts_with('-') && previous.ends_with('c');
        let is_first = at == 0 && (!is_list || self.has_operator(at));
        is_first || BEFORE.contains(&previous) || is_script() || is_list && previous == "in"
    }

    /// Whether a bracket is followed by an operator, as in `[ -z "$X" ]`, and does not begin a list: `["kubectl", "run"]`.
    fn has_operator(&self, bracket: usize) -> bool {
        let mut words = self.words[bracket + 1..].iter().map(|word| word.text);
        let first = words.next().unwrap_or_default();
        let compares = |word| matches!(word, "=" | "==" | "!=" | "=~" | "<" | ">" | "-eq" | "-ne");
        first.starts_with(['-', '!']) || words.take(MOST_WORDS).any(compares)
    }
}
