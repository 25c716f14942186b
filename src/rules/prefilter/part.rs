//! Places of rules that are searched for together, and the search.
//!
//! Knows no rule set: what a part is made of is for its caller.

mod needles;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::Sight;
use crate::rules::spelling::Spelling;
use crate::search::Search;
pub(super) use needles::Needles;
use needles::{Context, Named};

/// What is searched for together.
#[derive(Debug)]
pub(super) struct Part {
    /// For each stem, the locations that it stands for.
    stems: Vec<Vec<usize>>,
    places: Vec<Context>,
    /// All the cuts of all the locations.
    cuts: usize,
    spelling: Spelling,
    /// For the stems and, where they are few, what names with capitals are found by: one search takes half the time of two.
    search: Search,
    /// For what names with capitals are found by, where that is too much for one search.
    capitals: Option<Search>,
}

/// With more words than this, two searches are faster than one.
const MOST_TOGETHER: usize = 32;

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
        // A stem is searched for as it is: what is around it may have capitals.
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

    /// Whether a location could be named in the text.
    #[cfg(test)]
    pub(super) fn is_vectorized(&self) -> bool {
        self.search.is_vectorized()
    }

    #[cfg(test)]
    pub(super) fn stems(&self) -> usize {
        self.stems.len()
    }

    /// Whether a location could be named in the text as it is written, and whether one of the words is in it. Adds where
    /// stems of locations are, and hosts with capitals.
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
            // In most files there is no stem.
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

    /// Where hosts are written with capitals.
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

    /// Where locations are named in the text as it is written.
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

    /// None of what names with capitals are found by.
    fn places_of(&self, stem: usize) -> impl Iterator<Item = &Context> {
        let places = self.stems.get(stem).into_iter().flatten();
        places.map(|place| &self.places[*place])
    }
}

impl Part {
    /// The locations and their cuts of which the first piece is in the text, with the rest possibly in another.
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

    /// Whether the rest of one of those is in the text.
    pub(super) fn has_rest(&self, begun: &BTreeSet<(usize, usize)>, text: &[u8]) -> bool {
        let mut begun = begun.iter();
        begun.any(|(place, cut)| self.places[*place].has_rest(*cut, text))
    }

    /// Whether a stem is in the text: a part of what a rule applies to may be there, the rest being elsewhere.
    pub(super) fn has_stem(&self, text: &[u8]) -> bool {
        self.stems_in(text).next().is_some()
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
