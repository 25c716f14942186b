//! An image name during a build, and how an `images` entry changes it, as Kustomize does it.
//!
//! Follows `api/internal/image/image.go` and `api/filters/imagetag/updater.go` in
//! <https://github.com/kubernetes-sigs/kustomize>.

use regex::{Regex, RegexBuilder};

/// The most bytes of a compiled pattern. An entry that needs more is assumed to select anything.
const LARGEST: usize = 1 << 20;

/// The most bytes of a name. An entry with a longer one is assumed to select anything.
const LONGEST: usize = 1024;

/// The pattern by which an entry selects: its name as a regular expression, followed by a tag, a digest, both or none.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    /// A name whose only metacharacters are dots.
    Plain(Vec<Letter>),
    /// A regular expression that only selects texts that begin with the head.
    Regex { head: Vec<Letter>, regex: Regex },
    /// A pattern that cannot be read, and so may select anything.
    Anything,
}

/// One letter of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Letter {
    Is(char),
    /// A dot: any character but a newline.
    Any,
}

const TAG: &str = "(:[a-zA-Z0-9_.{}-]*)?(@[a-zA-Z][a-zA-Z0-9]*:[a-zA-Z0-9_.{}-]*)?$";

impl Pattern {
    /// Compiles a name. Like Kustomize, it does not quote the name, so `a|b` is `^a` or `b` with a tag.
    pub(super) fn new(name: &str) -> Self {
        if name.len() > LONGEST {
            return Self::Anything;
        }
        match letters(name) {
            (plain, true) => Self::Plain(plain),
            (head, false) => Self::regex(name, head),
        }
    }

    fn regex(name: &str, head: Vec<Letter>) -> Self {
        let mut builder = RegexBuilder::new(&format!("^{name}{TAG}"));
        builder.size_limit(LARGEST).dfa_size_limit(LARGEST);
        let regex = builder.build();
        regex.map_or(Self::Anything, |regex| Self::Regex { head, regex })
    }

    pub(super) fn is_known(&self) -> bool {
        !matches!(self, Self::Anything)
    }

    /// Whether everything that it selects begins with the same letters.
    pub(super) fn has_head(&self) -> bool {
        match self {
            Self::Plain(letters) | Self::Regex { head: letters, .. } => !letters.is_empty(),
            Self::Anything => false,
        }
    }

    pub(super) fn selects(&self, value: &str) -> bool {
        match self {
            Self::Plain(letters) => selects_plainly(letters, value),
            Self::Regex { regex, .. } => regex.is_match(value),
            Self::Anything => true,
        }
    }
}

/// Returns the letters that a name begins with, and whether they are the whole name.
fn letters(name: &str) -> (Vec<Letter>, bool) {
    let mut letters = Vec::with_capacity(name.len());
    let mut rest = name.chars();
    loop {
        let after = rest.clone();
        match rest.next() {
            None => return (letters, true),
            Some('.') => letters.push(Letter::Any),
            Some(letter) if letter.is_ascii_alphanumeric() || "/:_-".contains(letter) => {
                letters.push(Letter::Is(letter));
            }
            Some('\\') if rest.as_str().starts_with('.') => {
                rest.next();
                letters.push(Letter::Is('.'));
            }
            Some(sign) => {
                // A quantifier applies to the last letter.
                if matches!(sign, '*' | '+' | '?' | '{') {
                    letters.pop();
                }
                if has_alternatives(after.as_str()) {
                    letters.clear();
                }
                return (letters, false);
            }
        }
    }
}

/// Whether an expression may have alternatives outside of all parentheses.
fn has_alternatives(expression: &str) -> bool {
    let mut depth = 0;
    let mut signs = expression.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => drop(signs.next()),
            '(' => depth += 1,
            ')' => depth -= 1,
            // Character classes, which may contain parentheses, are not parsed.
            '[' => return expression.contains('|'),
            '|' if depth <= 0 => return true,
            _ => {}
        }
    }
    false
}

/// Whether a plain name selects a value. Same result as [`Pattern::Regex`], but cheaper.
fn selects_plainly(letters: &[Letter], value: &str) -> bool {
    let mut rest = value.chars();
    let fits = |letter: &Letter| match (letter, rest.next()) {
        (Letter::Is(wanted), Some(found)) => *wanted == found,
        (Letter::Any, Some(found)) => found != '\n',
        (_, None) => false,
    };
    letters.iter().all(fits) && is_suffix(rest.as_str())
}

