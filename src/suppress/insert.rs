//! Adds ignore comments at findings, in the style of the file, and only if nothing else changes.
//!
//! Takes a text and returns edits. The caller decides which findings to ignore, and what to do with those that cannot have a
//! comment.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::Path;

use jiff::civil::Date;

use super::directive;
use crate::edit::{self, Applicability, Edit, Fix};
use crate::file_type::{self, FileType, Holds, Masks, Parser, Reading};
use crate::source::{LineIndex, Span};
use crate::syntax::yaml::Node;

/// The space between a value and a comment if no line of the file shows one: what linters ask for.
const GAP: &str = "  ";
/// Comments further away than this are aligned in a column, and their gap is not copied.
const WIDEST_GAP: usize = 4;
/// The most comments that are tried one by one if they cannot all be added together.
const MOST_TRIED: usize = 64;
/// Extensions of Go templates outside of a chart's `templates` folder.
const GO_TEMPLATES: [&str; 3] = ["gotmpl", "tmpl", "tpl"];
/// Strings that would end a comment, or begin another one.
const ENDS: [&str; 4] = ["*/", "#}", " #", "//"];

/// A finding to ignore: where it is, and its rule.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    pub at: Span,
    pub rule: &'w str,
}

/// What a comment says besides its rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    reason: String,
    /// The last day on which the comment applies.
    until: Option<Date>,
}

impl Note {
    /// # Errors
    /// If the reason would be read as something else.
    pub fn new(reason: &str, until: Option<Date>) -> Result<Self, String> {
        let reason = reason.trim();
        if reason.contains(char::is_control) || ENDS.iter().any(|end| reason.contains(end)) {
            return Err("the reason must be one line without comment signs".to_owned());
        }
        match directive::until(reason) {
            Ok(None) => Ok(Self {
                reason: reason.to_owned(),
                until,
            }),
            _ => Err(
                "the reason must not have a date in it: give the last day with --until".to_owned(),
            ),
        }
    }

    fn comment(&self, rules: &BTreeSet<&str>) -> String {
        let rules: Vec<&str> = rules.iter().copied().collect();
        let until = self
            .until
            .map_or(String::new(), |day| format!(" until={day}"));
        let text = format!(
            "regfix: ignore[{}]{until} {}",
            rules.join(", "),
            self.reason
        );
        text.trim_end().to_owned()
    }
}

/// Returns edits that add comments at findings, one for each line, in order. A finding has no edit if no comment can be
/// there: in a format without comments, or within a value of several lines.
pub fn comments(
    path: &Path,
    text: &str,
    file_type: &FileType,
    wanted: &[Wanted<'_>],
    note: &Note,
) -> Vec<Edit> {
    let masks = Masks::default();
    let before = file_type::read(text, file_type.parser, None, &masks);
    let Some(sign) = sign(path, text, file_type, &before) else {
        return Vec::new();
    };
    let lines = LineIndex::new(text);
    let mut by_line: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    for one in wanted.iter().filter(|one| one.at.end <= text.len()) {
        let rules = by_line.entry(lines.line(one.at.start)).or_default();
        rules.insert(one.rule);
    }
    let page = Page::new(&lines, &before);
    let edits: Vec<Edit> = by_line
        .iter()
        .filter_map(|(line, rules)| page.edit(*line, sign, &note.comment(rules)))
        .collect();
    let is_sound = |edits: &[Edit]| {
        let after = applied(text, edits);
        let masks = Masks::default();
        same(
            &before,
            &file_type::read(&after, file_type.parser, None, &masks),
        )
    };
    if is_sound(&edits) {
        return edits;
    }
    let mut kept = Vec::new();
    for edit in edits.into_iter().take(MOST_TRIED) {
        kept.push(edit);
        if !is_sound(&kept) {
            kept.pop();
        }
    }
    kept
}

/// How a comment is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Hash,
    /// It trims the blanks before it, so that the rendered text stays the same, byte for byte.
    GoTemplate,
}

impl Sign {
    fn around(self, comment: &str) -> String {
        match self {
            Self::Hash => format!("# {comment}"),
            Self::GoTemplate => format!("{{{{- /* {comment} */}}}}"),
        }
    }
}

/// `None` if the text cannot have comments.
fn sign(path: &Path, text: &str, file_type: &FileType, reading: &Reading<'_>) -> Option<Sign> {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    let is_of_go = || {
        GO_TEMPLATES.contains(&extension)
            || file_type.parser == Parser::Helpers
            || path.iter().any(|part| part == "templates")
    };
    let first = text.trim_start_matches('\u{feff}').trim_start();
    let is_json =
        file_type.holds == Holds::Json || first.starts_with(['{', '[']) && !first.starts_with("{{");
    match file_type.parser {
        Parser::Text => None,
        Parser::Template | Parser::Helpers if is_of_go() && !reading.actions.is_empty() => {
            Some(Sign::GoTemplate)
        }
        _ if is_json => None,
        _ => Some(Sign::Hash),
    }
}

