//! A rule as regular expressions over an image as it is written in a container.
//!
//! The expressions are RE2, as in CEL: no look-around. They accept every spelling of Docker Hub and hosts in any case. A tag
//! that is not a version, such as `x.60`, has no number to compare, so it never reaches a minimum tag.

use std::fmt::Write as _;

use crate::artifact::Artifact;
use crate::image::DOCKER_HUB;
use crate::rules::{Mapping, Pattern, Rule, RuleSet, Severity};
use crate::version::numbers_of_tag;

/// The images that one rule applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub rule: String,
    /// One line that does not name the image.
    pub summary: String,
    /// A link to more information.
    pub url: Option<String>,
    /// The image is legacy if any of these applies.
    pub parts: Vec<Part>,
}

/// Images that match one expression and none of the exceptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub matches: String,
    pub unless: Vec<Part>,
    /// The replacement for the beginning of the image, if it is known and safe for every tag.
    pub replacement: Option<Replacement>,
}

/// A regular expression for the beginning of an image, and its replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    pub head: String,
    pub to: String,
}

/// The conditions of all rules about images, for mappings of at least this severity, in the order of the rules.
pub fn conditions(rules: &RuleSet, least: Severity) -> Vec<Condition> {
    let of_images = rules.rules();
    let of_images = of_images.filter(|rule| rule.artifact == Artifact::Image);
    let chosen = |mapping: &Mapping| mapping.severity >= least;
    let all: Vec<(&Rule, &Mapping)> = of_images
        .clone()
        .flat_map(|rule| std::iter::repeat(rule).zip(rule.mappings()))
        .collect();
    let conditions = of_images.map(|rule| Condition {
        rule: rule.id.clone(),
        summary: rule.summary.clone(),
        url: rule.url().map(str::to_owned),
        parts: rule
            .mappings()
            .iter()
            .filter(|mapping| chosen(mapping))
            .map(|mapping| part(rule, mapping, &all))
            .collect(),
    });
    conditions
        .filter(|condition| !condition.parts.is_empty())
        .collect()
}

impl Condition {
    /// Keeps only the images that a policy may rewrite without review. `None` if there are none.
    pub fn replaceable(mut self) -> Option<Self> {
        self.parts.retain(|part| part.replacement.is_some());
        (!self.parts.is_empty()).then_some(self)
    }
}

/// The parts with a replacement. If several apply to an image, the last one wins: its location is the longest.
pub(super) fn replacements(conditions: &[Condition]) -> Vec<(&Part, &Replacement)> {
    let parts = conditions.iter().flat_map(|condition| &condition.parts);
    let mut parts: Vec<(&Part, &Replacement)> = parts
        .filter_map(|part| Some((part, part.replacement.as_ref()?)))
        .collect();
    parts.sort_by_key(|(_, replacement)| replacement.head.matches('/').count());
    parts
}

/// The part of a mapping. If several rules match an image, the most specific one wins, even if the policy leaves that rule
/// out.
fn part(rule: &Rule, mapping: &Mapping, all: &[(&Rule, &Mapping)]) -> Part {
    let mut part = own_part(rule, mapping);
    let closer = all.iter().filter(|(of, other)| {
        let is_closer = other.from.weight() > mapping.from.weight();
        is_closer && of.id != rule.id && overlap(&mapping.from, &other.from)
    });
    part.unless
        .extend(closer.map(|(rule, other)| own_part(rule, other)));
    part.replacement = replacement(rule, mapping);
    part
}

fn own_part(rule: &Rule, mapping: &Mapping) -> Part {
    let own = name(&mapping.from);
    let plain = |matches: String| Part {
        matches,
        unless: Vec::new(),
        replacement: None,
    };
    let mut unless: Vec<Part> = rule
        .except_patterns()
        .iter()
        .map(|except| plain(format!("^{}{}{ANY_TAIL}$", name(except), below(except))))
        .collect();
    let tags = rule.tags();
    if let Some(tags) = tags.filter(|tags| !tags.not.is_empty()) {
        let tails = tails(&tags.not);
        unless.push(plain(format!("^{own}{}(?:{tails})$", below(&mapping.from))));
    }
    let only = tags.filter(|tags| !tags.only.is_empty());
    let least = tags.and_then(|tags| tags.min.as_deref());
    let matches = match (only, least) {
        (Some(tags), _) => {
            let tails = tails(&tags.only);
            format!("^{own}{}(?:{tails})$", below(&mapping.from))
        }
        (None, Some(least)) => {
            let tails = format!("(?::{}(?:@.*)?|@.*)", at_least(least));
            format!("^{own}{}{tails}$", below(&mapping.from))
        }
        (None, None) => format!("^{own}{}$", any_image(&mapping.from)),
    };
    Part {
        matches,
        unless,
        replacement: None,
    }
}

