//! Parses ignore comments: `regfix: ignore[rule, ...] until=2027-01-31 reason` and `regfix: ignore-file[...]`.
//!
//! Knows their syntax and their spans, not what they suppress.

use jiff::civil::Date;

use crate::finding::{IGNORE_EXPIRED, IGNORE_UNUSED};
use crate::printable::excerpt;
use crate::rules::select::{Names, Selector, nearest};
use crate::search::{self, OWN_NAME};
use crate::source::Span;

/// One ignore comment, or an attempt at one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directive {
    /// From the sign that opens it (`#`, `//`, `{{/*`) to its last character.
    pub(super) span: Span,
    /// The comment that it is in.
    pub(super) comment: Span,
    pub(super) whole_file: bool,
    /// The text between the brackets, if there are any.
    pub(super) list: Option<Span>,
    pub(super) rules: Vec<Named>,
    /// The last day on which it applies.
    pub(super) until: Option<Date>,
    /// What is wrong with it, and where.
    pub(super) faults: Vec<(Span, String)>,
}

/// A rule name in a directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) span: Span,
    /// `None` if no rule has the name.
    pub(super) selector: Option<Selector>,
    pub(super) used: bool,
}

/// Returns the directives of a comment, in order.
pub(super) fn directives(text: &str, comment: Span, names: &Names) -> Vec<Directive> {
    let whole = comment.of(text);
    let mut named = search::own_names(whole.as_bytes()).peekable();
    if named.peek().is_none() {
        return Vec::new();
    }
    let lead = whole.len()
        - whole
            .trim_start_matches(['{', '-', '#', '/', '*', ' ', '\t', '\r', '\n'])
            .len();
    let lead = comment.start + lead;
    let hits = named.filter_map(|at| {
        let after = comment.start + at + OWN_NAME.len();
        let opener = opener(text, comment, lead, comment.start + at)?;
        is_directive(&text[after..comment.end]).then_some((opener, after))
    });
    let hits: Vec<(usize, usize)> = hits.collect();
    let ends = hits
        .iter()
        .skip(1)
        .map(|(opener, _)| *opener)
        .chain([comment.end]);
    let found = hits.iter().zip(ends).map(|((opener, after), limit)| {
        let end = *after + line_of(&text[*after..limit]).trim_end().len();
        directive(text, comment, Span::new(*opener, end), *after, names)
    });
    found.collect()
}

/// Returns the offset of the comment sign before `at`, or of the comment itself if nothing else precedes `at`. `None` if
/// there is other text before it. Looks back no further than that sign, because a comment may be long and name regfix often.
fn opener(text: &str, comment: Span, lead: usize, at: usize) -> Option<usize> {
    let before = text[comment.start..at].trim_end_matches([' ', '\t']);
    let sign = before.trim_end_matches(['#', '/', '*']);
    let opened = sign.len() < before.len()
        && (sign.is_empty() || sign.ends_with([' ', '\t', '\n', '{', '-']));
    let alone = before.is_empty() || before.ends_with('\n');
    match opened || alone {
        true if at <= lead => Some(comment.start),
        true => Some(comment.start + sign.len()),
        false => None,
    }
}

/// Words that regfix and other tools use for ignore comments. If one of them follows the name, a directive was meant.
const VERBS: [&str; 11] = [
    "ignore",
    "ignore-file",
    "ignore-line",
    "ignore-next-line",
    "disable",
    "disable-file",
    "disable-line",
    "disable-next-line",
    "noqa",
    "skip",
    "suppress",
];

/// Characters between the name and the word if the colon is missing.
const JOINTS: [char; 4] = ['-', '_', '.', '/'];

/// Whether the text after the name makes it a directive, even a broken one, and not prose.
fn is_directive(after: &str) -> bool {
    if after.trim_start_matches([' ', '\t']).starts_with(':') {
        return true;
    }
    let (verb, rest) = without_colon(after);
    let ends = rest.is_empty() || rest.starts_with(['[', '\r', '\n']);
    // Prose does not join the two, so other text may follow.
    let goes_on = after.starts_with(JOINTS) && rest.starts_with([':', ' ', '\t', '=', '(']);
    (ends || goes_on) && VERBS.contains(&verb)
}