/// A text, and where in it no comment can begin.
struct Page<'p> {
    lines: &'p LineIndex<'p>,
    /// Values and actions of several lines, in order.
    closed: Vec<Span>,
    comments: Vec<Span>,
    gap: &'p str,
}

impl<'p> Page<'p> {
    fn new(lines: &'p LineIndex<'p>, reading: &Reading<'_>) -> Self {
        let text = lines.text();
        let mut closed: Vec<Span> = reading.actions.iter().map(|action| action.span).collect();
        let mut comments = Vec::new();
        for layer in &reading.layers {
            for document in &layer.parsed.documents {
                scalars(document, &mut closed);
            }
            comments.extend(layer.parsed.comments.iter().copied());
        }
        closed.retain(|span| span.of(text).contains('\n'));
        closed.sort();
        comments.sort();
        let gap = comments.iter().find_map(|comment| gap(lines, *comment));
        Self {
            lines,
            closed,
            comments,
            gap: gap.unwrap_or(GAP),
        }
    }

    /// Returns an edit that adds a comment at the end of a line or, if the line is continued, above it.
    fn edit(&self, line: usize, sign: Sign, comment: &str) -> Option<Edit> {
        let text = self.lines.text();
        let span = self.lines.span(line);
        let content = span.of(text);
        let end = span.start + content.trim_end().len();
        let comment = sign.around(comment);
        if self.is_open(end) {
            let after = self.comments.partition_point(|one| one.start < end);
            let in_comment = after > 0 && self.comments[after - 1].end >= end;
            let gap = match sign {
                Sign::Hash if !in_comment => self.gap,
                _ => " ",
            };
            return Some(Edit::new(Span::new(end, end), format!("{gap}{comment}")));
        }
        let content = content.trim_start_matches('\u{feff}');
        let start = span.end - content.len();
        let indent = &content[..content.len() - content.trim_start().len()];
        let newline = match text[span.end..].starts_with('\r') {
            true => "\r\n",
            false => "\n",
        };
        self.is_open(start).then(|| {
            Edit::new(
                Span::new(start, start),
                format!("{indent}{comment}{newline}"),
            )
        })
    }

    /// Whether an offset is outside of all values and actions of several lines.
    fn is_open(&self, offset: usize) -> bool {
        let before = self.closed.partition_point(|span| span.start < offset);
        // Spans can be nested, such as actions within values, and the outer one begins first.
        let mut near = self.closed[..before].iter().rev().take(8);
        !near.any(|span| offset < span.end)
    }
}

/// Returns the space between a value and the comment after it. `None` if the comment is alone on its line, or far away.
fn gap<'t>(lines: &LineIndex<'t>, comment: Span) -> Option<&'t str> {
    let line = lines.start(lines.line(comment.start));
    let before = lines.text().get(line..comment.start)?;
    let value = before.trim_end_matches(' ');
    let gap = &before[value.len()..];
    (!value.trim().is_empty() && (1..=WIDEST_GAP).contains(&gap.len())).then_some(gap)
}

fn scalars(node: &Node<'_>, found: &mut Vec<Span>) {
    match node {
        Node::Scalar(scalar) => found.push(scalar.span),
        Node::Alias(_) => {}
        Node::List(list) => list.items.iter().for_each(|item| scalars(item, found)),
        Node::Map(map) => {
            for entry in &map.entries {
                scalars(&entry.key, found);
                scalars(&entry.value, found);
            }
        }
    }
}

/// Returns a text with edits applied.
pub fn applied(text: &str, edits: &[Edit]) -> String {
    let all = Fix::here(edits.to_vec(), Applicability::Safe);
    edit::apply(text, [&all], Applicability::Safe)
}

/// Whether two texts have the same values in the same order, whatever their positions.
fn same(one: &Reading<'_>, other: &Reading<'_>) -> bool {
    let all = |reading: &Reading<'_>| reading.layers.len();
    let mut layers = one.layers.iter().zip(&other.layers);
    all(one) == all(other)
        && layers.all(|(one, other)| {
            let (one, other) = (&one.parsed, &other.parsed);
            one.errors.len() == other.errors.len() && same_nodes(&one.documents, &other.documents)
        })
}

fn same_nodes(one: &[Node<'_>], other: &[Node<'_>]) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(one, other)| same_node(one, other))
}

