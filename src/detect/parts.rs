//! Assembles one image from pairs of keys and values: its registry, name, tag and digest.
//!
//! Pure: the pairs may be the entries of a map, dotted keys, or names and values in a list. Has no notion of spans.

use std::collections::{BTreeMap, HashSet};

use super::words;
use crate::image::{canonical_host, is_account, is_registry_host, is_tagged, split_host};

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair<'p> {
    /// The part before the last dot of the key. Pairs with different prefixes never belong to one image.
    pub(super) prefix: &'p str,
    /// The part after it, folded.
    pub(super) key: String,
    pub(super) value: Value<'p>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'p> {
    Text(&'p str),
    /// An empty value: `""`, null.
    Empty,
    /// Set by a template, or not a scalar.
    Unknown,
}

/// The indices of the pairs that make up one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) registry: Option<usize>,
    /// The beginning of the path, between registry and name.
    pub(super) folder: Option<usize>,
    pub(super) name: usize,
    pub(super) tag: TagPart,
    pub(super) digest: Option<usize>,
    /// A registry beside a name that has its own. Templates may put it before the name nevertheless.
    pub(super) beside: Option<usize>,
    pub(super) around: Around,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TagPart {
    None,
    At(usize),
    /// A template chooses one of several.
    Unknown,
}

/// Properties of the map around the pairs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Around {
    /// Whether it is the map of an image: `image:`, `kubectlImage:`.
    pub(super) is_image: bool,
    /// Whether it is an item of a list. Its `name` is then a label.
    pub(super) is_item: bool,
}

impl<'p> Pair<'p> {
    /// Creates a pair from a key as written.
    pub(super) fn new(key: &'p str, value: Value<'p>) -> Self {
        let prefix = key.rsplit_once('.').map_or("", |(prefix, _)| prefix);
        Self {
            prefix,
            key: words::fold(key),
            value,
        }
    }

    fn text(&self) -> Option<&'p str> {
        match self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Image {
    /// Whether it has more than a name and a folder.
    pub(super) fn is_described(&self) -> bool {
        self.registry.is_some()
            || self.beside.is_some()
            || self.tag != TagPart::None
            || self.digest.is_some()
    }
}

/// Returns the images that the pairs make up: each a name with what belongs to it. `around` describes the map around the
/// pairs of a prefix.
pub(super) fn images(pairs: &[&Pair<'_>], around: impl Fn(&str) -> Around) -> Vec<Image> {
    let mut prefixes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, pair) in pairs.iter().enumerate() {
        prefixes.entry(pair.prefix).or_default().push(index);
    }
    let groups = prefixes.iter();
    groups
        .flat_map(|(prefix, own)| Reader::new(pairs, own, around(prefix)).images())
        .collect()
}

/// Reads the pairs of one prefix.
struct Reader<'r> {
    pairs: &'r [&'r Pair<'r>],
    own: &'r [usize],
    around: Around,
    /// The first pair of each key, for a binary search. Sorted by the length of the key first, which is the cheapest to
    /// compare.
    by_key: Vec<(&'r str, usize)>,
    /// Whether a template chooses among tags: `tagK8sUpMinor17` beside `tag`.
    is_tag_chosen: bool,
}

impl<'r> Reader<'r> {
    fn new(pairs: &'r [&'r Pair<'r>], own: &'r [usize], around: Around) -> Self {
        let keys = own.iter().map(|index| (pairs[*index].key.as_str(), *index));
        let mut by_key: Vec<(&str, usize)> = keys.collect();
        by_key.sort_unstable_by_key(|(key, index)| (key.len(), *key, *index));
        by_key.dedup_by_key(|(key, _)| *key);
        let is_choice = |pair: &Pair<'_>| {
            let key = pair.key.as_str();
            key.starts_with("tag") && !matches!(key, "tag" | "tags") && pair.value != Value::Empty
        };
        Self {
            pairs,
            own,
            around,
            by_key,
            is_tag_chosen: own.iter().any(|index| is_choice(pairs[*index])),
        }
    }

