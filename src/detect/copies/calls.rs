//! Names that a shell script passes on and then pushes or copies: arguments of functions, input of `xargs`, and here-documents
//! that contain only names.
//!
//! Looks only at the text, not at what reads a file that the script writes.

use memchr::memmem;

use super::{MOST, MOST_VARIABLES, is_of_name, makes_names, near};
use crate::detect::flag;
use crate::source::Span;

/// Returns the arguments of functions that push them, or derive other names from them.
pub(super) fn of_functions(text: &str) -> impl Iterator<Item = Span> {
    functions(text).flat_map(|name| calls(text, name))
}

/// Returns the shell functions that push their arguments, or derive other names from them.
fn functions(text: &str) -> impl Iterator<Item = &str> {
    let by_parentheses = memmem::find_iter(text.as_bytes(), "()").map(|at| {
        let before = text[..at].trim_end_matches(' ');
        let letters = before.bytes().rev();
        let length = letters.take_while(|byte| is_of_name(char::from(*byte)) || *byte == b'-');
        (&before[before.len() - length.count()..], at + 2)
    });
    let by_word = memmem::find_iter(text.as_bytes(), "function ").filter_map(|at| {
        let at = at + "function ".len();
        let name = text[at..].split([' ', '(', '\n']).next()?;
        Some((name, at + name.len()))
    });
    let all = by_parentheses.chain(by_word).take(MOST);
    all.filter_map(|(name, at)| {
        let rest = near(text, at).trim_start();
        let rest = rest.strip_prefix("()").unwrap_or(rest).trim_start();
        let body = rest.strip_prefix('{')?;
        let ends = |(at, _): &(usize, &str)| body[..*at].ends_with([' ', '\t', '\n', ';']);
        let body = &body[..body.match_indices('}').find(ends)?.0];
        (!name.is_empty() && takes_apart_arguments(body)).then_some(name)
    })
}

/// Whether a function body pushes an argument or a variable set from one, or derives other names from it.
fn takes_apart_arguments(body: &str) -> bool {
    const ARGUMENTS: [&str; 5] = ["1", "2", "3", "@", "*"];
    let is_given = |value: &str| {
        let value = value.trim_start_matches(['"', ' ', '{']);
        let named = value
            .strip_prefix('$')
            .map(|rest| rest.trim_start_matches('{'));
        named.is_some_and(|named| ARGUMENTS.iter().any(|argument| named.starts_with(argument)))
    };
    let assigned = body
        .match_indices('=')
        .filter(|(at, _)| is_given(&body[at + 1..]));
    let assigned = assigned.filter_map(|(at, _)| {
        let letters = |letter: char| !is_of_name(letter);
        body[..at].rsplit(letters).next()
    });
    let listed = body
        .match_indices(" in ")
        .filter(|(at, _)| is_given(&body[at + 4..]));
    let listed = listed.filter_map(|(at, _)| body[..at].split_whitespace().next_back());
    let names = assigned.chain(listed).filter(|name| !name.is_empty());
    ARGUMENTS
        .into_iter()
        .chain(names.take(MOST_VARIABLES))
        .any(|name| makes_names(body, name))
}

/// Returns the arguments of each call of a function.
fn calls<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = Span> {
    const BEFORE: [&str; 4] = ["do", "then", "else", "time"];
    let found = memmem::find_iter(text.as_bytes(), name).filter(move |at| {
        let before = text[flag::line_start(text, *at)..*at].trim_end_matches([' ', '\t']);
        let is_argument = before.ends_with(|letter| is_of_name(letter) || "-/.$".contains(letter))
            && before.trim_start() != "-";
        let word = before.split_whitespace().next_back().unwrap_or_default();
        (!is_argument || BEFORE.contains(&word)) && text[at + name.len()..].starts_with([' ', '\t'])
    });
    let span = move |at| Span::new(at + name.len(), command_end(text, at));
    found.take(MOST).map(span)
}

/// Returns the part of a pipeline before an `xargs` that pushes its input, or derives other names from it.
pub(super) fn of_xargs(text: &str) -> impl Iterator<Item = Span> {
    let found = memmem::find_iter(text.as_bytes(), "xargs ").take(MOST);
    let makes = found.filter(|at| {
        let command = &text[*at..command_end(text, *at)];
        let replaced = command.split_once("-I").map_or("{}", |(_, rest)| {
            rest.split_whitespace().next().unwrap_or_default()
        });
        let replaced = replaced.trim_matches(['"', '\'']);
        let is_behind_path = |(at, _): (usize, &str)| {
            let before = &command[..at];
            before.ends_with('/') && !before.ends_with("//")
        };
        command.contains(" push")
            || !replaced.is_empty() && command.match_indices(replaced).any(is_behind_path)
            || ["0", "1", "@"]
                .iter()
                .any(|name| makes_names(command, name))
    });
    makes.map(|at| {
        let mut start = flag::line_start(text, at);
        while start > 0 && text[..start - 1].trim_end().ends_with(['\\', '|']) {
            start = flag::line_start(text, start - 1);
        }
        Span::new(start, at)
    })
}

