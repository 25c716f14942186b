//! The prefilter: every rule has a literal anchor, and a file in which no anchor stands as a whole segment
//! cannot hold what a rule speaks about.
//!
//! It runs over the bytes of every file of a tree, so it never decodes anything.

use std::collections::BTreeMap;

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, MatchKind};

use super::{Pattern, RuleSet};
use crate::artifact::Artifact;

/// Hosts that serve far more than what is legacy: a path on them is the better anchor.
const COMMON_HOSTS: [&str; 14] = [
    "docker.io", "gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io", "quay.io", "ghcr.io", "public.ecr.aws",
    "registry.k8s.io", "mcr.microsoft.com", "us-docker.pkg.dev", "us-central1-docker.pkg.dev",
    "-docker.pkg.dev",
    "storage.googleapis.com",
];

/// Finds out whether a rule could speak about anything in a text.
#[derive(Debug)]
pub struct Anchors {
    anchors: Vec<Anchor>,
    search: Search,
}

/// One literal to search for, and what must stand in a text besides.
#[derive(Debug)]
struct Anchor {
    literal: Literal,
    /// For each place that has this anchor, its other literals. One place whose literals are all there is enough.
    companions: Vec<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Literal {
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
        let mut by_literal: BTreeMap<Literal, Vec<Vec<String>>> = BTreeMap::new();
        for rule in rules.rules() {
            for place in rule.places() {
                let (literal, companions) = anchor(&place.from, rule.kind);
                by_literal.entry(literal).or_default().push(companions);
            }
        }
        let anchors: Vec<Anchor> =
            by_literal.into_iter().map(|(literal, companions)| Anchor { literal, companions }).collect();
        let texts = anchors.iter().map(|anchor| anchor.literal.text.as_bytes());
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

    /// Whether an anchor stands in the text as a whole segment, with all else that one of its places needs.
    pub fn occur_in(&self, text: &[u8]) -> bool {
        let mut from = 0;
        // What an anchor needs besides is or is not in the text, wherever the anchor stands.
        let mut vain: Vec<usize> = Vec::new();
        while let Some((pattern, start, end)) = self.next(text, from) {
            let anchor = &self.anchors[pattern];
            if anchor.literal.stands(text, start, end) && !vain.contains(&pattern) {
                if anchor.has_company(text) {
                    return true;
                }
                vain.push(pattern);
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

/// The rarest segment of a place, and the others that must be written. Docker Hub and `library` may be left unsaid.
fn anchor(from: &Pattern, kind: Artifact) -> (Literal, Vec<String>) {
    let mut literals: Vec<_> = from.literals().collect();
    let official = kind == Artifact::Image && literals.len() == 3 && literals[1].0 == "library";
    literals.retain(|(text, ..)| !matches!(*text, "docker.io" | "library"));
    let rare = |text: &str| !COMMON_HOSTS.contains(&text) && text.len() > 3;
    let rarest = literals.iter().position(|(text, ..)| rare(text)).unwrap_or_default();
    let (text, open_before, open_after) = literals.get(rarest).copied().unwrap_or_default();
    let others = literals.iter().enumerate().filter(|(index, _)| *index != rarest);
    let literal = Literal {
        text: text.to_owned(),
        open_before,
        open_after,
        lone: official,
    };
    (literal, others.map(|(_, (text, ..))| (*text).to_owned()).collect())
}

impl Anchor {
    fn has_company(&self, text: &[u8]) -> bool {
        let stands = |literal: &String| memchr::memmem::find(text, literal.as_bytes()).is_some();
        self.companions.iter().any(|companions| companions.iter().all(stands))
    }
}

impl Literal {
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
        assert!(anchors.anchors.iter().all(|anchor| anchor.literal.text.len() > 3), "{anchors:?}");
        for text in [
            "image: k8s.gcr.io/pause", "registry: k8s.gcr.io", "\"\\nk8s.gcr.io/x", "gcr.io/k8s-staging-npd/x",
            "registry: quay.io\nrepository: coreos/kube-state-metrics",
            "repository: bitnami/redis", "image: vault:1.13.3", "image: vault", "https://x.bintray.io/y",
        ] {
            assert!(anchors.occur_in(text.as_bytes()), "{text}");
        }
        for text in [
            "image: registry.k8s.io/pause", "my-k8s.gcr.io", "k8s.gcr.io.example.com", "bitnamilegacies/redis",
            "vault:\n", "the vault holds", "# bitnami.com", "image: busybox", "kube-state-metrics", "coreos",
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
