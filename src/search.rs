//! Searches bytes for a few words, as fast as they can be read, to decide which files are worth parsing.
//!
//! Knows nothing of files and of what the words mean.

use std::cmp::Reverse;

use aho_corasick::{AhoCorasick, BuildError, Input, MatchKind, Span, packed};
use memchr::memmem;

/// The bytes of manifests and charts, the most frequent first.
const BY_FREQUENCY: &[u8] =
    b" etasonril\ncdup.m:h-bf}{g\"y#v/kwPSxVT*CAE_R,IMN0L1DqO|)(z@'8$GUK2j[]=FYH43B`65W\\";

/// The name of regfix in ignore comments.
pub const OWN_NAME: &str = "regfix";

/// Returns the offsets of [`OWN_NAME`] in a text, in any case.
pub fn own_names(text: &[u8]) -> impl Iterator<Item = usize> {
    // The last letter of the name is the rarest.
    let ends = memchr::memchr2_iter(b'x', b'X', text).map(|last| last + 1);
    ends.filter_map(|end| {
        let at = end.checked_sub(OWN_NAME.len())?;
        text[at..end]
            .eq_ignore_ascii_case(OWN_NAME.as_bytes())
            .then_some(at)
    })
}

/// Words that are searched for together.
#[derive(Debug)]
pub struct Search {
    engine: Engine,
    /// For each pattern of the engine, the words that it is a part of.
    words: Vec<Vec<Word>>,
}

#[derive(Debug)]
enum Engine {
    /// Teddy, if the processor has the instructions and there are few words.
    Packed(packed::Searcher),
    Automaton(AhoCorasick),
}

#[derive(Debug)]
struct Word {
    /// The position of the word among those that the caller gave.
    number: usize,
    text: Box<[u8]>,
    /// The offset of the engine's pattern in the word.
    at: usize,
}

impl Search {
    /// # Errors
    /// If the words are too many or too long to search for.
    pub fn new<W: AsRef<str>>(words: impl Iterator<Item = W>) -> Result<Self, BuildError> {
        let words: Vec<W> = words.collect();
        let is_packed = words.len() <= MOST_PACKED;
        let parts = match is_packed {
            true => rare_ends(&words),
            false => whole(&words),
        };
        let texts = || parts.iter().map(|part| &part.text);
        let packed = || {
            let mut config = packed::Config::new();
            config.heuristic_pattern_limits(false);
            config.builder().extend(texts()).build()
        };
        let engine = match is_packed.then(packed).flatten() {
            Some(searcher) => Engine::Packed(searcher),
            None => AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostFirst)
                .build(texts())
                .map(Engine::Automaton)?,
        };
        let words = parts.into_iter().map(|part| part.words).collect();
        Ok(Self { engine, words })
    }

    pub fn is_vectorized(&self) -> bool {
        matches!(self.engine, Engine::Packed(_))
    }

    /// Returns the number of each word that is in the text, and its offset.
    pub fn find_iter<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (usize, usize)> + 'a {
        let mut from = 0_usize;
        let mut met: &[Word] = &[];
        std::iter::from_fn(move || {
            loop {
                while let Some((word, others)) = met.split_first() {
                    met = others;
                    let start = (from - 1).checked_sub(word.at);
                    let found = start.filter(|start| text[*start..].starts_with(&word.text));
                    if let Some(start) = found {
                        return Some((word.number, start));
                    }
                }
                let (part, start) = self.engine.next(text, from)?;
                met = &self.words[part];
                from = start + 1;
            }
        })
    }

    pub fn occurs_in(&self, text: &[u8]) -> bool {
        self.find_iter(text).next().is_some()
    }
}

/// Returns the offsets of a word that is not a part of a longer one.
pub fn whole_words(text: &str, word: &str) -> impl Iterator<Item = usize> {
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
    memmem::find_iter(text.as_bytes(), word).filter(move |at| {
        !text[..*at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part)
    })
}

impl Engine {
    fn next(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        let found = match self {
            Self::Packed(searcher) => {
                let found = searcher.find_in(text, Span::from(from..text.len()))?;
                (found.pattern().as_usize(), found.start())
            }
            Self::Automaton(automaton) => {
                let found = automaton.find(Input::new(text).range(from..))?;
                (found.pattern().as_usize(), found.start())
            }
        };
        Some(found)
    }
}

/// With more words than this, an automaton is faster than Teddy.
const MOST_PACKED: usize = 128;

/// How many bytes Teddy looks at before it compares words.
const LOOKS_AT: usize = 4;

/// The number of ends of a word, the rarest ones, that are considered.
const CHOICES: usize = 8;