/// Whether a text may follow a name: a tag, a digest, both or nothing.
pub(super) fn is_suffix(rest: &str) -> bool {
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

/// A reference as Kustomize splits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SplitName<'v> {
    pub(super) name: &'v str,
    pub(super) tag: &'v str,
    pub(super) digest: &'v str,
}

impl<'v> SplitName<'v> {
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

/// Removes the common last segments of two names. `None` if the names are equal.
pub(super) fn heads<'n>(old: &'n str, new: &'n str) -> Option<(&'n str, &'n str)> {
    let (mut old, mut new) = (old, new);
    while let (Some((old_head, old_tail)), Some((new_head, new_tail))) =
        (old.rsplit_once('/'), new.rsplit_once('/'))
    {
        if old_tail != new_tail {
            break;
        }
        (old, new) = (old_head, new_head);
    }
    (old != new).then_some((old, new))
}

/// The parts that an entry sets in what it selects. An empty part stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Override {
    pub(super) name: String,
    pub(super) tag: String,
    pub(super) tag_suffix: String,
    pub(super) digest: String,
}

impl Override {
    pub(super) fn apply(&self, value: &str) -> String {
        let cut = SplitName::of(value);
        let (tag, digest) = match (self.tag.is_empty(), self.digest.is_empty()) {
            (true, true) => (cut.tag, cut.digest),
            // Setting either one replaces both.
            _ => (self.tag.as_str(), self.digest.as_str()),
        };
        let tag = format!("{tag}{}", self.tag_suffix);
        let name = if self.name.is_empty() {
            cut.name
        } else {
            &self.name
        };
        SplitName {
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
        assert!(selects(r"k8s\.gcr\.io/a", "k8s.gcr.io/a:1"));
        assert!(!selects(r"k8s\.gcr\.io/a", "k8s-gcr.io/a:1"));
    }

    #[test]
    fn what_is_selected_begins_with_the_head() {
        let head = |name: &str| match Pattern::new(name) {
            Pattern::Regex { head, .. } => head.len(),
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(head("abc(d|e)"), 3);
        assert_eq!(head(r"a\.c(d|e)"), 3);
        assert_eq!(head("abc*"), 2);
        assert_eq!(head("abc{2}"), 2);
        assert_eq!(head("abc[d]"), 3);
        assert_eq!(head("abc[(]d|e"), 0);
        assert_eq!(head("abc(d)|e"), 0);
        assert_eq!(head("abc|e"), 0);
        assert_eq!(head(r"abc\(|e"), 0);
        assert_eq!(head("(?i)abc"), 0);
    }

    #[test]
    fn plain_names_select_what_their_expressions_do() {
        let names = [
            "a",
            "k8s.gcr.io/a",
            r"k8s\.gcr.io/a",
            "h:5000/a",
            "a:1",
            "",
            ".",
            r"\.",
            "a-b_c",
        ];
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
                "k8s.gcr.io/a",
                ".",
                "h:5000/a",
                "a:1",
                "b",
                "\n",
                "a-b_c",
            ] {
                for tail in tails {
                    let text = format!("{value}{tail}");
                    let plain = Pattern::new(name);
                    let regex = Pattern::regex(name, Vec::new());
                    assert!(matches!(
                        (&plain, &regex),
                        (Pattern::Plain(_), Pattern::Regex { .. })
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
            let SplitName { name, tag, digest } = SplitName::of(value);
            (name, tag, digest)
        };
        assert_eq!(cut("a"), ("a", "", ""));
        assert_eq!(cut("h:5000/a:1"), ("h:5000/a", "1", ""));
        assert_eq!(cut("h/a@sha256:b"), ("h/a", "", "sha256:b"));
        assert_eq!(cut("h/a:1@sha256:b"), ("h/a", "1", "sha256:b"));
        assert_eq!(cut(""), ("", "", ""));
    }

    #[test]
    fn names_have_heads_before_what_they_share() {
        assert_eq!(
            heads("k8s.gcr.io/a/b", "registry.k8s.io/a/b"),
            Some(("k8s.gcr.io", "registry.k8s.io"))
        );
        assert_eq!(
            heads("gcr.io/google_containers/a", "registry.k8s.io/a"),
            Some(("gcr.io/google_containers", "registry.k8s.io"))
        );
        assert_eq!(heads("a", "a"), None);
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