/// Returns the word after the name, if no colon follows, and the rest.
fn without_colon(after: &str) -> (&str, &str) {
    let blanks = [' ', '\t'];
    let separated = after.starts_with(blanks) || after.starts_with(JOINTS);
    let after = match after.strip_prefix(JOINTS) {
        Some(after) => after,
        None => after.trim_start_matches(blanks),
    };
    let is_of_word = |letter: char| letter.is_ascii_alphabetic() || letter == '-';
    let rest = after.trim_start_matches(is_of_word);
    match separated {
        true => (&after[..after.len() - rest.len()], rest),
        false => ("", after),
    }
}

/// Returns the rest of the line, up to another comment or the end of a template's comment.
fn line_of(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    let closed = ["*/", "#}", " # "]
        .iter()
        .filter_map(|close| line.find(close))
        .min();
    &line[..closed.unwrap_or(line.len())]
}

fn directive(text: &str, comment: Span, span: Span, after: usize, names: &Names) -> Directive {
    let mut directive = Directive {
        span,
        comment,
        whole_file: false,
        list: None,
        rules: Vec::new(),
        until: None,
        faults: Vec::new(),
    };
    if let Err(why) = directive.read(text, after, names) {
        directive.rules.clear();
        directive.faults = vec![(span, format!("not an ignore comment: {why}"))];
    }
    directive
}

impl Directive {
    /// Whether its last day is before `today`.
    pub(super) fn is_over(&self, today: Date) -> bool {
        self.until.is_some_and(|until| until < today)
    }

    /// Reads what follows the name.
    fn read(&mut self, text: &str, after: usize, names: &Names) -> Result<(), String> {
        let end = self.span.end;
        let rest = text[after..end].trim_start();
        let Some(rest) = rest.strip_prefix(':') else {
            let verb = match without_colon(&text[after..end]) {
                (verb, _) if verb.ends_with("-file") => "ignore-file",
                _ => "ignore",
            };
            return Err(format!("a colon is missing: write `regfix: {verb}[...]`"));
        };
        let rest = rest.trim_start();
        let tail = rest.trim_start_matches(|letter: char| {
            letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')
        });
        let verb = rest[..rest.len() - tail.len()].to_ascii_lowercase();
        self.whole_file = match verb.as_str() {
            "ignore" => false,
            "ignore-file" => true,
            "" => {
                return Err("write `ignore[...]` or `ignore-file[...]` after the colon".to_owned());
            }
            verb => {
                let of_line = verb.contains("line").then_some("ignore");
                let near = of_line.or_else(|| nearest(verb, ["ignore", "ignore-file"]));
                let near = near.unwrap_or("ignore` or `ignore-file");
                return Err(format!("`{}` should be `{near}`", excerpt(verb)));
            }
        };
        let list = tail.trim_start();
        if !list.starts_with('[') {
            return self.read_bare(tail, names);
        }
        let start = end - list.len() + 1;
        let Some(length) = list[1..].find(']') else {
            return Err("the `]` is missing".to_owned());
        };
        self.list = Some(Span::new(start, start + length));
        self.until = until(&list[length + 2..])?;
        self.read_list(text, Span::new(start, start + length), names)
    }

    /// Reads a directive without brackets, which stands for all rules. Text that looks like a rule name is not accepted as a
    /// reason, because that mistake would widen the ignore.
    fn read_bare(&mut self, tail: &str, names: &Names) -> Result<(), String> {
        let first = tail.split_whitespace().next().unwrap_or_default();
        let first =
            first.trim_matches(|letter: char| !letter.is_ascii_alphanumeric() && letter != '*');
        if names.contains(first) || first.ends_with("-*") {
            return Err(format!(
                "put rule names in brackets: `[{}]`",
                excerpt(first)
            ));
        }
        if !tail.is_empty() && !tail.starts_with([' ', '\t']) {
            return Err("put rule names in brackets, and the reason after a space".to_owned());
        }
        self.until = until(tail)?;
        self.rules.push(Named {
            span: self.span,
            selector: Some(Selector::All),
            used: false,
        });
        Ok(())
    }