    fn images(&self) -> Vec<Image> {
        let named = self.own.iter().filter_map(|index| {
            let stem = words::repository_stem(&self.pairs[*index].key)?;
            Some((*index, stem))
        });
        let mut names: Vec<(usize, &str)> = named.collect();
        names.sort_by_key(|(index, _)| (words::repository_rank(&self.pairs[*index].key), *index));
        let mut found: Vec<Image> = Vec::new();
        let mut taken: HashSet<usize> = HashSet::new();
        for (index, stem) in names {
            if !taken.contains(&index) && !self.is_label(stem, &self.pairs[index].key) {
                let image = self.image(index, stem);
                let parts = [Some(image.name), image.registry, image.folder, image.beside];
                taken.extend(parts.iter().flatten());
                found.push(image);
            }
        }
        found.extend(self.registries_as_names(&taken));
        found
    }

    /// Returns the first pair whose key is the stem with one of the endings.
    fn ending(&self, stem: &str, ends: &[&str]) -> Option<usize> {
        ends.iter().filter_map(|end| self.first_of(stem, end)).min()
    }

    fn first_of(&self, stem: &str, end: &str) -> Option<usize> {
        let length = stem.len() + end.len();
        let wanted = || stem.bytes().chain(end.bytes());
        let by_key = |(key, _): &(&str, usize)| {
            let by_length = key.len().cmp(&length);
            by_length.then_with(|| key.bytes().cmp(wanted()))
        };
        let found = self.by_key.binary_search_by(by_key).ok()?;
        Some(self.by_key[found].1)
    }

    fn image(&self, at: usize, stem: &str) -> Image {
        let text = self.pairs[at].text().unwrap_or_default();
        let registry = self.beside(at, stem, words::registry_ends(self.around.is_image));
        let mut image = Image {
            registry,
            folder: None,
            name: at,
            tag: self.tag(at, stem),
            digest: self.beside(at, stem, &words::DIGEST_ENDS),
            beside: None,
            around: self.around,
        };
        if is_hosted(text) || is_put_before(text) {
            // The name is complete by itself.
            image.beside = image.registry.take();
        }
        if !text.contains('/') && !text.is_empty() {
            // `{registry: docker.io, organization: bitnami, image: kubectl}`
            let folder = self.beside(at, stem, words::folder_ends(self.around.is_image));
            match folder.filter(|folder| self.pairs[*folder].text().is_some()) {
                folder if image.registry.is_some() => image.folder = folder,
                folder => image.registry = folder,
            }
        }
        if let Some(last) = self.last_piece(at, stem) {
            image.name = last;
            match image.registry {
                Some(_) => image.folder = Some(at),
                None => image.registry = Some(at),
            }
            image.beside = None;
        }
        image
    }

    /// Returns the companion with the same stem or, if there is none, without a stem.
    fn beside(&self, at: usize, stem: &str, ends: &[&str]) -> Option<usize> {
        let own = self.pairs[at].key.as_str();
        let find = |stem| {
            let found = self.ending(stem, ends);
            found.filter(|index| self.pairs[*index].key != own)
        };
        find(stem).or_else(|| (!stem.is_empty()).then(|| find(""))?)
    }

    fn tag(&self, at: usize, stem: &str) -> TagPart {
        match self.beside(at, stem, &words::TAG_ENDS) {
            _ if self.is_tag_chosen => TagPart::Unknown,
            Some(tag) => TagPart::At(tag),
            None => TagPart::None,
        }
    }