/// A pattern of the engine: the end of a word, or of several.
#[derive(Debug)]
struct Part {
    text: Box<[u8]>,
    words: Vec<Word>,
}

/// Returns the ends of words that let Teddy skip most of a text, in the order in which it needs them.
///
/// Teddy puts its patterns into 8 or 16 buckets, in turn. For a bucket, any mix of the high and low halves of the first four
/// bytes of its patterns is a hit that has to be verified. So the ends should begin with rare bytes, and those in one bucket
/// should be similar: with sixty words, this leaves a sixth of the hits.
fn rare_ends<W: AsRef<str>>(words: &[W]) -> Vec<Part> {
    let frequencies = frequencies();
    let mut words: Vec<_> = words
        .iter()
        .enumerate()
        .map(|(number, word)| (number, word.as_ref().as_bytes()))
        .map(|(number, text)| (number, text, rarest_ends(text, &frequencies)))
        .collect();
    // Words without a rare end come first, because they need a bucket that suits them.
    words.sort_by(|(.., one), (.., other)| other[0].0.total_cmp(&one[0].0));
    let mut buckets = Buckets::new(words.len(), frequencies);
    for (number, text, ends) in words {
        buckets.add(number, text, ends.iter().map(|(_, at)| *at));
    }
    buckets.into_parts()
}

/// Returns whole words as patterns. A word that begins with another one shares its pattern.
fn whole<W: AsRef<str>>(words: &[W]) -> Vec<Part> {
    let words = words.iter().map(|word| word.as_ref().as_bytes());
    let mut words: Vec<(usize, &[u8])> = words.enumerate().collect();
    words.sort_by_key(|(_, text)| *text);
    let mut parts: Vec<Part> = Vec::new();
    for (number, text) in words {
        let word = Word {
            number,
            text: text.into(),
            at: 0,
        };
        match parts.last_mut() {
            Some(part) if text.starts_with(&part.text) => part.words.push(word),
            _ => parts.push(Part {
                text: text.into(),
                words: vec![word],
            }),
        }
    }
    parts
}

/// Returns the share of each byte in manifests, estimated by Zipf's law.
fn frequencies() -> [f32; 256] {
    let mut frequencies = [1e-4; 256];
    let ranks = BY_FREQUENCY.iter().zip(2_u8..);
    ranks.for_each(|(byte, rank)| frequencies[usize::from(*byte)] = 0.2 / f32::from(rank));
    frequencies
}

/// Returns how frequent the rarest ends of a word are, and their offsets.
fn rarest_ends(text: &[u8], frequencies: &[f32; 256]) -> Vec<(f32, usize)> {
    let last = text.len().saturating_sub(LOOKS_AT);
    let frequency = |at: usize| {
        let bytes = text[at..].iter().take(LOOKS_AT);
        bytes.map(|byte| frequencies[usize::from(*byte)]).product()
    };
    let mut ends: Vec<(f32, usize)> = (0..=last).map(|at| (frequency(at), at)).collect();
    ends.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    ends.truncate(CHOICES);
    ends
}

/// The buckets of Teddy.
struct Buckets {
    frequencies: [f32; 256],
    all: Vec<Bucket>,
    /// The number of parts that each bucket gets; `larger` buckets get one more.
    least: usize,
    larger: usize,
}

#[derive(Debug, Default)]
struct Bucket {
    halves: Halves,
    /// The share of positions in a text that are a hit.
    hits: f32,
    parts: Vec<Part>,
}

/// The first bytes of the parts in a bucket.
#[derive(Debug, Clone, Copy, Default)]
struct Halves([Mix; LOOKS_AT]);

/// The low and the high halves of some bytes, as bit sets.
#[derive(Debug, Clone, Copy, Default)]
struct Mix {
    low: u16,
    high: u16,
    /// The share of bytes in a text that are a mix of them.
    share: f32,
}

impl Buckets {
    fn new(words: usize, frequencies: [f32; 256]) -> Self {
        let count = if words > 32 { 16 } else { 8 };
        Self {
            frequencies,
            all: (0..count).map(|_| Bucket::default()).collect(),
            least: words / count,
            larger: words % count,
        }
    }

