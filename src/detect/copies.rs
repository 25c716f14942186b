//! Scripts that derive other names from image names, such as `for i in k8s.gcr.io/pause:3.1; do docker push reg/$i; done`, or
//! `i=k8s.gcr.io/pause:3.1` with `crane copy $i reg/$i`. When the image moves, the name of the copy changes too, and it is
//! unknown who pulls the copy.
//!
//! Runs nothing. A shell loop is a `for` or a `while read` with its `do` and `done`; its list is in the loop, in an array or a
//! variable of the same text, or in the here-document after it. The matrix of a workflow, `withItems` of Argo Workflows and
//! `loop` of Ansible count as loops. So do functions that are called with images, `xargs`, and here-documents that contain
//! only names and are followed by a push or a copy.

mod calls;

use memchr::memmem;

use super::flag;
use super::image_use::ImageUse;
use super::usage::Certainty;
use crate::source::Span;

const COPIED: Certainty = Certainty::Likely(
    "a script here pushes it, or builds the name of a copy from it, and that name would change too",
);

/// The maximum number of loops in a text, and of assignments of a variable, that are examined.
const MOST: usize = 128;
/// The maximum number of variables in a list that are followed.
const MOST_VARIABLES: usize = 4;
/// The maximum number of bytes of a loop that are read.
const LONGEST: usize = 1 << 14;

/// Marks the images in such lists.
pub(super) fn mark(text: &str, uses: &mut [ImageUse]) {
    let is_item = |one: &ImageUse| one.usage.is_pull() && one.decoded.is_none();
    if !uses.iter().any(is_item) {
        return;
    }
    let mut lists = lists_of_keys(text);
    if memmem::find(text.as_bytes(), b"done").is_some() {
        lists.extend(lists_of_shells(text));
    }
    lists.extend(calls::of_functions(text));
    lists.extend(calls::of_xargs(text));
    lists.extend(calls::of_documents(text));
    // Loops may share variables, and functions may call each other, so lists can overlap.
    lists.sort();
    lists.dedup_by(|next, last| {
        let overlaps = next.start <= last.end;
        if overlaps {
            last.end = last.end.max(next.end);
        }
        overlaps
    });
    for one in uses.iter_mut().filter(|one| is_item(one)) {
        let at = one.extent().start;
        let before = lists.partition_point(|list| list.start <= at);
        let is_listed = lists[..before].last().is_some_and(|list| at < list.end);
        let is_taken_apart =
            || assigned(text, at).is_some_and(|name| makes_names(near(text, at), name));
        if is_listed || is_taken_apart() {
            one.usage = one.usage.at_most(COPIED);
        }
    }
}

/// Returns the shell variable that the value at `at` is assigned to: `NAME=`.
pub(super) fn assigned(text: &str, at: usize) -> Option<&str> {
    let line = text[flag::line_start(text, at)..at].trim_end_matches(['"', '\'']);
    let line = line.strip_suffix('=')?;
    let name = line.rsplit(|letter| !is_of_name(letter)).next()?;
    (!name.is_empty()).then_some(name)
}

/// Returns the lists of shell loops that derive other names.
fn lists_of_shells(text: &str) -> impl Iterator<Item = Span> {
    let made = loops(text)
        .take(MOST)
        .filter(|one| makes_names(one.body, one.variable));
    made.flat_map(|one| one.lists(text))
}

/// Returns the lists in YAML whose items are put after a path: `reg/${{ matrix.image }}`, `reg/{{item}}`.
fn lists_of_keys(text: &str) -> Vec<Span> {
    let mut keys: Vec<&str> = Vec::new();
    for at in memmem::find_iter(text.as_bytes(), b"{{") {
        let before = text[..at].trim_end_matches('$');
        if !before.ends_with('/') || before.ends_with("//") {
            continue;
        }
        let expression = text[at + 2..].trim_start_matches(' ');
        let of_items = || ["item", "inputs.parameters."].iter();
        let named = expression.strip_prefix("matrix.").and_then(name_at);
        let items: &[&str] = match named {
            None if of_items().any(|start| expression.starts_with(start)) => &ITEMS,
            _ => &[],
        };
        let all = named.into_iter().chain(items.iter().copied());
        let new: Vec<&str> = all.filter(|key| !keys.contains(key)).collect();
        keys.extend(new);
        if keys.len() >= MOST_VARIABLES {
            break;
        }
    }
    keys.iter()
        .flat_map(|key| values_of_key(text, key))
        .collect()
}

/// The keys of item lists in Argo Workflows and Ansible.
const ITEMS: [&str; 3] = ["withItems", "with_items", "loop"];

