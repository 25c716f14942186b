//! Which words of the ways to name a chart are in a text: all of them are looked for at once.

use std::collections::HashMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// What is looked for.
struct Words {
    numbers: HashMap<&'static str, usize>,
    search: Option<AhoCorasick>,
}

/// The words that a text has.
pub(super) struct Present<'t> {
    text: &'t str,
    words: &'static Words,
    found: Vec<bool>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let mut numbers = HashMap::new();
    let mut all: Vec<&'static str> = Vec::new();
    for word in super::words() {
        numbers.entry(word).or_insert_with(|| {
            all.push(word);
            all.len() - 1
        });
    }
    let mut builder = AhoCorasick::builder();
    let search = builder.kind(Some(AhoCorasickKind::DFA)).build(&all).ok();
    Words { numbers, search }
});

impl<'t> Present<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let words = &*WORDS;
        let mut found = vec![false; words.numbers.len()];
        if let Some(search) = &words.search {
            for one in search.find_overlapping_iter(text) {
                found[one.pattern().as_usize()] = true;
            }
        }
        Self { text, words, found }
    }

    pub(super) fn has(&self, word: &str) -> bool {
        match (self.words.numbers.get(word), &self.words.search) {
            (Some(number), Some(_)) => self.found[*number],
            _ => self.text.contains(word),
        }
    }
}
