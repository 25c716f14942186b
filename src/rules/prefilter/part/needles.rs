//! A location of a rule, and the check whether a text names it at an offset.

use memchr::memmem;

use crate::artifact::Artifact;
use crate::image::DOCKER_HUB;
use crate::rules::{Pattern, Rule};

/// Host suffixes that most manifests contain for other reasons, such as labels and API groups. They are not used as stems.
const COMMON_DOMAINS: [&str; 7] = [
    "k8s.io",
    "kubernetes.io",
    "helm.sh",
    "github.com",
    "google.com",
    "googleapis.com",
    "example.com",
];

/// Hosts that serve much more than the legacy location.
const COMMON_HOSTS: [&str; 2] = ["registry.k8s.io", "storage.googleapis.com"];

/// The suffixes of Docker Hub's hosts, and the namespace of its official images.
const NAMES_OF_DOCKER_HUB: [&str; 3] = [DOCKER_HUB, "docker.com", "library"];

/// The maximum length of a host name.
const LONGEST_HOST: usize = 253;

/// A location, as texts write it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in super::super) struct Needles {
    /// Without Docker Hub and `library`, because most references leave them out.
    segments: Vec<String>,
    on_docker_hub: bool,
    /// Whether other text may precede the first segment, and follow the last.
    open_before: bool,
    open_after: bool,
    /// Whether it is a single word that may occur without a host, like `vault` or `microsoft`.
    lone: bool,
    /// The only tags of interest, if not all are.
    tags: Vec<String>,
    /// Whether it is a word that no rule applies to.
    pub(super) is_word: bool,
}

/// A location that is ready to be searched for: as a whole, and cut in two at each slash.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) needles: Needles,
    whole: Piece,
    cuts: Vec<Split>,
}

/// A location in two scalars: the piece that contains the stem, and the other one.
#[derive(Debug)]
struct Split {
    met: Piece,
    other: Piece,
    /// The index under which the search remembers whether the other piece is in the text.
    memo: usize,
}

/// How much of a location the text names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Whole,
    /// The first piece, which ends a value or continues in an expression: the rest may be in another file.
    Beginning,
    Nothing,
}

#[derive(Debug)]
struct Piece {
    finder: memmem::Finder<'static>,
    /// The offset of the stem in this piece, or 0 if the piece does not contain it.
    stem: usize,
    first: bool,
    last: bool,
}

