//! The order of tags: by version, the newest last.

use std::cmp::Ordering;

/// Words at the start of a suffix that mark a pre-release.
const BEFORE_RELEASE: [&str; 7] = ["alpha", "beta", "dev", "pre", "preview", "rc", "snapshot"];

/// Sorts tags. Tags that are not versions come first, by name. Versions follow, the newest last. Of equal versions,
/// pre-releases come before the release, and variants such as `1.2-alpine` after it.
pub fn sort(tags: Vec<String>) -> Vec<String> {
    let mut read: Vec<(Option<Version<'_>>, &String)> =
        tags.iter().map(|tag| (Version::parse(tag), tag)).collect();
    read.sort_by(|(one, text), (other, other_text)| {
        let order = match (one, other) {
            (Some(one), Some(other)) => one.compare(other),
            (None, None) => natural(text, other_text),
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
        };
        order.then_with(|| text.cmp(other_text))
    });
    read.into_iter().map(|(_, tag)| tag.clone()).collect()
}

/// Returns at most `most` of the sorted `tags` that are closest to `wanted`, which is not one of them. For a version, only
/// versions are close, and tags of the same variant are preferred.
pub fn nearest(tags: &[String], wanted: &str, most: usize) -> Vec<String> {
    let version = Version::parse(wanted);
    let fits = |tag: &&String| match (&version, Version::parse(tag)) {
        (Some(wanted), Some(other)) => variant(wanted.suffix) == variant(other.suffix),
        (None, other) => other.is_none() && !tag.starts_with("sha256-"),
        (Some(_), None) => false,
    };
    let mut close: Vec<&String> = tags.iter().filter(fits).collect();
    if close.is_empty() {
        let versions = tags.iter().filter(|tag| Version::parse(tag).is_some());
        close = versions.collect();
    }
    let sorted = sort(
        close
            .iter()
            .copied()
            .cloned()
            .chain([wanted.to_owned()])
            .collect(),
    );
    let at = sorted
        .iter()
        .position(|tag| tag == wanted)
        .unwrap_or_default();
    let rest: Vec<&String> = sorted.iter().filter(|tag| *tag != wanted).collect();
    let start = at
        .saturating_sub(most / 2)
        .min(rest.len().saturating_sub(most));
    rest.into_iter().skip(start).take(most).cloned().collect()
}

/// The words of a suffix without its numbers: `-alpine3.19` and `-alpine3.20` are the same variant.
fn variant(suffix: &str) -> String {
    suffix
        .chars()
        .filter(|letter| letter.is_ascii_alphabetic())
        .collect()
}

struct Version<'t> {
    /// Without leading zeros. Strings, because tags contain dates and build numbers that overflow integer types.
    numbers: Vec<&'t str>,
    suffix: &'t str,
}

impl<'t> Version<'t> {
    /// Parses `v1`, `1.2.3`, `1.2-alpine`: an optional `v`, then a number.
    fn parse(tag: &'t str) -> Option<Self> {
        let rest = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
        let core = rest.bytes().take_while(|byte| is_core(*byte)).count();
        let (core, suffix) = rest.split_at(core);
        let core = core.trim_end_matches('.');
        let numbers: Vec<&str> = core.split('.').map(significant).collect();
        let is_version = !core.is_empty() && core.split('.').all(|number| !number.is_empty());
        // In a hash such as `7df76a0f`, letters follow the digits directly.
        let is_apart = suffix.is_empty()
            || suffix.starts_with(['-', '_', '.'])
            || Self::is_before(suffix)
            || core.contains('.');
        (is_version && is_apart).then_some(Self { numbers, suffix })
    }

    fn is_before(suffix: &str) -> bool {
        let word = suffix
            .trim_start_matches(['-', '_', '.'])
            .to_ascii_lowercase();
        let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
        BEFORE_RELEASE.contains(&&word[..letters])
    }

