//! The format for programs: one JSON document. `docs/cluster.md` describes each field.

use serde::Serialize;

use super::{NotRead, Report};
use crate::cluster::chart::Chart;
use crate::cluster::image_use::Change;
use crate::cluster::in_git::{InGit, Site, Sureness};
use crate::cluster::inventory::{Presence, Row};
use crate::cluster::origin::Origin;
use crate::cluster::repo::GitOnly;
use crate::cluster::source::Location;
use crate::edit::Applicability;
use crate::finding::Finding;
use crate::printable;
use crate::report::json::Verified;

/// Incremented when a field is removed or changes its meaning, not when one is added.
const VERSION: u32 = 1;

pub(super) fn text(report: &Report<'_>) -> String {
    let rows: Vec<String> = report
        .rows
        .iter()
        .map(|row| printable::json(&Line::new(row)))
        .collect();
    let rows = match rows.is_empty() {
        true => String::new(),
        false => format!("\n{}\n", rows.join(",\n")),
    };
    let not_read: Vec<Missing<'_>> = report.not_read.iter().map(Missing::new).collect();
    let summary = report.summary;
    let totals = Totals {
        objects: summary.objects,
        kinds: summary.kinds,
        images: summary.images,
        workloads: summary.roots,
        errors: summary.errors,
        warnings: summary.warnings,
        infos: summary.infos,
        safe: summary.safe,
        review: summary.review,
    };
    let git_only: Vec<Only<'_>> = report.git_only.iter().map(Only::new).collect();
    let git_only = printable::json(&git_only);
    let (not_read, totals) = (printable::json(&not_read), printable::json(&totals));
    format!(
        "{{\"version\":{VERSION},\"rows\":[{rows}],\n\"git_only\":{git_only},\n\"not_read\":{not_read},\n\"summary\":{totals}}}\n"
    )
}

#[derive(Serialize)]
struct Totals {
    objects: usize,
    kinds: usize,
    images: usize,
    workloads: usize,
    errors: usize,
    warnings: usize,
    infos: usize,
    safe: usize,
    review: usize,
}

#[derive(Serialize)]
struct Missing<'r> {
    resource: &'r str,
    why: &'r str,
}

impl<'r> Missing<'r> {
    fn new(one: &'r NotRead) -> Self {
        Self {
            resource: &one.resource,
            why: &one.why,
        }
    }
}

#[derive(Serialize)]
struct Line<'r> {
    namespace: Option<&'r str>,
    group: &'r str,
    kind: &'r str,
    name: &'r str,
    role: &'static str,
    container: &'r str,
    image: &'r str,
    pods: u64,
    wanted: Option<u64>,
    state: &'static str,
    presence: &'static str,
    declared_image: Option<&'r str>,
    pointers: &'r [String],
    finding: Option<Found<'r>>,
    origin: From<'r>,
    git: Option<Git<'r>>,
}

impl<'r> Line<'r> {
    fn new(row: &'r Row) -> Self {
        let rule = row.judged.as_ref().map(|judged| &*judged.finding.rule);
        Self {
            namespace: Some(row.root.namespace.as_str()).filter(|text| !text.is_empty()),
            group: &row.root.group,
            kind: &row.root.kind,
            name: &row.root.name,
            role: row.container.role.name(),
            container: &row.container.name,
            image: &row.image,
            pods: row.replicas.pods,
            wanted: row.replicas.wanted,
            state: row.state.name(),
            presence: row.presence.name(),
            declared_image: match &row.presence {
                Presence::Left { declared } => Some(declared),
                _ => None,
            },
            pointers: &row.pointers,
            finding: row
                .judged
                .as_ref()
                .map(|judged| Found::new(&judged.finding, &judged.changes)),
            origin: From::new(&row.origin, rule),
            git: row.git.as_ref().map(Git::new),
        }
    }
}

