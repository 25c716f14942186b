//! The rules: the catalogue, made ready to match, and which rule applies to an image.
//!
//! Knows names, tags and facts. Knows no file, no span and no edit.

pub mod anchors;
pub mod index;
pub mod schema;
pub mod select;
pub mod verify;

mod pattern;
mod verdict;

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::civil::Date;

use crate::artifact::Artifact;

pub use pattern::Pattern;
pub use schema::{Catalogue, Evidence, RuleSpec, Safety, Severity};
pub use verdict::{Move, Query, TagState, Verdict};

use schema::{AlsoSpec, DateSpec, DigestPolicy, TagList, TagPolicy, TagsSpec};

/// The rules that come with regfix: `rules/catalogue.yaml` and the files of `rules/catalogue/`, made JSON by `build.rs`.
static CATALOGUE: &str = include_str!(concat!(env!("OUT_DIR"), "/catalogue.json"));

/// The embedded catalogue.
///
/// # Panics
/// When the embedded text is not a catalogue, which a test rules out.
pub fn catalogue() -> Catalogue {
    match serde_json::from_str(CATALOGUE) {
        Ok(catalogue) => catalogue,
        Err(error) => panic!("the embedded catalogue: {error}"),
    }
}

/// A rule that is ready to match.
#[derive(Debug, Clone)]
pub struct Rule {
    pub id: String,
    pub artifact: Artifact,
    pub safety: Safety,
    pub severity: Severity,
    pub state: String,
    pub since: Option<String>,
    pub dates: Vec<DateSpec>,
    pub summary: String,
    pub why: String,
    pub cautions: Vec<String>,
    pub example: String,
    pub evidence: Option<Evidence>,
    pub sources: Vec<String>,
    pub gated: bool,
    mappings: Vec<Mapping>,
    except: Vec<Pattern>,
    rename: BTreeMap<String, String>,
    wildcard: BTreeMap<String, String>,
    tags: Option<TagsSpec>,
    fallback: Option<String>,
    unavailable_tags: Vec<String>,
    tags_below: Option<String>,
    digest: DigestPolicy,
    charts: Vec<String>,
}

/// One `from` of a rule, with the target and the keys of its own.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub from: Pattern,
    pub to: Option<String>,
    pub safety: Safety,
    pub severity: Severity,
    pub summary: Option<String>,
    requires_tag_in: Option<TagList>,
    tag: TagPolicy,
}

impl Rule {
    /// Where to read more: the first source.
    pub fn url(&self) -> Option<&str> {
        self.sources.first().map(String::as_str)
    }

