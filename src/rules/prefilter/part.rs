//! Places of rules that are searched for together, and the search.
//!
//! Knows no rule set: what a part is made of is for its caller.

use std::collections::{BTreeMap, HashMap};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use memchr::memmem;

use super::Sight;
use crate::artifact::Artifact;
use crate::image::DOCKER_HUB;
use crate::rules::spelling::Spelling;
use crate::rules::{Pattern, Rule};
use crate::search::Search;

/// Ends of hosts that are in most manifests for other reasons, as in labels and API groups: no stems.
const COMMON_DOMAINS: [&str; 7] = [
    "k8s.io",
    "kubernetes.io",
    "helm.sh",
    "github.com",
    "google.com",
    "googleapis.com",
    "example.com",
];

/// Hosts that serve far more than what is legacy.
const COMMON_HOSTS: [&str; 2] = ["registry.k8s.io", "storage.googleapis.com"];

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

/// What a look at a text finds.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) sight: Sight,
    /// Whether a host is written with capitals. Not looked for where there is something suspect anyway.
    pub(super) has_capitals: bool,
}

/// A place as it is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Needles {
    /// Docker Hub and its `library` left out, for people leave them out.
    segments: Vec<String>,
    on_docker_hub: bool,
    /// Whether more may come before the first segment, and after the last.
    open_before: bool,
    open_after: bool,
    /// Whether it is one word that need not come with a host, like `vault` or `microsoft`.
    lone: bool,
    /// The only tags of interest, if not all are.
    tags: Vec<String>,
    /// Whether it is a word that no rule speaks about.
    is_word: bool,
}

/// A place, made ready to be looked for: in one piece, or cut in two at each slash.
#[derive(Debug)]
struct Context {
    needles: Needles,
    whole: Piece,
    cuts: Vec<Split>,
}

/// A place in two scalars: the piece that its stem is in, and the other.
#[derive(Debug)]
struct Split {
    met: Piece,
    other: Piece,
    /// A number for what is known of the other piece in a text.
    memo: usize,
}

#[derive(Debug)]
struct Piece {
    finder: memmem::Finder<'static>,
    /// Where the stem is in it, if it is.
    stem: usize,
    first: bool,
    last: bool,
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

