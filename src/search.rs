//! Looks for a few words in bytes at the speed of reading: what decides which files are worth parsing.
//!
//! Knows no file and no meaning of a word.

use aho_corasick::{AhoCorasick, BuildError, Input, MatchKind, Span, packed};

/// Words that are searched for together.
#[derive(Debug)]
pub enum Search {
    /// Teddy: where the processor has the instructions and the words are few.
    Packed(packed::Searcher),
    Automaton(AhoCorasick),
}

impl Search {
    /// # Errors
    /// Where the words are too many or too long to search for.
    pub fn new<W: AsRef<str>>(words: impl Iterator<Item = W> + Clone) -> Result<Self, BuildError> {
        let mut packed = packed::Config::new()
            .heuristic_pattern_limits(false)
            .builder();
        for word in words.clone() {
            packed.add(word.as_ref());
        }
        match packed.build() {
            Some(searcher) => Ok(Self::Packed(searcher)),
            None => AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostFirst)
                .build(words.map(|word| word.as_ref().to_owned()))
                .map(Self::Automaton),
        }
    }

    /// The number of the first word at `from` or later, and where it begins.
    pub fn next(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        match self {
            Self::Packed(searcher) => {
                let found = searcher.find_in(text, Span::from(from..text.len()))?;
                Some((found.pattern().as_usize(), found.start()))
            }
            Self::Automaton(automaton) => {
                let found = automaton.find(Input::new(text).range(from..))?;
                Some((found.pattern().as_usize(), found.start()))
            }
        }
    }

    pub fn occurs_in(&self, text: &[u8]) -> bool {
        self.next(text, 0).is_some()
    }
}
