//! The format for people: the roots in sequence, each with its images and its origin. Fits in 80 columns.

use super::{Report, advice, git, git_only, remark};
use crate::cluster::inventory::{Row, State};
use crate::finding::Finding;
use crate::printable;
use crate::report::text::{Color, wrap};
use crate::report::{RenderOptions, group};

/// The maximum width of the namespace column.
const WIDEST_NAMESPACE: usize = 24;
const GAP: usize = 2;

pub(super) fn text(report: &Report<'_>, render_options: &RenderOptions) -> String {
    let page = Page::new(report, render_options);
    let mut text = String::new();
    if !report.rows.is_empty() {
        text += &Color::Bold.on(
            &page.line("NAMESPACE", "WORKLOAD", "PODS"),
            render_options.color,
        );
        text.push('\n');
    }
    for rows in report.rows.chunk_by(|one, next| one.root == next.root) {
        text += &page.root(rows);
    }
    if !report.git_only.is_empty() {
        text += &Color::Bold.on("IN GIT ONLY", render_options.color);
        text.push('\n');
        let lines = report.git_only.iter();
        text.extend(lines.map(|one| page.paragraph(2, &git_only(one))));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    for one in report.not_read {
        let line = format!("Not read: {}: {}", one.resource, one.why);
        text += &page.paragraph(0, &line);
    }
    text + &report.summary.lines()
}

struct Page<'l> {
    render_options: &'l RenderOptions,
    namespaces: usize,
    pods: usize,
}

impl<'l> Page<'l> {
    fn new(report: &Report<'_>, render_options: &'l RenderOptions) -> Self {
        let longest = |of: fn(&Row) -> usize, least: usize| {
            report
                .rows
                .iter()
                .map(of)
                .max()
                .unwrap_or_default()
                .max(least)
        };
        Self {
            render_options,
            namespaces: longest(|row| row.root.namespace.chars().count(), "NAMESPACE".len())
                .min(WIDEST_NAMESPACE),
            pods: longest(|row| pods(row).chars().count(), "PODS".len()),
        }
    }

    fn line(&self, namespace: &str, object: &str, pods: &str) -> String {
        let width = self.render_options.width;
        let first = self.namespaces;
        let room = width.saturating_sub(first + self.pods + 2 * GAP);
        let gap = " ".repeat(GAP);
        format!("{namespace:first$}{gap}{object:room$}{gap}{pods}")
            .trim_end()
            .to_owned()
    }

    /// Writes an object and its images.
    fn root(&self, rows: &[Row]) -> String {
        let first = &rows[0];
        let namespace = match first.root.namespace.as_str() {
            "" => "-",
            namespace => namespace,
        };
        let object = printable::line(&first.root.shown()).into_owned();
        let most = rows
            .iter()
            .max_by_key(|row| row.replicas.pods)
            .unwrap_or(first);
        let line = self.line(&printable::line(namespace), &object, &pods(most));
        let mut text = Color::Bold.on(&line, self.render_options.color) + "\n";
        for row in rows {
            text += &self.image(row);
        }
        let mut origin = first.origin.shown();
        let mut advice: Vec<String> = rows.iter().filter_map(advice).collect();
        advice.dedup();
        for one in advice {
            origin += &format!("; {one}");
        }
        text + &self.paragraph(2, &format!("source: {origin}"))
    }

    fn image(&self, row: &Row) -> String {
        let container = printable::line(&row.container.shown()).into_owned();
        let Some(judged) = &row.judged else {
            let image = format!("{container}: {}", row.image);
            return self.paragraph(2, &image);
        };
        let finding = &judged.finding;
        let head = format!("  {container}: {}\n", self.verdict(finding));
        let old = self.paragraph(4, &finding.old);
        let new = finding.new.as_ref();
        let new = new
            .map(|new| self.paragraph(4, &format!("→ {new}")))
            .unwrap_or_default();
        // Notes are only in the other formats.
        let verified = finding
            .verified
            .iter()
            .map(|verified| verified.text.clone());
        let remarks = finding.reason.iter().cloned().chain(verified);
        let remarks: Vec<String> = remarks.chain(remark(row)).collect();
        let remarks = match remarks.is_empty() {
            true => String::new(),
            false => self.paragraph(4, &format!("({})", remarks.join("; "))),
        };
        let git = git(row).map(|git| self.paragraph(4, &git));
        head + &old + &new + &remarks + &git.unwrap_or_default()
    }

    /// `warning k8s-gcr-io, safe fix`
    fn verdict(&self, finding: &Finding) -> String {
        let severity = finding.severity;
        let severity = Color::of(severity).on(severity.name(), self.render_options.color);
        let fix = match group::fix(finding) {
            "none" => "no fix".to_owned(),
            "safe" => "safe fix".to_owned(),
            other => other.to_owned(),
        };
        format!("{severity} {}, {fix}", printable::line(&finding.rule))
    }

    fn paragraph(&self, indent: usize, text: &str) -> String {
        let text = printable::line(text);
        let width = self.render_options.width.saturating_sub(indent + GAP);
        let mut lines = wrap(&text, width).into_iter();
        let first = lines.next().unwrap_or_default();
        let start = " ".repeat(indent);
        let rest = lines.map(|line| format!("{start}  {line}\n"));
        format!("{start}{first}\n{}", rest.collect::<String>())
    }
}

/// `2/3`, or `0 finished`
fn pods(row: &Row) -> String {
    let replicas = row.replicas.shown();
    match row.state {
        State::Active => replicas,
        state => format!("{replicas} {}", state.name()),
    }
}
