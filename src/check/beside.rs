//! Checks whether a list or a table that names one registry also names another.
//!
//! Looks only at lines and their indentation, so that it works for lists and tables of any syntax.

use crate::source;

/// Whether a host is named, without an image path, on the line of an offset or on the lines around it that are indented at
/// least as far.
pub(super) fn names(text: &str, at: usize, host: &str) -> bool {
    let own = source::line_start(text, at);
    let depth = depth(&text[own..]);
    let is_inside = |line: &&str| {
        let is_empty = line.trim().is_empty();
        is_empty || self::depth(line) >= depth && !line.starts_with("---")
    };
    // Lines without indentation are siblings of the whole document, so only what is indented below counts.
    let above = text[..own].lines().rev().take_while(|_| depth > 0);
    let mut behind = text[own..].lines();
    let first = behind.next();
    let below = behind.take_while(|line| depth > 0 || self::depth(line) > 0);
    let around = above
        .take_while(is_inside)
        .chain(below.take_while(is_inside));
    first.into_iter().chain(around).any(|line| has(line, host))
}

fn depth(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// Whether a line has the host as a whole word, without an image path after it.
fn has(line: &str, host: &str) -> bool {
    let in_host = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-');
    line.match_indices(host).any(|(start, _)| {
        let rest = &line[start + host.len()..];
        let path = rest.strip_prefix('/').unwrap_or_default();
        let is_image = path.starts_with(|letter: char| letter.is_ascii_alphanumeric());
        !line[..start].ends_with(in_host) && !rest.starts_with(in_host) && !is_image
    })
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_list_has_the_host_or_has_it_not() {
        for (text, expected) in [
            ("a:\n  - OLD\n  - new.io\n", true),
            ("a:\n  - new.io/*\n\n  - OLD\n", true),
            ("a:\n  - OLD\nb:\n  - new.io\n", false),
            ("a:\n  - OLD\n  - x.new.io\n  - new.io.x\n", false),
            ("a:\n  - OLD\n  - new.io/pause:3.1\n", false),
            ("a: [OLD, new.io]\n", true),
            ("a: OLD\nb: new.io\n", false),
            ("OLD:\n  x: y\nnew.io:\n  x: y\n", false),
            ("m:\n  OLD:\n    x: y\n  new.io:\n    x: y\n", true),
            ("{\n  \"OLD\": {},\n  \"new.io\": {}\n}\n", true),
        ] {
            let at = text.find("OLD").unwrap();
            assert_eq!(names(text, at, "new.io"), expected, "{text}");
        }
    }
}
