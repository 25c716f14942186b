//! Entries of a kustomization in plain text, as a script may write them: `{name: web, newTag: "1"}`.
//!
//! Looks only at the text near a name.

use super::flag;
use super::usage::{MUST_MATCH_IN_TEXT, Usage};

/// The number of bytes around a name that are searched for the rest of its entry.
const MOST_BYTES: usize = 512;

const NEW_NAME: &str = "newName";
const NEW_TAG: &str = "newTag";

/// Returns the usage of the text from `start` to `end`, if it is the `name` of such an entry.
pub(super) fn usage_at(text: &str, start: usize, end: usize) -> Option<Usage> {
    let quotes = ['"', '\'', '\\'];
    let before = &text[flag::far(text, start, MOST_BYTES)..start];
    let before = before.trim_end_matches(quotes).trim_end();
    let key = before
        .strip_suffix(':')?
        .trim_end()
        .trim_end_matches(quotes);
    let before = key.strip_suffix("name")?;
    if before.ends_with(|letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-')) {
        return None;
    }
    let after = &text[end..flag::ahead(text, end, MOST_BYTES)];
    let after = after.split('}').next().unwrap_or_default();
    // The next entry starts there.
    let after = after.split("name:").next().unwrap_or_default();
    let inside = before.rfind('{').map_or("", |open| &before[open..]);
    let has = |key: &str| after.contains(key) || inside.contains(key);
    (has(NEW_NAME) || has(NEW_TAG)).then_some(Usage::Selector {
        reason: MUST_MATCH_IN_TEXT,
        replaced: has(NEW_NAME),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_select_and_other_names_do_not() {
        for (text, replaced) in [
            ("images: [{name: NAME, newTag: '1'}]", Some(false)),
            (r#"[{"name":"NAME","newName":"b/c"}]"#, Some(true)),
            (r#"{\"name\": \"NAME\", \"newTag\": \"1\"}"#, Some(false)),
            ("[{newTag: '1', name: NAME}]", Some(false)),
            ("- name: NAME\n  newTag: '1'\n", Some(false)),
            ("- name: NAME\n- name: x\n  newTag: '1'\n", None),
            ("[{name: NAME}, {name: x, newTag: '1'}]", None),
            ("{nickname: NAME, newTag: '1'}", None),
            ("{newName: NAME, newTag: '1'}", None),
            ("name NAME newTag", None),
        ] {
            let start = text.find("NAME").unwrap();
            let found = usage_at(text, start, start + 4);
            let found = found.map(|usage| matches!(usage, Usage::Selector { replaced: true, .. }));
            assert_eq!(found, replaced, "{text}");
        }
    }
}