fn same_node(one: &Node<'_>, other: &Node<'_>) -> bool {
    match (one, other) {
        (Node::Scalar(one), Node::Scalar(other)) => {
            one.value == other.value && one.style == other.style
        }
        (Node::List(one), Node::List(other)) => same_nodes(&one.items, &other.items),
        (Node::Map(one), Node::Map(other)) => {
            let mut entries = one.entries.iter().zip(&other.entries);
            one.entries.len() == other.entries.len()
                && entries.all(|(one, other)| {
                    same_node(&one.key, &other.key) && same_node(&one.value, &other.value)
                })
        }
        (Node::Alias(_), Node::Alias(_)) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "k8s.gcr.io/a";

    /// Adds a comment at each `k8s.gcr.io/a` and, for another rule, at each `docker.io/b`.
    fn commented(path: &str, text: &str, note: &Note) -> String {
        let path = Path::new(path);
        let find = |needle: &'static str, rule| {
            let hits = text.match_indices(needle);
            hits.map(move |(at, _)| Wanted {
                at: Span::new(at, at + needle.len()),
                rule,
            })
        };
        let wanted: Vec<_> = find(OLD, "k8s-gcr-io")
            .chain(find("docker.io/b", "b"))
            .collect();
        let file_type = file_type::classify(path).unwrap_or(&file_type::TEXT);
        applied(text, &comments(path, text, file_type, &wanted, note))
    }

    #[track_caller]
    fn check(path: &str, text: &str, expected: &str) {
        assert_eq!(commented(path, text, &Note::default()), expected);
    }

    #[test]
    fn a_comment_is_at_the_end_of_its_line_in_the_style_of_the_file() {
        check(
            "a.yaml",
            "image: k8s.gcr.io/a\nb: 1\n",
            "image: k8s.gcr.io/a  # regfix: ignore[k8s-gcr-io]\nb: 1\n",
        );
        check(
            "a.yaml",
            "b: 1 # one\r\nimage: k8s.gcr.io/a \r\n",
            "b: 1 # one\r\nimage: k8s.gcr.io/a # regfix: ignore[k8s-gcr-io] \r\n",
        );
        check(
            "a.yaml",
            "a: [k8s.gcr.io/a, docker.io/b]   # old",
            "a: [k8s.gcr.io/a, docker.io/b]   # old # regfix: ignore[b, k8s-gcr-io]",
        );
        let note = Note::new(" mirrored ", "2027-01-31".parse().ok()).unwrap();
        assert_eq!(
            commented("a.yaml", "a: k8s.gcr.io/a", &note),
            "a: k8s.gcr.io/a  # regfix: ignore[k8s-gcr-io] until=2027-01-31 mirrored"
        );
    }

    #[test]
    fn where_a_line_goes_on_the_comment_is_above_it() {
        check(
            "a.yaml",
            "b:\n  a: \"k8s.gcr.io/a\n    b\"\n",
            "b:\n  # regfix: ignore[k8s-gcr-io]\n  a: \"k8s.gcr.io/a\n    b\"\n",
        );
        check(
            "a.yaml",
            "a: [\n  k8s.gcr.io/a,\n]\n",
            "a: [\n  k8s.gcr.io/a,  # regfix: ignore[k8s-gcr-io]\n]\n",
        );
    }

    #[test]
    fn what_a_template_renders_stays() {
        check(
            "templates/a.yaml",
            "image: k8s.gcr.io/a:{{ .tag }}\nb: 1\n",
            "image: k8s.gcr.io/a:{{ .tag }} {{- /* regfix: ignore[k8s-gcr-io] */}}\nb: 1\n",
        );
        // Without an action, it may not be a template.
        check(
            "templates/a.yaml",
            "image: k8s.gcr.io/a\n",
            "image: k8s.gcr.io/a  # regfix: ignore[k8s-gcr-io]\n",
        );
        check(
            "a.yaml.j2",
            "image: k8s.gcr.io/a:{{ tag }}\n",
            "image: k8s.gcr.io/a:{{ tag }}  # regfix: ignore[k8s-gcr-io]\n",
        );
    }

    #[test]
    fn terraform_has_comments_but_not_in_here_documents() {
        check(
            "a.tf",
            "a {\n  image = \"k8s.gcr.io/a\"\n}\n",
            "a {\n  image = \"k8s.gcr.io/a\"  # regfix: ignore[k8s-gcr-io]\n}\n",
        );
        let here = "a = [\"k8s.gcr.io/a\", <<EOT\nimage: k8s.gcr.io/a\nEOT\n]\n";
        check("a.tf", here, here);
    }

    #[test]
    fn where_no_comment_can_be_there_is_none() {
        for (path, text) in [
            ("a.json", "{\"image\": \"k8s.gcr.io/a\"}\n"),
            ("a.yaml", "{\"image\": \"k8s.gcr.io/a\"}\n"),
            ("a.yaml", "a: |\n  docker pull k8s.gcr.io/a\n  b\n"),
            (
                "templates/a.yaml",
                "{{ include \"x\" (dict\n \"a\" \"k8s.gcr.io/a\"\n) }}\n",
            ),
            ("Dockerfile", "FROM k8s.gcr.io/a\n"),
        ] {
            check(path, text, text);
        }
    }

    #[test]
    fn a_reason_is_no_more_than_a_reason() {
        for reason in [
            "a\nb",
            "a */ b",
            "a # b",
            "until=2027-01-31",
            "until 2027-01-31",
        ] {
            assert!(Note::new(reason, None).is_err(), "{reason}");
        }
        assert!(Note::new("see PLAT-12, #7", None).is_err());
        assert!(Note::new("see PLAT-12", None).is_ok());
    }
}