    pub fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }

    /// The only tags that the rule covers, if not all.
    fn only_tags(&self) -> &[String] {
        self.tags
            .as_ref()
            .map(|tags| tags.only.as_slice())
            .unwrap_or_default()
    }

    /// Of the rule and all of its mappings.
    pub fn set_severity(&mut self, severity: Severity) {
        self.severity = severity;
        self.mappings
            .iter_mut()
            .for_each(|mapping| mapping.severity = severity);
    }

    /// Raises the severity, of the rule and all of its mappings, to that of the latest date that has come.
    pub fn escalate(&mut self, today: Date) {
        let due = self.dates.iter().filter_map(|date| {
            let day = date.day().filter(|day| *day <= today)?;
            Some((day, date.severity?))
        });
        let Some((_, due)) = due.max() else {
            return;
        };
        self.severity = self.severity.max(due);
        for mapping in &mut self.mappings {
            mapping.severity = mapping.severity.max(due);
        }
    }

    /// Makes a rule of what is written down.
    ///
    /// # Errors
    /// Says which key is missing or wrong.
    pub fn new(spec: &RuleSpec) -> Result<Self, String> {
        let from = spec
            .from
            .as_ref()
            .map(|from| from.as_slice())
            .unwrap_or_default();
        let Some(first) = from.first() else {
            return Err(
                "a rule needs `from`: the legacy location, like `old.example.com/team`".to_owned(),
            );
        };
        let id = match &spec.id {
            Some(id) => id.clone(),
            None => slug(first),
        };
        let id_is_kebab = !id.is_empty()
            && id.split('-').all(|word| !word.is_empty())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !id_is_kebab {
            return Err(format!(
                "the id `{id}` is not kebab-case, like `old-example-com`"
            ));
        }
        let undated = spec.dates.iter().flatten();
        let mut undated = undated.filter(|date| date.severity.is_some() && date.day().is_none());
        if let Some(date) = undated.next() {
            return Err(format!(
                "`{}` is not a date, so there is no day from which the severity holds: write it like `2027-01-31` or `2027-01`",
                date.when
            ));
        }
        let artifact = spec.artifact.unwrap_or_default();
        let whole = AlsoSpec {
            from: spec.from.clone(),
            to: spec.to.clone(),
            ..AlsoSpec::default()
        };
        let mut mappings = Vec::new();
        for part in std::iter::once(&whole).chain(spec.also.iter().flatten()) {
            mappings.extend(compile_mappings(spec, part, artifact)?);
        }
        let safety = mappings
            .first()
            .map_or(Safety::ReportOnly, |mapping| mapping.safety);
        let except = spec.except.iter().flatten();
        let except = except
            .map(|text| Pattern::new(text, artifact, false))
            .collect::<Result<_, _>>()?;
        let summary = spec.summary.clone().unwrap_or_else(|| match &spec.to {
            Some(to) => format!("{first} has moved to {to}"),
            None => format!("{first} is not to be used any more"),
        });
        Ok(Self {
            artifact,
            safety,
            severity: spec.severity.unwrap_or(Severity::Warning),
            state: spec.state.clone().unwrap_or_default(),
            since: spec.since.clone(),
            dates: spec.dates.clone().unwrap_or_default(),
            summary,
            why: spec.why.clone().unwrap_or_default(),
            cautions: spec.cautions.clone().unwrap_or_default(),
            example: spec.example.clone().unwrap_or_else(|| first.clone()),
            evidence: spec.evidence,
            sources: spec.sources.clone().unwrap_or_default(),
            gated: spec.requires_tag_in.is_some(),
            mappings,
            except,
            rename: spec.rename.clone().unwrap_or_default(),
            wildcard: spec.wildcard.clone().unwrap_or_default(),
            tags: spec.tags.clone(),
            fallback: spec.fallback.clone(),
            unavailable_tags: spec.unavailable_tags.clone().unwrap_or_default(),
            tags_below: spec.tags_below.clone(),
            digest: spec.digest.unwrap_or_default(),
            charts: spec.charts.clone().unwrap_or_default(),
            id,
        })
    }
}

fn compile_mappings(
    spec: &RuleSpec,
    part: &AlsoSpec,
    artifact: Artifact,
) -> Result<Vec<Mapping>, String> {
    let exact = part.exact.or(spec.exact).unwrap_or(false);
    let to = part.to.as_deref().map(|to| strip_scheme(to, artifact));
    let default_safety = if to.is_some() {
        Safety::Safe
    } else {
        Safety::ReportOnly
    };
    let safety = part.safety.or(spec.safety).unwrap_or(default_safety);
    let from = part
        .from
        .as_ref()
        .map(|from| from.as_slice())
        .unwrap_or_default();
    if let Some(to) = to {
        check_target(to, if exact { &[] } else { from })?;
    }
    from.iter()
        .map(|text| {
            Ok(Mapping {
                from: Pattern::new(text, artifact, exact)?,
                to: to.map(str::to_owned),
                safety: if to.is_some() {
                    safety
                } else {
                    Safety::ReportOnly
                },
                severity: part.severity.or(spec.severity).unwrap_or(Severity::Warning),
                summary: part.summary.clone(),
                requires_tag_in: part
                    .requires_tag_in
                    .clone()
                    .or_else(|| spec.requires_tag_in.clone()),
                tag: part.tag.or(spec.tag).unwrap_or_default(),
            })
        })
        .collect()
}

