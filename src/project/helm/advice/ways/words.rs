//! Which words of the ways to name a chart occur in a text. Each word is searched for once, and only if a way needs
//! it.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::LazyLock;

use memchr::memmem::Finder;

/// The words to search for, each with its index.
static WORDS: LazyLock<HashMap<&'static str, (usize, Finder<'static>)>> = LazyLock::new(|| {
    let mut words = HashMap::new();
    for word in super::words() {
        let number = words.len();
        let finder = || (number, Finder::new(word).into_owned());
        words.entry(word).or_insert_with(finder);
    }
    words
});

/// The words that occur in a text.
pub(super) struct Present<'t> {
    text: &'t str,
    known: Vec<Cell<Option<bool>>>,
}

impl<'t> Present<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let known = vec![Cell::new(None); WORDS.len()];
        Self { text, known }
    }

    /// Whether the word occurs as a kind or a key, and not as a part of another word.
    pub(super) fn has(&self, word: &str) -> bool {
        let text = self.text.as_bytes();
        let Some((number, finder)) = WORDS.get(word) else {
            return self.text.contains(word);
        };
        let known = &self.known[*number];
        known.get().unwrap_or_else(|| {
            let mut hits = finder.find_iter(text);
            let has = hits.any(|at| is_kind_or_key(text, at, at + word.len()));
            known.set(Some(has));
            has
        })
    }
}

/// Whether the word follows the colon of a key or precedes one.
fn is_kind_or_key(text: &[u8], start: usize, end: usize) -> bool {
    let is_between = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'');
    let before = text[..start]
        .iter()
        .rev()
        .skip_while(|byte| is_between(byte));
    // An anchor or a tag may precede the word.
    let is_kind = || {
        before
            .take_while(|byte| **byte != b'\n')
            .any(|byte| *byte == b':')
    };
    let mut after = text[end..].iter();
    after.find(|byte| !is_between(byte)) == Some(&b':') || is_kind()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_there_as_a_kind_or_a_key() {
        for text in [
            "kind: HelmChart",
            "kind: &kind HelmChart",
            "kind:\n  HelmChart\n",
            r#"{"kind":"HelmChart"}"#,
            "HelmChart: x",
            "\"HelmChart\" : x",
            "# a HelmChart\nkind: HelmChart",
        ] {
            assert!(Present::of(text).has("HelmChart"), "{text}");
        }
        for text in [
            "# a HelmChart\nkind: x",
            "- HelmChart\n- x: y",
            "kind: Helm",
        ] {
            assert!(!Present::of(text).has("HelmChart"), "{text}");
        }
    }
}
