//! Whether a list or a table has a registry already, beside one that it names.
//!
//! Looks at lines and how far they are indented, so that it reads lists and tables of any syntax.

use crate::source;

/// Whether the lines around an offset, as far in as its own or farther, name the host, and no image of it.
pub(super) fn names(text: &str, at: usize, host: &str) -> bool {
    let own = source::line_start(text, at);
    let depth = depth(&text[own..]);
    let is_inside = |line: &&str| {
        let is_empty = line.trim().is_empty();
        is_empty || self::depth(line) >= depth && !line.starts_with("---")
    };
    // What is not indented is beside all that the document has.
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

/// Whether a line has the host whole, and no path of an image behind it.
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