const ANY_TAIL: &str = "(?::[^@]*)?(?:@.*)?";

/// An expression for what may follow the name of a pattern. A registry alone is not an image, and a project alone only if it
/// has a tag or digest.
fn any_image(from: &Pattern) -> String {
    match (from.exact, from.segments().count()) {
        (true, _) => ANY_TAIL.to_owned(),
        (false, 2) if from.host() != Some(DOCKER_HUB) => {
            format!("(?:/[^:@]+{ANY_TAIL}|:[^@]+(?:@.*)?|@.*)")
        }
        (false, _) => format!("{}{ANY_TAIL}", below(from)),
    }
}

/// The path that may follow the name of a pattern before a tag. On Docker Hub, `bitnami` alone is `library/bitnami`.
fn below(from: &Pattern) -> &'static str {
    match (from.exact, from.segments().count()) {
        (true, _) => "",
        (false, 1) => "/[^:@]+",
        (false, 2) if from.host() == Some(DOCKER_HUB) => "/[^:@]+",
        (false, _) => "(?:/[^:@]+)?",
    }
}

/// An expression for the ends of images with one of these tags. `none` stands for an image with neither tag nor digest.
fn tails(tags: &[String]) -> String {
    let tail = |tag: &String| match (tag.as_str(), tag.strip_suffix('*')) {
        ("none", _) => String::new(),
        (_, Some(start)) => format!(":{}[^@]*(?:@.*)?", escaped(start)),
        (tag, None) => format!(":{}(?:@.*)?", escaped(tag)),
    };
    tags.iter().map(tail).collect::<Vec<_>>().join("|")
}

/// An expression for all spellings of a pattern's name, without what follows it.
fn name(from: &Pattern) -> String {
    let segments: Vec<(&str, Option<&str>)> = from.segments().collect();
    let mut out = String::new();
    let mut rest = &segments[..];
    if let [(host, None), tail @ ..] = rest
        && *host == DOCKER_HUB
    {
        out += "(?:(?i:docker\\.io|index\\.docker\\.io|registry-1\\.docker\\.io|registry\\.hub\\.docker\\.com)/)?";
        rest = tail;
        if let [("library", None), tail @ ..] = rest {
            out += "(?:library/)?";
            rest = tail;
        }
    } else if let [host, tail @ ..] = rest {
        let _ = write!(out, "(?i:{})", segment(*host));
        if !tail.is_empty() {
            out.push('/');
        }
        rest = tail;
    }
    let rest: Vec<String> = rest.iter().map(|one| segment(*one)).collect();
    out + &rest.join("/")
}

/// A literal, or the parts before and after a `*`, which stays inside the segment.
fn segment((before, after): (&str, Option<&str>)) -> String {
    match after {
        None => escaped(before),
        Some(after) => format!("{}[^/:@]*{}", escaped(before), escaped(after)),
    }
}

/// Escapes a text for RE2. Locations and tags contain no other special characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '/' | ':')) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// An expression for tags whose version is at least that of `tag`.
fn at_least(tag: &str) -> String {
    let numbers = numbers_of_tag(tag);
    let rest = "(?:[.+-][^@]*)?";
    let mut same = String::new();
    let mut ways = Vec::new();
    for number in &numbers {
        ways.push(format!("{same}{}{rest}", above(*number)));
        let _ = write!(same, "0*{number}\\.");
    }
    let same = same.trim_end_matches("\\.");
    ways.push(format!("{same}{rest}"));
    format!("v*(?:{})", ways.join("|"))
}

/// An expression for whole numbers above this one.
fn above(number: u64) -> String {
    let digits = number.to_string();
    let mut ways = vec![format!("[1-9][0-9]{{{},}}", digits.len())];
    for (at, digit) in digits.char_indices() {
        if digit < '9' {
            let next = char::from(digit as u8 + 1);
            let (same, left) = (&digits[..at], digits.len() - at - 1);
            ways.push(format!("{same}[{next}-9][0-9]{{{left}}}"));
        }
    }
    format!("0*(?:{})", ways.join("|"))
}

/// Whether an image can match both patterns.
fn overlap(one: &Pattern, other: &Pattern) -> bool {
    let mut pairs = one.segments().zip(other.segments());
    let meet = pairs.all(|(one, other)| one.1.is_some() || other.1.is_some() || one.0 == other.0);
    let long_enough = |short: &Pattern, long: &Pattern| {
        !short.exact || short.segments().count() >= long.segments().count()
    };
    meet && long_enough(one, other)
}

