//! For people: each finding with its lines, drawn by miette.
//!
//! Findings of low severity take two lines, so that they do not hide the rest. Does not decide on colours: [`RenderOptions`]
//! does.

mod clip;
mod diagnostic;
mod snippet;
mod summary;

use std::cmp::Reverse;

use miette::{GraphicalReportHandler, GraphicalTheme};

pub(crate) use self::diagnostic::Drawn;
pub(crate) use self::snippet::Snippet;
use super::grouped::{GroupedFindings, Key, MOST};
use super::statistics::Counts;
use super::text::{Color, Places, unjudged, wrap, written_in};
use super::{Delivery, FileReport, Format, RenderOptions, Stream, Summary};
use crate::edit::Applicability;
use crate::finding::{Finding, Fixed, Problem, Related, Severity, Unjudged};
use crate::printable;
use crate::rules::RuleSet;
use crate::source::Position;

/// Width of prose: longer lines on a wide terminal are hard to read.
const PROSE: usize = 100;
/// The minimum width for drawing.
const NARROWEST: usize = 40;

/// Snippets, then closing lines with counts.
pub struct Full;

pub static FORMAT: Format = Format {
    name: "full",
    about: "for people: each finding with its lines",
    notes: "the default",
    is_document: false,
    has_keys: false,
    delivery: Delivery::Streamed(&Full),
};

impl Stream for Full {
    fn between(&self) -> &'static str {
        "\n"
    }

    fn lists_unjudged(&self, render_options: &RenderOptions) -> bool {
        render_options.verbose
    }

    fn grouped(
        &self,
        report: &FileReport<'_>,
        render_options: &RenderOptions,
    ) -> Option<GroupedFindings> {
        if render_options.verbose {
            return None;
        }
        let text = match report.findings.len() > MOST {
            true => String::new(),
            false => self.file(report, render_options),
        };
        let mut page = Page::new(report, render_options);
        let mut grouped = GroupedFindings::file(text, page.others());
        let folder = match report
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            Some(folder) => printable::path(folder),
            None => ".".to_owned(),
        };
        for finding in report.findings {
            let mut counts = Counts::default();
            counts.add(finding);
            let key = Key {
                severity: Reverse(finding.severity),
                rule: finding.rule.to_string(),
                message: finding.message.clone(),
            };
            grouped.add(key, &folder, &counts, || match is_short(finding) {
                true => page.short(finding),
                false => page.block(finding),
            });
        }
        Some(grouped)
    }

    fn file(&self, report: &FileReport<'_>, render_options: &RenderOptions) -> String {
        let mut page = Page::new(report, render_options);
        let fixed = page.fixed_lines();
        let (short, long): (Vec<&Finding>, Vec<&Finding>) = report
            .findings
            .iter()
            .partition(|finding| is_short(finding));
        let blocks: Vec<String> = long.iter().map(|finding| page.block(finding)).collect();
        let short: String = short.iter().map(|finding| page.short(finding)).collect();
        let problems = page.problem_lines();
        let listed = report
            .unjudged
            .iter()
            .filter(|_| self.lists_unjudged(render_options));
        let unjudged: String = listed.map(|one| page.unjudged(one)).collect();
        let parts = [fixed, blocks.join("\n"), short, problems, unjudged];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("\n")
    }

    fn end(&self, summary: &Summary, render_options: &RenderOptions, _: &RuleSet) -> String {
        summary::lines(summary, render_options)
    }
}

fn is_short(finding: &Finding) -> bool {
    finding.mention || finding.severity == Severity::Info || finding.labels.is_empty()
}

/// One file that is being rendered.
struct Page<'r> {
    report: &'r FileReport<'r>,
    render_options: &'r RenderOptions,
    path: String,
    places: Places<'r>,
    miette: GraphicalReportHandler,
    width: usize,
}

impl<'r> Page<'r> {
    fn new(report: &'r FileReport<'r>, render_options: &'r RenderOptions) -> Self {
        let theme = match render_options.color {
            true => GraphicalTheme::unicode(),
            false => GraphicalTheme::unicode_nocolor(),
        };
        let width = render_options.width.max(NARROWEST);
        // The text is wrapped already, so that references stay whole. Only the rule's id is a link.
        let miette = GraphicalReportHandler::new_themed(theme)
            .with_width(width)
            .with_wrap_lines(false)
            .with_links(render_options.hyperlinks)
            .with_urls(render_options.hyperlinks)
            .with_link_display_text("")
            .without_syntax_highlighting();
        Self {
            report,
            render_options,
            path: printable::path(report.path),
            places: Places::new(report),
            miette,
            width,
        }
    }