#[derive(Serialize)]
struct Found<'r> {
    rule: &'r str,
    severity: &'static str,
    message: &'r str,
    old: &'r str,
    new: Option<&'r str>,
    applicability: Option<&'static str>,
    reason: Option<&'r str>,
    notes: &'r [String],
    url: Option<&'r str>,
    verified: Option<Verified<'r>>,
    changes: Vec<Changed<'r>>,
}

impl<'r> Found<'r> {
    fn new(finding: &'r Finding, changes: &'r [Change]) -> Self {
        Self {
            rule: &finding.rule,
            severity: finding.severity.name(),
            message: &finding.message,
            old: &finding.old,
            new: finding.new.as_deref(),
            applicability: finding.applicability().map(Applicability::name),
            reason: finding.reason.as_deref(),
            notes: &finding.notes,
            url: finding.url.as_deref(),
            verified: finding.verified.as_ref().map(Verified::new),
            changes: changes
                .iter()
                .map(|change| Changed {
                    pointer: &change.pointer,
                    old: &change.old,
                    new: &change.new,
                })
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct Changed<'r> {
    pointer: &'r str,
    old: &'r str,
    new: &'r str,
}

#[derive(Serialize)]
struct From<'r> {
    manager: &'static str,
    name: &'r str,
    puts_back: bool,
    chart: Option<Charted<'r>>,
    location: Option<Located<'r>>,
    first_clean: Option<Charted<'r>>,
}

impl<'r> From<'r> {
    fn new(origin: &'r Origin, rule: Option<&str>) -> Self {
        let clean = rule.and_then(|rule| origin.first_clean(rule));
        Self {
            manager: origin.manager.name(),
            name: &origin.name,
            puts_back: origin.manager.puts_back(),
            chart: origin.chart.as_ref().map(Charted::new),
            location: origin.location.as_ref().map(Located::new),
            first_clean: clean.map(|(chart, version)| Charted {
                name: &chart.name,
                version,
            }),
        }
    }
}

#[derive(Serialize)]
struct Charted<'r> {
    name: &'r str,
    version: &'r str,
}

impl<'r> Charted<'r> {
    fn new(chart: &'r Chart) -> Self {
        Self {
            name: &chart.name,
            version: &chart.version,
        }
    }
}

#[derive(Serialize)]
struct Located<'r> {
    repository: &'r str,
    revision: &'r str,
    path: &'r str,
    chart: Option<Charted<'r>>,
}

impl<'r> Located<'r> {
    fn new(location: &'r Location) -> Self {
        Self {
            repository: &location.repository,
            revision: &location.revision,
            path: &location.path,
            chart: location.chart.as_ref().map(Charted::new),
        }
    }
}

#[derive(Serialize)]
struct Git<'r> {
    state: &'static str,
    sureness: Option<&'static str>,
    sites: Vec<Place<'r>>,
}

impl<'r> Git<'r> {
    fn new(git: &'r InGit) -> Self {
        Self {
            state: git.state.name(),
            sureness: git.sureness.map(Sureness::name),
            sites: git.sites.iter().map(Place::new).collect(),
        }
    }
}

#[derive(Serialize)]
struct Place<'r> {
    path: &'r str,
    line: usize,
    column: usize,
    image: &'r str,
    rule: Option<&'r str>,
    new: Option<&'r str>,
}

impl<'r> Place<'r> {
    fn new(site: &'r Site) -> Self {
        Self {
            path: &site.path,
            line: site.line,
            column: site.column,
            image: &site.image,
            rule: site.rule.as_deref(),
            new: site.new.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct Only<'r> {
    #[serde(flatten)]
    site: Place<'r>,
    /// `NAMESPACE/KIND/NAME`
    fixed_in_cluster: Option<String>,
}

impl<'r> Only<'r> {
    fn new(one: &'r GitOnly) -> Self {
        let root = one.fixed_in_cluster.as_ref();
        Self {
            site: Place::new(&one.site),
            fixed_in_cluster: root.map(|root| format!("{}/{}", root.namespace, root.shown())),
        }
    }
}
