//! The closing lines of the full report: counts of what was found, fixed and left.

use std::time::Duration;

use super::super::text::{Color, catalogues, count, left_out, listed};
use super::super::{RenderOptions, Summary, repositories, statistics};
use crate::edit::Applicability;

/// This many findings fit on a screen and need no table.
const FEW: usize = 10;

pub(super) fn lines(summary: &Summary, render_options: &RenderOptions) -> String {
    let mut lines = Vec::new();
    if summary.fixed > 0 {
        let places = count(summary.fixed, "reference");
        let files = count(summary.fixed_files, "file");
        lines.push(Color::Green.on(&format!("Fixed {places} in {files}."), render_options.color));
    }
    if summary.comments_added > 0 {
        let comments = count(summary.comments_added, "ignore comment");
        let files = count(summary.commented_files, "file");
        lines.push(Color::Green.on(
            &format!("Added {comments} in {files}."),
            render_options.color,
        ));
    }
    lines.extend(repositories::lines(
        &summary.repositories,
        render_options.color,
    ));
    lines.push(found(summary, render_options));
    match left(summary) > FEW {
        true => lines.extend(last_screen(summary, render_options)),
        false => lines.extend(fixable(summary, render_options)),
    }
    lines.extend(aside(summary, render_options));
    let several = summary.repositories.len() > 1;
    let counts = left(summary) + summary.fixed + summary.failures + usize::from(several);
    let gap = if counts > 0 { "\n" } else { "" };
    format!("{gap}{}\n", lines.join("\n"))
}

/// The counts by rule, and the next commands.
fn last_screen(summary: &Summary, render_options: &RenderOptions) -> Vec<String> {
    let mut lines = vec![String::new()];
    lines.extend(statistics::table(&summary.by_rule, render_options.color));
    lines.push(String::new());
    let commands = statistics::next_commands(
        &statistics::total(&summary.by_rule),
        summary.subject,
        render_options,
    );
    let width = commands.iter().map(|(command, _)| command.len()).max();
    let width = width.unwrap_or_default();
    for (command, what) in &commands {
        let command = Color::Bold.on(&format!("{command:width$}"), render_options.color);
        lines.push(format!("{command}  {what}"));
    }
    if commands.is_empty() {
        lines.extend(fixable(summary, render_options));
    }
    lines
}

fn left(summary: &Summary) -> usize {
    summary.errors + summary.warnings + summary.infos
}

fn found(summary: &Summary, render_options: &RenderOptions) -> String {
    let files = count(summary.files, "file");
    let time = elapsed(summary.elapsed);
    if summary.files == 0 {
        return nothing_checked(summary);
    }
    if left(summary) == 0 {
        // Legacy locations that could not be judged are counted below.
        let is_sure = summary.unjudged + summary.not_analysed == 0;
        let what = match (summary.fixed > 0, summary.failures > 0) {
            _ if summary.baselined > 0 => "No new findings",
            (true, _) if !is_sure => "No other findings",
            _ if !is_sure => "No findings",
            (true, _) => "No other legacy registry references",
            (_, true) => "No legacy registry references were found",
            _ => "No legacy registry references",
        };
        return Color::Green.on(
            &format!("{what} in {files}{time}."),
            render_options.color && summary.failures == 0 && is_sure,
        );
    }
    let counts = [
        (summary.errors, "error", Color::Red),
        (summary.warnings, "warning", Color::Yellow),
        (summary.infos, "info", Color::Cyan),
    ];
    let counts = counts.into_iter().filter(|(number, ..)| *number > 0);
    let counts: Vec<String> = counts
        .map(|(number, noun, color)| color.on(&count(number, noun), render_options.color))
        .collect();
    let verb = if render_options.write {
        "Left"
    } else {
        "Found"
    };
    let files = match summary.files_with_findings {
        all if all == summary.files => files,
        some => format!("{some} of {files}"),
    };
    format!("{verb} {} in {files}{time}.", listed(&counts))
}