    fn read_list(&mut self, text: &str, list: Span, names: &Names) -> Result<(), String> {
        let mut at = list.start;
        for piece in list.of(text).split(',') {
            let name = piece.trim();
            let start = at + (piece.len() - piece.trim_start().len());
            at += piece.len() + 1;
            if name.is_empty() {
                continue;
            }
            let span = Span::new(start, start + name.len());
            let resolved = resolve(name, names);
            if let Err(why) = &resolved {
                self.faults.push((span, why.clone()));
            }
            self.rules.push(Named {
                span,
                selector: resolved.ok(),
                used: false,
            });
        }
        match self.rules.is_empty() {
            true => Err("there is no rule between the brackets".to_owned()),
            false => Ok(()),
        }
    }
}

/// Returns the date after `until=`, which may be anywhere in the reason. A misspelt one is an error: as a part of the reason
/// it would make an ignore without an end.
pub(super) fn until(reason: &str) -> Result<Option<Date>, String> {
    let mut words = reason.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let head = word.get(..5).unwrap_or_default();
        if !head.eq_ignore_ascii_case("until") {
            continue;
        }
        let Some(written) = word[5..].strip_prefix('=') else {
            let rest = word[5..].trim_start_matches([':', '-']);
            let next = words.peek().copied().unwrap_or_default();
            let meant = if rest.is_empty() { next } else { rest };
            match meant.starts_with(|letter: char| letter.is_ascii_digit()) && meant.contains('-') {
                true => return Err(format!("write the date as `until={}`", excerpt(meant))),
                false => continue,
            }
        };
        let day = written.trim_end_matches([',', ';', '.', ':', ')']);
        let date = day
            .parse::<Date>()
            .ok()
            .filter(|_| day.len() == "2027-01-31".len());
        return match date {
            Some(date) => Ok(Some(date)),
            None => Err(format!(
                "`{}` is not a date: write it like `until=2027-01-31`",
                excerpt(day)
            )),
        };
    }
    Ok(None)
}

