//! What a field holds while a build goes on, and what an `images` entry makes of it: as Kustomize does it.
//!
//! The facts are those of `api/internal/image/image.go` and `api/filters/imagetag/updater.go` in
//! <https://github.com/kubernetes-sigs/kustomize>.

use regex::{Regex, RegexBuilder};

/// Compiled patterns stay below this many bytes; an entry that needs more is taken to select anything.
const LARGEST: usize = 1 << 20;

/// A name that is longer is none.
const LONGEST: usize = 1024;

/// What an entry selects: its name as a regular expression, followed by a tag, a digest, both or none.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    /// A name in which the dot alone means something.
    Plain(String),
    Regex(Regex),
    /// What cannot be read may select whatever there is.
    Anything,
}

const TAG: &str = "(:[a-zA-Z0-9_.{}-]*)?(@[a-zA-Z][a-zA-Z0-9]*:[a-zA-Z0-9_.{}-]*)?$";

impl Pattern {
    /// The name goes into the expression as it is, so `a|b` is `^a` or `b` with a tag. Kustomize does not quote it.
    pub(super) fn new(name: &str) -> Self {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"./:_-".contains(&byte);
        if name.len() <= LONGEST && name.bytes().all(plain) {
            return Self::Plain(name.to_owned());
        }
        Self::regex(name)
    }

    fn regex(name: &str) -> Self {
        if name.len() > LONGEST {
            return Self::Anything;
        }
        let mut builder = RegexBuilder::new(&format!("^{name}{TAG}"));
        builder.size_limit(LARGEST).dfa_size_limit(LARGEST);
        builder.build().map_or(Self::Anything, Self::Regex)
    }

    pub(super) fn is_known(&self) -> bool {
        !matches!(self, Self::Anything)
    }

    pub(super) fn selects(&self, value: &str) -> bool {
        match self {
            Self::Plain(name) => selects_plainly(name, value),
            Self::Regex(regex) => regex.is_match(value),
            Self::Anything => true,
        }
    }
}

/// What [`Pattern::Regex`] would say of a plain name, without the price of a regular expression.
fn selects_plainly(name: &str, value: &str) -> bool {
    let mut rest = value.chars();
    let fits = |wanted: char| {
        rest.next()
            .is_some_and(|found| found == wanted || wanted == '.' && found != '\n')
    };
    name.chars().all(fits) && is_suffix(rest.as_str())
}

fn is_suffix(rest: &str) -> bool {
    let of_tag = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.{}-".contains(&byte))
    };
    let (tag, digest) = match rest.split_once('@') {
        Some((tag, digest)) => (tag, Some(digest)),
        None => (rest, None),
    };
    let of_digest = |digest: &str| {
        digest.split_once(':').is_some_and(|(algorithm, hash)| {
            algorithm.starts_with(|letter: char| letter.is_ascii_alphabetic())
                && algorithm.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && of_tag(hash)
        })
    };
    (tag.is_empty() || tag.strip_prefix(':').is_some_and(of_tag)) && digest.is_none_or(of_digest)
}

/// A reference as Kustomize cuts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut<'v> {
    pub(super) name: &'v str,
    pub(super) tag: &'v str,
    pub(super) digest: &'v str,
}

impl<'v> Cut<'v> {
    pub(super) fn of(value: &'v str) -> Self {
        let host = value.find('/').unwrap_or(0);
        let digest_at = value[host..].find('@').map(|at| host + at);
        let named = digest_at.map_or(value, |at| &value[..at]);
        let digest = digest_at.map_or("", |at| &value[at + 1..]);
        let (name, tag) = match named.get(host..).and_then(|tail| tail.find(':')) {
            Some(at) => (&named[..host + at], &named[host + at + 1..]),
            None => (named, ""),
        };
        Self { name, tag, digest }
    }

    pub(super) fn join(self) -> String {
        let tag = if self.tag.is_empty() { "" } else { ":" };
        let digest = if self.digest.is_empty() { "" } else { "@" };
        format!("{}{tag}{}{digest}{}", self.name, self.tag, self.digest)
    }
}

