//! The `from` of a rule: a host and a path, matched by whole segments.

use crate::artifact::Artifact;
use crate::image;

/// A name pattern: its segments, the host first. At most one has a `*`, which matches inside that segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    segments: Vec<Segment>,
    /// Matches only this name, not the names below it.
    pub exact: bool,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// The text before and after the `*`.
    Wildcard(String, String),
}

/// How a pattern matched a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit<'n> {
    /// The number of segments of the name that the pattern covers.
    pub taken: usize,
    /// The text that the `*` matched.
    pub wildcard: Option<&'n str>,
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// A message that says what is wrong with the text.
    pub fn new(text: &str, artifact: Artifact, exact: bool) -> Result<Self, String> {
        let name = match artifact {
            Artifact::Image | Artifact::Chart => text.strip_prefix("oci://").unwrap_or(text),
            Artifact::ChartRepository | Artifact::Url => without_scheme(text),
        };
        let name = name.trim_end_matches('/');
        let fits = |byte: u8| {
            byte.is_ascii_graphic() && !matches!(byte, b'@' | b'{' | b'}' | b'"' | b'\'')
        };
        let is_tagged = || match name.split_once('/') {
            Some((_, path)) => path.contains(':'),
            // A host may have a port.
            None => name
                .split_once(':')
                .is_some_and(|(_, port)| port.parse::<u16>().is_err()),
        };
        let is_image = matches!(artifact, Artifact::Image | Artifact::Chart);
        let has_tag = is_image && is_tagged();
        if name.is_empty()
            || name.split('/').any(str::is_empty)
            || !name.bytes().all(fits)
            || has_tag
        {
            return Err(format!(
                "`{text}` is not a location: write it like `old.example.com/team`, without a tag"
            ));
        }
        if name.matches('*').count() > 1 {
            return Err(format!("`{text}` has more than one `*`"));
        }
        let mut segments: Vec<&str> = name.split('/').collect();
        let host = image::canonical_host(Some(segments[0]));
        let hosted = segments[0].contains(['.', ':', '*']) || segments[0] == "localhost";
        let implied = if hosted {
            host.as_ref()
        } else {
            image::DOCKER_HUB
        };
        if hosted {
            segments.remove(0);
        }
        if is_image && !hosted && segments.len() == 1 {
            return Err(format!(
                "`{text}` has no host: write `docker.io/{text}` if it is on Docker Hub, and otherwise the host in full"
            ));
        }
        let library = implied == image::DOCKER_HUB
            && segments.len() == 1
            && exact
            && artifact == Artifact::Image;
        let names = std::iter::once(implied)
            .chain(library.then_some("library"))
            .chain(segments);
        Ok(Self {
            segments: names.map(segment).collect(),
            exact,
            text: text.to_owned(),
        })
    }

    /// Returns the pattern as written in the rule.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the host, or `None` if it contains a `*`.
    pub fn host(&self) -> Option<&str> {
        match self.segments.first() {
            Some(Segment::Literal(host)) => Some(host),
            _ => None,
        }
    }

    /// Returns each segment: its text and `None`, or the text before and after its `*`.
    pub fn segments(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.segments.iter().map(|segment| match segment {
            Segment::Literal(text) => (text.as_str(), None),
            Segment::Wildcard(before, after) => (before.as_str(), Some(after.as_str())),
        })
    }

    /// Returns the literal text of each segment, and whether other text may precede and follow it in the segment.
    pub fn literals(&self) -> impl Iterator<Item = (&str, bool, bool)> {
        self.segments.iter().map(|segment| match segment {
            Segment::Literal(text) => (text.as_str(), false, false),
            Segment::Wildcard(before, after) if before.len() >= after.len() => {
                (before.as_str(), false, true)
            }
            Segment::Wildcard(_, after) => (after.as_str(), true, false),
        })
    }

    /// Returns the segments of an example name that the pattern matches.
    pub fn sample(&self) -> Vec<String> {
        let sample = |segment: &Segment| match segment {
            Segment::Literal(text) => text.clone(),
            Segment::Wildcard(before, after) => format!("{before}sample{after}"),
        };
        self.segments.iter().map(sample).collect()
    }

    /// Returns the specificity of the pattern: more segments, then exact, then more literals. The most specific match wins.
    pub fn weight(&self) -> (usize, bool, usize) {
        let literal = self
            .segments
            .iter()
            .filter(|segment| matches!(segment, Segment::Literal(_)))
            .count();
        (self.segments.len(), self.exact, literal)
    }

    /// Matches the pattern against a whole name. The host must be in canonical spelling.
    pub fn matches<'n>(&self, name: &[&'n str]) -> Option<Hit<'n>> {
        let long_enough = if self.exact {
            name.len() == self.segments.len()
        } else {
            name.len() >= self.segments.len()
        };
        if !long_enough {
            return None;
        }
        let mut wildcard = None;
        for (segment, text) in self.segments.iter().zip(name) {
            match segment {
                Segment::Literal(literal) if literal == text => {}
                Segment::Wildcard(before, after) => {
                    let middle = text
                        .strip_prefix(before.as_str())?
                        .strip_suffix(after.as_str())?;
                    wildcard = Some(middle);
                }
                Segment::Literal(_) => return None,
            }
        }
        Some(Hit {
            taken: self.segments.len(),
            wildcard,
        })
    }
}

fn segment(text: &str) -> Segment {
    match text.split_once('*') {
        Some((before, after)) => Segment::Wildcard(before.to_owned(), after.to_owned()),
        None => Segment::Literal(text.to_owned()),
    }
}

/// Returns a URL without its scheme.
fn without_scheme(url: &str) -> &str {
    ["https://", "http://", "oci://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme))
        .unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, exact: bool, name: &str, expected: Option<usize>) {
        let pattern = Pattern::new(pattern, Artifact::Image, exact).unwrap();
        let name: Vec<_> = name.split('/').collect();
        assert_eq!(pattern.matches(&name).map(|hit| hit.taken), expected);
    }

    #[test]
    fn whole_segments_only() {
        check("k8s.gcr.io", false, "k8s.gcr.io/pause", Some(1));
        check("k8s.gcr.io", false, "my-k8s.gcr.io/pause", None);
        check("k8s.gcr.io", false, "mirror.io/k8s.gcr.io/pause", None);
        check(
            "docker.io/bitnami",
            false,
            "docker.io/bitnami/redis",
            Some(2),
        );
        check(
            "docker.io/bitnami",
            false,
            "docker.io/bitnamilegacy/redis",
            None,
        );
        check(
            "docker.io/minio/minio",
            true,
            "docker.io/minio/minio",
            Some(3),
        );
        check(
            "docker.io/minio/minio",
            true,
            "docker.io/minio/minio/x",
            None,
        );
        check("docker.io/vault", true, "docker.io/library/vault", Some(3));
        check("*.bintray.io", false, "kong.bintray.io/x", Some(1));
        check(
            "gcr.io/k8s-staging-*",
            false,
            "gcr.io/k8s-staging-npd/x",
            Some(2),
        );
        check("q.io/a*", true, "q.io/abc", Some(2));
    }

    #[test]
    fn a_word_alone_may_be_a_host_or_a_name() {
        let refused = |text: &str| Pattern::new(text, Artifact::Image, false).unwrap_err();
        for text in ["myregistry", "library"] {
            let message = refused(text);
            assert!(
                message.contains(&format!("write `docker.io/{text}`")),
                "{message}"
            );
        }
        for text in ["myregistry:5000", "localhost", "team/app", "*"] {
            assert!(Pattern::new(text, Artifact::Image, false).is_ok(), "{text}");
        }
    }
}
