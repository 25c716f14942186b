//! Which words of the ways to name a chart are in a text: each is looked for once, and only where a way asks for it.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::LazyLock;

use memchr::memmem::Finder;

/// What is looked for, with the number of each.
static WORDS: LazyLock<HashMap<&'static str, (usize, Finder<'static>)>> = LazyLock::new(|| {
    let mut words = HashMap::new();
    for word in super::words() {
        let number = words.len();
        let finder = || (number, Finder::new(word).into_owned());
        words.entry(word).or_insert_with(finder);
    }
    words
});

/// The words that a text has.
pub(super) struct Present<'t> {
    text: &'t str,
    known: Vec<Cell<Option<bool>>>,
}

impl<'t> Present<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let known = vec![Cell::new(None); WORDS.len()];
        Self { text, known }
    }

    pub(super) fn has(&self, word: &str) -> bool {
        let Some((number, finder)) = WORDS.get(word) else {
            return self.text.contains(word);
        };
        let known = &self.known[*number];
        known.get().unwrap_or_else(|| {
            let has = finder.find(self.text.as_bytes()).is_some();
            known.set(Some(has));
            has
        })
    }
}