/// Returns the values under a key, wherever the key occurs.
fn values_of_key(text: &str, key: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut open: Option<(usize, usize)> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_start_matches([' ', '-']);
        let column = line.len() - content.len();
        let is_blank = line.trim().is_empty();
        // A list may have the same indentation as its key.
        let goes_on = |column_of_key: usize| column > column_of_key || is_blank;
        if let Some((from, column_of_key)) = open
            && !goes_on(column_of_key)
        {
            found.push(Span::new(from, start));
            open = None;
        }
        let named = content
            .strip_prefix(key)
            .and_then(|rest| rest.strip_prefix(':'));
        if open.is_none() && named.is_some() {
            open = Some((start + column + key.len() + 1, column));
        }
        start += line.len();
    }
    found.extend(open.map(|(from, _)| Span::new(from, text.len())));
    found
}

/// A loop over words.
struct Loop<'t> {
    variable: &'t str,
    /// The words, or the variables that contain them.
    list: Span,
    body: &'t str,
}

fn loops(text: &str) -> impl Iterator<Item = Loop<'_>> {
    let all_for = memmem::find_iter(text.as_bytes(), "for ").filter_map(|at| of_for(text, at));
    let all_while =
        memmem::find_iter(text.as_bytes(), "while ").filter_map(|at| of_while(text, at));
    all_for.chain(all_while)
}

/// Reads `for NAME in LIST; do BODY done`
fn of_for(text: &str, at: usize) -> Option<Loop<'_>> {
    let near = near(text, at);
    let variable = name_at(near.strip_prefix("for ")?)?;
    let from = "for ".len() + variable.len();
    let from = from + near[from..].strip_prefix(" in ").map(|_| " in ".len())?;
    let ends = |(at, _): &(usize, &str)| !near[..*at].ends_with('\\');
    let end = near[from..].match_indices([';', '\n']);
    let mut ends_of_list = end.map(|(end, mark)| (from + end, mark)).filter(ends);
    let (end, _) = ends_of_list.next()?;
    Some(Loop {
        variable,
        list: Span::new(at + from, at + end),
        body: body(&near[end..])?.0,
    })
}

/// Reads `while read -r NAME; do BODY done <<EOF`
fn of_while(text: &str, at: usize) -> Option<Loop<'_>> {
    let near = near(text, at);
    let end = near.find([';', '\n'])?;
    let (_, read) = near[..end].split_once("read ")?;
    let variable = read.split_whitespace().next_back()?;
    let (body, behind) = body(&near[end..])?;
    let behind = end + behind;
    let line_end = near[behind..]
        .find('\n')
        .map_or(near.len(), |length| behind + length);
    let (mark, word) = near[behind..line_end].split_once("<<")?;
    if word.starts_with('<') {
        // `done <<< "$IMAGES"`
        let from = behind + mark.len();
        return Some(Loop {
            variable,
            list: Span::new(at + from, at + line_end),
            body,
        });
    }
    let delimiter = word.trim_matches([' ', '-', '"', '\'']);
    let mut end = line_end;
    for line in near[line_end..].split_inclusive('\n') {
        if !delimiter.is_empty() && line.trim() == delimiter {
            break;
        }
        end += line.len();
    }
    Some(Loop {
        variable,
        list: Span::new(at + line_end, at + end),
        body,
    })
}

/// Returns the text between `do` and `done`, and the offset after `done`.
fn body(text: &str) -> Option<(&str, usize)> {
    let start = text.len() - text.trim_start_matches([';', ' ', '\t', '\r', '\n']).len();
    let inner = text[start..].strip_prefix("do")?;
    inner.starts_with(char::is_whitespace).then_some(())?;
    let end = text.find("done")?;
    Some((&text[start..end], end + "done".len()))
}

impl Loop<'_> {
    /// Returns the list, and the values of the variables in it.
    fn lists(&self, text: &str) -> Vec<Span> {
        let mut found = vec![self.list];
        let list = self.list.of(text);
        for (at, _) in list.match_indices('$').take(MOST_VARIABLES) {
            if let Some(name) = name_at(list[at + 1..].trim_start_matches('{')) {
                found.extend(values(text, name));
            }
        }
        found
    }
}

/// Returns the values that a variable is assigned: `NAME=(a b)`, `NAME+=(c)`, `NAME="a b"`.
fn values(text: &str, name: &str) -> Vec<Span> {
    let value = |(at, _): (usize, &str)| {
        let before = text[..at].chars().next_back();
        let from = at + name.len();
        let rest = near(text, from);
        let inner = rest.trim_start_matches('+').strip_prefix('=')?;
        let open = inner
            .chars()
            .next()
            .filter(|_| !before.is_some_and(is_of_name))?;
        let close = match open {
            '(' => ')',
            '"' | '\'' => open,
            _ => return None,
        };
        let start = from + rest.len() - inner.len() + 1;
        let length = text[start..from + rest.len()].find(close)?;
        Some(Span::new(start, start + length))
    };
    text.match_indices(name)
        .filter_map(value)
        .take(MOST)
        .collect()
}

