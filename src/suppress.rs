//! Ignore comments: which findings they suppress, and which of them suppress nothing.
//!
//! `# regfix: ignore[rule]` applies to its own line or, if it is alone there, to the next line with code or a finding;
//! `# regfix: ignore-file[rule]` applies to the whole file. A comment that suppresses nothing, is not valid or has expired is
//! itself reported. The caller provides the comments and the date.

mod diagnostics;
mod directive;
pub mod insert;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;

use crate::finding::{Finding, Unjudged};
use crate::rules::select::Names;
use crate::search::OWN_NAME;
use crate::source::{LineIndex, Span};
use directive::{Directive, directives};

/// A word that every text with an ignore comment contains, in any case. It is used by a prefilter.
pub const MARKER: &str = OWN_NAME;

/// The findings and names that ignore comments leave and suppress.
#[derive(Debug, Default)]
pub struct Suppressed {
    /// The findings that are left, in the order of the file, and those about ignore comments.
    pub left: Vec<Finding>,
    pub suppressed: Vec<Finding>,
    /// The names that could not be judged and that no ignore comment suppresses.
    pub unjudged: Vec<Unjudged>,
}

/// Applies the ignore comments of a text.
///
/// `comments` are the comments of its syntax, each with its sign: `# ...`, `// ...`, `{{/* ... */}}`. They may overlap.
/// `findings` must be complete, mentions included, and so must `unjudged`, the names that could not be judged: otherwise an
/// ignore comment may look unused.
/// A rule name in an ignore comment is reported as unused only if all rules that it stands for take part in the run. An
/// ignore comment whose last day is before `today` no longer suppresses anything.
pub fn apply(
    text: &str,
    comments: &[Span],
    names: &Names,
    today: Date,
    findings: Vec<Finding>,
    unjudged: Vec<Unjudged>,
) -> Suppressed {
    let comments = united(text, comments);
    let found = comments
        .iter()
        .flat_map(|comment| directives(text, *comment, names));
    let found: Vec<Directive> = found.collect();
    if found.is_empty() {
        return Suppressed {
            left: findings,
            suppressed: Vec::new(),
            unjudged,
        };
    }
    let lines = LineIndex::new(text);
    let layout = Layout::new(&lines, &comments);
    let mut suppressor = Suppressor::new(&layout, found, today, &findings);
    let mut outcome = Suppressed::default();
    for finding in findings {
        let spans = finding.labels.iter().map(|label| label.span);
        match suppressor.takes(spans, &finding.rule) {
            true => outcome.suppressed.push(finding),
            false => outcome.left.push(finding),
        }
    }
    outcome.unjudged = unjudged;
    let spans = |one: &Unjudged| std::iter::once(one.span);
    (outcome.unjudged).retain(|one| !suppressor.takes(spans(one), &one.rule));
    let complaints = suppressor.directives.iter();
    let complaints =
        complaints.flat_map(|directive| diagnostics::complaints(directive, &layout, names, today));
    outcome.left.extend(complaints);
    outcome.left.sort_by_key(Finding::span);
    outcome
}

/// Sorts comments, joins those that overlap, and leaves out those that are not in the text.
fn united(text: &str, comments: &[Span]) -> Vec<Span> {
    let of_text = |span: &&Span| text.get(span.start..span.end).is_some();
    let mut sorted: Vec<Span> = comments.iter().filter(of_text).copied().collect();
    sorted.sort();
    let mut united: Vec<Span> = Vec::with_capacity(sorted.len());
    for span in sorted {
        match united.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => united.push(span),
        }
    }
    united
}

/// For each line of a text, whether it has code, and where its content begins.
struct Layout<'t> {
    lines: &'t LineIndex<'t>,
    /// For each line, whether anything but comments is on it.
    code: Vec<bool>,
    /// For each line, the offset of its first character that is not blank, or of its end.
    first: Vec<usize>,
}

