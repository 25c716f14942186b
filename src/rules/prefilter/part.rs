//! Places of rules that are searched for together, and the search.
//!
//! Knows no rule set: what a part is made of is for its caller.

mod needles;

use std::collections::{BTreeMap, HashMap};

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::Sight;
use crate::rules::spelling::Spelling;
use crate::search::Search;
use needles::Context;
pub(super) use needles::Needles;

/// What is searched for together.
#[derive(Debug)]
pub(super) struct Part {
    /// For each stem, the locations that it stands for.
    stems: Vec<Vec<usize>>,
    places: Vec<Context>,
    /// All the cuts of all the locations.
    cuts: usize,
    spelling: Spelling,
    search: Search,
}

impl Part {
    /// Looks for these.
    ///
    /// # Errors
    /// Where the stems are too many or too long to search for.
    pub(super) fn new(places: Vec<Needles>) -> Result<Self, String> {
        let by_stem = by_stem(&places)?;
        let mut stem_of = vec![""; places.len()];
        for (stem, places) in &by_stem {
            places.iter().for_each(|place| stem_of[*place] = stem);
        }
        let hosts = places.iter().filter_map(Needles::host);
        let spelling = Spelling::new(hosts);
        let search = Search::new(by_stem.keys()).map_err(too_many)?;
        let mut cuts = 0;
        let places = places
            .into_iter()
            .zip(stem_of)
            .map(|(needles, stem)| Context::new(needles, stem, &mut cuts))
            .collect();
        Ok(Self {
            stems: by_stem.values().cloned().collect(),
            places,
            cuts,
            spelling,
            search,
        })
    }

    /// Whether a location could be named in the text.
    #[cfg(test)]
    pub(super) fn is_vectorized(&self) -> bool {
        self.search.is_vectorized()
    }

    #[cfg(test)]
    pub(super) fn stems(&self) -> usize {
        self.stems.len()
    }

    /// Whether a location could be named in the text as it is written, and whether one of the words is in it.
    pub(super) fn look(&self, text: &[u8]) -> Sight {
        let mut sight = Sight::default();
        let mut known = Vec::new();
        for (stem, start) in self.search.find_iter(text) {
            // In most files there is no stem.
            known.resize(self.cuts, None);
            for place in self.places_of(stem) {
                let found = match place.needles.is_word {
                    true => &mut sight.has_word,
                    false => &mut sight.suspect,
                };
                *found = *found || place.stands_at(text, start, &mut known);
            }
            if sight.suspect && sight.has_word {
                return sight;
            }
        }
        sight
    }

    /// Whether the dot is one of a host, however that is written.
    pub(super) fn is_of_host(&self, text: &[u8], dot: usize) -> bool {
        self.spelling.is_of_host(text, dot)
    }

    /// Where locations are named in the text as it is written.
    pub(super) fn locations<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let mut known = Vec::new();
        self.search
            .find_iter(text)
            .filter_map(move |(stem, start)| {
                known.resize(self.cuts, None);
                let mut places = self.places_of(stem);
                let named = places.any(|place| {
                    !place.needles.is_word && place.stands_at(text, start, &mut known)
                });
                named.then_some(start)
            })
    }

    fn places_of(&self, stem: usize) -> impl Iterator<Item = &Context> {
        let places = self.stems[stem].iter();
        places.map(|place| &self.places[*place])
    }
}

impl Part {
    /// Whether a stem is in the text: a part of what a rule speaks about may be there, the rest being elsewhere.
    pub(super) fn has_stem(&self, text: &[u8]) -> bool {
        self.stems_in(text).next().is_some()
    }

    /// Adds where stems of locations are. Gives whether a location is named as it is written.
    pub(super) fn note_stems(&self, text: &[u8], stems: &mut Vec<usize>) -> bool {
        let mut is_named = false;
        let mut known = Vec::new();
        for (stem, start) in self.search.find_iter(text) {
            let mut places = self
                .places_of(stem)
                .filter(|place| !place.needles.is_word)
                .peekable();
            if places.peek().is_some() {
                stems.push(start);
            }
            if !is_named {
                known.resize(self.cuts, None);
                is_named = places.any(|place| place.stands_at(text, start, &mut known));
            }
        }
        is_named
    }

    /// Where stems of locations are.
    pub(super) fn stems_in<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let of_places = self
            .search
            .find_iter(text)
            .filter(|(stem, _)| self.places_of(*stem).any(|place| !place.needles.is_word));
        of_places.map(|(_, start)| start)
    }
}

/// The locations by the shortest stem that is in each.
fn by_stem(places: &[Needles]) -> Result<BTreeMap<String, Vec<usize>>, String> {
    let mut stems: Vec<&str> = places.iter().map(Needles::stem).collect();
    stems.sort_by_key(|stem| (stem.len(), *stem));
    stems.dedup();
    // A few hundred bytes are searched: an automaton that is quick to search takes longer to build.
    let all = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::NoncontiguousNFA))
        .build(&stems)
        .map_err(too_many)?;
    // Of each stem, the first that is kept of those in it: a shorter one, or itself.
    let mut kept: Vec<usize> = Vec::with_capacity(stems.len());
    for (index, stem) in stems.iter().enumerate() {
        let inner = all.find_overlapping_iter(stem);
        let inner = inner.map(|found| found.pattern().as_usize());
        let shorter = inner.filter(|inner| kept.get(*inner) == Some(inner));
        kept.push(shorter.min().unwrap_or(index));
    }
    let stem_of: HashMap<&str, &str> = stems
        .iter()
        .zip(&kept)
        .map(|(stem, kept)| (*stem, stems[*kept]))
        .collect();
    let mut by_stem: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, place) in places.iter().enumerate() {
        let stem = stem_of[place.stem()];
        by_stem.entry(stem.to_owned()).or_default().push(index);
    }
    Ok(by_stem)
}

fn too_many(error: aho_corasick::BuildError) -> String {
    format!("too many rules to search for: {error}")
}
