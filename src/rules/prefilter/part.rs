//! Locations of rules that are searched for together, and the search.
//!
//! Has no notion of rule sets: the caller decides which locations make up a part.

mod needles;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::Sight;
use crate::rules::spelling::Spelling;
use crate::search::Search;
pub(super) use needles::Needles;
use needles::{Context, Named};

/// A set of locations and words that one search covers.
#[derive(Debug)]
pub(super) struct Part {
    /// For each stem, the locations that contain it.
    stems: Vec<Vec<usize>>,
    places: Vec<Context>,
    /// The number of cuts of all locations.
    cuts: usize,
    spelling: Spelling,
    /// Searches for the stems and, if there are few, also for the words that reveal names with capitals: one search takes
    /// half the time of two.
    search: Search,
    /// Searches for the words that reveal names with capitals, if those are too many for one search.
    capitals: Option<Search>,
}

/// The maximum number of words in one search. With more, two searches are faster.
const MOST_TOGETHER: usize = 32;

impl Part {
    /// Builds the search for these locations.
    ///
    /// # Errors
    /// If the stems are too many or too long to search for.
    pub(super) fn new(places: Vec<Needles>) -> Result<Self, String> {
        let by_stem = by_stem(&places)?;
        let mut stem_of = vec![""; places.len()];
        for (stem, places) in &by_stem {
            places.iter().for_each(|place| stem_of[*place] = stem);
        }
        // The search for stems is case-sensitive. Only the text around a stem may have capitals.
        let is_named = |of: &[usize]| of.iter().any(|place| !places[*place].is_word);
        let named = by_stem.iter().filter(|(_, of)| is_named(of));
        let spelling = Spelling::new(named.map(|(stem, _)| stem.as_str()));
        let capitals = spelling.words();
        let is_together = by_stem.len() + capitals.len() <= MOST_TOGETHER;
        let (together, apart) = match is_together {
            true => (capitals, None),
            false => (Vec::new(), Some(capitals)),
        };
        let search = Search::new(by_stem.keys().chain(&together)).map_err(too_many)?;
        let apart = apart.map(|words| Search::new(words.iter()));
        let capitals = apart.transpose().map_err(too_many)?;
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
            capitals,
        })
    }

    #[cfg(test)]
    pub(super) fn is_vectorized(&self) -> bool {
        self.search.is_vectorized()
    }

    #[cfg(test)]
    pub(super) fn stems(&self) -> usize {
        self.stems.len()
    }

    /// Whether a location could be named in the text as written, and whether one of the words is in it. Appends the offsets
    /// of the stems of locations, and of hosts with capitals.
    pub(super) fn look(
        &self,
        text: &[u8],
        stems: &mut Vec<usize>,
        with_capitals: &mut Vec<usize>,
    ) -> Sight {
        let mut sight = Sight::default();
        let mut known = Vec::new();
        for (stem, start) in self.search.find_iter(text) {
            if stem >= self.stems.len() {
                with_capitals.extend(self.spelling.host_at(text, start));
                continue;
            }
            // Most files contain no stem, so this is allocated only here.
            known.resize(self.cuts, None);
            let mut is_of_place = false;
            for place in self.places_of(stem) {
                if place.needles.is_word {
                    sight.has_word |= place.named_at(text, start, &mut known) == Named::Whole;
                    continue;
                }
                is_of_place = true;
                if sight.suspect {
                    let mut begun = place.beginnings_at(text, start);
                    sight.has_beginning = sight.has_beginning || begun.next().is_some();
                    continue;
                }
                match place.named_at(text, start, &mut known) {
                    Named::Whole => sight.suspect = true,
                    Named::Beginning => sight.has_beginning = true,
                    Named::Nothing => {}
                }
            }
            if is_of_place {
                stems.push(start);
            }
        }
        if self.capitals.is_some() {
            with_capitals.extend(self.with_capitals(text));
        }
        sight
    }

    /// Returns the offsets of hosts that are written with capitals.
    pub(super) fn with_capitals<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let (search, from) = match &self.capitals {
            Some(capitals) => (capitals, 0),
            None => (&self.search, self.stems.len()),
        };
        let hits = search
            .find_iter(text)
            .filter(move |(word, _)| *word >= from);
        hits.filter_map(|(_, at)| self.spelling.host_at(text, at))
    }

    /// Returns the offsets at which the text, as written, names a location.
    pub(super) fn locations<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let mut known = Vec::new();
        self.search
            .find_iter(text)
            .filter_map(move |(stem, start)| {
                known.resize(self.cuts, None);
                let mut places = self.places_of(stem);
                let named = places.any(|place| {
                    let mut named = || place.named_at(text, start, &mut known);
                    !place.needles.is_word && named() == Named::Whole
                });
                named.then_some(start)
            })
    }

    /// Returns the locations of a stem. Empty for the words that reveal names with capitals.
    fn places_of(&self, stem: usize) -> impl Iterator<Item = &Context> {
        let places = self.stems.get(stem).into_iter().flatten();
        places.map(|place| &self.places[*place])
    }
}

impl Part {
    /// Returns the locations whose first piece is in the text while the rest may be in another, with the index of the cut.
    pub(super) fn beginnings(&self, text: &[u8]) -> BTreeSet<(usize, usize)> {
        let stems = self.search.find_iter(text);
        let begun = stems.flat_map(|(stem, start)| {
            let places = self.stems.get(stem).into_iter().flatten();
            let places = places.filter(|place| !self.places[**place].needles.is_word);
            places.flat_map(move |place| {
                let cuts = self.places[*place].beginnings_at(text, start);
                cuts.map(|cut| (*place, cut))
            })
        });
        begun.collect()
    }

    /// Whether the text contains the rest of one of the given locations.
    pub(super) fn has_rest(&self, begun: &BTreeSet<(usize, usize)>, text: &[u8]) -> bool {
        let mut begun = begun.iter();
        begun.any(|(place, cut)| self.places[*place].has_rest(*cut, text))
    }

    /// Whether the text contains a stem. It may then have one part of a location, and another file the rest.
    pub(super) fn has_stem(&self, text: &[u8]) -> bool {
        self.stems_in(text).next().is_some()
    }

    /// Returns the offsets of the stems of locations.
    pub(super) fn stems_in<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let of_places = self
            .search
            .find_iter(text)
            .filter(|(stem, _)| self.places_of(*stem).any(|place| !place.needles.is_word));
        of_places.map(|(_, start)| start)
    }
}

/// Groups the locations by the shortest stem that each contains.
fn by_stem(places: &[Needles]) -> Result<BTreeMap<String, Vec<usize>>, String> {
    let mut stems: Vec<&str> = places.iter().map(Needles::stem).collect();
    stems.sort_by_key(|stem| (stem.len(), *stem));
    stems.dedup();
    // This automaton is the quickest to build, and only a few hundred bytes are searched.
    let all = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::NoncontiguousNFA))
        .build(&stems)
        .map_err(too_many)?;
    // For each stem, the shortest stem inside it that is kept, or the stem itself.
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