/// A target is a location like `from`. One inside what it replaces would be replaced again and again.
fn check_target(to: &str, from: &[String]) -> Result<(), String> {
    let name = to.split_once("://").map_or(to, |(_, name)| name);
    let last = name.rsplit('/').next().unwrap_or_default();
    let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'@' | b'"' | b'\'' | b'`');
    let host = name.split('/').next().unwrap_or_default();
    if name.is_empty()
        || !name.bytes().all(fits)
        || last.contains(':')
        || !host.contains(['.', ':', '{'])
    {
        return Err(format!(
            "`{to}` is not a location: write it like `new.example.com/team`, with its host and without a tag"
        ));
    }
    let inside = |from: &&String| {
        name.strip_prefix(from.as_str())
            .is_some_and(|rest| rest.starts_with('/'))
    };
    match from.iter().find(inside) {
        Some(from) => Err(format!(
            "`{to}` is inside `{from}`, which it replaces: the fix would never end"
        )),
        None => Ok(()),
    }
}

/// A target is written with its scheme only where the thing is a URL by itself.
fn strip_scheme(to: &str, artifact: Artifact) -> &str {
    match artifact {
        Artifact::Chart => to.strip_prefix("oci://").unwrap_or(to),
        _ => to,
    }
}

/// `old.example.com/team` as an id: `old-example-com-team`.
fn slug(from: &str) -> String {
    let words = from.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join("-").to_ascii_lowercase()
}

/// The rules of a run, found by the first segment of a name.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<Rule>,
    /// By host: the rules that may match it, with the index of the mapping.
    by_host: HashMap<String, Vec<(usize, usize)>>,
    /// Mappings whose host is a pattern.
    anywhere: Vec<(usize, usize)>,
}

