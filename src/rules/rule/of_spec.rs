//! Compiles a rule from its row: checks the required keys and fills in defaults.

use std::sync::Arc;

use super::super::Pattern;
use super::super::schema::{AlsoSpec, RuleSpec, Safety, Severity};
use super::{Mapping, Rule};
use crate::artifact::Artifact;

impl Rule {
    /// Compiles a rule from its row.
    ///
    /// # Errors
    /// A message that names the missing or wrong key.
    pub fn new(spec: impl Into<Arc<RuleSpec>>) -> Result<Self, String> {
        let spec: Arc<RuleSpec> = spec.into();
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
        let id = id(&spec, first)?;
        check_dates(&spec)?;
        let artifact = spec.artifact.unwrap_or_default();
        let whole = AlsoSpec {
            from: spec.from.clone(),
            to: spec.to.clone(),
            ..AlsoSpec::default()
        };
        let mut mappings = Vec::new();
        for part in std::iter::once(&whole).chain(spec.also.iter().flatten()) {
            mappings.extend(compile_mappings(&spec, part, artifact)?);
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
            None => format!("{first} should no longer be used"),
        });
        Ok(Self {
            artifact,
            safety,
            severity: spec.severity.unwrap_or(Severity::Warning),
            summary,
            example: spec.example.clone().unwrap_or_else(|| first.clone()),
            mappings,
            except,
            is_built_in: false,
            page: None,
            page_template: None,
            id,
            spec,
        })
    }
}

/// Returns the given id, or one derived from the first location.
fn id(spec: &RuleSpec, first: &str) -> Result<String, String> {
    let id = match &spec.id {
        Some(id) => id.clone(),
        None => slug(first),
    };
    let is_kebab = !id.is_empty()
        && id.split('-').all(|word| !word.is_empty())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    match is_kebab {
        true => Ok(id),
        false => Err(format!(
            "the id `{id}` is not kebab-case, like `old-example-com`"
        )),
    }
}

/// Checks that every date that raises the severity is a day or a month.
fn check_dates(spec: &RuleSpec) -> Result<(), String> {
    let undated = spec.dates.iter().flatten();
    let mut undated = undated.filter(|date| date.severity.is_some() && date.day().is_none());
    match undated.next() {
        Some(date) => Err(format!(
            "`{}` is not a date: write it like `2027-01-31` or `2027-01`",
            date.when
        )),
        None => Ok(()),
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

/// Checks that a target is a location like `from`. A target inside the location that it replaces would be replaced again and
/// again.
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

/// Removes the scheme from a chart's target. Chart repositories and URLs keep it.
fn strip_scheme(to: &str, artifact: Artifact) -> &str {
    match artifact {
        Artifact::Chart => to.strip_prefix("oci://").unwrap_or(to),
        _ => to,
    }
}

/// Turns `old.example.com/team` into the id `old-example-com-team`.
fn slug(from: &str) -> String {
    let words = from.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join("-").to_ascii_lowercase()
}
