//! The name before a value in plain text: the option, the variable or the key that the value belongs to.
//!
//! Pure: works on a text and an offset.

use super::words;
use crate::source;

/// The maximum number of bytes to look back from a token, because a line of minified JSON can have megabytes.
const LONGEST_LOOK_BACK: usize = 1 << 10;

/// Returns the offset `most` bytes before `at`, or the next character boundary after that.
pub(super) fn far(text: &str, at: usize, most: usize) -> usize {
    (at.saturating_sub(most)..=at)
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(at)
}

/// Returns the offset `most` bytes after `at`, or the last character boundary before that.
pub(super) fn ahead(text: &str, at: usize, most: usize) -> usize {
    let end = text.len().min(at.saturating_add(most));
    (at..=end)
        .rfind(|at| text.is_char_boundary(*at))
        .unwrap_or(at)
}

/// Returns the start of the line, or of its last [`LONGEST_LOOK_BACK`] bytes before `at`.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let near = far(text, at, LONGEST_LOOK_BACK);
    near + source::line_start(&text[near..], at - near)
}

/// Returns the folded name of the option or variable whose value is the token: `--image-repository=`, `KUBE_REGISTRY=`,
/// `image:`. For an item of an array, the name of the array if that rules out a pull: `allowed_images = [`.
pub(super) fn of(text: &str, at: usize) -> Option<String> {
    let says = |name: &&str| {
        let name = words::fold(name.trim_start_matches('-'));
        words::is_mention(&name) || words::is_closed_list(&name)
    };
    let array = || array_around(text, at).filter(says);
    let listed = || word(text, list_start(text, at)?).filter(says);
    let word = word(text, at).or_else(array).or_else(listed)?;
    match words::fold(word.trim_start_matches('-')) {
        // `set { name = "global.hub", value = ... }`
        folded if folded == "value" => Some(named_above(text, at).unwrap_or(folded)),
        // `variable "image" { default = ... }`
        folded if folded == "default" => Some(variable_above(text, at).unwrap_or(folded)),
        folded => Some(folded),
    }
}

/// Returns the name before a value, as written.
pub(super) fn word(text: &str, at: usize) -> Option<&str> {
    let line = &text[line_start(text, at)..at];
    let line = line.trim_end_matches(['"', '\'', '`']);
    let ends = line.trim_end_matches([' ', '\t', '=', ':', '?']);
    let word = ends
        .rsplit(|letter: char| {
            !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | '_' | '.')
        })
        .next()?;
    // After a space, the option may be complete. Only options about images take the next word as their value.
    let spaced = line.ends_with(' ');
    let of_images = ["image", "regist", "repo"]
        .iter()
        .any(|part| word.contains(part));
    if spaced && word.starts_with('-') && !of_images {
        return None;
    }
    let assigned =
        ends.len() < line.len() && (word.starts_with('-') || line.trim_end().len() > ends.len());
    (assigned && !word.is_empty()).then_some(word)
}

/// Returns the start of a comma-separated list in which the token is not the first item: `--allowed-images=a,b`.
fn list_start(text: &str, at: usize) -> Option<usize> {
    let line = &text[line_start(text, at)..at];
    let is_of_items = |letter: char| {
        letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '/' | ':' | '@' | '-' | ',')
    };
    let length = line.len() - line.trim_end_matches(is_of_items).len();
    line.ends_with(',').then_some(at - length)
}

/// Returns the name of the array that contains the token, as written.
fn array_around(text: &str, at: usize) -> Option<&str> {
    let before = &text[far(text, at, LONGEST_LOOK_BACK)..at];
    let mut closed = 0_usize;
    let opens = |(_, byte): &(usize, u8)| match byte {
        b']' | b')' => {
            closed += 1;
            false
        }
        b'[' | b'(' if closed > 0 => {
            closed -= 1;
            false
        }
        byte => matches!(byte, b'[' | b'(' | b'{' | b'}'),
    };
    let (open, byte) = before.bytes().enumerate().rev().find(opens)?;
    let assigned = before[..open].trim_end_matches([' ', '\t']);
    let name = assigned.strip_suffix(['=', ':'])?;
    let name = name.trim_end_matches([' ', '\t', '"', '\'']);
    let is_of_name =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let start = name.trim_end_matches(is_of_name).len();
    (matches!(byte, b'[' | b'(') && start < name.len()).then(|| &name[start..])
}

/// Returns the name of the Terraform variable that has the default.
fn variable_above(text: &str, at: usize) -> Option<String> {
    let before = &text[far(text, at, LONGEST_LOOK_BACK)..at];
    let (_, declared) = before.rsplit_once("variable \"")?;
    let (name, body) = declared.split_once('"')?;
    (!body.contains("\n}")).then(|| words::fold(name))
}

/// Returns the name that the previous line gives to a value, as in Terraform: `name = "image.repository"`.
fn named_above(text: &str, at: usize) -> Option<String> {
    let before = &text[..line_start(text, at)];
    let lines = before.lines().rev().filter(|line| !line.trim().is_empty());
    let line = lines.take(1).next()?.trim();
    let line = line.rsplit(['{', ',']).next().unwrap_or(line).trim();
    let (key, name) = line.split_once('=').or_else(|| line.split_once(':'))?;
    let name = name.trim().trim_matches(['"', '\'']);
    (key.trim() == "name" && !name.is_empty()).then(|| words::fold(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_a_list_are_of_its_option() {
        for (text, expected) in [
            ("--allowed-images=a,b/c:1,X", Some("allowedimages")),
            ("--other=a,X", None),
            ("ἛX", None),
            ("Ἓ,X", None),
        ] {
            let at = text.find('X').unwrap();
            assert_eq!(of(text, at).as_deref(), expected, "{text}");
        }
    }
}
