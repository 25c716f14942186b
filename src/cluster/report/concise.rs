//! The format for `grep`: one line per row, followed by the summary.

use super::{Report, advice, git, git_only, remark};
use crate::cluster::inventory::{Row, State};
use crate::printable;
use crate::report::text::Color;
use crate::report::{RenderOptions, group};

pub(super) fn text(report: &Report<'_>, render_options: &RenderOptions) -> String {
    let mut text = String::new();
    for row in report.rows {
        text += &line(row, render_options);
        text.push('\n');
    }
    for one in report.git_only {
        text += &printable::line(&format!("in git only: {}", git_only(one)));
        text.push('\n');
    }
    for one in report.not_read {
        text += &printable::line(&format!("not read: {}: {}", one.resource, one.why));
        text.push('\n');
    }
    text + &report.summary.lines()
}

fn line(row: &Row, render_options: &RenderOptions) -> String {
    let root = match row.root.namespace.as_str() {
        "" => row.root.shown(),
        namespace => format!("{namespace}/{}", row.root.shown()),
    };
    let start = printable::line(&format!("{root}:{}: ", row.container.shown())).into_owned();
    let replicas = match row.state {
        State::Active => format!("{} pods", row.replicas.shown()),
        state => format!("{} pods, {}", row.replicas.shown(), state.name()),
    };
    let mut rest = vec![replicas];
    let Some(judged) = &row.judged else {
        rest.push(row.origin.shown());
        let end = format!("{} ({})", row.image, rest.join("; "));
        return start + &printable::line(&end);
    };
    let finding = &judged.finding;
    let mark = match group::fix(finding) {
        "safe" => "[*] ",
        "needs review" => "[~] ",
        _ => "",
    };
    rest.extend(remark(row));
    rest.push(row.origin.shown());
    rest.extend(advice(row));
    rest.extend(git(row));
    let new = finding.new.as_ref().map(|new| format!(" → {new}"));
    let end = format!(
        " {} {mark}{}{} ({})",
        finding.rule,
        finding.old,
        new.unwrap_or_default(),
        rest.join("; ")
    );
    start
        + &Color::of(finding.severity).on(finding.severity.name(), render_options.color)
        + &printable::line(&end)
}