    fn compare(&self, other: &Self) -> Ordering {
        let longest = self.numbers.len().max(other.numbers.len());
        let number = |version: &Self, index: usize| *version.numbers.get(index).unwrap_or(&"");
        let rank = |version: &Self| match version.suffix {
            suffix if Self::is_before(suffix) => 0,
            "" => 1,
            _ => 2,
        };
        (0..longest)
            .map(|index| compare_numbers(number(self, index), number(other, index)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
            .then_with(|| rank(self).cmp(&rank(other)))
            .then_with(|| natural(self.suffix, other.suffix))
    }
}

fn is_core(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'.'
}

/// Strips leading zeros: zero becomes empty.
fn significant(number: &str) -> &str {
    number.trim_start_matches('0')
}

fn compare_numbers(one: &str, other: &str) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

/// Compares byte by byte, but runs of digits by value: `rc.9` comes before `rc.10`.
fn natural(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        let (left, right) = (run(one), run(other));
        if left.is_empty() || right.is_empty() {
            return left.len().cmp(&right.len());
        }
        let digits = |text: &str| text.starts_with(|letter: char| letter.is_ascii_digit());
        let order = match digits(left) && digits(right) {
            true => compare_numbers(significant(left), significant(right)),
            false => left.cmp(right),
        };
        if order.is_ne() {
            return order;
        }
        (one, other) = (&one[left.len()..], &other[right.len()..]);
    }
}

/// The digits at the start of a text, or the text before its first digit.
fn run(text: &str) -> &str {
    let is_digit = |letter: char| letter.is_ascii_digit();
    let digits = text.starts_with(is_digit);
    let end = text.find(|letter| is_digit(letter) != digits);
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sorted: &[&str]) {
        let tags = sorted.iter().rev().map(ToString::to_string);
        assert_eq!(sort(tags.collect()), sorted);
    }

    #[test]
    fn versions_by_number() {
        check(&["1.9", "1.10", "2", "10"]);
        check(&["v1.9.0", "1.9.1", "v1.10.0"]);
        check(&["3", "3.0.1", "3.1"]);
        check(&[
            "20231231",
            "99999999999999999999998",
            "99999999999999999999999",
        ]);
    }

    #[test]
    fn nearest_tags() {
        let tags = |text: &str| sort(text.split(' ').map(str::to_owned).collect());
        let many =
            tags("1.0 1.1 1.2 1.3 1.10 latest sha256-00ff.sig 1.2-alpine3.18 1.4-alpine3.19");
        for (wanted, expected) in [
            ("1.2.5", &["1.2", "1.3", "1.10"][..]),
            ("0.1", &["1.0", "1.1", "1.2"]),
            ("9", &["1.2", "1.3", "1.10"]),
            ("1.3-alpine3.18", &["1.2-alpine3.18", "1.4-alpine3.19"]),
            ("1.3-windows", &["1.3", "1.4-alpine3.19", "1.10"]),
            ("stable", &["latest"]),
        ] {
            assert_eq!(nearest(&many, wanted, 3), expected, "{wanted}");
        }
        assert!(nearest(&[], "1", 3).is_empty());
    }

    #[test]
    fn before_and_after_a_release() {
        check(&[
            "v1.0.0-alpha.1",
            "v1.0.0-rc.9",
            "v1.0.0-rc.10",
            "v1.0.0",
            "v1.0.0-alpine",
        ]);
        check(&["1.0rc1", "1.0", "1.0-debian-12-r3", "1.0-debian-12-r20"]);
    }

    #[test]
    fn what_is_no_version_comes_first() {
        check(&["7df76a0f", "latest", "sha256-00ff.sig", "0.1", "v2"]);
        check(&["...", "canary", "1"]);
        check(&["build-9", "build-10"]);
    }

    #[test]
    fn equal_versions_have_one_order() {
        check(&["1.0", "1.0.0", "v1.0"]);
    }
}