/// Returns the here-documents that are followed by a push or a copy. It is not known what reads them.
pub(super) fn of_documents(text: &str) -> Vec<Span> {
    const COPIERS: [&str; 5] = [" push ", " tag ", " copy ", "crane cp ", " cp docker://"];
    let mut found = Vec::new();
    for at in memmem::find_iter(text.as_bytes(), "<<").take(MOST) {
        let rest = near(text, at);
        let (line, body) = rest.split_once('\n').unwrap_or_default();
        let word = line[2.min(line.len())..].trim_start_matches(['-', ' ']);
        let word = word
            .split([' ', ';', '|', '>', ')'])
            .next()
            .unwrap_or_default();
        let delimiter = word.trim_matches(['"', '\'']);
        if delimiter.is_empty() || delimiter.starts_with(['<', ':']) {
            continue;
        }
        let start = at + line.len() + 1;
        let is_name = |line: &&str| !line.trim().contains([' ', ':', '=']) || line.contains('/');
        let lines = body
            .split_inclusive('\n')
            .take_while(|line| line.trim() != delimiter);
        let is_list = lines
            .clone()
            .all(|line| is_name(&line) && line.split_whitespace().count() < 2);
        let end = start + lines.map(str::len).sum::<usize>();
        if is_list {
            found.push((at, Span::new(start, end)));
        }
    }
    if found.is_empty() {
        return Vec::new();
    }
    let last = |word: &&str| memmem::rfind(text.as_bytes(), word.as_bytes());
    let copied = COPIERS.iter().filter_map(last).max();
    // `xargs docker push <<EOF` copies in the same line.
    found.retain(|(at, _)| copied.is_some_and(|copied| copied > flag::line_start(text, *at)));
    found.into_iter().map(|(_, list)| list).collect()
}

/// Returns the end of the shell command at an offset: the end of its line, unless the line is continued.
fn command_end(text: &str, at: usize) -> usize {
    let rest = near(text, at);
    let mut ends = rest.match_indices('\n').map(|(end, _)| end);
    let end = ends.find(|end| !rest[..*end].trim_end_matches('\r').ends_with('\\'));
    at + end.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, lists: impl IntoIterator<Item = Span>) -> Vec<&str> {
        let lists = lists.into_iter();
        lists.map(|list| list.of(text).trim()).collect()
    }

    #[test]
    fn names_are_made_of_what_functions_and_xargs_get() {
        for (text, expected) in [
            ("push() { docker push \"$1\"; }\npush a\n", vec!["a"]),
            (
                "function f {\n n=${1}\n crane cp $n r/$n\n}\nf a b",
                vec!["a b"],
            ),
            ("f() { docker pull $1; }\nf a", vec![]),
            ("f() { docker tag $1 r/${1##*/}; }\nf a", vec![]),
        ] {
            assert_eq!(words(text, of_functions(text)), expected, "{text}");
        }
        for (text, expected) in [
            ("echo a | xargs -I{} docker push r/{}", vec!["echo a |"]),
            (
                "b\necho a |\n xargs -n1 sh -c 'docker tag $0 r/$0'",
                vec!["echo a |"],
            ),
            ("echo a | xargs docker pull", vec![]),
            ("echo a | xargs -I{} skopeo copy docker://{} oci:x", vec![]),
        ] {
            assert_eq!(words(text, of_xargs(text)), expected, "{text}");
        }
        for (text, expected) in [
            ("cat <<EOF > x\na\nb\nEOF\ndocker push r/x", vec!["a\nb"]),
            ("xargs -n1 docker push <<EOF\na\nEOF\n", vec!["a"]),
            ("cat <<EOF\na\nEOF\ndocker pull r/x", vec![]),
            ("cat <<EOF\nimage: a\nEOF\ndocker push r/x", vec![]),
            ("<<: *a\n<<<b\n<<", vec![]),
        ] {
            assert_eq!(words(text, of_documents(text)), expected, "{text}");
        }
    }
}
