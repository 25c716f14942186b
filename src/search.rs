//! Looks for a few words in bytes at the speed of reading: what decides which files are worth parsing.
//!
//! Knows no file and no meaning of a word.

use aho_corasick::{AhoCorasick, BuildError, Input, MatchKind, Span, packed};

/// Words that are searched for together.
#[derive(Debug)]
pub struct Search {
    engine: Engine,
    /// The number of each word, as the caller counts them, by its number in the engine.
    order: Vec<usize>,
}

#[derive(Debug)]
enum Engine {
    /// Teddy: where the processor has the instructions and the words are few.
    Packed(packed::Searcher),
    Automaton(AhoCorasick),
}

impl Search {
    /// # Errors
    /// Where the words are too many or too long to search for.
    pub fn new<W: AsRef<str>>(words: impl Iterator<Item = W> + Clone) -> Result<Self, BuildError> {
        let words: Vec<W> = words.collect();
        let order = by_bucket(&words);
        let ordered = || order.iter().map(|word| words[*word].as_ref());
        let packed = packed::Config::new()
            .heuristic_pattern_limits(false)
            .builder()
            .extend(ordered())
            .build();
        let engine = match packed {
            Some(searcher) => Engine::Packed(searcher),
            None => AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostFirst)
                .build(ordered())
                .map(Engine::Automaton)?,
        };
        Ok(Self { engine, order })
    }

    pub fn is_vectorized(&self) -> bool {
        matches!(self.engine, Engine::Packed(_))
    }

    /// The number of the first word at `from` or later, and where it begins.
    pub fn next(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        let (word, start) = match &self.engine {
            Engine::Packed(searcher) => {
                let found = searcher.find_in(text, Span::from(from..text.len()))?;
                (found.pattern().as_usize(), found.start())
            }
            Engine::Automaton(automaton) => {
                let found = automaton.find(Input::new(text).range(from..))?;
                (found.pattern().as_usize(), found.start())
            }
        };
        Some((self.order[word], start))
    }

    pub fn occurs_in(&self, text: &[u8]) -> bool {
        self.next(text, 0).is_some()
    }
}

/// The words in an order that lets Teddy skip more, twice as fast with fifty words.
///
/// It puts a word into a bucket by its number modulo the count of buckets, and takes any mix of the low halves of the
/// first four bytes of a bucket's words for a hit that it must look at. Words alike in these share a bucket.
fn by_bucket<W: AsRef<str>>(words: &[W]) -> Vec<usize> {
    let buckets = if words.len() > 32 { 16 } else { 8 };
    let low = |word: &usize| -> Vec<u8> {
        let first = words[*word].as_ref().bytes().take(4);
        first.map(|byte| byte & 0xf).collect()
    };
    let mut alike: Vec<usize> = (0..words.len()).collect();
    alike.sort_by_key(low);
    let (size, larger) = (words.len() / buckets, words.len() % buckets);
    let start = |bucket: usize| bucket * size + bucket.min(larger);
    let in_row = |row: usize| (0..buckets).filter(move |bucket| row < size || *bucket < larger);
    let places = (0..=size).flat_map(|row| in_row(row).map(move |bucket| start(bucket) + row));
    places.map(|place| alike[place]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_numbers() {
        for count in [1, 7, 8, 9, 32, 33, 57, 64, 65, 300] {
            let words: Vec<String> = (0..count).map(|number| format!("{number:04}.io")).collect();
            let search = Search::new(words.iter()).unwrap();
            for (number, word) in words.iter().enumerate() {
                let text = format!("image: {word}/pause");
                assert_eq!(search.next(text.as_bytes(), 0), Some((number, 7)));
            }
        }
    }
}