/// The reason why nothing was checked. Files that were left out are counted further down.
fn nothing_checked(summary: &Summary) -> String {
    let unchanged = (summary.unchanged > 0).then(|| count(summary.unchanged, "unchanged file"));
    let unknown = (summary.unknown > 0).then(|| of_unknown_type(summary));
    let reasons: Vec<String> = unchanged.into_iter().chain(unknown).collect();
    match reasons.is_empty() {
        _ if summary.failures > 0 => "Nothing was checked.".to_owned(),
        true if left_out(summary).is_some() => "No files to check: all are left out.".to_owned(),
        true => {
            "No files to check: none were found (links and submodules are not followed).".to_owned()
        }
        false => format!("No files to check: {}.", listed(&reasons)),
    }
}

fn of_unknown_type(summary: &Summary) -> String {
    let files = count(summary.unknown, "file");
    format!("{files} of a type that regfix does not read (--all-text reads every text file)")
}

/// How many findings could be fixed, or should have been written but were not.
fn fixable(summary: &Summary, render_options: &RenderOptions) -> Option<String> {
    let any_fix = render_options.limit < Applicability::Safe;
    let (safe, more) = match any_fix {
        true => (summary.fixable + summary.unsafe_fixable, 0),
        false => (summary.fixable, summary.unsafe_fixable),
    };
    let write = if any_fix {
        "--write --unsafe-fixes"
    } else {
        "--write"
    };
    Some(match (render_options.write, safe, more) {
        (_, 0, 0) if summary.errors + summary.warnings > 0 => {
            "None has an automatic fix.".to_owned()
        }
        (_, 0, 0) => return None,
        (true, 0, more) => format!("{more} can be fixed with --write --unsafe-fixes."),
        (true, safe, 0) => format!("{} could not be written.", count_fixes(safe)),
        (true, safe, more) => format!(
            "{} could not be written; {more} more can be fixed with --write --unsafe-fixes.",
            count_fixes(safe)
        ),
        (false, 0, more) => format!("{more} can be fixed with --write --unsafe-fixes."),
        (false, safe, 0) => format!("{safe} can be fixed with {write}."),
        (false, safe, more) => {
            format!("{safe} can be fixed with {write}, {more} more with --write --unsafe-fixes.")
        }
    })
}

fn count_fixes(number: usize) -> String {
    match number {
        1 => "1 fix".to_owned(),
        _ => format!("{number} fixes"),
    }
}

/// Counts of what was left out and of what went wrong.
fn aside(summary: &Summary, render_options: &RenderOptions) -> Vec<String> {
    // A hint about what `--verbose` adds.
    let hint = |does: &str| match render_options.verbose {
        true => ".".to_owned(),
        false => format!("; --verbose {does}."),
    };
    let mut lines: Vec<String> = catalogues(summary).into_iter().collect();
    if summary.suppressed > 0 {
        lines.push(format!(
            "{} suppressed.",
            count(summary.suppressed, "finding")
        ));
    }
    if summary.baselined > 0 {
        let findings = count(summary.baselined, "known finding");
        lines.push(format!("{findings} in the baseline."));
    }
    if summary.stale > 0 {
        let what = match summary.stale {
            1 => "1 entry in the baseline is stale".to_owned(),
            stale => format!("{stale} entries in the baseline are stale"),
        };
        let line = format!("{what}; --write-baseline removes what is fixed.");
        lines.push(Color::Yellow.on(&line, render_options.color));
    }
    if summary.not_analysed > 0 {
        let files = count(summary.not_analysed, "file");
        let hint = hint("says why");
        let line = format!("{files} not fully analysed{hint}");
        lines.push(Color::Yellow.on(&line, render_options.color));
    }
    if summary.unjudged > 0 {
        let names = count(summary.unjudged, "legacy name");
        let hint = hint("lists them");
        let line = format!("{names} not judged, because nothing says how they are used{hint}");
        lines.push(Color::Yellow.on(&line, render_options.color));
    }
    if let Some(counts) = left_out(summary) {
        let hint = hint("lists them");
        lines.push(format!(
            "Not checked: {counts} (a folder counts once){hint}"
        ));
    }
    if render_options.verbose && summary.unknown > 0 && summary.files > 0 {
        lines.push(format!("Not read: {}.", of_unknown_type(summary)));
    }
    if summary.failures > 0 {
        let problems = count(summary.failures, "failure");
        let line = format!("{problems}: the run is incomplete (exit code 2).");
        lines.push(Color::Red.on(&line, render_options.color));
    }
    lines
}