impl Needles {
    pub(in super::super) fn new(rule: &Rule, from: &Pattern) -> Self {
        let literals: Vec<_> = from.literals().collect();
        let named =
            |index: usize, name: &str| literals.get(index).is_some_and(|(text, ..)| *text == name);
        let on_docker_hub = named(0, DOCKER_HUB);
        let library = on_docker_hub && rule.artifact == Artifact::Image && named(1, "library");
        let written = &literals[usize::from(on_docker_hub) + usize::from(library)..];
        // Text after a `*` is not searched for, because it need not follow directly.
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

    pub(in super::super) fn word(word: &str, is_word: bool) -> Self {
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

    /// Returns the text to search for first: the end of the host if that is rare, otherwise the first segment of the path.
    pub(super) fn stem(&self) -> &str {
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
    pub(super) fn new(needles: Needles, stem: &str, cuts: &mut usize) -> Self {
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

    /// Returns how much of the location the text names, with the stem at `start`. `known` caches whether the other pieces
    /// are in the text. That does not depend on `start`, so each of them is searched for once.
    pub(super) fn named_at(&self, text: &[u8], start: usize, known: &mut [Option<bool>]) -> Named {
        if self.fits_at(&self.whole, text, start, false) {
            return Named::Whole;
        }
        let mut named = Named::Nothing;
        for cut in &self.cuts {
            let is_head = cut.met.first;
            if !self.fits_at(&cut.met, text, start, is_head) {
                continue;
            }
            if *known[cut.memo].get_or_insert_with(|| self.has(&cut.other, text, !is_head)) {
                return Named::Whole;
            }
            if is_head {
                named = Named::Beginning;
            }
        }
        named
    }

    /// Returns the cuts whose first piece ends a value or continues in an expression, with the stem at `start`. The other
    /// piece may be in another file.
    pub(super) fn beginnings_at(&self, text: &[u8], start: usize) -> impl Iterator<Item = usize> {
        let begins = move |cut: &Split| cut.met.first && self.fits_at(&cut.met, text, start, true);
        let cuts = self.cuts.iter().enumerate();
        cuts.filter(move |(_, cut)| begins(cut)).map(|(at, _)| at)
    }

    /// Whether the text contains the second piece of a cut.
    pub(super) fn has_rest(&self, cut: usize, text: &[u8]) -> bool {
        let cut = self.cuts.get(cut);
        cut.is_some_and(|cut| self.has(&cut.other, text, false))
    }

    /// Whether the text has the piece at the offset that puts its stem at `start`.
    fn fits_at(&self, piece: &Piece, text: &[u8], start: usize, ends_value: bool) -> bool {
        let at = start.checked_sub(piece.stem);
        at.is_some_and(|at| self.fits(piece, text, at, ends_value))
    }

    fn has(&self, piece: &Piece, text: &[u8], ends_value: bool) -> bool {
        let mut starts = piece.finder.find_iter(text);
        starts.any(|start| self.fits(piece, text, start, ends_value))
    }

    /// Whether the text has the piece at `start`. With `ends_value`, no further segment may follow.
    fn fits(&self, piece: &Piece, text: &[u8], start: usize, ends_value: bool) -> bool {
        let needle = piece.finder.needle();
        let written = text.get(start..start + needle.len());
        if !written.is_some_and(|written| written.eq_ignore_ascii_case(needle)) {
            return false;
        }
        let end = start + needle.len();
        let is_elsewhere =
            || piece.first && self.needles.on_docker_hub && follows_other_path(text, start);
        let opened =
            piece.first && self.needles.open_before || opens(text, start) && !is_elsewhere();
        let closed = piece.last && self.needles.open_after || closes(text, end);
        let alone = !self.needles.lone || is_in_reference(text, start, end);
        let next = || text.get(end + 1).is_some_and(|byte| in_segment(*byte));
        let goes_on = ends_value && text.get(end) == Some(&b'/') && next();
        opened && closed && alone && !goes_on && (!piece.last || self.needles.tag_fits(text, end))
    }
}

impl Needles {
    /// Whether the tag after a name, if there is one, is covered by the rule.
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

/// Returns the last two labels of a host: `gcr.io` of `k8s.gcr.io`
fn domain(host: &str) -> &str {
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    dots.nth(1).map_or(host, |dot| &host[dot + 1..])
}

fn opens(text: &[u8], start: usize) -> bool {
    let before = start.checked_sub(1).map(|at| text[at]);
    // In a string with escapes, the letter of an escape such as `\n` may come directly before the name.
    let escaped =
        start >= 2 && text[start - 2] == b'\\' && matches!(before, Some(b'n' | b't' | b'r'));
    // The hex digits of a percent-encoding such as `%2F` are not part of a name either.
    let encoded = start >= 3 && text[start - 3] == b'%';
    escaped || encoded || before.is_none_or(|byte| !in_segment(byte)) || is_default(text, start)
}

/// Whether the preceding segment belongs to another host or to a file path: `example.com/bitnami`, `/opt/bitnami`. For
/// Docker Hub, only its own hosts and `library` may precede the name. A segment that may be a variable does not count.
fn follows_other_path(text: &[u8], start: usize) -> bool {
    let Some(head) = text[..start].strip_suffix(b"/") else {
        return false;
    };
    let length = head.iter().rev().take(LONGEST_HOST);
    let length = length.take_while(|byte| in_segment(**byte)).count();
    let (before, segment) = head.split_at(head.len() - length);
    let is_plain = segment.iter().any(u8::is_ascii_lowercase)
        && before.last().is_none_or(|byte| {
            byte.is_ascii_whitespace() || matches!(byte, b'/' | b'"' | b'\'' | b'=')
        });
    let ends_in = |name: &str| {
        let from = segment.len().checked_sub(name.len());
        from.is_some_and(|from| segment[from..].eq_ignore_ascii_case(name.as_bytes()))
    };
    is_plain && !NAMES_OF_DOCKER_HUB.into_iter().any(ends_in)
}

/// Whether the default of a variable starts here: `${IMAGE:-`, `${IMAGE-`.
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

/// Whether an ambiguous word like `vault` or `microsoft` is used as an image or organisation: it starts a value or follows a
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