/// What an entry puts in the place of what it selects. Empty: it leaves that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Override {
    pub(super) name: String,
    pub(super) tag: String,
    pub(super) tag_suffix: String,
    pub(super) digest: String,
}

impl Override {
    pub(super) fn apply(&self, value: &str) -> String {
        let cut = Cut::of(value);
        let (tag, digest) = match (self.tag.is_empty(), self.digest.is_empty()) {
            (true, true) => (cut.tag, cut.digest),
            // Either of them takes the place of both.
            _ => (self.tag.as_str(), self.digest.as_str()),
        };
        let tag = format!("{tag}{}", self.tag_suffix);
        let name = if self.name.is_empty() {
            cut.name
        } else {
            &self.name
        };
        Cut {
            name,
            tag: &tag,
            digest,
        }
        .join()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_pattern_before_tag_and_digest() {
        let selects = |name: &str, value: &str| Pattern::new(name).selects(value);
        assert!(selects("nginx", "nginx"));
        assert!(selects("nginx", "nginx:1@sha256:aa"));
        assert!(!selects("nginx", "docker.io/nginx:1"));
        assert!(!selects("nginx", "nginx/a"));
        assert!(selects("k8s.gcr.io/a", "k8s-gcr.io/a:1"));
        assert!(selects("(app|web)", "web:1"));
        assert!(selects("app|web", "application"));
        assert!(selects("nginx:1.2", "nginx:1.2"));
    }

    #[test]
    fn plain_names_select_what_their_expressions_do() {
        let names = ["a", "k8s.gcr.io/a", "h:5000/a", "a:1", "", ".", "a-b_c"];
        let tails = [
            "",
            ":",
            ":1",
            ":{x}",
            ":a:b",
            "@",
            "@sha256:",
            "@sha256:0a",
            "@256:0",
            ":1@sha256:0",
            "@s:0@s:0",
            "/b",
            "b",
            ":\u{e4}",
            "\n",
            ":1\n",
        ];
        for name in names {
            for value in [
                "",
                "a",
                "k8s-gcr\u{e4}io/a",
                "h:5000/a",
                "a:1",
                "b",
                "\n",
                "a-b_c",
            ] {
                for tail in tails {
                    let text = format!("{value}{tail}");
                    let [plain, regex] = [Pattern::new(name), Pattern::regex(name)];
                    assert!(matches!(
                        (&plain, &regex),
                        (Pattern::Plain(_), Pattern::Regex(_))
                    ));
                    assert_eq!(
                        plain.selects(&text),
                        regex.selects(&text),
                        "{name} {text:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_read_selects_anything() {
        for name in ["a(", &"a".repeat(2000), "(a{1000}){1000}"] {
            let pattern = Pattern::new(name);
            assert!(!pattern.is_known() && pattern.selects("b"), "{name}");
        }
    }

    #[test]
    fn references_are_cut_after_the_host() {
        let cut = |value| {
            let Cut { name, tag, digest } = Cut::of(value);
            (name, tag, digest)
        };
        assert_eq!(cut("a"), ("a", "", ""));
        assert_eq!(cut("h:5000/a:1"), ("h:5000/a", "1", ""));
        assert_eq!(cut("h/a@sha256:b"), ("h/a", "", "sha256:b"));
        assert_eq!(cut("h/a:1@sha256:b"), ("h/a", "1", "sha256:b"));
        assert_eq!(cut(""), ("", "", ""));
    }

    #[test]
    fn a_tag_takes_the_place_of_a_digest() {
        let with = |name: &str, tag: &str, digest: &str| Override {
            name: name.to_owned(),
            tag: tag.to_owned(),
            tag_suffix: String::new(),
            digest: digest.to_owned(),
        };
        assert_eq!(with("", "2", "").apply("h/a:1@sha256:b"), "h/a:2");
        assert_eq!(with("", "", "sha256:c").apply("h/a:1"), "h/a@sha256:c");
        assert_eq!(with("b", "", "").apply("h/a:1"), "b:1");
        assert_eq!(with("", "2", "sha256:c").apply("h/a"), "h/a:2@sha256:c");
    }
}