/// ` (12 ms)`; empty if no time was measured.
fn elapsed(time: Duration) -> String {
    match time.as_millis() {
        0 if time.is_zero() => String::new(),
        0 => " (1 ms)".to_owned(),
        millis @ 1..1000 => format!(" ({millis} ms)"),
        _ => format!(" ({:.1} s)", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample::LOOK;
    use super::*;

    #[track_caller]
    fn check(summary: Summary, render_options: RenderOptions, expected: &str) {
        assert_eq!(lines(&summary, &render_options), expected);
    }

    fn files(files: usize) -> Summary {
        Summary {
            files,
            ..Summary::default()
        }
    }

    #[test]
    fn nothing_found_is_one_line() {
        check(
            files(3),
            LOOK,
            "No legacy registry references in 3 files.\n",
        );
        let timed = Summary {
            elapsed: Duration::from_micros(12_345),
            ..files(1)
        };
        check(
            timed,
            LOOK,
            "No legacy registry references in 1 file (12 ms).\n",
        );
        let why = "No files to check: none were found (links and submodules are not followed).\n";
        check(files(0), LOOK, why);
        let others = Summary {
            unchanged: 3,
            unknown: 1,
            ..files(0)
        };
        let why = "No files to check: 3 unchanged files and 1 file of a type that regfix does not read (--all-text \
                   reads every text file).\n";
        check(others, LOOK, why);
    }

    #[test]
    fn what_was_found_is_counted_by_severity_and_by_what_can_be_done() {
        let summary = Summary {
            files_with_findings: 2,
            errors: 1,
            warnings: 5,
            infos: 2,
            fixable: 4,
            unsafe_fixable: 1,
            suppressed: 1,
            not_analysed: 1,
            failures: 2,
            elapsed: Duration::from_millis(1_234),
            ..files(30)
        };
        let expected = "
Found 1 error, 5 warnings and 2 infos in 2 of 30 files (1.2 s).
4 can be fixed with --write, 1 more with --write --unsafe-fixes.
1 finding suppressed.
1 file not fully analysed; --verbose says why.
2 failures: the run is incomplete (exit code 2).
";
        check(summary, LOOK, expected);
    }

    #[test]
    fn what_can_be_fixed_follows_what_was_asked_for() {
        let write = RenderOptions {
            write: true,
            ..LOOK
        };
        let any = RenderOptions {
            limit: Applicability::Unsafe,
            ..LOOK
        };
        let cases = [
            (LOOK, 2, 0, Some("2 can be fixed with --write.")),
            (
                LOOK,
                0,
                2,
                Some("2 can be fixed with --write --unsafe-fixes."),
            ),
            (LOOK, 0, 0, Some("None has an automatic fix.")),
            (
                any,
                2,
                1,
                Some("3 can be fixed with --write --unsafe-fixes."),
            ),
            (
                write,
                0,
                1,
                Some("1 can be fixed with --write --unsafe-fixes."),
            ),
            (write, 1, 0, Some("1 fix could not be written.")),
            (
                write,
                2,
                1,
                Some(
                    "2 fixes could not be written; 1 more can be fixed with --write --unsafe-fixes.",
                ),
            ),
        ];
        for (render_options, safe, more, expected) in cases {
            let summary = Summary {
                warnings: 3,
                fixable: safe,
                unsafe_fixable: more,
                ..files(1)
            };
            assert_eq!(fixable(&summary, &render_options).as_deref(), expected);
        }
        assert_eq!(fixable(&files(1), &LOOK), None);
    }

    #[test]
    fn a_run_that_wrote_reports_what_it_fixed_and_left() {
        let write = RenderOptions {
            write: true,
            ..LOOK
        };
        let summary = Summary {
            fixed: 1,
            fixed_files: 1,
            ..files(2)
        };
        let expected =
            "\nFixed 1 reference in 1 file.\nNo other legacy registry references in 2 files.\n";
        check(summary.clone(), write, expected);
        let summary = Summary {
            warnings: 1,
            files_with_findings: 1,
            ..summary
        };
        let shown = lines(
            &summary,
            &RenderOptions {
                color: true,
                ..write
            },
        );
        assert!(
            shown.contains("Left \x1b[33m1 warning\x1b[0m in 1 of 2 files.\n"),
            "{shown:?}"
        );
    }
}
