//! The prefilter: a search over the raw bytes of every file, which decides whether a rule could apply to anything in it.
//!
//! There are two steps. First it searches for a small set of stems, each shared by several locations, at close to read speed.
//! Where a stem occurs, it looks for the whole segments of the locations behind that stem, in one scalar or split over two.
//! Only if names may be spelled with escapes or capitals (`spelling`), the text is searched again. The prefilter never misses
//! anything that `detect` would find.

mod part;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{Rule, RuleSet, spelling};
use part::{Needles, Part};

/// Decides whether a rule could apply to anything in a text.
#[derive(Debug)]
pub struct Prefilter {
    /// One part for the built-in rules, and one for a user's rules.
    parts: Vec<Arc<Part>>,
}

/// A cache of parts. Building one takes as long as reading a hundred manifests, and all repositories of a run share the
/// built-in rules.
#[derive(Debug, Default)]
pub struct Parts {
    by_needles: HashMap<Vec<Needles>, Arc<Part>>,
    /// Keyed by the addresses of the rules and by the other words. Collecting the needles of each rule is the most expensive
    /// step.
    by_rules: HashMap<(Vec<usize>, String), Shared>,
}

/// A part, and the rules that it was built from. They are kept alive because the key of the cache is their addresses.
#[derive(Debug)]
struct Shared {
    part: Arc<Part>,
    _rules: Vec<Arc<Rule>>,
}

impl Parts {
    fn of(&mut self, mut needles: Vec<Needles>) -> Result<Arc<Part>, String> {
        needles.sort();
        needles.dedup();
        if let Some(part) = self.by_needles.get(&needles) {
            return Ok(Arc::clone(part));
        }
        let part = Arc::new(Part::new(needles.clone())?);
        self.by_needles.insert(needles, Arc::clone(&part));
        Ok(part)
    }

    /// Returns the part for some rules and additional words.
    fn of_rules(
        &mut self,
        rules: &[&Arc<Rule>],
        marker: &[&str],
        words: &[&str],
    ) -> Result<Arc<Part>, String> {
        let addresses = rules.iter().map(|rule| Arc::as_ptr(rule) as usize);
        let key = (addresses.collect(), format!("{marker:?} {words:?}"));
        if let Some(known) = self.by_rules.get(&key) {
            return Ok(Arc::clone(&known.part));
        }
        let words = words.iter().map(|word| Needles::word(word, true));
        let marker = marker.iter().map(|word| Needles::word(word, false));
        let needles = rules.iter().flat_map(|rule| needles(rule));
        let part = self.of(needles.chain(marker).chain(words).collect())?;
        let shared = Shared {
            part: Arc::clone(&part),
            _rules: rules.iter().map(|rule| Arc::clone(rule)).collect(),
        };
        self.by_rules.insert(key, shared);
        Ok(part)
    }
}

/// Returns the needles of a rule, one per mapping.
fn needles(rule: &Rule) -> Vec<Needles> {
    let places = rule.mappings().iter();
    let needles = places.map(|place| Needles::new(rule, &place.from));
    needles.collect()
}

/// The result of a search.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sight {
    /// Whether a rule could apply to anything in it.
    pub suspect: bool,
    /// Whether it contains one of the additional words.
    pub has_word: bool,
    /// Whether the beginning of a location ends a value in it or continues in an expression: the rest may be in another file.
    pub has_beginning: bool,
}

/// Locations whose beginnings occur in some texts. The rest of each is then searched for in other texts.
#[derive(Debug, Default)]
pub struct Beginnings(Vec<BTreeSet<(usize, usize)>>);

impl Prefilter {
    /// Searches for the locations of the rules, and for marker words that count like a location.
    ///
    /// # Errors
    /// If the stems of a user's rules are too many or too long to search for.
    pub fn new(rules: &RuleSet, marker: &[&str]) -> Result<Self, String> {
        Self::with_words(rules, marker, &[], &mut Parts::default())
    }

