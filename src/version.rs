//! Versions of charts and tags: how they compare, and which of them a range admits.
//!
//! Helm uses `Masterminds/semver`, whose ranges are neither those of Cargo nor those of npm: `1.2.3` is only that version,
//! `1.2` is any `1.2.x`, and a pre-release satisfies a range only if each of its bounds names a pre-release.

use std::cmp::Ordering;

/// A version. Numbers that are left out count as 0.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    numbers: [u64; 3],
    pre: String,
}

/// A range of versions: alternatives, each with bounds that must all be met.
#[derive(Debug)]
pub struct Range<'r> {
    alternatives: Vec<Vec<Bound<'r>>>,
}

/// One comparison. `given` is how many numbers were written before a wildcard or the end.
#[derive(Debug)]
struct Bound<'r> {
    operator: &'r str,
    version: Version,
    given: usize,
}

/// Whether a version satisfies a range. `false` if one of them cannot be parsed, as in Helm.
pub fn satisfies(version: &str, range: &str) -> bool {
    match (Version::parse(version), Range::parse(range)) {
        (Some(version), Some(range)) => range.admits(&version),
        _ => false,
    }
}

/// Returns the numbers of a tag, for comparing: `v0.53.0-rc.1` is 0, 53, 0. A part that is not a number counts as 0.
pub fn numbers_of_tag(tag: &str) -> Vec<u64> {
    let core = tag.trim_start_matches('v');
    let core = core.split(['-', '+']).next().unwrap_or_default();
    core.split('.')
        .map(|part| part.parse().unwrap_or(0))
        .collect()
}

impl<'r> Range<'r> {
    /// Parses a range. `None` if the text is not one.
    pub fn parse(text: &'r str) -> Option<Self> {
        let alternatives = text.split("||").map(bounds).collect::<Option<_>>()?;
        Some(Self { alternatives })
    }

    pub fn admits(&self, version: &Version) -> bool {
        let mut alternatives = self.alternatives.iter();
        alternatives.any(|bounds| bounds.iter().all(|bound| bound.admits(version)))
    }

    /// Whether it admits a release from `low` onwards, up to and including `high` if that is given.
    ///
    /// Each alternative is an interval without some of its versions, so its lowest member between the two is `low`, the version
    /// of a bound, or the next version after one of these.
    pub fn admits_between(&self, low: &Version, high: Option<&Version>) -> bool {
        let bounds = self.alternatives.iter().flatten();
        let starts = bounds.flat_map(|bound| {
            let Version { numbers, .. } = bound.version;
            let next = |index: usize| {
                let mut numbers = numbers;
                numbers[index] = numbers[index].saturating_add(1);
                numbers[index + 1..].fill(0);
                numbers
            };
            [numbers, next(0), next(1), next(2)]
        });
        let mut next = low.numbers;
        next[2] = next[2].saturating_add(1);
        let starts = starts.chain([low.numbers, next]).map(Version::release);
        let mut inside =
            starts.filter(|start| start >= low && high.is_none_or(|high| start <= high));
        inside.any(|start| self.admits(&start))
    }
}

impl Version {
    /// Parses a version without wildcards, with or without a leading `v`.
    pub fn parse(text: &str) -> Option<Self> {
        let (version, given) = Self::partial(text)?;
        let wild = text.contains(['x', 'X', '*']) && given < 3 && version.pre.is_empty();
        (!wild && given > 0).then_some(version)
    }

    /// Parses a version with all three numbers: in a document, a shorter one is a range.
    pub fn exact(text: &str) -> Option<Self> {
        let (version, given) = Self::partial(text)?;
        (given == 3).then_some(version)
    }