    fn place(&self, position: Position) -> String {
        format!("{}:{}:{}", self.path, position.line, position.column)
    }

    fn at(&mut self, offset: usize) -> String {
        let position = self.places.at(offset);
        self.place(position)
    }

    fn prose(&self, indent: usize) -> usize {
        self.width.min(PROSE).saturating_sub(indent)
    }

    fn fixed_lines(&self) -> String {
        let fixed = self.report.fixed.iter();
        fixed.map(|fixed| self.fixed(fixed)).collect()
    }

    fn problem_lines(&mut self) -> String {
        let problems = self.report.problems.iter();
        problems.map(|problem| self.problem(problem)).collect()
    }

    /// Lines that are not about findings.
    fn others(&mut self) -> String {
        self.fixed_lines() + &self.problem_lines()
    }

    /// Draws a finding with its lines.
    fn block(&mut self, finding: &Finding) -> String {
        let snippet = Snippet::new(&mut self.places, &self.path, &finding.labels, self.width);
        let shown = Drawn {
            severity: Some(finding.severity),
            code: Some(code(finding)),
            message: wrap(&printable::line(&finding.message), self.prose(4)).join("\n"),
            help: Some(self.help(finding)),
            url: finding
                .url
                .as_deref()
                .map(|url| printable::line(url).into_owned()),
            snippet: Some(snippet),
        };
        let mut drawn = String::new();
        match self.miette.render_report(&mut drawn, &shown) {
            Ok(()) => drawn
                .lines()
                .map(|line| format!("{}\n", line.trim_end()))
                .collect(),
            Err(_) => self.short(finding),
        }
    }

    /// The help text of a finding: the move, how far the fix can be trusted, and where to read more.
    fn help(&self, finding: &Finding) -> String {
        let mut lines = Vec::new();
        let width = self.prose(8);
        if let Some((old, new)) = moved(finding) {
            let target = Color::Green.on(&new, self.render_options.color);
            match old.chars().count() + new.chars().count() + 3 <= width {
                true => lines.push(format!("{old} → {target}")),
                false => lines.extend([old, format!("→ {target}")]),
            }
        }
        let (marker, color) = marker(finding, self.render_options);
        let mut trust = wrap(&with_reason(marker, finding, self.render_options), width);
        if let Some(first) = trust.first_mut() {
            *first = first.replacen(marker, &color.on(marker, self.render_options.color), 1);
        }
        lines.extend(trust);
        for related in &finding.related {
            lines.extend(wrap(&reported(related), width));
        }
        for note in notes(finding) {
            lines.extend(wrap(&printable::line(note), width));
        }
        let url = finding
            .url
            .as_deref()
            .filter(|_| !self.render_options.hyperlinks);
        lines.extend(url.map(|url| printable::line(url).into_owned()));
        lines.join("\n")
    }

    /// A finding in two lines: what and where, then the reason or the message.
    fn short(&mut self, finding: &Finding) -> String {
        let place = self.at(finding.span().start);
        let what = match moved(finding) {
            Some((old, new)) => {
                format!(
                    "{old} → {}",
                    Color::Green.on(&new, self.render_options.color)
                )
            }
            None => finding
                .beside_message()
                .map_or_else(String::new, |old| printable::line(old).into_owned()),
        };
        let verb = if finding.mention { "mentions " } else { "" };
        let why = match &finding.reason {
            Some(reason) if finding.mention => reason.clone(),
            _ if finding.mention => finding.message.clone(),
            _ => format!(
                "{}; {}",
                finding.message,
                with_reason(
                    marker(finding, self.render_options).0,
                    finding,
                    self.render_options
                )
            ),
        };
        let color = Color::of(finding.severity);
        let code = self.linked(
            finding,
            &color.on(&code(finding), self.render_options.color),
        );
        let place = Color::Bold.on(&place, self.render_options.color);
        let mut why = wrap(&printable::line(&why), self.prose(4));
        for related in &finding.related {
            why.extend(wrap(&reported(related), self.prose(4)));
        }
        for note in notes(finding) {
            why.extend(wrap(&printable::line(note), self.prose(4)));
        }
        format!(
            "{}\n  ☞ {}\n",
            format!("{code} {place} {verb}{what}").trim_end(),
            why.join("\n    ")
        )
    }