fn resolve(name: &str, names: &Names) -> Result<Selector, String> {
    if [IGNORE_UNUSED, IGNORE_EXPIRED].contains(&name) {
        return Err(format!(
            "a comment cannot ignore `{name}`: remove the comment that it reports"
        ));
    }
    names
        .resolve(name)
        .map_err(|unknown| match unknown.nearest {
            Some(near) => format!("{}; did you mean `{near}`?", unknown.message),
            None => unknown.message,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Directive> {
        let ids = ["bitnami-latest", "k8s-gcr-io", "unused-ignore"];
        let names = Names::new(ids.map(|id| (id.to_owned(), true)));
        directives(text, Span::new(0, text.len()), &names)
    }

    #[track_caller]
    fn check(text: &str, whole_file: bool, rules: &[&str]) {
        let found = all(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        let named: Vec<_> = found[0]
            .rules
            .iter()
            .map(|named| named.span.of(text))
            .collect();
        assert_eq!(named, rules, "{text}");
        assert_eq!(
            (found[0].whole_file, &found[0].faults),
            (whole_file, &Vec::new()),
            "{text}"
        );
    }

    #[test]
    fn spellings() {
        check("# regfix: ignore[k8s-gcr-io]", false, &["k8s-gcr-io"]);
        check(
            "#regfix:ignore[ k8s-gcr-io ,bitnami-*, ] until #42",
            false,
            &["k8s-gcr-io", "bitnami-*"],
        );
        check("## RegFix :  Ignore [all]: reason", false, &["all"]);
        check(
            "# regfix: ignore-file[k8s-gcr-io] mirrored",
            true,
            &["k8s-gcr-io"],
        );
        check("// regfix: ignore[k8s-gcr-io]", false, &["k8s-gcr-io"]);
        check(
            "{{/* regfix: ignore[k8s-gcr-io] */}}",
            false,
            &["k8s-gcr-io"],
        );
        check(
            "{{- /*regfix: ignore[k8s-gcr-io]*/ -}}",
            false,
            &["k8s-gcr-io"],
        );
        check(
            "{{/*\n  Why so.\n  regfix: ignore-file[k8s-gcr-io]\n*/}}",
            true,
            &["k8s-gcr-io"],
        );
        check("{# regfix: ignore[k8s-gcr-io] #}", false, &["k8s-gcr-io"]);
        check(
            "# yamllint disable-line # regfix: ignore[k8s-gcr-io]",
            false,
            &["k8s-gcr-io"],
        );
        check("# image: x # regfix: ignore", false, &["# regfix: ignore"]);
    }

    #[test]
    fn bare_ones_mean_any_rule() {
        for text in [
            "# regfix: ignore",
            "# regfix: ignore we mirror it",
            "{{/* regfix: ignore-file */}}",
        ] {
            let found = all(text);
            assert_eq!(found[0].rules[0].selector, Some(Selector::All), "{text}");
            assert!(found[0].list.is_none() && found[0].faults.is_empty());
        }
    }

    #[test]
    fn prose_is_no_directive() {
        for text in [
            "# regfix",
            "# regfix looks after this",
            "# fixed by regfix: ignore it",
            "# see http://regfix:80/ignore",
            "# xregfix: ignore",
            "# regfix ignores this",
            "# regfix.yaml",
            "# regfix.ignore.yaml lists them",
            "# regfix-ignored",
            "# regfix-ignore-list",
            "# regfixignore",
            "# regfix skips this",
            "# regfix disable that, please",
            "# a/regfix: ignore",
            "",
        ] {
            assert_eq!(all(text), [], "{text}");
        }
    }

    #[test]
    fn broken_ones_say_what_is_wrong() {
        for (text, why) in [
            (
                "# regfix: ignroe[k8s-gcr-io]",
                "`ignroe` should be `ignore`",
            ),
            (
                "# regfix: ignore-next-line",
                "`ignore-next-line` should be `ignore`",
            ),
            (
                "# regfix: ignore_file",
                "`ignore_file` should be `ignore-file`",
            ),
            (
                "# regfix: disable[k8s-gcr-io]",
                "`disable` should be `ignore` or `ignore-file`",
            ),
            ("# regfix:", "write `ignore[...]`"),
            ("# regfix ignore[k8s-gcr-io]", "a colon is missing"),
            ("# regfix ignore-file", "write `regfix: ignore-file[...]`"),
            (
                "# regfix-ignore",
                "a colon is missing: write `regfix: ignore[...]`",
            ),
            ("# regfix-ignore: k8s-gcr-io", "a colon is missing"),
            (
                "# regfix-ignore-file[k8s-gcr-io]",
                "write `regfix: ignore-file[...]`",
            ),
            ("# regfix_ignore mirrored", "a colon is missing"),
            ("# regfix-disable-next-line", "write `regfix: ignore[...]`"),
            ("// regfix.ignore", "a colon is missing"),
            ("# regfix noqa", "a colon is missing"),
            ("# regfix: ignore[k8s-gcr-io", "the `]` is missing"),
            ("{{/* regfix: ignore[k8s-gcr-io */}}]", "the `]` is missing"),
            ("# regfix: ignore[]", "no rule between"),
            ("# regfix: ignore[ , ]", "no rule between"),
            (
                "# regfix: ignore(k8s-gcr-io)",
                "put rule names in brackets: `[k8s-gcr-io]`",
            ),
            (
                "# regfix: ignore k8s-gcr-io, later",
                "put rule names in brackets: `[k8s-gcr-io]`",
            ),
            (
                "# regfix: ignore bitnami-*",
                "put rule names in brackets: `[bitnami-*]`",
            ),
            ("# regfix: ignore, for now", "put rule names in brackets"),
        ] {
            let found = all(text);
            assert!(
                found[0].rules.is_empty() && found[0].faults[0].1.contains(why),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn an_end_is_a_day() {
        let day = |text: &str| Some(text.parse::<Date>().unwrap());
        for (text, until) in [
            (
                "# regfix: ignore[k8s-gcr-io] until=2027-01-31 why",
                day("2027-01-31"),
            ),
            (
                "# regfix: ignore[k8s-gcr-io]until=2027-01-31",
                day("2027-01-31"),
            ),
            (
                "# regfix: ignore[k8s-gcr-io] see #42, until=2028-02-29.",
                day("2028-02-29"),
            ),
            ("# regfix: ignore Until=2027-01-31", day("2027-01-31")),
            (
                "{{/* regfix: ignore-file until=2027-01-31 */}}",
                day("2027-01-31"),
            ),
            (
                "# regfix: ignore[k8s-gcr-io] until the chart is replaced",
                None,
            ),
            ("# regfix: ignore[k8s-gcr-io] until 3 teams agree", None),
            ("# regfix: ignore[k8s-gcr-io] untilä=1", None),
        ] {
            let found = all(text);
            assert_eq!(
                (found[0].until, found[0].faults.len()),
                (until, 0),
                "{text}"
            );
        }
        for (text, why) in [
            (
                "# regfix: ignore[k8s-gcr-io] until=2027-02-29",
                "`2027-02-29` is not a date",
            ),
            ("# regfix: ignore[k8s-gcr-io] until=", "`` is not a date"),
            (
                "# regfix: ignore[k8s-gcr-io] until=2027-01-31T10",
                "is not a date",
            ),
            (
                "# regfix: ignore until=31.01.2027",
                "`31.01.2027` is not a date",
            ),
            (
                "# regfix: ignore[k8s-gcr-io] until 2027-01-31",
                "`until=2027-01-31`",
            ),
            (
                "# regfix: ignore[k8s-gcr-io] until: 2027-01-31",
                "`until=2027-01-31`",
            ),
            (
                "# regfix: ignore[k8s-gcr-io] until:2027-01-31",
                "`until=2027-01-31`",
            ),
        ] {
            let found = all(text);
            assert!(
                found[0].rules.is_empty() && found[0].faults[0].1.contains(why),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn unknown_rules_spare_the_others() {
        let text = "# regfix: ignore[k8s.gcr.io, bitnami-*, unused-ignore]";
        let found = all(text);
        let known: Vec<_> = found[0]
            .rules
            .iter()
            .map(|named| named.selector.is_some())
            .collect();
        assert_eq!(known, [false, true, false]);
        let faults: Vec<_> = found[0]
            .faults
            .iter()
            .map(|(span, why)| (span.of(text), why.as_str()))
            .collect();
        assert_eq!(
            faults[0],
            (
                "k8s.gcr.io",
                "there is no rule `k8s.gcr.io`; did you mean `k8s-gcr-io`?"
            )
        );
        assert_eq!(faults[1].0, "unused-ignore");
        assert!(faults.len() == 2 && faults[1].1.contains("a comment cannot ignore"));
    }

    #[test]
    fn several_in_one_comment_end_where_the_next_begins() {
        let text = "# regfix: ignore[k8s-gcr-io] a # b # regfix: ignore-file[bitnami-*] c";
        let spans: Vec<_> = all(text).iter().map(|found| found.span.of(text)).collect();
        assert_eq!(
            spans,
            [
                "# regfix: ignore[k8s-gcr-io] a",
                "# regfix: ignore-file[bitnami-*] c"
            ]
        );
    }
}