    /// Like [`Self::new`], but also searches for words that no rule applies to; [`Self::look`] reports them. One search
    /// for everything takes half the time of two. Reuses the `parts` that are already built.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_words(
        rules: &RuleSet,
        marker: &[&str],
        words: &[&str],
        parts: &mut Parts,
    ) -> Result<Self, String> {
        let (built_in, own): (Vec<&Arc<Rule>>, Vec<&Arc<Rule>>) =
            rules.shared().iter().partition(|rule| rule.is_built_in());
        let own: Vec<Needles> = own.into_iter().flat_map(|rule| needles(rule)).collect();
        let mut all = vec![parts.of_rules(&built_in, marker, words)?];
        if !own.is_empty() {
            all.push(parts.of(own)?);
        }
        Ok(Self { parts: all })
    }

    /// Whether the text may name a location.
    pub fn occur_in(&self, text: &[u8]) -> bool {
        let named = |text: &[u8]| {
            let mut parts = self.parts.iter();
            parts.any(|part| part.locations(text).next().is_some())
        };
        named(text)
            || self
                .plain(text, self.has_capitals(text))
                .is_some_and(|text| named(&text))
    }

    /// Returns the text in the spelling that names are compared in. `None` if it already is in that spelling.
    fn plain(&self, text: &[u8], has_capitals: bool) -> Option<Vec<u8>> {
        let decoded = spelling::decode(text);
        let is_upper = match &decoded {
            Some(decoded) => self.has_capitals(decoded),
            None => has_capitals,
        };
        match is_upper {
            true => Some(decoded.as_deref().unwrap_or(text).to_ascii_lowercase()),
            false => decoded,
        }
    }

    fn has_capitals(&self, text: &[u8]) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| part.with_capitals(text).next().is_some())
    }

    /// Whether the text may name a location, and whether it contains one of the additional words.
    pub fn look(&self, text: &[u8]) -> Sight {
        self.search(text).0
    }

    /// Like [`Self::look`]. If the text may name a location, also returns its [`Self::hints`], from the same search.
    pub fn search(&self, text: &[u8]) -> (Sight, Option<Vec<usize>>) {
        let mut sight = Sight::default();
        let (mut hints, mut with_capitals) = (Vec::new(), Vec::new());
        for part in &self.parts {
            let seen = part.look(text, &mut hints, &mut with_capitals);
            sight.suspect |= seen.suspect;
            sight.has_word |= seen.has_word;
            sight.has_beginning |= seen.has_beginning;
        }
        if !sight.suspect
            && let Some(plain) = self.plain(text, !with_capitals.is_empty())
        {
            let mut parts = self.parts.iter();
            sight.suspect = parts.any(|part| part.locations(&plain).next().is_some());
        }
        if !sight.suspect {
            return (sight, None);
        }
        hints.extend(with_capitals);
        hints.extend(spelling::escapes(text));
        hints.sort_unstable();
        (sight, Some(hints))
    }

    /// Adds the locations whose beginnings are in a text.
    pub fn begin(&self, text: &[u8], beginnings: &mut Beginnings) {
        let of_parts = &mut beginnings.0;
        of_parts.resize_with(self.parts.len(), BTreeSet::new);
        for (part, begun) in self.parts.iter().zip(of_parts) {
            begun.extend(part.beginnings(text));
        }
    }

    /// Whether the rest of a location that began elsewhere is in the text.
    pub fn has_rest(&self, beginnings: &Beginnings, text: &[u8]) -> bool {
        let mut parts = self.parts.iter().zip(&beginnings.0);
        parts.any(|(part, begun)| part.has_rest(begun, text))
    }

    /// Returns the offset of the first location beyond `most`. `None` if the text does not name that many.
    pub fn excess(&self, text: &[u8], most: usize) -> Option<usize> {
        let locations = |part: &'_ Arc<Part>| {
            let locations = part.locations(text).take(most + 1);
            locations.collect::<Vec<_>>()
        };
        let mut all: Vec<usize> = self.parts.iter().flat_map(locations).collect();
        all.sort_unstable();
        all.get(most).copied()
    }

    /// Whether the text contains a stem. It may then have one part of a location, and another file the rest.
    pub fn has_stem(&self, text: &[u8]) -> bool {
        self.parts.iter().any(|part| part.has_stem(text))
    }

    /// Returns the sorted offsets of stems, and of names with escapes or capitals. Any text that a rule applies to contains
    /// one of them.
    pub fn hints(&self, text: &[u8]) -> Vec<usize> {
        let parts = self.parts.iter();
        let of_parts = parts.flat_map(|part| part.stems_in(text).chain(part.with_capitals(text)));
        let mut hints: Vec<usize> = of_parts.chain(spelling::escapes(text)).collect();
        hints.sort_unstable();
        hints
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleSpec;

    fn prefilter() -> Prefilter {
        Prefilter::new(&RuleSet::new(RuleSet::with_own(&[]).unwrap()), &["regfix:"]).unwrap()
    }

    #[test]
    fn places_are_found_by_whole_segments() {
        let prefilter = prefilter();
        assert!(prefilter.parts[0].is_vectorized() || !cfg!(target_arch = "x86_64"));
        let stems = prefilter.parts[0].stems();
        assert!(stems < 64, "too many stems to be fast: {stems}");
        for text in [
            "image: k8s.gcr.io/pause",
            "registry: k8s.gcr.io",
            "registry: k8s.gcr.io/\n",
            "\"\\nk8s.gcr.io/x",
            "data:,image%3D%22k8s.gcr.io%2Fpause%22",
            "gcr.io/k8s-staging-npd/x",
            "gcr.io/k8s-staging-images-foo/x",
            "registry: quay.io\nrepository: coreos/kube-state-metrics",
            "registry: quay.io/coreos\nrepository: kube-state-metrics",
            "repository: bitnami/redis",
            "image: vault:1.13.3",
            "image: vault",
            "image: registry.k8s.io/busybox",
            "image: minio/minio:1",
            "registry: docker.io/minio\nimage: minio",
            "https://x.bintray.io/y",
            "europe-docker.pkg.dev/k8s-artifacts-prod/images/x",
            "url: https://charts.helm.sh/stable",
            "# regfix: ignore",
            "registry: bitnami\n",
            "hub: docker.io/bitnami",
            "{image: vault}",
            "${IMAGE:-k8s.gcr.io/pause}",
            "${IMAGE-k8s.gcr.io/pause}",
            "\"k8s\\u002egcr.io/pause\"",
            "image: K8S.GCR.IO/pause",
            "image: K8s.gcr.io/pause",
            "image: Quay.Io/coreos/kube-state-metrics",
            "image: k8s.GCR.io/pause",
            "image: K8S.gcr.io/pause",
            "registry: K8S.gcr.io",
            "registry: US.gcr.io\nrepository: k8s-artifacts-prod/pause",
        ] {
            assert!(prefilter.occur_in(text.as_bytes()), "{text}");
        }
        for text in [
            "image: registry.k8s.io/pause",
            "my-k8s.gcr.io",
            "$my-k8s.gcr.io",
            "k8s.gcr.io.example.com",
            "bitnamilegacies/redis",
            "vault:\n",
            "the vault holds",
            "# bitnami.com",
            "image: busybox\nother: registry.k8s.io/pause",
            "image: registry.k8s.io/busybox:1.27",
            "- microsoft sgc",
            "to vault\n",
            "kube-state-metrics",
            "registry: quay.io/other\ncoreos: kube-state-metrics",
            "helm.sh/chart: x",
            "gcr.io/distroless/static",
        ] {
            assert!(!prefilter.occur_in(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_place_may_begin_in_one_text_and_go_on_in_another() {
        let prefilter = prefilter();
        let rest = "image: {{ .Values.registry }}/k8scsi/csi-provisioner:v1.6.0";
        for (text, begins, goes_on) in [
            ("registry: quay.io\n", true, true),
            ("image: quay.io/{{ .Values.path }}", true, true),
            ("image: quay.io/coreos/{{ .Values.path }}", true, false),
            ("image: quay.io/prometheus/node-exporter:v1", false, false),
            ("image: docker.io/library/nginx", false, false),
        ] {
            let sight = prefilter.look(text.as_bytes());
            let seen = (sight.suspect, sight.has_beginning);
            assert_eq!(seen, (false, begins), "{text}");
            let mut beginnings = Beginnings::default();
            prefilter.begin(text.as_bytes(), &mut beginnings);
            let has_rest = |text: &str| prefilter.has_rest(&beginnings, text.as_bytes());
            assert_eq!(has_rest(rest), goes_on, "{text}");
            assert!(!has_rest("image: {{ .Values.registry }}/other/x:1"));
        }
    }

    #[test]
    fn places_are_distinguished_from_words() {
        let rules = RuleSet::new(RuleSet::with_own(&[]).unwrap());
        let words = ["argoproj.io/", "targetRevision"];
        let prefilter =
            Prefilter::with_words(&rules, &["regfix"], &words, &mut Parts::default()).unwrap();
        for (text, suspect, has_word) in [
            ("apiVersion: argoproj.io/v1alpha1", false, true),
            ("image: argoproj/argocd", true, false),
            ("image: k8s.gcr.io/pause\ntargetRevision: 1", true, true),
            ("targetRevision: 1 # regfix: ignore", true, true),
            ("image: K8S.GCR.IO/pause # argoproj.io", true, false),
            ("image: registry.k8s.io/pause", false, false),
        ] {
            let sight = Sight {
                suspect,
                has_word,
                has_beginning: false,
            };
            assert_eq!(prefilter.look(text.as_bytes()), sight, "{text}");
            assert_eq!(prefilter.occur_in(text.as_bytes()), suspect, "{text}");
        }
    }

    /// Returns the built-in rules and one of a user.
    fn with_own(from: &str) -> RuleSet {
        let own = format!("- {{from: {from}, to: new.example.com/x}}\n");
        let own: Vec<RuleSpec> = serde_yaml::from_str(&own).unwrap();
        RuleSet::new(RuleSet::with_own(&own).unwrap())
    }

    #[test]
    fn own_rules_are_looked_for_beside_the_built_in_ones_which_are_made_once() {
        let mut parts = Parts::default();
        let mut make = |from: &str| {
            Prefilter::with_words(&with_own(from), &["regfix"], &["word"], &mut parts).unwrap()
        };
        let (one, other) = (make("one.example.com/a"), make("other.example.com/a"));
        assert!(Arc::ptr_eq(&one.parts[0], &other.parts[0]));
        assert_eq!((parts.by_needles.len(), parts.by_rules.len()), (3, 1));
        let text = b"- one.example.com/a/b\n- k8s.gcr.io/pause\n- one.example.com/a\n";
        assert!(one.occur_in(text) && other.occur_in(text));
        assert_eq!(one.hints(text), [2, 28, 43]);
        assert_eq!(one.excess(text, 1), Some(28));
        assert_eq!(
            (one.excess(text, 2), other.excess(text, 1)),
            (Some(43), None)
        );
        let only = b"image: ONE.example.com/a # word\n";
        assert!(one.occur_in(only) && !other.occur_in(only));
        let sight = |suspect| Sight {
            suspect,
            has_word: true,
            has_beginning: false,
        };
        assert_eq!(
            (one.look(only), other.look(only)),
            (sight(true), sight(false))
        );
    }

    /// Compares the normalized text, with few and with many rules to search for.
    #[track_caller]
    fn check_plain(text: &str, expected: Option<&str>) {
        let own = |froms: &[String]| -> Vec<Arc<Rule>> {
            let rules = froms
                .iter()
                .map(|from| format!("- {{from: {from}, to: new.example.com/x}}\n"));
            let specs: Vec<RuleSpec> = serde_yaml::from_str(&rules.collect::<String>()).unwrap();
            let rules = specs
                .into_iter()
                .map(|spec| Arc::new(Rule::new(spec).unwrap()));
            rules.collect()
        };
        let few = ["k8s.gcr.io", "quay.io", "a.com"].map(str::to_owned);
        let others = (0..40).map(|number| format!("h{number}.example.org"));
        let many: Vec<String> = few.iter().cloned().chain(others).collect();
        for froms in [&few[..], &many] {
            let prefilter = Prefilter::new(&RuleSet::new(own(froms)), &[]).unwrap();
            let plain = prefilter.plain(text.as_bytes(), prefilter.has_capitals(text.as_bytes()));
            let plain = plain.map(|plain| String::from_utf8(plain).unwrap());
            assert_eq!(plain.as_deref(), expected, "{text}");
            let is_named = |at: &usize| {
                text.as_bytes()[*at..].starts_with(b"\\") || text.as_bytes()[*at] == b'.'
            };
            let hints = prefilter.hints(text.as_bytes());
            let (_, named) = prefilter.search(text.as_bytes());
            let occurs = prefilter.occur_in(text.as_bytes());
            assert_eq!(named, occurs.then(|| hints.clone()), "{text}");
            assert!(expected.is_none() || hints.iter().any(is_named), "{text}");
        }
    }

    #[test]
    fn names_with_escapes_and_capitals_become_plain() {
        check_plain(
            r#""k8s\u002egcr.io\x2fpause""#,
            Some(r#""k8s.gcr.io/pause""#),
        );
        check_plain(r#""\U0000006b8s.gcr.io""#, Some(r#""k8s.gcr.io""#));
        check_plain("\"k8s.gc\\\n    r.io\"", Some("\"k8s.gcr.io\""));
        check_plain("K8S.GCR.IO/pause", Some("k8s.gcr.io/pause"));
        check_plain("K8s.Gcr.Io/pause", Some("k8s.gcr.io/pause"));
        check_plain("k8s.GCR.io/pause", Some("k8s.gcr.io/pause"));
        check_plain("Quay.IO/a", Some("quay.io/a"));
        check_plain(r"K8S\u002eGCR.IO", Some("k8s.gcr.io"));
        for before in 0..130 {
            let before = " ".repeat(before);
            check_plain(
                &format!("{before}K8S.gcr.IO"),
                Some(&format!("{before}k8s.gcr.io")),
            );
        }
        for text in [
            r#""a \u003c b""#,
            r"docker pull \",
            "docker pull \\\n  k8s.gcr.io/pause",
            r"\x1b[0m",
            r"\u",
            "{{ .Values.image }} {{ .Release.Name }}",
            "This is YAML. So is that.",
            "k8s.gcr.io",
            // The search finds this one by `gcr.io`, which has no capitals.
            "K8S.gcr.io",
            "",
            &"{{ .Values.image }}".repeat(20),
        ] {
            check_plain(text, None);
        }
    }

    #[test]
    fn every_rule_is_let_through_by_its_example() {
        let prefilter = prefilter();
        let rules = RuleSet::new(RuleSet::with_own(&[]).unwrap());
        for rule in rules.rules() {
            let text = format!("image: {}\n", rule.example);
            assert!(prefilter.occur_in(text.as_bytes()), "{}", rule.id);
        }
    }
}