    /// Returns the last piece of a name that is split in two, if the pair at `at` is its beginning:
    /// `repository: gcr.io/google-containers` with `image: pause`.
    fn last_piece(&self, at: usize, stem: &str) -> Option<usize> {
        let pair = self.pairs[at];
        let text = pair.text()?;
        if !words::is_repository(&pair.key) || is_tagged(text) {
            return None;
        }
        let piece = |end: &str| {
            let index = self.ending(stem, &[end])?;
            let name = self.pairs[index].text()?;
            let ends_so = text.trim_end_matches('/').rsplit('/').next() == Some(name);
            let fits = !name.is_empty() && !name.contains(['/', ':', '@']) && !ends_so;
            fits.then_some(index)
        };
        if let Some(image) = piece("image") {
            return Some(image);
        }
        // A version beside a name may also belong to a chart.
        let is_clear = |tag: usize| self.around.is_image || self.pairs[tag].key != "version";
        let is_described = match self.tag(at, stem) {
            TagPart::At(tag) => is_clear(tag),
            TagPart::Unknown => true,
            TagPart::None => self.beside(at, stem, &words::DIGEST_ENDS).is_some(),
        };
        let is_folder = is_registry_host(text.trim_end_matches('/'))
            || !path_on_hub(text).trim_matches('/').contains('/')
            || is_account(text)
            || self.around.is_image && text.matches('/').count() == 1;
        let may_be = is_described && is_folder && !self.around.is_item;
        let has_registry = || {
            let registry = self.beside(at, stem, words::registry_ends(true));
            registry.is_some()
        };
        // With a registry, `repository: pause` already is the name.
        (may_be && (self.around.is_image || !has_registry()))
            .then(|| piece("name"))
            .flatten()
    }

    /// Whether a key is only a label: `name` beside `repository`.
    fn is_label(&self, stem: &str, key: &str) -> bool {
        let is_path = |end: &&str| {
            let pair = self.first_of(stem, end).map(|index| self.pairs[index]);
            pair.is_some_and(|pair| {
                words::repository_rank(&pair.key) < 2 && pair.value != Value::Empty
            })
        };
        key.strip_prefix(stem) == Some("name") && words::NAME_ENDS.iter().any(is_path)
    }

    /// Registries that are whole names: `registry: k8s.gcr.io/pause` with a tag and without a name.
    fn registries_as_names(&self, taken: &HashSet<usize>) -> Vec<Image> {
        let whole = |index: usize| {
            let pair = self.pairs[index];
            let stem = pair.key.strip_suffix("registry")?;
            let path = is_hosted(pair.text()?) && !is_tagged(pair.text()?);
            let tag = self.beside(index, stem, &words::TAG_ENDS);
            let digest = self.beside(index, stem, &words::DIGEST_ENDS);
            let is_image = path && !taken.contains(&index) && (tag.is_some() || digest.is_some());
            is_image.then_some(Image {
                registry: None,
                folder: None,
                name: index,
                tag: self.tag(index, stem),
                digest,
                beside: None,
                around: self.around,
            })
        };
        self.own.iter().copied().filter_map(whole).collect()
    }
}

/// Returns a name without the host of Docker Hub.
fn path_on_hub(text: &str) -> &str {
    match split_host(text) {
        (Some(host), path) if canonical_host(Some(host)) == "docker.io" => path,
        _ => text,
    }
}

/// Whether a name has both a registry and a path.
fn is_hosted(text: &str) -> bool {
    let path = text.split_once('/');
    path.is_some_and(|(host, path)| is_registry_host(host) && !path.is_empty())
}

