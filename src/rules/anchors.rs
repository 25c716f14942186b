//! The prefilter: every rule has a literal anchor, and a file in which no anchor stands as a whole segment
//! cannot hold what a rule speaks about.
//!
//! It runs over the bytes of every file of a tree, so it never decodes anything.

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, MatchKind};

use super::{Kind, Pattern, RuleSet};

/// Hosts that serve far more than what is legacy: a path on them is the better anchor.
const COMMON_HOSTS: [&str; 13] = [
    "docker.io", "gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io", "quay.io", "ghcr.io", "public.ecr.aws",
    "registry.k8s.io", "mcr.microsoft.com", "us-docker.pkg.dev", "us-central1-docker.pkg.dev",
    "-docker.pkg.dev",
];

/// Finds out whether a rule could speak about anything in a text.
#[derive(Debug)]
pub struct Anchors {
    anchors: Vec<Anchor>,
    search: Search,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Anchor {
    text: String,
    /// Whether more of the segment may come before or after it.
    open_before: bool,
    open_after: bool,
    /// Whether it is a whole name by itself, like `vault`: then it ends a reference.
    lone: bool,
}

#[derive(Debug)]
enum Search {
    /// Teddy: as fast as reading, where the processor has the instructions and the anchors are few.
    Packed(packed::Searcher),
    Automaton(AhoCorasick),
}

impl Anchors {
    /// # Errors
    /// Where the anchors of a user's rules are too many or too long to search for.
    pub fn new(rules: &RuleSet) -> Result<Self, String> {
        let places = rules.rules().iter().flat_map(|rule| {
            rule.places().iter().map(move |place| anchor(&place.from, rule.kind))
        });
        let mut anchors: Vec<Anchor> = places.collect();
        anchors.sort();
        anchors.dedup();
        let texts = anchors.iter().map(|anchor| anchor.text.as_bytes());
        let packed = packed::Config::new()
            .match_kind(packed::MatchKind::LeftmostLongest)
            .heuristic_pattern_limits(false)
            .builder()
            .extend(texts.clone())
            .build();
        let search = match packed {
            Some(searcher) => Search::Packed(searcher),
            None => Search::Automaton(
                AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostLongest)
                    .build(texts)
                    .map_err(|error| format!("too many rules to search for: {error}"))?,
            ),
        };
        Ok(Self { anchors, search })
    }

    /// Whether an anchor stands in the text as a whole segment.
    pub fn occur_in(&self, text: &[u8]) -> bool {
        let mut from = 0;
        while let Some((pattern, start, end)) = self.next(text, from) {
            if self.anchors[pattern].stands(text, start, end) {
                return true;
            }
            from = start + 1;
        }
        false
    }

    fn next(&self, text: &[u8], from: usize) -> Option<(usize, usize, usize)> {
        match &self.search {
            Search::Packed(searcher) => {
                let found = searcher.find_in(text, aho_corasick::Span::from(from..text.len()))?;
                Some((found.pattern().as_usize(), found.start(), found.end()))
            }
            Search::Automaton(automaton) => {
                let found = automaton.find(aho_corasick::Input::new(text).range(from..))?;
                Some((found.pattern().as_usize(), found.start(), found.end()))
            }
        }
    }
}

/// The rarest segment of a place.
fn anchor(from: &Pattern, kind: Kind) -> Anchor {
    let literals: Vec<_> = from.literals().collect();
    let host = literals.first().filter(|(host, ..)| !COMMON_HOSTS.contains(host));
    let official = kind == Kind::Image && literals.len() == 3 && literals[1].0 == "library";
    let rarest = host.filter(|(text, ..)| text.len() > 3).or_else(|| {
        let path = literals.iter().skip(1).filter(|(text, ..)| *text != "library");
        path.max_by_key(|(text, ..)| text.len())
    });
    let (text, open_before, open_after) = rarest.copied().unwrap_or_default();
    Anchor {
        text: text.to_owned(),
        open_before,
        open_after,
        lone: official,
    }
}

impl Anchor {
    fn stands(&self, text: &[u8], start: usize, end: usize) -> bool {
        let before = start.checked_sub(1).map(|at| text[at]);
        let escaped = start >= 2 && text[start - 2] == b'\\' && matches!(before, Some(b'n' | b't' | b'r'));
        let opens = self.open_before || escaped || before.is_none_or(|byte| !in_segment(byte));
        let after = text.get(end).copied();
        let closes = self.open_after || after.is_none_or(|byte| !in_segment(byte));
        opens && closes && (!self.lone || ends_reference(text, before, end))
    }
}

/// `vault` alone is a word of many meanings; as an image it is followed by a tag, a digest or the end of the value, and
/// is no key.
fn ends_reference(text: &[u8], before: Option<u8>, end: usize) -> bool {
    let value = before.is_some_and(|byte| matches!(byte, b' ' | b'"' | b'\'' | b'/' | b'=' | b'\t'));
    let tagged = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'{' | b'$' | b'%' | b'<');
    value
        && match text.get(end).copied() {
            None | Some(b'\n' | b'\r' | b'"' | b'\'' | b'@') => true,
            Some(b' ') => text.get(end + 1).is_none_or(|byte| matches!(byte, b'#' | b' ' | b'\n')),
            Some(b':') => text.get(end + 1).is_some_and(|byte| tagged(*byte)),
            Some(_) => false,
        }
}

fn in_segment(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_whole_segments() {
        let rules = RuleSet::new(RuleSet::with_own(&[]).unwrap());
        let anchors = Anchors::new(&rules).unwrap();
        assert!(anchors.anchors.iter().all(|anchor| anchor.text.len() > 3), "{:?}", anchors.anchors);
        for text in [
            "image: k8s.gcr.io/pause", "registry: k8s.gcr.io", "\"\\nk8s.gcr.io/x", "gcr.io/k8s-staging-npd/x",
            "repository: bitnami/redis", "image: vault:1.13.3", "image: vault", "https://x.bintray.io/y",
        ] {
            assert!(anchors.occur_in(text.as_bytes()), "{text}");
        }
        for text in [
            "image: registry.k8s.io/pause", "my-k8s.gcr.io", "k8s.gcr.io.example.com", "bitnamilegacies/redis",
            "vault:\n", "the vault holds", "# bitnami.com",
        ] {
            assert!(!anchors.occur_in(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn every_rule_is_let_through_by_its_example() {
        let rules = RuleSet::new(RuleSet::with_own(&[]).unwrap());
        let anchors = Anchors::new(&rules).unwrap();
        for rule in rules.rules() {
            let text = format!("image: {}\n", rule.example);
            assert!(anchors.occur_in(text.as_bytes()), "{}", rule.id);
        }
    }
}
