//! The page of a chart version: whether its defaults pull legacy images, and which version no longer does.

use crate::cli::text::Page;
use crate::printable::excerpt;
use crate::report::RenderOptions;
use crate::rules::RuleSet;
use crate::rules::charts::{Advisory, Enabled};
use crate::version::Range;

/// A chart on the command line: `[REPOSITORY/]NAME@VERSION`.
pub(super) struct Asked<'a> {
    repository: Option<&'a str>,
    name: &'a str,
    version: &'a str,
}

impl<'a> Asked<'a> {
    /// `None` if it is not a chart. An image has a digest after its `@`.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (path, version) = text.rsplit_once('@')?;
        if Range::parse(version).is_none() || path.is_empty() {
            return None;
        }
        let (repository, name) = match path.rsplit_once('/') {
            Some((repository, name)) => (Some(repository), name),
            None => (None, path),
        };
        // In `bitnami/redis`, the first part is a name that a user gave to a repository on one machine.
        let repository = repository.filter(|repository| repository.contains("://"));
        Some(Self {
            repository,
            name,
            version,
        })
    }
}

/// # Errors
/// If nothing is known about a chart of this name.
pub(super) fn page(
    asked: &Asked<'_>,
    rules: &RuleSet,
    render_options: RenderOptions,
) -> Result<String, String> {
    let charts = rules.facts().charts;
    let known = charts.of_chart(asked.repository, asked.name);
    if known.is_empty() {
        let where_ = match asked.repository {
            Some(repository) => format!(" in {}", excerpt(repository)),
            None => "; try it with its repository, like \
                     `oci://registry-1.docker.io/bitnamicharts/redis@20.0.0`"
                .to_owned(),
        };
        return Err(format!(
            "there is no data about a chart `{}`{where_}",
            excerpt(asked.name)
        ));
    }
    let found = charts.advisories(asked.repository, asked.name, asked.version);
    let mut page = Page::new(render_options);
    page.title(&format!("{} {}", asked.name, asked.version), "");
    if found.is_empty() {
        page.paragraph("No legacy image is known in the defaults of this version.");
    }
    for advisory in &found {
        page.heading(advisory.rule);
        report(&mut page, advisory, rules);
    }
    let of_others = known
        .iter()
        .filter(|one| !found.iter().any(|found| found.rule == one.rule));
    let ended: Vec<&Advisory> = of_others.collect();
    if !ended.is_empty() {
        page.heading("Other versions");
        for advisory in ended {
            let repository = advisory.repositories().next().unwrap_or_default();
            let boundary = boundary(advisory);
            page.item(&format!("{} at {repository}: {boundary}", advisory.rule));
        }
    }
    Ok(page.finish())
}

fn report(page: &mut Page, advisory: &Advisory, rules: &RuleSet) {
    let rule = rules.rules().find(|rule| rule.id == advisory.rule);
    if let Some(rule) = rule {
        let severity = rule.severity.name();
        page.paragraph(&format!("{} ({severity}).", rule.summary));
    }
    let images = advisory.images;
    page.paragraph(&match (advisory.certain, advisory.subchart) {
        (false, _) => format!("Some nearby versions pull {images} by default."),
        (true, None) => format!("Pulls {images} by default."),
        (true, Some(subchart)) => format!("Its subchart {subchart} pulls {images} by default."),
    });
    if let Some(condition) = advisory.condition {
        page.paragraph(&match advisory.enabled {
            Enabled::On => format!("The value {condition} enables it. It is enabled by default."),
            Enabled::Off => format!("The value {condition} enables it. It is disabled by default."),
            Enabled::Unknown => format!("The value {condition} enables it."),
        });
    }
    page.paragraph(&boundary(advisory));
    if let Some(name) = advisory.renamed_to {
        page.paragraph(&format!("The chart continues as {name}."));
    }
    let repositories: Vec<&str> = advisory.repositories().collect();
    page.paragraph(&format!("Published at {}.", repositories.join(" and ")));
    page.verbatim(&advisory.source());
}

/// Describes the first clean version.
fn boundary(advisory: &Advisory) -> String {
    let newest = advisory
        .newest
        .map(|newest| format!(" up to {newest}"))
        .unwrap_or_default();
    match (advisory.first_clean, advisory.since, advisory.step()) {
        (Some(clean), Some(since), Some(step)) => format!(
            "{clean} ({} step from {}, {since}) is the first clean version.",
            step.name(),
            advisory.last_legacy()
        ),
        _ => format!("No version{newest} is clean."),
    }
}
