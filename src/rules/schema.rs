//! The format of a rule: the keys of the embedded catalogue and of `rules` in `.regfix.yaml`.
//!
//! Every key is optional, because a user's rule may override single keys of a built-in one. [`Rule::new`] checks that a
//! rule is complete.
//!
//! [`Rule::new`]: crate::rules::Rule::new

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::artifact::Artifact;

/// A catalogue file.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Catalogue {
    pub version: u32,
    /// The day on which the facts were gathered, `YYYY-MM-DD`.
    pub as_of: String,
    pub rules: Vec<RuleSpec>,
    /// The contents of `charts.tsv`, `alternatives.tsv` and `registry-k8s-io.tsv`. If a catalogue has none, those that come
    /// with regfix are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charts: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternatives: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
}

/// A legacy location, its new location if there is one, the safety of the move, its dates, and the sources.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct RuleSpec {
    /// Unique, in kebab case. The id of a built-in rule overrides the keys given here. Derived from `from` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The kind of artifact that is pulled from the location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// Locations by whole segments: `k8s.gcr.io`, `docker.io/bitnami`. `*` matches inside one segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<OneOrMany>,
    /// Match only these repositories, not those below them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<bool>,
    /// The new location. If it ends in a slash, the last segment of the name is kept; `{*}` stands for what `*` matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Further locations, each with its own target. The longest match wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<Vec<AlsoSpec>>,
    /// Repositories that the rule does not cover.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except: Option<Vec<String>>,
    /// New names for the last segment. Names that are not listed have no new location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rename: Option<BTreeMap<String, String>>,
    /// New names for what `*` matched; an empty one drops the segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wildcard: Option<BTreeMap<String, String>>,
    /// The tags that the rule covers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<TagsSpec>,
    /// The list that must contain the tag. Otherwise the fix is one step less safe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requires_tag_in: Option<TagList>,
    /// The location to offer when `requires-tag-in` does not list the tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// A tag that contains one of these is not at the new location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable_tags: Option<Vec<String>>,
    /// How the tag changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<TagPolicy>,
    /// Only tags below this version are at the new location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags_below: Option<String>,
    /// Whether digests are the same at the new location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<DigestPolicy>,
    /// The charts of a chart repository that moved. Others stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charts: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety: Option<Safety>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The state of the location, in a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dates: Option<Vec<DateSpec>>,
    /// The message of a finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to check before the move.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cautions: Option<Vec<String>>,
    /// A reference that the rule matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<String>>,
    /// When the rule was added to the catalogue, and its changes since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<ChangeSpec>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct AlsoSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<OneOrMany>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety: Option<Safety>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requires_tag_in: Option<TagList>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<TagPolicy>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct TagsSpec {
    /// Only these; `none` stands for a reference with neither tag nor digest. A `*` at the end matches any rest. For an
    /// apt source, the suite counts as the tag.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Not these, written as in `only`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not: Vec<String>,
    /// This version and above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "expected `index` or a list of tags")]
pub enum TagList {
    Named(NamedTagList),
    Tags(Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum NamedTagList {
    /// The offline index of registry.k8s.io.
    Index,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TagPolicy {
    #[default]
    Keep,
    /// The tag loses its leading `v`.
    StripV,
    /// No tag is kept: a person must choose one.
    Choose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DigestPolicy {
    #[default]
    Keep,
    Choose,
}

/// The severity of a finding, ordered from low to high.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Severity {
    /// For information. Never causes exit code 1.
    Info,
    Warning,
    Error,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The safety of the move, according to the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Safety {
    /// There is no replacement.
    ReportOnly,
    /// There is a new location, but tags, names, contents or licence differ, or no authoritative source confirms that they
    /// are the same.
    Review,
    /// The owner confirms that the same images and tags are at the new location.
    Safe,
}

impl Safety {
    pub fn name(self) -> &'static str {
        match self {
            Self::ReportOnly => "report-only",
            Self::Review => "review",
            Self::Safe => "safe",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    Authoritative,
    Maintainer,
    ThirdParty,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DateSpec {
    /// A day (`YYYY-MM-DD`), a month, a year, or a version.
    pub when: String,
    pub what: String,
    /// The minimum severity of the rule from this day on. `when` must be a date then; for a month or a year, the first day
    /// counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
}

/// A change to a rule of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeSpec {
    /// The day, `YYYY-MM-DD`.
    pub date: String,
    /// `added`, or a description of the change.
    pub what: String,
}

impl ChangeSpec {
    /// Parses the date. `None` if it is invalid.
    pub fn day(&self) -> Option<Date> {
        self.date.parse().ok()
    }
}

impl DateSpec {
    /// Returns the day that `when` names, or the first day of the month or year.
    pub fn day(&self) -> Option<Date> {
        let when = self.when.as_str();
        match when.len() {
            10 => when.parse().ok(),
            7 => format!("{when}-01").parse().ok(),
            4 => format!("{when}-01-01").parse().ok(),
            _ => None,
        }
    }
}

impl RuleSpec {
    /// Whether it has a key that affects what moves, or where to.
    pub fn moves_elsewhere(&self) -> bool {
        self.from.is_some()
            || self.exact.is_some()
            || self.to.is_some()
            || self.also.is_some()
            || self.rename.is_some()
            || self.wildcard.is_some()
            || self.fallback.is_some()
            || self.tag.is_some()
    }

    /// Whether another rule matches and writes the same, with the same safety. Texts for people may differ.
    pub fn acts_as(&self, other: &RuleSpec) -> bool {
        let acts = |spec: &RuleSpec| RuleSpec {
            severity: None,
            state: None,
            since: None,
            dates: None,
            summary: None,
            why: None,
            cautions: None,
            example: None,
            evidence: None,
            sources: None,
            history: None,
            ..spec.clone()
        };
        acts(self) == acts(other)
    }

    /// Returns this rule with the keys of another one on top.
    ///
    /// # Errors
    /// If the merged JSON is not a valid rule.
    pub fn overridden_by(&self, other: &RuleSpec) -> serde_json::Result<RuleSpec> {
        let mut both = serde_json::to_value(self)?;
        if let (Value::Object(keys), Value::Object(own)) = (&mut both, serde_json::to_value(other)?)
        {
            keys.extend(own);
        }
        serde_json::from_value(both)
    }
}