/// Whether a name begins with a placeholder: `{{ registry }}/pause`.
fn is_put_before(text: &str) -> bool {
    (text.starts_with("{{") || text.starts_with("${")) && text.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `key=value` pairs, and formats each image as the keys that make it up.
    fn read(text: &str, around: Around) -> Vec<String> {
        let pair = |text: &'static str| {
            let (key, value) = text.split_once('=').unwrap();
            let value = match value {
                "" => Value::Empty,
                "?" => Value::Unknown,
                text => Value::Text(text),
            };
            Pair::new(key, value)
        };
        let text: &'static str = text.to_owned().leak();
        let pairs: Vec<Pair<'_>> = text.split_whitespace().map(pair).collect();
        let keys: Vec<&str> = text
            .split_whitespace()
            .map(|pair| pair.split_once('=').unwrap().0)
            .collect();
        let shown = |image: &Image| {
            let mut parts: Vec<String> = Vec::new();
            parts.extend(image.registry.map(|at| format!("r:{}", keys[at])));
            parts.extend(image.folder.map(|at| format!("f:{}", keys[at])));
            parts.push(format!("n:{}", keys[image.name]));
            match image.tag {
                TagPart::None => {}
                TagPart::At(at) => parts.push(format!("t:{}", keys[at])),
                TagPart::Unknown => parts.push("t?".to_owned()),
            }
            parts.extend(image.digest.map(|at| format!("d:{}", keys[at])));
            parts.extend(image.beside.map(|at| format!("b:{}", keys[at])));
            parts.join(" ")
        };
        let pairs: Vec<&Pair<'_>> = pairs.iter().collect();
        images(&pairs, |_| around).iter().map(shown).collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(read(text, Around::default()), expected, "{text}");
    }

    #[test]
    fn companions_by_stem_and_prefix() {
        check(
            "registry=q.io repository=a/b tag=1 digest=sha256:0",
            &["r:registry n:repository t:tag d:digest"],
        );
        check(
            "fooImageRepository=q.io/a fooImageTag=1 barImageTag=2",
            &["n:fooImageRepository t:fooImageTag"],
        );
        check(
            "pause.image.repository=a/pause app.image.registry=q.io pause.image.tag=3",
            &["n:pause.image.repository t:pause.image.tag"],
        );
        check(
            "registry=q.io repository=acme/app pauseRepository=b/pause",
            &["r:registry n:repository", "r:registry n:pauseRepository"],
        );
        check(
            "imageRepository=bitnami/a imageTag=1",
            &["n:imageRepository t:imageTag"],
        );
    }

    #[test]
    fn a_name_with_its_own_registry_is_whole() {
        check("host=api.io image=q.io/a:1", &["n:image"]);
        check("registry=q.io image=q.io/a:1", &["n:image b:registry"]);
        let image = Around {
            is_image: true,
            ..Around::default()
        };
        assert_eq!(
            read("host=q.io name=a tag=1", image),
            ["r:host n:name t:tag"]
        );
        check("host=q.io name=a", &["n:name"]);
    }

    #[test]
    fn names_in_two_and_three_pieces() {
        check(
            "repository=gcr.io/google-containers image=pause version=3.1",
            &["r:repository n:image t:version"],
        );
        check(
            "repository=bitnami image=kubectl tag=1",
            &["r:repository n:image t:tag"],
        );
        check(
            "repository=bitnami name=kubectl tag=1",
            &["r:repository n:name t:tag"],
        );
        check(
            "registry=docker.io repository=bitnami image=kubectl tag=1",
            &["r:registry f:repository n:image t:tag"],
        );
        check(
            "repository=docker.io/bitnami name=kubectl tag=1",
            &["r:repository n:name t:tag"],
        );
        check("name=x repository=q.io/a/b tag=1", &["n:repository t:tag"]);
        check(
            "repository=gcr.io/acme name=app tag=1",
            &["r:repository n:name t:tag"],
        );
        check(
            "repository=k8s.gcr.io/pause name=app tag=1",
            &["n:repository t:tag"],
        );
        check(
            "name=pause registry=q.io repository=pause tag=1",
            &["r:registry n:repository t:tag"],
        );
        check("repository=a/b image=c/d:1", &["n:repository", "n:image"]);
    }

    #[test]
    fn tags_that_are_chosen_elsewhere_and_registries_that_are_names() {
        check("repository=q.io/a tagK8sUpMinor17=1", &["n:repository t?"]);
        check("registry=q.io/a tag=1", &["n:registry t:tag"]);
        check("registry=q.io tag=1", &[]);
    }
}