    /// Whether a location could be named in the text as it is written, whether one of the words is in it, and whether names may be
    /// written with capitals.
    pub(super) fn look(&self, text: &[u8]) -> Seen {
        let mut seen = Seen::default();
        let mut known = Vec::new();
        for (stem, start) in self.search.find_iter(text) {
            if stem >= self.stems.len() {
                seen.has_capitals |= self.spelling.host_at(text, start).is_some();
                continue;
            }
            // In most files there is no stem.
            known.resize(self.cuts, None);
            let sight = &mut seen.sight;
            for place in self.places_of(stem) {
                let found = match place.needles.is_word {
                    true => &mut sight.has_word,
                    false => &mut sight.suspect,
                };
                *found = *found || place.stands_at(text, start, &mut known);
            }
            if sight.suspect && sight.has_word {
                return seen;
            }
        }
        if let Some(capitals) = self.capitals.as_ref().filter(|_| !seen.sight.suspect) {
            let mut hits = capitals.find_iter(text);
            seen.has_capitals = hits.any(|(_, at)| self.spelling.host_at(text, at).is_some());
        }
        seen
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
                    !place.needles.is_word && place.stands_at(text, start, &mut known)
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
    /// Whether a stem is in the text: a part of what a rule speaks about may be there, the rest being elsewhere.
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

impl Needles {
    pub(super) fn new(rule: &Rule, from: &Pattern) -> Self {
        let literals: Vec<_> = from.literals().collect();
        let named =
            |index: usize, name: &str| literals.get(index).is_some_and(|(text, ..)| *text == name);
        let on_docker_hub = named(0, DOCKER_HUB);
        let library = on_docker_hub && rule.artifact == Artifact::Image && named(1, "library");
        let written = &literals[usize::from(on_docker_hub) + usize::from(library)..];
        // What comes after a `*` is not looked for: it need not follow directly.
        let end = written
            .iter()
            .position(|(.., open_after)| *open_after)
            .map_or(written.len(), |at| at + 1);
        let written = &written[..end];
        Self {
            segments: written
                .iter()
                .map(|(text, ..)| (*text).to_owned())
                .collect(),
            on_docker_hub,
            open_before: written.first().is_some_and(|(_, open, _)| *open),
            open_after: written.last().is_some_and(|(.., open)| *open),
            lone: library || on_docker_hub && written.len() == 1,
            tags: rule.only_tags().to_vec(),
            is_word: false,
        }
    }

    pub(super) fn word(word: &str, is_word: bool) -> Self {
        Self {
            segments: vec![word.to_owned()],
            on_docker_hub: true,
            open_before: true,
            open_after: true,
            lone: false,
            tags: Vec::new(),
            is_word,
        }
    }

    /// What to search for first: the end of the host where that is rare, the first segment of the path otherwise.
    fn stem(&self) -> &str {
        let first = self
            .segments
            .first()
            .map(String::as_str)
            .unwrap_or_default();
        match (domain(first), self.segments.get(1)) {
            (_, Some(second)) if COMMON_HOSTS.contains(&first) => second,
            (domain, _) if COMMON_DOMAINS.contains(&domain) || self.on_docker_hub => first,
            (domain, _) => domain,
        }
    }

    /// Its host, if it has one.
    fn host(&self) -> Option<&str> {
        let host = self.segments.first().filter(|_| !self.on_docker_hub)?;
        host.contains('.').then_some(host)
    }

    fn piece(&self, from: usize, to: usize, stem: &str) -> Piece {
        let text = self.segments[from..to].join("/");
        Piece {
            stem: text.find(stem).unwrap_or_default(),
            finder: memmem::Finder::new(&text).into_owned(),
            first: from == 0,
            last: to == self.segments.len(),
        }
    }
}

impl Context {
    fn new(needles: Needles, stem: &str, cuts: &mut usize) -> Self {
        let all = needles.segments.len();
        let mut cut = |at: usize| {
            let (head, tail) = (needles.piece(0, at, stem), needles.piece(at, all, stem));
            let in_head = head.finder.needle()[head.stem..].starts_with(stem.as_bytes());
            let (met, other) = if in_head { (head, tail) } else { (tail, head) };
            let memo = *cuts;
            *cuts += 1;
            Split { met, other, memo }
        };
        Self {
            cuts: (1..all).map(&mut cut).collect(),
            whole: needles.piece(0, all, stem),
            needles,
        }
    }

    /// Whether the location is named in the text by a piece whose stem is at `start`. What is `known` of other pieces
    /// does not depend on where the stem is met, so that each is looked for once.
    fn stands_at(&self, text: &[u8], start: usize, known: &mut [Option<bool>]) -> bool {
        let met = |piece: &Piece, ends_value: bool| {
            let at = start.checked_sub(piece.stem);
            at.is_some_and(|at| self.fits(piece, text, at, ends_value))
        };
        let mut in_two = |cut: &Split| {
            let is_head = cut.met.first;
            met(&cut.met, is_head)
                && *known[cut.memo].get_or_insert_with(|| self.has(&cut.other, text, !is_head))
        };
        met(&self.whole, false) || self.cuts.iter().any(&mut in_two)
    }

    fn has(&self, piece: &Piece, text: &[u8], ends_value: bool) -> bool {
        let mut starts = piece.finder.find_iter(text);
        starts.any(|start| self.fits(piece, text, start, ends_value))
    }

    /// Whether a piece is at `start`, which may be anywhere; at the end of a value, if no further segment may follow.
    fn fits(&self, piece: &Piece, text: &[u8], start: usize, ends_value: bool) -> bool {
        let needle = piece.finder.needle();
        let written = text.get(start..start + needle.len());
        if !written.is_some_and(|written| written.eq_ignore_ascii_case(needle)) {
            return false;
        }
        let end = start + needle.len();
        let opened = piece.first && self.needles.open_before || opens(text, start);
        let closed = piece.last && self.needles.open_after || closes(text, end);
        let alone = !self.needles.lone || is_in_reference(text, start, end);
        let next = || text.get(end + 1).is_some_and(|byte| in_segment(*byte));
        let goes_on = ends_value && text.get(end) == Some(&b'/') && next();
        opened && closed && alone && !goes_on && (!piece.last || self.needles.tag_fits(text, end))
    }
}

impl Needles {
    /// Whether the tag that is written behind a name is one of those of interest.
    fn tag_fits(&self, text: &[u8], end: usize) -> bool {
        let tagged =
            text.get(end) == Some(&b':') && text.get(end + 1).is_some_and(|byte| in_segment(*byte));
        let is = |tag: &String| {
            let start = tag.trim_end_matches('*');
            text[end + 1..].starts_with(start.as_bytes())
        };
        self.tags.is_empty() || !tagged || self.tags.iter().any(is)
    }
}

/// `gcr.io` of `k8s.gcr.io`
fn domain(host: &str) -> &str {
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    dots.nth(1).map_or(host, |dot| &host[dot + 1..])
}

fn opens(text: &[u8], start: usize) -> bool {
    let before = start.checked_sub(1).map(|at| text[at]);
    // In a string with escapes a newline's letter may be before it.
    let escaped =
        start >= 2 && text[start - 2] == b'\\' && matches!(before, Some(b'n' | b't' | b'r'));
    escaped || before.is_none_or(|byte| !in_segment(byte)) || is_default(text, start)
}

/// Whether the default of a variable begins there: `${IMAGE:-`, `${IMAGE-`.
fn is_default(text: &[u8], start: usize) -> bool {
    let Some(head) = text[..start].strip_suffix(b"-") else {
        return false;
    };
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
    let name = head.iter().rev().take(64).take_while(is_name).count();
    head.ends_with(b":") || head[..head.len() - name].ends_with(b"${")
}

fn closes(text: &[u8], end: usize) -> bool {
    match text.get(end) {
        // A dot may end a sentence.
        Some(b'.') => text.get(end + 1).is_none_or(|byte| !in_segment(*byte)),
        byte => byte.is_none_or(|byte| !in_segment(*byte)),
    }
}

/// A word of many meanings, as `vault` and `microsoft` are: as an image or an organisation it begins a value or follows a
/// slash, and is followed by a slash, a tag, a digest or the end of the value.
fn is_in_reference(text: &[u8], start: usize, end: usize) -> bool {
    let line = text[..start].trim_ascii_end();
    let word = line
        .iter()
        .rposition(u8::is_ascii_whitespace)
        .map_or(line, |at| &line[at + 1..]);
    let value_follows = matches!(word.first(), Some(b'&' | b'!'))
        || matches!(word.last(), Some(b':' | b'-' | b'?' | b'}' | b',' | b'['));
    let begins = match start.checked_sub(1).map(|at| text[at]) {
        Some(byte) if byte.is_ascii_whitespace() => value_follows,
        Some(byte) => !byte.is_ascii_alphanumeric(),
        None => true,
    };
    let tagged = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'{' | b'$' | b'%' | b'<')
    };
    let next = text.get(end + 1);
    let goes_on = match text.get(end) {
        None | Some(b'\n' | b'\r' | b'"' | b'\'' | b'@' | b',' | b'}' | b']' | b'\\') => true,
        Some(b' ') => next.is_none_or(|byte| matches!(byte, b'#' | b' ' | b'\n' | b'}' | b']')),
        Some(b':') => next.is_some_and(tagged),
        Some(_) => false,
    };
    text.get(end) == Some(&b'/') || begins && goes_on
}

fn in_segment(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}
