//! The format for spreadsheets: one row per root, container and image.

use super::Report;
use crate::cluster::in_git::Sureness;
use crate::report::csv::{cell, rows};
use crate::report::group;

const HEAD: [&str; 22] = [
    "namespace",
    "kind",
    "name",
    "role",
    "container",
    "image",
    "severity",
    "rule",
    "replacement",
    "fix",
    "pods",
    "wanted",
    "state",
    "presence",
    "manager",
    "origin",
    "chart",
    "version",
    "first_clean",
    "git",
    "git_path",
    "sureness",
];

pub(super) fn text(report: &Report<'_>) -> String {
    let lines = report.rows.iter().map(|row| {
        let finding = row.judged.as_ref().map(|judged| &judged.finding);
        let chart = row.origin.chart.as_ref();
        let clean = finding.and_then(|finding| row.origin.first_clean(&finding.rule));
        let known = |text: Option<&str>| cell(text.unwrap_or_default());
        let git = row.git.as_ref();
        let site = git.and_then(|git| git.sites.first());
        let site = site.map(|site| format!("{}:{}:{}", site.path, site.line, site.column));
        [
            cell(&row.root.namespace),
            cell(&row.root.kind),
            cell(&row.root.name),
            row.container.role.name().to_owned(),
            cell(&row.container.name),
            cell(&row.image),
            known(finding.map(|finding| finding.severity.name())),
            known(finding.map(|finding| &*finding.rule)),
            known(finding.and_then(|finding| finding.new.as_deref())),
            known(finding.map(|finding| group::fix(finding))),
            row.replicas.pods.to_string(),
            row.replicas
                .wanted
                .map(|wanted| wanted.to_string())
                .unwrap_or_default(),
            row.state.name().to_owned(),
            row.presence.name().to_owned(),
            row.origin.manager.name().to_owned(),
            cell(&row.origin.shown()),
            known(chart.map(|chart| chart.name.as_str())),
            known(chart.map(|chart| chart.version.as_str())),
            known(clean.map(|(_, version)| version)),
            known(git.map(|git| git.state.name())),
            known(site.as_deref()),
            known(git.and_then(|git| git.sureness).map(Sureness::name)),
        ]
    });
    rows(std::iter::once(HEAD.map(str::to_owned)).chain(lines))
}