/// Whether a body derives other names from a variable: `reg/$NAME`, `${NAME/k8s.gcr.io/reg}`, `echo $NAME | sed ...`. The
/// last segment, `${NAME##*/}`, does not count, because it is the same in any registry.
fn makes_names(body: &str, variable: &str) -> bool {
    const CUTTERS: [&str; 5] = ["sed ", "awk ", "cut ", "tr ", "perl "];
    let makes_name = |(at, _): (usize, &str)| {
        let rest = &body[at + 1..];
        let named = rest.strip_prefix('{').unwrap_or(rest);
        let Some(tail) = named.strip_prefix(variable) else {
            return false;
        };
        if tail.starts_with(is_of_name) {
            return false;
        }
        let (changed, behind) = match rest.starts_with('{') {
            true => tail.split_once('}').unwrap_or_default(),
            false => ("", tail),
        };
        if changed.starts_with("##*/") {
            return false;
        }
        let before = body[..at].trim_end_matches(['"', '\'']);
        let is_behind_path = before.ends_with('/') && !before.ends_with("//");
        let behind = behind.trim_start_matches(['"', '\'', ' ']);
        let piped = behind.strip_prefix('|').map(str::trim_start);
        changed.starts_with(['/', '#'])
            || is_behind_path
            || before.trim_end().ends_with(" push")
            || before.trim_end().ends_with("<<<")
            || piped.is_some_and(|next| CUTTERS.iter().any(|cutter| next.starts_with(cutter)))
    };
    body.match_indices('$').any(makes_name)
}

/// Returns the name at the start of a text.
fn name_at(text: &str) -> Option<&str> {
    let end = text.find(|letter: char| !is_of_name(letter));
    let name = &text[..end.unwrap_or(text.len())];
    (!name.is_empty()).then_some(name)
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Returns the text from an offset, up to the maximum length of a loop.
fn near(text: &str, from: usize) -> &str {
    &text[from..flag::ahead(text, from, LONGEST)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the lists in a text from which other names are derived.
    fn lists(text: &str) -> Vec<&str> {
        let lists = lists_of_keys(text).into_iter().chain(lists_of_shells(text));
        lists.map(|list| list.of(text).trim()).collect()
    }

    #[test]
    fn names_are_made_of_what_a_matrix_has() {
        let jobs = "matrix:\n  image: [a, b]\n  other:\n  - c\n  - d\n  rest: e\nrun: ";
        for (run, expected) in [
            ("docker push r/${{ matrix.image }}", vec!["[a, b]"]),
            ("docker push r/${{matrix.other}}", vec!["- c\n  - d"]),
            ("docker pull ${{ matrix.image }}", vec![]),
            ("docker pull docker://${{ matrix.image }}", vec![]),
        ] {
            assert_eq!(lists(&format!("{jobs}{run}\n")), expected, "{run}");
        }
        let workflow = "- - name: copy\n    withItems: [a]\n- cmd: r/{{inputs.parameters.image}}\n";
        assert_eq!(lists(workflow), ["[a]"]);
    }

    #[test]
    fn names_are_made_of_items() {
        for (text, expected) in [
            ("for i in a b; do docker push r/$i; done", vec!["a b"]),
            (
                "for i in a \\\n  b; do\n docker tag \"$i\" \"r/${i}\"\ndone",
                vec!["a \\\n  b"],
            ),
            (
                "for i in a\ndo crane cp $i ${i/k8s.gcr.io/r}; done",
                vec!["a"],
            ),
            ("for i in a; do n=$(echo $i | sed s,a,b,); done", vec!["a"]),
            (
                "for i in a; do n=$(cut -d/ -f2- <<< \"$i\"); done",
                vec!["a"],
            ),
            ("for i in a; do docker push r/${i##*/}; done", vec![]),
            ("for i in a; do docker pull $i || exit; done", vec![]),
            ("for i in a; do skopeo copy docker://$i oci:x; done", vec![]),
            ("for i in a; do docker push r/$index; done", vec![]),
            ("we do it for pause in a\nwhole, and are done", vec![]),
            (
                "list=(a\n b)\nlist+=('c')\nfor i in \"${list[@]}\"; do docker push r/$i; done",
                vec!["\"${list[@]}\"", "a\n b", "'c'"],
            ),
            (
                "ALL=\"a b\"\nfor i in $ALL; do docker push r/$i; done",
                vec!["$ALL", "a b"],
            ),
            (
                "while read -r i; do\ndocker push r/$i\ndone <<EOF\na\nb\nEOF\nc",
                vec!["a\nb"],
            ),
            (
                "all='a b'\nwhile read i; do docker push r/$i; done <<< \"$all\"\n",
                vec!["<<< \"$all\"", "a b"],
            ),
        ] {
            assert_eq!(lists(text), expected, "{text}");
        }
    }
}