impl<'t> Layout<'t> {
    fn new(lines: &'t LineIndex<'t>, comments: &[Span]) -> Self {
        let text = lines.text();
        let mut first = Vec::with_capacity(lines.count());
        let mut code = vec![false; lines.count()];
        let mut comments = comments.iter().peekable();
        for (span, code) in lines.spans().zip(&mut code) {
            let content = span.of(text);
            let blank = content.len() - content.trim_start_matches('\u{feff}').trim_start().len();
            first.push(span.start + blank);
            let mut at = span.start + blank;
            while at < span.end {
                while comments.next_if(|comment| comment.end <= at).is_some() {}
                let comment = comments.peek().filter(|comment| comment.start < span.end);
                let stop = comment.map_or(span.end, |comment| comment.start.max(at));
                *code |= !text[at..stop].trim_start().is_empty();
                at = comment.map_or(span.end, |comment| comment.end);
            }
        }
        Self { lines, code, first }
    }

    /// Whether only blanks are before `offset` on its line.
    fn opens_line(&self, offset: usize) -> bool {
        offset <= self.first[self.lines.line(offset)]
    }
}

/// A line, or `None` for the whole file.
type Scope = Option<usize>;

struct Suppressor<'l> {
    lines: &'l LineIndex<'l>,
    directives: Vec<Directive>,
    today: Date,
    /// The directives that apply to a line or to the whole file.
    by_place: HashMap<Scope, Vec<usize>>,
    /// Results so far, because a rule may have many findings on one line, and a line many directives.
    decided: HashMap<(Scope, Arc<str>), bool>,
}

impl<'l> Suppressor<'l> {
    fn new(
        layout: &Layout<'l>,
        directives: Vec<Directive>,
        today: Date,
        findings: &[Finding],
    ) -> Self {
        let lines = layout.lines;
        let mut speaking = layout.code.clone();
        for finding in findings {
            let spans = finding.labels.iter().map(|label| label.span);
            lines_of(spans, lines).for_each(|line| speaking[line] = true);
        }
        let next = next_speaking(&speaking);
        let mut by_place: HashMap<Scope, Vec<usize>> = HashMap::new();
        for (index, directive) in directives.iter().enumerate() {
            let mut about = |place: Scope| by_place.entry(place).or_default().push(index);
            if directive.whole_file {
                about(None);
                continue;
            }
            let own = lines.line(directive.span.start);
            let alone = layout.opens_line(directive.span.start) && !layout.code[own];
            if alone {
                // Its reason may name a registry, which is a finding on its own line.
                about(Some(own));
            }
            if let Some(line) = next.get(own + usize::from(alone)).copied().flatten() {
                about(Some(line));
            }
        }
        Self {
            lines,
            directives,
            today,
            by_place,
            decided: HashMap::new(),
        }
    }

    /// Whether a directive suppresses a finding of a rule at some spans. Marks all that do as used, and also those that
    /// would if they had not expired.
    fn takes(&mut self, spans: impl Iterator<Item = Span>, rule: &Arc<str>) -> bool {
        let lines = self.lines;
        let mut taken = false;
        for place in std::iter::once(None).chain(lines_of(spans, lines).map(Some)) {
            taken |= self.decide(place, rule);
        }
        taken
    }

    fn decide(&mut self, place: Scope, rule: &Arc<str>) -> bool {
        let Some(here) = self.by_place.get(&place) else {
            return false;
        };
        let key = (place, Arc::clone(rule));
        if let Some(decided) = self.decided.get(&key) {
            return *decided;
        }
        let mut taken = false;
        for index in here {
            let directive = &mut self.directives[*index];
            let holds = !directive.is_over(self.today);
            for named in &mut directive.rules {
                if named
                    .selector
                    .as_ref()
                    .is_some_and(|selector| selector.matches(rule))
                {
                    named.used = true;
                    taken |= holds;
                }
            }
        }
        self.decided.insert(key, taken);
        taken
    }
}