/// The replacement, if the move is safe for every tag and only changes the beginning of the name.
fn replacement(rule: &Rule, mapping: &Mapping) -> Option<Replacement> {
    let to = mapping.to.as_deref()?;
    if !rule.moves_any_tag(mapping) || to.contains('{') {
        return None;
    }
    let keeps_last = mapping.from.exact && to.ends_with('/');
    let head = name(&mapping.from);
    let head = match keeps_last {
        true => head.rsplit_once('/')?.0.to_owned(),
        false => head,
    };
    Some(Replacement {
        head: format!("^{head}"),
        to: to.trim_end_matches('/').to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;
    use crate::edit::Applicability;
    use crate::image::{ImageRef, canonical};
    use crate::rules::{Query, TagState, Verdict};

    fn rules() -> RuleSet {
        RuleSet::new(RuleSet::with_own(&[]).unwrap())
    }

    /// The rule that applies to the image, if it is severe enough.
    fn verdict<'r>(rules: &'r RuleSet, image: &str, least: Severity) -> Option<&'r str> {
        let name = name_of(image)?;
        let segments: Vec<&str> = name.split('/').collect();
        let verdict = judged(rules, image, &segments)?;
        let is_image = verdict.rule.artifact == Artifact::Image;
        (is_image && verdict.severity >= least).then_some(verdict.rule.id.as_str())
    }

    fn name_of(image: &str) -> Option<String> {
        let parsed = ImageRef::parse(image)?;
        Some(canonical(parsed.host, parsed.path))
    }

    fn judged<'r>(rules: &'r RuleSet, image: &str, segments: &[&str]) -> Option<Verdict<'r>> {
        let parsed = ImageRef::parse(image)?;
        rules.verdict(&Query {
            segments,
            literal: segments.len(),
            bare: false,
            tag: match (parsed.tag, parsed.digest) {
                (Some(tag), _) => TagState::Text(tag),
                (None, Some(_)) => TagState::Digest,
                (None, None) => TagState::None,
            },
            digest: parsed.digest,
            artifact: Artifact::Image,
            chart: None,
        })
    }

    /// All spellings of the locations of all rules, with the tags that rules mention.
    fn images(rules: &RuleSet) -> Vec<String> {
        let digest = format!("@sha256:{}", "0a".repeat(32));
        let mut tags: Vec<String> = [
            "",
            ":latest",
            ":1",
            ":v1.2.3",
            ":0.0.1",
            ":v99.10.0-rc.1",
            &digest,
        ]
        .map(str::to_owned)
        .into();
        let spec = rules.rules().filter_map(Rule::tags);
        let spec = spec.flat_map(|tags| tags.only.iter().chain(&tags.not).chain(&tags.min));
        for tag in spec.filter(|tag| *tag != "none") {
            tags.push(format!(":{}", tag.replace('*', "x")));
            tags.push(format!(":{}{digest}", tag.replace('*', "x")));
        }
        for numbers in [
            "0.52.99", "0.53", "0.53.0", "0.54", "1.5.0", "1.5.1", "1.5.10", "1.10.0", "2",
        ] {
            tags.extend(["", "v"].map(|v| format!(":{v}{numbers}")));
        }
        let mut names = Vec::new();
        for rule in rules.rules() {
            let patterns = rule.mappings().iter().map(|mapping| &mapping.from);
            for pattern in patterns.chain(rule.except_patterns()) {
                let name = pattern.sample().join("/");
                names.push(format!("{name}/below"));
                names.push(format!("{name}-other/below"));
                names.push(format!("my-{name}"));
                names.push(name);
            }
        }
        for name in names.clone() {
            for (start, others) in [
                (
                    "docker.io/library/",
                    &["", "library/", "index.docker.io/library/", "docker.io/"][..],
                ),
                (
                    "docker.io/",
                    &["", "registry-1.docker.io/", "Docker.io/", "example.com/"],
                ),
                ("k8s.gcr.io", &["K8S.gcr.io", "example.com/k8s.gcr.io"]),
            ] {
                if let Some(rest) = name.strip_prefix(start) {
                    names.extend(others.iter().map(|other| format!("{other}{rest}")));
                }
            }
        }
        let all = names
            .iter()
            .flat_map(|name| tags.iter().map(move |tag| format!("{name}{tag}")));
        all.filter(|image| ImageRef::parse(image).is_some())
            .collect()
    }

    #[test]
    fn a_policy_finds_what_the_rules_find() {
        let rules = rules();
        let images = images(&rules);
        assert!(images.len() > 10_000, "{}", images.len());
        for (least, step) in [
            (Severity::Error, 17),
            (Severity::Warning, 3),
            (Severity::Info, 17),
        ] {
            let conditions = conditions(&rules, least);
            let compiled = Compiled::new(&conditions);
            let mut legacy = 0;
            for image in images.iter().step_by(step) {
                let denied = compiled.denied(image);
                let expected = verdict(&rules, image, least);
                legacy += usize::from(expected.is_some());
                match expected {
                    Some(rule) => {
                        assert!(denied.contains(&rule), "{image}: {rule}, not {denied:?}")
                    }
                    None => assert!(denied.is_empty(), "{image}: {denied:?}"),
                }
            }
            assert!(legacy > 300, "{legacy}");
        }
    }

    /// Conditions with compiled expressions.
    struct Compiled<'c> {
        rules: Vec<(&'c str, Vec<CompiledPart>)>,
    }

    struct CompiledPart {
        matches: Regex,
        unless: Vec<CompiledPart>,
    }

    impl CompiledPart {
        fn new(part: &Part) -> Self {
            Self {
                matches: Regex::new(&part.matches).unwrap(),
                unless: part.unless.iter().map(Self::new).collect(),
            }
        }

        fn applies(&self, image: &str) -> bool {
            self.matches.is_match(image) && !self.unless.iter().any(|other| other.applies(image))
        }
    }

    impl<'c> Compiled<'c> {
        fn new(conditions: &'c [Condition]) -> Self {
            let rules = conditions.iter().map(|condition| {
                let parts = condition.parts.iter().map(CompiledPart::new).collect();
                (condition.rule.as_str(), parts)
            });
            Self {
                rules: rules.collect(),
            }
        }

        fn denied(&self, image: &str) -> Vec<&'c str> {
            let found = self.rules.iter();
            let found = found.filter(|(_, parts)| parts.iter().any(|part| part.applies(image)));
            found.map(|(rule, _)| *rule).collect()
        }
    }

    #[test]
    fn a_policy_replaces_what_is_safe_and_as_the_rules_do() {
        let rules = rules();
        let conditions = conditions(&rules, Severity::Warning).into_iter();
        let conditions: Vec<Condition> = conditions.filter_map(Condition::replaceable).collect();
        let parts = replacements(&conditions).into_iter();
        let parts: Vec<(CompiledPart, &Replacement)> = parts
            .map(|(part, replacement)| (CompiledPart::new(part), replacement))
            .collect();
        let mut replaced = 0;
        for image in images(&rules).iter().step_by(3) {
            let Some((_, replacement)) = parts.iter().rfind(|(part, _)| part.applies(image)) else {
                continue;
            };
            let Replacement { head, to } = replacement;
            let new = Regex::new(head).unwrap().replace(image, to);
            let name = name_of(image).unwrap();
            let segments: Vec<&str> = name.split('/').collect();
            let verdict = judged(&rules, image, &segments).unwrap();
            assert_eq!(verdict.applicability, Applicability::Safe, "{image}");
            let target = verdict.target.unwrap();
            let rest = segments[target.taken..]
                .iter()
                .map(|segment| format!("/{segment}"));
            let expected = target.to + &rest.collect::<String>();
            assert_eq!(name_of(&new), name_of(&expected), "{image}");
            replaced += 1;
        }
        assert!(replaced > 100, "{replaced}");
    }

    #[test]
    fn what_is_only_information_wins_over_a_wider_rule() {
        let rules = rules();
        let conditions = conditions(&rules, Severity::Warning);
        let compiled = Compiled::new(&conditions);
        assert_eq!(compiled.denied("bitnamilegacy/redis:7"), [""; 0]);
        assert_eq!(compiled.denied("bitnami/redis:7"), ["bitnami-versioned"]);
        assert_eq!(compiled.denied("k8s.gcr.io.example.com/pause:1"), [""; 0]);
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        let least = Regex::new(&format!("^{}$", at_least("v1.19.3"))).unwrap();
        for (tag, expected) in [
            ("1.19.3", true),
            ("v1.19.3-rc.1", true),
            ("1.19.10", true),
            ("1.20", true),
            ("1.100.0", true),
            ("2", true),
            ("10.0.0", true),
            ("1.19.2", false),
            ("1.19", false),
            ("1.9.9", false),
            ("0.20.0", false),
            ("latest", false),
            ("119.3", true),
            ("1.019.3", true),
        ] {
            assert_eq!(least.is_match(tag), expected, "{tag}");
        }
    }
}