    /// Parses a version that may end early or in a wildcard. Also returns how many numbers it has.
    fn partial(text: &str) -> Option<(Self, usize)> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, build) = text.split_once('+').unwrap_or((text, "0"));
        let (core, pre) = text.split_once('-').unwrap_or((text, ""));
        let fits = |part: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            !part.is_empty() && part.bytes().all(known)
        };
        let sound = build.split('.').all(fits)
            && (pre.is_empty() && !text.ends_with('-') || pre.split('.').all(fits));
        let parts: Vec<&str> = core.split('.').collect();
        if !sound || parts.len() > 3 {
            return None;
        }
        let mut numbers = [0; 3];
        let mut given = 0;
        for (index, part) in parts.iter().enumerate() {
            if matches!(*part, "x" | "X" | "*") {
                break;
            }
            numbers[index] = part.parse().ok()?;
            given += 1;
        }
        let pre = pre.to_owned();
        Some((Self { numbers, pre }, given))
    }

    fn release(numbers: [u64; 3]) -> Self {
        let pre = String::new();
        Self { numbers, pre }
    }

    /// Major, minor and patch.
    pub fn numbers(&self) -> [u64; 3] {
        self.numbers
    }

    /// The pre-release part: the `rc.1` of `1.0.0-rc.1`. Empty for a release.
    pub fn pre(&self) -> &str {
        &self.pre
    }

    /// Whether it is a pre-release, such as `1.0.0-rc.1`.
    pub fn is_early(&self) -> bool {
        !self.pre.is_empty()
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_number = self.numbers.cmp(&other.numbers);
        by_number.then_with(|| compare_pre(&self.pre, &other.pre))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares pre-release parts. A release is higher than its pre-releases, and numbers are lower than words.
fn compare_pre(one: &str, other: &str) -> Ordering {
    if one.is_empty() || other.is_empty() {
        return one.is_empty().cmp(&other.is_empty());
    }
    let key = |part: &str| match part.parse::<u64>() {
        Ok(number) => (false, number, String::new()),
        Err(_) => (true, 0, part.to_owned()),
    };
    one.split('.').map(key).cmp(other.split('.').map(key))
}

/// Parses bounds that must all be met, separated by blanks or commas.
fn bounds(text: &str) -> Option<Vec<Bound<'_>>> {
    let words: Vec<&str> = text
        .split([' ', '\t', ','])
        .filter(|word| !word.is_empty())
        .collect();
    let mut bounds = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if words.get(at + 1) == Some(&"-") {
            bounds.push(Bound::new(">=", word)?);
            bounds.push(Bound::new("<=", words.get(at + 2)?)?);
            at += 3;
            continue;
        }
        let digits = word.find(|letter: char| letter.is_ascii_alphanumeric() || letter == '*');
        let (operator, version) = word.split_at(digits.unwrap_or(word.len()));
        at += 1;
        let version = match version {
            // `>= 1.2.3`
            "" => {
                at += 1;
                words.get(at - 1)?
            }
            _ => version,
        };
        bounds.push(Bound::new(operator, version)?);
    }
    (!bounds.is_empty()).then_some(bounds)
}

impl<'r> Bound<'r> {
    fn new(operator: &'r str, version: &str) -> Option<Self> {
        const OPERATORS: [&str; 12] = [
            "", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^",
        ];
        let (version, given) = Version::partial(version)?;
        OPERATORS.contains(&operator).then_some(Self {
            operator,
            version,
            given,
        })
    }

    fn admits(&self, version: &Version) -> bool {
        let partial = self.given < 3;
        let early = version.is_early() && !self.version.is_early();
        if early && (self.operator != "!=" || partial) {
            return false;
        }
        let order = version.cmp(&self.version);
        let same = |count: usize| version.numbers[..count] == self.version.numbers[..count];
        let given = self.given;
        match self.operator {
            "!=" if partial => !same(given),
            "!=" => order.is_ne(),
            ">" if partial => given > 0 && version.numbers[..given] > self.version.numbers[..given],
            ">" => order.is_gt(),
            "<" => order.is_lt(),
            ">=" | "=>" => order.is_ge(),
            "<=" | "=<" if partial => {
                given == 0 || version.numbers[..given] <= self.version.numbers[..given]
            }
            "<=" | "=<" => order.is_le(),
            "^" => order.is_ge() && same(self.caret()),
            "" | "=" if !partial => order.is_eq(),
            // `~0.0.0` admits all versions, as in `Masterminds/semver`.
            _ if given != 1 && given != 2 && self.version.numbers == [0; 3] => order.is_ge(),
            _ => order.is_ge() && same(given.min(2)),
        }
    }