impl RuleSet {
    pub fn new(rules: Vec<Rule>) -> Self {
        let mut by_host: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
        let mut anywhere = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            let from = rule.mappings.iter().map(|mapping| &mapping.from);
            for (mapping, from) in from.enumerate() {
                match from.host() {
                    Some(host) => by_host
                        .entry(host.to_owned())
                        .or_default()
                        .push((index, mapping)),
                    None => anywhere.push((index, mapping)),
                }
            }
        }
        Self {
            rules,
            by_host,
            anywhere,
        }
    }

    /// The embedded rules with a user's own laid over and behind them.
    ///
    /// # Errors
    /// The index of the user's rule that cannot be used, and why.
    pub fn with_own(own: &[RuleSpec]) -> Result<Vec<Rule>, (usize, String)> {
        let mut specs: Vec<(RuleSpec, Option<usize>)> = catalogue()
            .rules
            .into_iter()
            .map(|spec| (spec, None))
            .collect();
        for (index, spec) in own.iter().enumerate() {
            let known = specs
                .iter_mut()
                .find(|(known, _)| spec.id.is_some() && known.id == spec.id);
            match known {
                Some(known) => *known = (known.0.overridden_by(spec), Some(index)),
                None => specs.push((spec.clone(), Some(index))),
            }
        }
        let mut ids = HashSet::new();
        let mut rules = Vec::with_capacity(specs.len());
        for (spec, index) in &specs {
            let rule = Rule::new(spec).map_err(|why| (index.unwrap_or_default(), why))?;
            if !ids.insert(rule.id.clone()) {
                return Err((
                    index.unwrap_or_default(),
                    format!("there are two rules `{}`", rule.id),
                ));
            }
            rules.push(rule);
        }
        Ok(rules)
    }

    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn candidates(&self, host: &str) -> impl Iterator<Item = (&Rule, &Mapping)> {
        let exact = self.by_host.get(host).into_iter().flatten();
        exact.chain(&self.anywhere).map(|(rule, mapping)| {
            let rule = &self.rules[*rule];
            (rule, &rule.mappings[*mapping])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_catalogue_is_complete() {
        let catalogue = catalogue();
        let mut ids = HashSet::new();
        for spec in &catalogue.rules {
            let rule = Rule::new(spec).unwrap_or_else(|why| panic!("{:?}: {why}", spec.id));
            assert!(ids.insert(rule.id.clone()), "{} appears twice", rule.id);
            assert!(
                spec.id.is_some() && spec.safety.is_some() && spec.severity.is_some(),
                "{}",
                rule.id
            );
            assert!(
                !rule.summary.is_empty() && rule.summary.len() <= 88,
                "{}",
                rule.id
            );
            assert!(!rule.summary.ends_with('.'), "{}", rule.id);
            assert!(
                !rule.why.is_empty() && !rule.state.is_empty() && rule.evidence.is_some(),
                "{}",
                rule.id
            );
            let thirdhand = rule.evidence == Some(Evidence::ThirdParty);
            assert!(
                !(thirdhand && rule.safety == Safety::Safe),
                "{} is safe by the word of third parties",
                rule.id
            );
        }
        assert!(ids.len() > 100, "the files are not read");
    }

    #[test]
    fn own_rules_are_laid_over_and_behind_the_embedded_ones() {
        let own: Vec<RuleSpec> = serde_yaml::from_str(
            "- {from: old.example.com/team, to: new.example.com/team}\n\
             - {id: bitnami-versioned, to: mirror.example.com/bitnami, safety: safe}\n",
        )
        .unwrap();
        let rules = RuleSet::with_own(&own).unwrap();
        assert_eq!(rules.len(), catalogue().rules.len() + 1);
        assert_eq!(rules.last().unwrap().id, "old-example-com-team");
        assert_eq!(rules.last().unwrap().safety, Safety::Safe);
        let bitnami = rules
            .iter()
            .find(|rule| rule.id == "bitnami-versioned")
            .unwrap();
        assert_eq!(bitnami.safety, Safety::Safe);
        assert!(!bitnami.sources.is_empty());
    }

    #[test]
    fn severity_grows_with_the_dates_that_have_come() {
        let spec: RuleSpec = serde_yaml::from_str(
            "from: a.io\nseverity: info\nalso: [{from: b.io, severity: error}]\ndates:\n\
             - {when: 2027-03, what: switched off, severity: error}\n\
             - {when: 2026-12-31, what: read-only, severity: warning}\n\
             - {when: v1.2, what: last release}\n",
        )
        .unwrap();
        for (day, whole, also) in [
            ("2026-12-30", Severity::Info, Severity::Error),
            ("2026-12-31", Severity::Warning, Severity::Error),
            ("2027-02-28", Severity::Warning, Severity::Error),
            ("2027-03-01", Severity::Error, Severity::Error),
        ] {
            let mut rule = Rule::new(&spec).unwrap();
            rule.escalate(day.parse().unwrap());
            let mappings: Vec<Severity> = rule
                .mappings
                .iter()
                .map(|mapping| mapping.severity)
                .collect();
            assert_eq!(
                (rule.severity, mappings),
                (whole, vec![whole, also]),
                "{day}"
            );
        }
    }

    #[test]
    fn a_rule_that_cannot_be_used_says_why() {
        for (text, part) in [
            ("{id: x}", "`from`"),
            ("{from: a.io, id: Not_Kebab}", "kebab-case"),
            ("{from: 'a b'}", "a b"),
            ("{from: a.io/*/*}", "one `*`"),
            ("{from: a.io, to: 'b.io/x:1'}", "without a tag"),
            ("{from: a.io, to: team}", "with its host"),
            ("{from: a.io/x, to: a.io/x/y}", "never end"),
            (
                "{from: a.io, dates: [{when: soon, what: x, severity: error}]}",
                "`soon` is not a date",
            ),
        ] {
            let spec: RuleSpec = serde_yaml::from_str(text).unwrap();
            let why = Rule::new(&spec).unwrap_err();
            assert!(why.contains(part), "{why}");
        }
    }
}