/// The lines on which spans begin and end.
fn lines_of(spans: impl Iterator<Item = Span>, lines: &LineIndex) -> impl Iterator<Item = usize> {
    spans.flat_map(|Span { start, end }| {
        let (first, last) = (lines.line(start), lines.line(end.max(start + 1) - 1));
        std::iter::once(first).chain((last != first).then_some(last))
    })
}

/// For each line, the first line from there on that has code or a finding.
fn next_speaking(speaking: &[bool]) -> Vec<Option<usize>> {
    let mut next = vec![None; speaking.len()];
    let mut nearest = None;
    for line in (0..speaking.len()).rev() {
        if speaking[line] {
            nearest = Some(line);
        }
        next[line] = nearest;
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::{self, Applicability};
    use crate::finding::{IGNORE_UNUSED, Label, Severity};
    use crate::syntax::{template, yaml};

    fn finding(rule: &str, spans: &[Span]) -> Finding {
        let label = |span: &Span| Label::new(*span, "");
        Finding::new(
            rule,
            Severity::Warning,
            String::new(),
            spans.iter().map(label).collect(),
            String::new(),
        )
    }

    fn run(text: &str, comments: &[Span], findings: Vec<Finding>) -> Suppressed {
        let ids = [
            "bitnami-charts",
            "bitnami-latest",
            "k8s-gcr-io",
            IGNORE_UNUSED,
        ];
        // If the text names this rule, it does not take part in the run.
        let asleep = text
            .contains("helm-stable")
            .then_some(("helm-stable", false));
        let names = ids.map(|id| (id, true)).into_iter().chain(asleep);
        let names = Names::new(names.map(|(id, runs)| (id.to_owned(), runs)));
        let today = "2026-11-21".parse().unwrap();
        apply(text, comments, &names, today, findings, Vec::new())
    }

    /// Every `K` in the text is a finding of `k8s-gcr-io`, every `B` one of `bitnami-latest`. Comments are those of
    /// YAML and of templates.
    fn outcome(text: &str) -> Suppressed {
        let masked = template::mask(text, &template::actions(text), template::Mask::Lines);
        let mut comments = yaml::parse(&masked, Span::new(0, text.len())).comments;
        comments.extend(template::actions(text).iter().map(|action| action.span));
        let at = |(offset, letter): (usize, char)| match letter {
            'K' => Some(finding("k8s-gcr-io", &[Span::new(offset, offset + 1)])),
            'B' => Some(finding("bitnami-latest", &[Span::new(offset, offset + 1)])),
            _ => None,
        };
        run(
            text,
            &comments,
            text.char_indices().filter_map(at).collect(),
        )
    }

    /// Checks what is left, as `rule line: message`, and how many findings were suppressed.
    #[track_caller]
    fn check(text: &str, left: &[&str], suppressed: usize) {
        let outcome = outcome(text);
        let lines = LineIndex::new(text);
        let shown = outcome.left.iter().map(|finding| {
            let line = lines.line(finding.span().start) + 1;
            format!("{} {line}: {}", finding.rule, finding.message)
                .trim_end_matches([' ', ':'])
                .to_owned()
        });
        assert_eq!(shown.collect::<Vec<_>>(), left, "{text}");
        assert_eq!(outcome.suppressed.len(), suppressed, "{text}");
    }

    /// Checks the text after unsafe fixes.
    #[track_caller]
    fn check_fixed(text: &str, fixed: &str) {
        let outcome = outcome(text);
        let fixes = outcome
            .left
            .iter()
            .filter_map(|finding| finding.fix.as_ref());
        assert_eq!(edit::apply(text, fixes.clone(), Applicability::Safe), text);
        assert_eq!(edit::apply(text, fixes, Applicability::Unsafe), fixed);
    }

    #[test]
    fn at_the_end_of_a_line_it_is_for_that_line() {
        check(
            "a: K # regfix: ignore[k8s-gcr-io] why\nb: K\n",
            &["k8s-gcr-io 2"],
            1,
        );
        check(
            "a: K # regfix: ignore[k8s-*, bitnami-latest]\nb: [K, B] # regfix: ignore\n",
            &["unused-ignore 1: no finding of `bitnami-latest` to ignore here"],
            3,
        );
        check(
            "a: [K, B] # regfix: ignore[bitnami-latest]\r\n",
            &["k8s-gcr-io 1"],
            1,
        );
        check(
            "a: 1 # regfix: ignore[k8s-gcr-io]\nb: K\n",
            &[
                "unused-ignore 1: no finding of `k8s-gcr-io` to ignore here",
                "k8s-gcr-io 2",
            ],
            0,
        );
    }

    #[test]
    fn alone_it_is_for_the_next_line_that_says_something() {
        check(
            "# regfix: ignore[k8s-gcr-io]\na: K\nb: K\n",
            &["k8s-gcr-io 3"],
            1,
        );
        check(
            "a:\n  # regfix: ignore[k8s-gcr-io] first\n\n  # regfix: ignore[bitnami-*]\n  # prose\n  - [K, B]\n",
            &[],
            2,
        );
        check(
            "# regfix: ignore[k8s-gcr-io]\na: 1\nb: K\n",
            &[
                "unused-ignore 1: no finding of `k8s-gcr-io` to ignore here",
                "k8s-gcr-io 3",
            ],
            0,
        );
        check(
            "a: K\n# regfix: ignore\n",
            &["k8s-gcr-io 1", "unused-ignore 2: no finding to ignore here"],
            0,
        );
        check("# regfix: ignore[k8s-gcr-io] instead of K\na: K\n", &[], 2);
    }

    #[test]
    fn one_that_is_over_is_reported_and_what_it_suppressed_is_back() {
        check(
            "a: K # regfix: ignore[k8s-gcr-io] until=2026-11-21 why\n",
            &[],
            1,
        );
        check(
            "a: K # regfix: ignore[k8s-gcr-io] until=2026-11-20 why\n",
            &[
                "k8s-gcr-io 1",
                "expired-ignore 1: this ignore comment has expired; its last day was 2026-11-20",
            ],
            0,
        );
        check(
            "a: [K, B]\n# regfix: ignore-file[k8s-gcr-io] until=2026-01-01\n# regfix: ignore-file[k8s-*] why\n",
            &[
                "bitnami-latest 1",
                "expired-ignore 2: this ignore comment has expired; its last day was 2026-01-01",
            ],
            1,
        );
        check(
            "a: 1 # regfix: ignore[k8s-gcr-io] until=2026-01-01\n",
            &["unused-ignore 1: no finding of `k8s-gcr-io` to ignore here"],
            0,
        );
        check(
            "a: K # regfix: ignore[k8s-gcr-io] until=soon\n",
            &[
                "k8s-gcr-io 1",
                "unused-ignore 1: not an ignore comment: `soon` is not a date: write it like `until=2027-01-31`",
            ],
            0,
        );
        check_fixed(
            "a: K # regfix: ignore[k8s-gcr-io] until=2026-01-01 why\n",
            "a: K\n",
        );
    }

    #[test]
    fn what_is_commented_out_says_something_too() {
        check(
            "# regfix: ignore[k8s-gcr-io]\n# prose\n# image: K\nimage: K\n",
            &["k8s-gcr-io 4"],
            1,
        );
        check(
            "# image: K # regfix: ignore[k8s-gcr-io]\nimage: K\n",
            &["k8s-gcr-io 2"],
            1,
        );
        check(
            "# other: tool # regfix: ignore[k8s-gcr-io]\nimage: K\n",
            &[],
            1,
        );
    }

    #[test]
    fn comments_of_templates() {
        check(
            "a: K {{/* regfix: ignore[k8s-gcr-io] */}}\nb: K\n",
            &["k8s-gcr-io 2"],
            1,
        );
        check(
            "{{- /* regfix: ignore[k8s-gcr-io] */ -}}\na: K\nb: K\n",
            &["k8s-gcr-io 3"],
            1,
        );
        check(
            "{{/* regfix: ignore[k8s-gcr-io] */}}a: K\nb: K\n",
            &["k8s-gcr-io 2"],
            1,
        );
        check(
            "{{/*\nSome prose.\nregfix: ignore[k8s-gcr-io]\n*/}}\na: K\nb: K\n",
            &["k8s-gcr-io 6"],
            1,
        );
        check(
            "{{/* regfix: ignore-file[k8s-gcr-io] */}}\na: K\nb: [K, B]\n",
            &["bitnami-latest 3"],
            2,
        );
    }

    #[test]
    fn a_file_is_ignored_from_anywhere_in_it() {
        check(
            "a: [K, B]\n# regfix: ignore-file[bitnami-*]\nb: B\n",
            &["k8s-gcr-io 1"],
            2,
        );
        check("a: [K, B] # regfix: ignore-file generated\n", &[], 2);
        check(
            "a: K # regfix: ignore[k8s-gcr-io]\n# regfix: ignore-file[k8s-gcr-io]\n",
            &[],
            1,
        );
        check(
            "a: K\n# regfix: ignore-file[bitnami-*]\n",
            &[
                "k8s-gcr-io 1",
                "unused-ignore 2: no finding of `bitnami-*` to ignore in this file",
            ],
            0,
        );
    }

    #[test]
    fn a_finding_in_pieces_is_ignored_at_any_of_them() {
        let text =
            "a: x\nb: y # regfix: ignore[k8s-gcr-io]\nc: >\n  z\n  z\n# regfix: ignore\nd: 1\n";
        let at = |piece: &str| {
            text.find(piece)
                .map(|at| Span::new(at, at + piece.len()))
                .unwrap()
        };
        let comments = yaml::parse(text, Span::new(0, text.len())).comments;
        let mut mention = finding("k8s-gcr-io", &[at("x"), at("y")]);
        mention.mention = true;
        let findings = vec![
            mention,
            finding("k8s-gcr-io", &[at("z\n  z\n# regfix: ignore\nd")]),
        ];
        let outcome = run(text, &comments, findings);
        assert_eq!((outcome.suppressed.len(), outcome.left.len()), (2, 0));
        assert!(outcome.suppressed[0].mention);
    }

    #[test]
    fn broken_and_unknown_ones_are_reported_and_suppress_nothing() {
        check(
            "a: K # regfix: ignroe[k8s-gcr-io]\n",
            &[
                "k8s-gcr-io 1",
                "unused-ignore 1: not an ignore comment: `ignroe` should be `ignore`",
            ],
            0,
        );
        check(
            "a: K # regfix: ignore[k8s.gcr.io, k8s-gcr-io]\n",
            &["unused-ignore 1: there is no rule `k8s.gcr.io`; did you mean `k8s-gcr-io`?"],
            1,
        );
        check(
            "a: K # regfix: ignore[k8s.gcr.io]\n",
            &[
                "k8s-gcr-io 1",
                "unused-ignore 1: there is no rule `k8s.gcr.io`; did you mean `k8s-gcr-io`?",
            ],
            0,
        );
    }

    #[test]
    fn rules_that_do_not_run_are_not_called_unused() {
        check("a: 1 # regfix: ignore[helm-stable]\n", &[], 0);
        check(
            "a: 1 # regfix: ignore\n",
            &["unused-ignore 1: no finding to ignore here"],
            0,
        );
        check("a: 1 # regfix: ignore\nb: helm-stable\n", &[], 0);
        check(
            "a: 1 # regfix: ignore[helm-stable, k8s-gcr-io]\n",
            &["unused-ignore 1: no finding of `k8s-gcr-io` to ignore here"],
            0,
        );
        check_fixed(
            "a: 1 # regfix: ignore[helm-stable, k8s-gcr-io] x\n",
            "a: 1 # regfix: ignore[helm-stable] x\n",
        );
    }

    #[test]
    fn fixes_take_out_what_is_unused_and_nothing_else() {
        check_fixed(
            "a: 1 \t # regfix: ignore why\r\nb: 1\r\n",
            "a: 1\r\nb: 1\r\n",
        );
        check_fixed("a:\n  # regfix: ignore why\n  b: 1\n", "a:\n  b: 1\n");
        check_fixed("b: 1\n# regfix: ignore-file", "b: 1\n");
        check_fixed("b: 1 # prose # regfix: ignore", "b: 1 # prose");
        check_fixed("b: 1 # regfix: ignore # prose\n", "b: 1 # prose\n");
        check_fixed("# regfix: ignore # prose\nb: 1\n", "# prose\nb: 1\n");
        check_fixed(
            "b: K # regfix: ignore[bitnami-latest, k8s-gcr-io,bitnami-charts]\n",
            "b: K # regfix: ignore[k8s-gcr-io]\n",
        );
        check_fixed("  {{/* regfix: ignore */}}b: 1\n", "  b: 1\n");
        check_fixed(
            "  {{- /*\n  regfix: ignore-file\n  */}}  \nb: 1\n",
            "b: 1\n",
        );
        check_fixed("b: 1  {{/* regfix: ignore */}}\n", "b: 1\n");
        for kept in [
            "{{/* prose\nregfix: ignore\n*/}}\n",
            "{{/* regfix: ignore\nprose */}}\n",
            "# regfix: ignroe\n",
            "# regfix: ignore[k8s.gcr.io]\n",
            "# regfix: ignore[helm-stable]\n",
        ] {
            check_fixed(kept, kept);
        }
    }

    #[test]
    fn text_without_directives_is_left_alone() {
        let text = "b: K\na: K # prose\n";
        let outcome = outcome(text);
        assert_eq!((outcome.left.len(), outcome.suppressed.len()), (2, 0));
    }

    #[test]
    fn comments_may_overlap_or_be_of_another_text() {
        let text = "# a {{/* regfix: ignore-file[k8s-gcr-io] */}}\nä: K\n";
        let end = text.find('\n').unwrap();
        let spans = [
            Span::new(4, end),
            Span::new(0, end),
            Span::new(0, end),
            Span::new(900, 901),
            Span::new(0, end + 2),
        ];
        let outcome = run(
            text,
            &spans,
            vec![finding("k8s-gcr-io", &[Span::new(end + 5, end + 6)])],
        );
        assert_eq!(
            (outcome.left.len(), outcome.suppressed.len()),
            (0, 1),
            "{:?}",
            outcome.left
        );
    }

    #[test]
    fn a_byte_order_mark_is_no_text_and_stays() {
        let text = "\u{feff}# regfix: ignore\na: K\n";
        let comment = Span::new(3, text.find('\n').unwrap());
        let outcome = run(
            text,
            &[comment],
            vec![finding("k8s-gcr-io", &[Span::new(23, 24)])],
        );
        assert_eq!(outcome.suppressed.len(), 1);
        let outcome = run(text, &[comment], Vec::new());
        let fix = outcome.left[0].fix.as_ref();
        assert_eq!(
            edit::apply(text, fix, Applicability::Unsafe),
            "\u{feff}a: K\n"
        );
    }

    /// Each of these would take minutes in quadratic time.
    #[test]
    fn hostile_texts_take_linear_time() {
        let many = 40_000;
        for text in [
            format!(
                "{}a: [{}]\n",
                "# regfix: ignore\n".repeat(many),
                "K, ".repeat(many)
            ),
            format!("a: K #{}\n", " regfix: ignore #".repeat(many)),
            format!(
                "a: K # regfix: ignore[{}]\n",
                "k8s-gcr-io,nonsense,".repeat(many)
            ),
            format!("# {}\n", "regfix: ".repeat(many)),
            format!("# {}\n", "regfix".repeat(many)),
        ] {
            outcome(&text);
        }
        let comment = "{{/* regfix: ignore */}} ";
        for indent in [0, many] {
            let text = format!("{}{}\n", " ".repeat(indent), comment.repeat(many));
            let actions = template::actions(&text);
            let spans: Vec<Span> = actions.iter().map(|action| action.span).collect();
            assert_eq!(run(&text, &spans, Vec::new()).left.len(), many);
        }
    }
}