    /// The number of leading numbers that a caret fixes: up to the first that is not 0.
    fn caret(&self) -> usize {
        let first = self.version.numbers.iter().position(|number| *number > 0);
        first.map_or(self.given, |first| first + 1).min(self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(range: &str, yes: &[&str], no: &[&str]) {
        for version in yes {
            assert!(satisfies(version, range), "{version} in {range:?}");
        }
        for version in no {
            assert!(!satisfies(version, range), "{version} not in {range:?}");
        }
    }

    #[test]
    fn ranges_are_those_of_helm() {
        check(
            "1.2.3",
            &["1.2.3", "v1.2.3", "1.2.3+b"],
            &["1.2.4", "1.2.3-rc"],
        );
        check("1.2", &["1.2.0", "1.2.9"], &["1.3.0", "1.2.9-rc"]);
        check("4.7.*", &["4.7.0", "4.7.11"], &["4.8.0"]);
        check("1.x.x", &["1.0.0", "1.9.9"], &["2.0.0"]);
        check("*", &["0.0.1", "9.0.0"], &["9.0.0-rc"]);
        check(">=0.0.0-0", &["1.0.0-rc", "1.0.0"], &[]);
        check("~1.2.3", &["1.2.3", "1.2.9"], &["1.3.0", "1.2.2"]);
        check("~1", &["1.9.0"], &["2.0.0"]);
        check("~0.0.0", &["0.0.0", "7.0.0"], &[]);
        check("^1.2.3", &["1.2.3", "1.9.0"], &["1.2.2", "2.0.0"]);
        check("^0.2.3", &["0.2.3", "0.2.9"], &["0.3.0"]);
        check("^0.0.3", &["0.0.3"], &["0.0.4"]);
        check("^0.0", &["0.0.9"], &["0.1.0"]);
        check("^0", &["0.9.0"], &["1.0.0"]);
        check(">1.2.3", &["1.2.4"], &["1.2.3"]);
        check(">11", &["12.0.0"], &["11.1.0"]);
        check(">11.1", &["11.2.0", "12.0.0"], &["11.1.5"]);
        check("<=11", &["11.9.9", "3.0.0"], &["12.0.0"]);
        check("<2", &["1.9.9"], &["2.0.0"]);
        check(">= 1.2.3, < 2.0.0", &["1.5.0"], &["2.0.0"]);
        check(">=1.2.3 <2 || 7.x", &["1.5.0", "7.1.0"], &["2.0.0"]);
        check("1.2 - 1.4.5", &["1.2.0", "1.4.5"], &["1.4.6"]);
        check("!=1.2.3", &["1.2.4"], &["1.2.3"]);
        check("!=1.2.x", &["1.3.0"], &["1.2.3"]);
        check("=> 1.0.0", &["1.0.0"], &["0.9.0"]);
        check(
            "1.0.0-beta.2",
            &["1.0.0-beta.2"],
            &["1.0.0", "1.0.0-beta.10"],
        );
        check(
            ">1.0.0-beta.2",
            &["1.0.0-beta.10", "1.0.0"],
            &["1.0.0-beta.2"],
        );
    }

    #[test]
    fn what_is_no_range_admits_nothing() {
        for range in [
            "",
            "latest",
            ">>1.0.0",
            "1.2.3.4",
            "1.0.0 -",
            "1.0.0 || ",
            "1..2",
        ] {
            assert!(!satisfies("1.0.0", range), "{range}");
        }
        assert!(!satisfies("abc", "*"));
    }

    #[test]
    fn versions_compare() {
        let version = |text: &str| Version::parse(text).unwrap();
        let ascending = [
            "0.9.9",
            "1.0.0-alpha.1",
            "1.0.0-alpha.2",
            "1.0.0-alpha.10",
            "1.0.0-beta",
            "v1.0.0",
            "1.0.1",
            "1.2.0",
            "1.10.0",
            "2.0.0",
        ];
        for pair in ascending.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
        assert_eq!(version("v1.2.3"), version("1.2.3+build"));
        assert_eq!(version("1.2"), version("1.2.0"));
        assert!(Version::exact("1.2").is_none() && Version::exact("v1.2.3").is_some());
        for text in ["", "v", "latest", "1.x", "1.2.3.4", "1.2.3-"] {
            assert!(Version::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_a_range_admits_between_two_versions() {
        let version = |text: &str| Version::parse(text).unwrap();
        for (range, low, high, expected) in [
            ("4.7.0", "2.13.2", "4.7.0", true),
            ("4.7.0", "4.8.0", "", false),
            ("~4.7.0", "4.8.0", "", false),
            ("4.7.x", "2.13.2", "4.7.0", true),
            ("^4.0.0", "4.8.0", "", true),
            ("^4.0.0", "2.13.2", "4.7.0", true),
            (">=3.0.0 <4.8.0", "4.8.0", "", false),
            (">=3.0.0 <4.8.0", "2.13.2", "4.7.0", true),
            (">4.7.0", "2.13.2", "4.7.0", false),
            (">4.7.0", "4.7.1", "4.7.1", true),
            (">4.7", "4.7.0", "4.7.9", false),
            (">4", "5.0.0", "5.0.0", true),
            ("!=2.0.0", "2.0.0", "2.0.0", false),
            ("!=2.0.0", "2.0.0", "2.0.1", true),
            ("1.x || 5.x", "4.0.0", "", true),
            ("1.x || 3.x", "4.0.0", "", false),
            ("*", "1.0.0", "1.0.0", true),
            ("<=2", "2.5.0", "2.9.0", true),
            ("1.0.0-rc.1", "1.0.0", "", false),
        ] {
            let found = Range::parse(range)
                .unwrap()
                .admits_between(&version(low), Version::parse(high).as_ref());
            assert_eq!(found, expected, "{range} from {low} to {high:?}");
        }
        assert!(Range::parse("latest").is_none());
    }

    #[test]
    fn numbers_of_tags() {
        for (tag, numbers) in [
            ("v0.53.0-rc.1", &[0, 53, 0][..]),
            ("17", &[17]),
            ("0.20.0-kafka-2.6.0", &[0, 20, 0]),
            ("latest", &[0]),
        ] {
            assert_eq!(numbers_of_tag(tag), numbers, "{tag}");
        }
    }
}
