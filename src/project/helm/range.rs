//! Which version of a chart satisfies the range of a dependency, as Helm has it.
//!
//! Helm asks `Masterminds/semver`, whose ranges are neither Cargo's nor npm's: `1.2.3` is that version alone, `1.2` any
//! of `1.2.x`, and a version before a release satisfies a range only if each of its bounds names one.

use std::cmp::Ordering;

/// A version, with what is left out counted as 0.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    numbers: [u64; 3],
    pre: String,
}

/// One comparison. `given` is how many numbers were written before a wildcard or the end.
#[derive(Debug)]
struct Bound<'r> {
    operator: &'r str,
    version: Version,
    given: usize,
}

/// Whether a version satisfies a range. What is not understood is satisfied by nothing, as in Helm.
pub(super) fn satisfies(version: &str, range: &str) -> bool {
    let Some(version) = Version::parse(version) else {
        return false;
    };
    let mut alternatives = Vec::new();
    for part in range.split("||") {
        match bounds(part) {
            Some(bounds) => alternatives.push(bounds),
            None => return false,
        }
    }
    let mut alternatives = alternatives.iter();
    alternatives.any(|bounds| bounds.iter().all(|bound| bound.admits(&version)))
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let (version, given) = Self::partial(text)?;
        let wild = text.contains(['x', 'X', '*']) && given < 3 && version.pre.is_empty();
        (!wild && given > 0).then_some(version)
    }

    /// A version that may end early or in a wildcard, and how many numbers it names.
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

    fn compare(&self, other: &Self) -> Ordering {
        let by_number = self.numbers.cmp(&other.numbers);
        by_number.then_with(|| compare_pre(&self.pre, &other.pre))
    }
}

/// A release is higher than what came before it; numbers are lower than words.
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

/// Bounds that must all be met; blanks or commas stand between them.
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
        let early = !version.pre.is_empty() && self.version.pre.is_empty();
        if early && (self.operator != "!=" || partial) {
            return false;
        }
        let order = version.compare(&self.version);
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
            // `~0.0.0` admits all, as there.
            _ if given != 1 && given != 2 && self.version.numbers == [0; 3] => order.is_ge(),
            _ => order.is_ge() && same(given.min(2)),
        }
    }

    /// How many numbers a caret holds: up to the first that is not 0.
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
}