    fn fixed(&self, fixed: &Fixed) -> String {
        let Fixed { finding, position } = fixed;
        let place = self.place(*position);
        let done = Color::Green.on("fixed", self.render_options.color);
        let rule = self.linked(finding, &printable::line(&finding.rule));
        let within = written_in(finding);
        match moved(finding) {
            Some((old, new)) => format!("{done} {place} {rule} {old} → {new}{within}\n"),
            None => format!(
                "{done} {place} {rule} {}{within}\n",
                printable::line(&finding.old).trim_end()
            ),
        }
    }

    fn problem(&mut self, problem: &Problem) -> String {
        let place = match problem.offset {
            Some(offset) => self.at(offset),
            None => self.path.clone(),
        };
        let color = Color::of_problem(problem.fatal);
        let word = color.on("problem", self.render_options.color);
        format!("{place}: {word}: {}\n", printable::line(&problem.message))
    }

    fn unjudged(&mut self, one: &Unjudged) -> String {
        let place = self.at(one.span.start);
        let word = Color::Yellow.on("not judged", self.render_options.color);
        let named = unjudged(self.report.lines.text(), one);
        format!("{place}: {word}: {named}\n")
    }

    /// Makes the text a link to more information, on terminals that support links.
    fn linked(&self, finding: &Finding, text: &str) -> String {
        match finding
            .url
            .as_deref()
            .filter(|_| self.render_options.hyperlinks)
        {
            Some(url) => format!("\x1b]8;;{}\x1b\\{text}\x1b]8;;\x1b\\", printable::line(url)),
            None => text.to_owned(),
        }
    }
}

/// The line about another location related to a finding.
fn reported(related: &Related) -> String {
    format!(
        "see {}: {}",
        printable::line(&related.shown_place()),
        printable::line(&related.text)
    )
}

/// For example `warning[k8s-gcr-io]`.
fn code(finding: &Finding) -> String {
    format!(
        "{}[{}]",
        finding.severity.name(),
        printable::line(&finding.rule)
    )
}

/// The reference before and after.
fn moved(finding: &Finding) -> Option<(String, String)> {
    let new = finding.new.as_deref()?;
    Some((
        printable::line(&finding.old).into_owned(),
        printable::line(new).into_owned(),
    ))
}

/// The trust in a fix, and the flags needed to write it.
fn marker(finding: &Finding, render_options: &RenderOptions) -> (&'static str, Color) {
    let Some(fix) = &finding.fix else {
        return ("no fix", Color::Red);
    };
    let refused = refused(finding, render_options);
    match fix.applicability {
        Applicability::Safe if refused => ("safe fix, not written", Color::Red),
        Applicability::Safe => ("safe fix", Color::Green),
        Applicability::Unsafe if refused => ("fix that needs review, not written", Color::Red),
        Applicability::Unsafe if render_options.limit > Applicability::Unsafe => {
            ("needs review (--write --unsafe-fixes)", Color::Yellow)
        }
        Applicability::Unsafe => ("needs review", Color::Yellow),
        Applicability::Display => ("suggestion only", Color::Yellow),
    }
}

/// Whether the run writes fixes and should have written this one.
fn refused(finding: &Finding, render_options: &RenderOptions) -> bool {
    let wanted = finding.fix.as_ref().is_some_and(|fix| {
        fix.applicability >= render_options.limit && fix.applicability.is_written()
    });
    render_options.write && wanted
}

fn with_reason(marker: &str, finding: &Finding, render_options: &RenderOptions) -> String {
    let marker = format!("{marker}{}", written_in(finding));
    match finding.reason.as_deref() {
        Some(reason) => format!("{marker}: {}", printable::line(reason)),
        None if refused(finding, render_options) => {
            format!("{marker}: the message on standard error says why")
        }
        None => marker,
    }
}