    /// Adds the end of a word that causes the fewest additional hits.
    fn add(&mut self, number: usize, word: &[u8], ends: impl Iterator<Item = usize>) {
        let part = |at: usize| Part {
            text: word[at..].into(),
            words: vec![Word {
                number,
                text: word.into(),
                at,
            }],
        };
        let mut best: Option<(f32, usize, usize, Halves, f32)> = None;
        for at in ends.chain([0]).filter(|at| self.is_apart(&word[*at..])) {
            for (index, bucket) in self.with_room() {
                let halves = bucket.halves.with(&word[at..], &self.frequencies);
                let hits = halves.hits();
                let more = hits - bucket.hits;
                if best.is_none_or(|(least, ..)| more < least) {
                    best = Some((more, at, index, halves, hits));
                }
            }
        }
        match best {
            Some((_, at, index, halves, hits)) => {
                let bucket = &mut self.all[index];
                (bucket.halves, bucket.hits) = (halves, hits);
                bucket.parts.push(part(at));
            }
            None => self.unite(part(0)),
        }
    }

    /// Whether no part begins with the text, and the text with no part: Teddy would find only one of the two.
    fn is_apart(&self, text: &[u8]) -> bool {
        let mut parts = self.all.iter().flat_map(|bucket| &bucket.parts);
        !parts.any(|part| part.begins_alike(text))
    }

    fn with_room(&self) -> impl Iterator<Item = (usize, &Bucket)> {
        let larger = self.all.iter().filter(|one| one.parts.len() > self.least);
        let room = self.least + usize::from(larger.count() < self.larger);
        let buckets = self.all.iter().enumerate();
        buckets.filter(move |(_, bucket)| bucket.parts.len() < room)
    }

    /// Joins a part with all parts that begin with it or that it begins with.
    fn unite(&mut self, mut part: Part) {
        for bucket in &mut self.all {
            let alike = |one: &mut Part| one.begins_alike(&part.text);
            let alike: Vec<Part> = bucket.parts.extract_if(.., alike).collect();
            for other in alike {
                part.words.extend(other.words);
                if other.text.len() < part.text.len() {
                    part.text = other.text;
                }
            }
        }
        self.all[0].parts.push(part);
    }

    /// Interleaves the buckets, because Teddy puts every eighth or sixteenth pattern into the same one.
    fn into_parts(mut self) -> Vec<Part> {
        self.all.sort_by_key(|bucket| Reverse(bucket.parts.len()));
        let rows = self.all.first().map_or(0, |bucket| bucket.parts.len());
        let buckets = self.all.into_iter().map(|bucket| bucket.parts.into_iter());
        let mut buckets: Vec<_> = buckets.collect();
        let row = |_| -> Vec<Part> { buckets.iter_mut().filter_map(Iterator::next).collect() };
        (0..rows).flat_map(row).collect()
    }
}

impl Part {
    fn begins_alike(&self, text: &[u8]) -> bool {
        self.text.starts_with(text) || text.starts_with(&self.text)
    }
}

impl Halves {
    fn with(mut self, text: &[u8], frequencies: &[f32; 256]) -> Self {
        for (mix, byte) in self.0.iter_mut().zip(text) {
            mix.add(usize::from(*byte), frequencies);
        }
        self
    }

    /// Returns the probability that a position in a text is a mix of them.
    fn hits(&self) -> f32 {
        self.0.iter().map(|mix| mix.share).product()
    }
}

impl Mix {
    /// Adds a byte. Counts only what is new, because this runs some ten thousand times before a run begins.
    fn add(&mut self, byte: usize, frequencies: &[f32; 256]) {
        let (low, high) = (byte & 0xf, byte >> 4);
        if self.low & 1 << low == 0 {
            self.low |= 1 << low;
            self.share += sum(self.high, |high| frequencies[high << 4 | low]);
        }
        if self.high & 1 << high == 0 {
            self.high |= 1 << high;
            self.share += sum(self.low, |low| frequencies[high << 4 | low]);
        }
    }
}

/// Sums `of` over the bits of a set.
fn sum(mut set: u16, of: impl Fn(usize) -> f32) -> f32 {
    let mut sum = 0.0;
    while set > 0 {
        sum += of(set.trailing_zeros() as usize);
        set &= set - 1;
    }
    sum
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
                let found: Vec<_> = search.find_iter(text.as_bytes()).collect();
                assert_eq!(found, [(number, 7)]);
            }
        }
    }

    #[test]
    fn all_words_are_found_where_one_is_in_another() {
        for others in [0, MOST_PACKED] {
            let words = ["gcr.io", "k8s.gcr.io", "gcr.io/x", "cr.i", "gcr.io"];
            let others = (0..others).map(|number| format!("{number:04}"));
            let words = words.into_iter().map(str::to_owned).chain(others);
            let search = Search::new(words).unwrap();
            let mut found: Vec<_> = search.find_iter(b"k8s.gcr.io/x gcr.i").collect();
            found.sort_unstable();
            let expected = [(0, 4), (1, 0), (2, 4), (3, 5), (3, 14), (4, 4)];
            assert_eq!(found, expected);
        }
    }
}