/// Answers of registries, and further notes.
fn notes(finding: &Finding) -> impl Iterator<Item = &String> {
    let verified = finding.verified.iter().map(|verified| &verified.text);
    verified.chain(&finding.notes)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{LOOK, Sample, finding, make_mention, make_shared, make_unsafe};
    use super::*;

    fn show(sample: &Sample, render_options: &RenderOptions) -> String {
        sample.show(&Full, "a.yaml", render_options)
    }

    #[test]
    fn a_finding_has_its_lines_the_move_and_where_to_read_more() {
        let sample = Sample::new("a: 1\nimage: k8s.gcr.io/pause:3.9\nb: 2\nc: 3\n");
        let expected = "\
warning[k8s-gcr-io]

  ⚠ k8s.gcr.io is frozen; use registry.k8s.io
   ╭─[a.yaml:2:8]
 1 │ a: 1
 2 │ image: k8s.gcr.io/pause:3.9
   ·        ────────────────────
 3 │ b: 2
   ╰────
  help: k8s.gcr.io/pause:3.9 → registry.k8s.io/pause:3.9
        safe fix
        https://example.com/freeze
";
        assert_eq!(
            show(&sample.finding("k8s.gcr.io/pause:3.9"), &LOOK),
            expected
        );
    }

    #[test]
    fn both_scalars_of_a_split_reference_are_labelled() {
        let text = "flow: {registry: k8s.gcr.io, repository: pause}\n";
        let pieces = [(17, "k8s.gcr.io", "registry"), (41, "pause", "path")];
        let shown = show(
            &Sample::new(text).push(finding(&pieces, "k8s.gcr.io/pause")),
            &LOOK,
        );
        let expected = "\
   ╭─[a.yaml:1:18]
 1 │ flow: {registry: k8s.gcr.io, repository: pause}
   ·                  ─────┬────              ──┬──
   ·                       │                    ╰── path
   ·                       ╰── registry
   ╰────
";
        assert!(shown.contains(expected), "{shown}");
    }

    #[test]
    fn related_places_stand_below_the_move() {
        let sample = Sample::new("image: k8s.gcr.io/pause\n")
            .finding("k8s.gcr.io/pause")
            .with(make_shared);
        let related = "        safe fix\n        see x-1.tgz!x/values.yaml:3:4: the default\n";
        assert!(show(&sample, &LOOK).contains(related));
        let hint = sample.with(|finding| finding.severity = Severity::Info);
        let related = "; safe fix\n    see x-1.tgz!x/values.yaml:3:4: the default\n";
        let shown = show(&hint, &LOOK);
        assert!(shown.ends_with(related), "{shown}");
    }

    #[test]
    fn the_marker_says_what_it_takes() {
        let text = "image: k8s.gcr.io/pause\n";
        let safe = || Sample::new(text).finding("k8s.gcr.io/pause");
        let open = safe().with(make_unsafe);
        let none = safe().with(|finding| {
            finding.fix = None;
            finding.new = None;
            finding.url = None;
            finding.reason = Some("it is gone".to_owned());
        });
        let shown_only = safe().with(|finding| {
            finding.fix.as_mut().unwrap().applicability = Applicability::Display;
        });
        let write = RenderOptions {
            write: true,
            ..LOOK
        };
        let any = RenderOptions {
            limit: Applicability::Unsafe,
            ..LOOK
        };
        let cases = [
            (&safe(), LOOK, "        safe fix\n"),
            (
                &open,
                LOOK,
                "        needs review (--write --unsafe-fixes): tags may differ\n",
            ),
            (&open, any, "        needs review: tags may differ\n"),
            (
                &open,
                write,
                "        needs review (--write --unsafe-fixes): tags may differ\n",
            ),
            (&none, LOOK, "  help: no fix: it is gone\n"),
            (&shown_only, write, "        suggestion only\n"),
            (
                &safe(),
                write,
                "        safe fix, not written: the message on standard error says why\n",
            ),
        ];
        for (sample, render_options, expected) in cases {
            let shown = show(sample, &render_options);
            assert!(shown.contains(expected), "{expected}{shown}");
        }
    }

    #[test]
    fn a_move_too_long_for_the_line_takes_two_and_stays_whole() {
        let old = format!("k8s.gcr.io/{}", "long/".repeat(20) + "name");
        let text = format!("image: {old}\n");
        let shown = show(&Sample::new(&text).finding(&old), &LOOK);
        assert!(
            shown.contains(&format!("  help: {old}\n        → registry.k8s.io/long")),
            "{shown}"
        );
    }

    #[test]
    fn what_is_only_worth_knowing_takes_two_lines() {
        let text = "a: k8s.gcr.io/a\nb: k8s.gcr.io/b\nc: k8s.gcr.io/c\n";
        let sample = Sample::new(text)
            .finding("k8s.gcr.io/a")
            .with(make_mention)
            .finding("k8s.gcr.io/b")
            .finding("k8s.gcr.io/c")
            .with(|finding| finding.severity = Severity::Info);
        let shown = show(&sample, &LOOK);
        let (block, short) = shown.split_once("freeze\n\n").unwrap();
        assert!(block.contains("[a.yaml:2:4]"));
        let expected = "\
info[k8s-gcr-io] a.yaml:1:4 mentions k8s.gcr.io/a
  ☞ a link for readers
info[k8s-gcr-io] a.yaml:3:4 k8s.gcr.io/c → registry.k8s.io/c
  ☞ k8s.gcr.io is frozen; use registry.k8s.io; safe fix
";
        assert_eq!(short, expected);
    }

    #[test]
    fn what_was_fixed_and_what_went_wrong_takes_a_line_each() {
        let sample = Sample::new("a: 1\nb: k8s.gcr.io/b\n")
            .finding("k8s.gcr.io/b")
            .fixed()
            .problem(Some(5), "no \x1bend", false)
            .problem(None, "no room", true);
        let expected = "\
fixed a.yaml:2:4 k8s-gcr-io k8s.gcr.io/b → registry.k8s.io/b

a.yaml:2:1: problem: no ␛end
a.yaml: problem: no room
";
        assert_eq!(show(&sample, &LOOK), expected);
        assert_eq!(show(&Sample::new("a: 1\n"), &LOOK), "");
    }

    #[test]
    fn text_of_a_file_cannot_steer_the_terminal() {
        let text = "\u{feff}# \x1b[2J\x07 \u{202e}\r\nimage: k8s.gcr.io/\x1bx\r\n\u{9b}1m\r\n";
        let shown = show(&Sample::new(text).finding("k8s.gcr.io/\x1bx"), &LOOK);
        let steers = |char: char| char.is_control() && char != '\n' || char == '\u{202e}';
        assert!(!shown.contains(steers), "{shown:?}");
        assert!(
            shown.contains(" 1 │ # ␛[2J␇ �\n 2 │ image: k8s.gcr.io/␛x\n"),
            "{shown}"
        );
        let path = Sample::new(text)
            .finding("k8s.gcr.io/\x1bx")
            .show(&Full, "a\x1b\n.yaml", &LOOK);
        assert!(path.contains("[\"a\\033\\n.yaml\":2:8]"), "{path}");
    }

    #[test]
    fn colour_and_links_only_where_asked_for() {
        let sample = Sample::new("image: k8s.gcr.io/pause\n").finding("k8s.gcr.io/pause");
        assert!(!show(&sample, &LOOK).contains('\x1b'));
        let color = RenderOptions {
            color: true,
            ..LOOK
        };
        let colored = show(&sample, &color);
        assert!(
            colored.contains("\x1b[33mwarning[k8s-gcr-io]\x1b[0m"),
            "{colored:?}"
        );
        assert!(colored.contains("\x1b[32msafe fix\x1b[0m"), "{colored:?}");
        assert!(colored.contains("        https://example.com/freeze\n"));
        let links = RenderOptions {
            hyperlinks: true,
            ..LOOK
        };
        let linked = show(&sample, &links);
        let link = "\x1b]8;;https://example.com/freeze\x1b\\warning[k8s-gcr-io]";
        assert!(linked.starts_with(link), "{linked:?}");
        assert_eq!(
            linked.matches("freeze").count(),
            1,
            "the link is not shown twice"
        );
        let mention = show(&sample.with(make_mention), &links);
        assert!(
            mention.starts_with("\x1b]8;;https://example.com/freeze\x1b\\info[k8s-gcr-io]\x1b]8;;")
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let filler = "x".repeat(100);
        let text = format!(
            "# {filler}\n  deep: {{{filler}: k8s.gcr.io/pause:3.9, {filler}: 雪{filler}}}\n"
        );
        let sample = Sample::new(&text)
            .finding("k8s.gcr.io/pause:3.9")
            .with(|finding| {
                finding.message = "some words to be shown here ".repeat(9);
                finding.reason = Some("some words to be shown here ".repeat(9));
            });
        for width in [0, 40, 60, 80, 200] {
            let shown = show(&sample, &RenderOptions { width, ..LOOK });
            let widest = shown.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(width.max(NARROWEST)), "{width}:\n{shown}");
            assert!(shown.contains("k8s.gcr.io/pause:3.9"));
            assert_eq!(shown.lines().find(|line| line.ends_with(' ')), None);
        }
    }

    #[test]
    fn many_findings_in_one_long_line_cost_no_more_than_in_many() {
        let item = "{\"name\":\"c\",\"image\":\"k8s.gcr.io/pause:3.9\"},";
        let text = item.repeat(20_000);
        let offsets = (0..5_000).map(|index| index * 4 * item.len() + 21);
        let mut sample = Sample::new(&text);
        for at in offsets {
            let pieces = [(at, "k8s.gcr.io/pause:3.9", "")];
            sample = sample.push(finding(&pieces, "k8s.gcr.io/pause:3.9"));
        }
        let shown = show(&sample, &LOOK);
        let last = format!("[a.yaml:1:{}]", 4_999 * 4 * item.len() + 22);
        assert!(shown.contains(&last), "no {last}");
        assert!(shown.len() < 5_000 * 1_000);
    }
}
