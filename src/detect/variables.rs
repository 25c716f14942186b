//! Variables and parameters that commands in the same text push to, such as `IMAGE: NAME` with `docker push $IMAGE`, and those
//! that prefix names, such as `BASE=k8s.gcr.io` with `$BASE/pause`.
//!
//! Runs nothing. A variable is a name in capitals before a value, a parameter is a `name` before a `default` or a `value`, and
//! a command pushes it if it refers to that name.

use std::collections::HashSet;

use super::flag;
use super::image_use::ImageUse;
use super::shell;
use super::usage::{Certainty, IN_OPTION, NOTHING_SAYS, Usage};
use super::words;

const PRODUCT: Usage = Usage::Pushed("a command here pushes what this variable names");
const REGISTRY: Certainty =
    Certainty::Likely("a command here pushes to the registry that this variable names");

/// A text without any of these pushes nothing.
const SIGNS: [&str; 5] = ["push", "--destination", "--tag", " -t ", "copy"];

/// The number of bytes before a value that are searched for the name of its parameter.
const LONGEST_LOOK_BACK: usize = 1 << 9;

/// The maximum number of steps from a variable to the variables in its value.
const MOST_STEPS: usize = 2;

const PUT_BEFORE: Usage = Usage::likely("it is put before names in the same text");

/// Marks registries that are known to be pulled from only because the text uses them as prefixes of names.
pub(super) fn mark_registries(text: &str, uses: &mut [ImageUse]) {
    let mut prefixes: Option<HashSet<&str>> = None;
    for one in uses {
        let is_open = one.usage == Usage::Unknown(NOTHING_SAYS);
        let is_option = one.usage == IN_OPTION && one.name.is_none();
        let at = one.extent().start;
        let name = (is_open || is_option).then(|| flag::word(text, at));
        let Some(name) = name.flatten() else {
            continue;
        };
        // `PREFIX=k8s.gcr.io`: unlike `--prefix`, a variable of this name may be a part of images.
        if is_option && !(is_variable(name) && is_word_of_scalar(name)) {
            continue;
        }
        let prefixes = prefixes.get_or_insert_with(|| prefixes_of(text));
        if prefixes.contains(name.trim_start_matches('-')) {
            one.usage = PUT_BEFORE;
            one.may_be_folder = one.name.is_some();
        }
    }
}

/// Whether only a word such as `prefix` or `target` in the name suggests that the value is not an image.
fn is_word_of_scalar(name: &str) -> bool {
    let key = words::fold(name);
    words::is_mention_of_scalar(&key) && !words::is_mention(&key) && !words::is_closed_list(&key)
}

/// Returns the names that precede a `/` outside of comments: `$NAME/`, `${NAME}/`, `$(NAME)/`, `${local.NAME}/`,
/// `{{ NAME }}/`. Chart values are left out, because templates decide what becomes of them.
fn prefixes_of(text: &str) -> HashSet<&str> {
    let in_comment = |at: usize| {
        let line = &text[flag::line_start(text, at)..at];
        line.trim_start().starts_with('#')
    };
    let slashes = text.match_indices('/').filter(|(at, _)| !in_comment(*at));
    let found = slashes.filter_map(|(at, _)| {
        let before = &text[flag::far(text, at, LONGEST_LOOK_BACK)..at];
        let inner = before.trim_end_matches(['}', ')', ' ']);
        let marks: &[char] = match before.ends_with(['}', ')']) {
            true => &['{', '(', '.', ' ', '$'],
            false => &['$'],
        };
        let bytes = inner.bytes().rev();
        let length = bytes.take_while(|byte| is_of_name(char::from(*byte)));
        let start = inner.len() - length.count();
        let (owner, name) = inner.split_at(start);
        let is_value = || {
            let owners = owner.rsplit(['{', '(', ' ', '$']).next();
            owners.is_some_and(|owners| owners.contains("Values."))
        };
        (!name.is_empty() && owner.ends_with(marks) && !is_value()).then_some(name)
    });
    found.collect()
}

/// Marks the values of variables that commands push.
pub(super) fn mark(text: &str, uses: &mut [ImageUse]) {
    let variable = |one: &ImageUse| {
        let is_here = one.usage.is_pull() && one.decoded.is_none();
        let at = one.extent().start;
        let word = is_here.then(|| flag::word(text, at)).flatten()?;
        match word {
            "default" | "value" => parameter(text, at),
            word => is_variable(word).then_some(word),
        }
    };
    let named: Vec<Option<&str>> = uses.iter().map(variable).collect();
    if named.iter().all(Option::is_none) || !SIGNS.iter().any(|sign| text.contains(sign)) {
        return;
    }
    let pushed = pushed(text);
    for (one, name) in uses.iter_mut().zip(named) {
        match name.is_some_and(|name| pushed.contains(name)) {
            true if one.name.is_some() => one.usage = PRODUCT,
            true => one.usage = one.usage.at_most(REGISTRY),
            false => {}
        }
    }
}

/// Whether a word is the name of a variable, in capitals.
pub(super) fn is_variable(word: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    word.len() > 1
        && word.starts_with(|letter: char| letter.is_ascii_uppercase())
        && word.bytes().all(fits)
}

/// Returns the name of the parameter whose default or value is at an offset.
fn parameter(text: &str, at: usize) -> Option<&str> {
    let near = &text[flag::far(text, at, LONGEST_LOOK_BACK)..at];
    let (_, named) = near.rsplit_once("name:")?;
    let named = named.trim_start_matches([' ', '"', '\'']);
    let end = named.find(|letter: char| !is_of_name(letter))?;
    (end > 0).then(|| &named[..end])
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')
}

/// Returns the names in what commands push, and in the values of those variables.
fn pushed(text: &str) -> HashSet<String> {
    let plain = without_macros(text);
    let mut found = HashSet::new();
    for command in shell::commands(&plain) {
        for (index, word) in command.words.iter().enumerate() {
            let is_pushed = || {
                word.text.starts_with("--destination=")
                    || matches!(command.usage(index), Some(Usage::Pushed(_)))
            };
            let mut names = names(word.text).peekable();
            if names.peek().is_some() && is_pushed() {
                found.extend(names.map(str::to_owned));
            }
        }
    }
    for _ in 0..MOST_STEPS {
        let pairs = text.lines().filter_map(|line| line.split_once([':', '=']));
        let made = pairs.filter(|(name, value)| {
            let name = name.split_whitespace().next_back().unwrap_or_default();
            value.contains('$') && is_variable(name) && found.contains(name)
        });
        let parts: Vec<&str> = made.flat_map(|(_, value)| names(value)).collect();
        found.extend(parts.into_iter().map(str::to_owned));
    }
    found
}

/// Returns the text with the `$(NAME)` of pipelines replaced by `${NAME}`, which is a value rather than a command
/// substitution.
fn without_macros(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, inner)) = rest.split_once("$(") {
        plain.push_str(before);
        let length = inner.find(|letter: char| !is_of_name(letter) && letter != '.');
        let (name, behind) = inner.split_at(length.unwrap_or(inner.len()));
        rest = match behind.strip_prefix(')').filter(|_| !name.is_empty()) {
            Some(behind) => {
                plain.push_str("${");
                plain.push_str(name.strip_prefix("inputs.").unwrap_or(name));
                plain.push('}');
                behind
            }
            None => {
                plain.push_str("$(");
                inner
            }
        };
    }
    plain.push_str(rest);
    plain
}

/// Text that may precede the name of a variable or a parameter.
const OWNERS: [&str; 5] = ["$", "env.", "params.", "parameters.", "inputs."];

/// Returns the variables and parameters in a text: `$NAME`, `${NAME}`, `$(NAME)`, `${{env.NAME}}`, `$(params.NAME)`.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    let ends = OWNERS.iter().flat_map(|owner| {
        let starts = text.match_indices(owner);
        starts.map(|(at, _)| at + owner.len())
    });
    ends.flat_map(|at| {
        let named = text[at..].trim_start_matches(['{', '(']);
        let end = named.find(|letter: char| !is_of_name(letter));
        let name = &named[..end.unwrap_or(named.len())];
        // A dash ends the name of a variable: `$NAME-amd64`.
        let variable = name.split('-').next().filter(|name| is_variable(name));
        let name = Some(name).filter(|name| !name.is_empty());
        name.into_iter().chain(variable)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_hold_variables_whole() {
        for word in [
            "$IMAGE",
            "${IMAGE}:1",
            "$(IMAGE)",
            "${{env.IMAGE}}",
            "--tag=$IMAGE",
            "$IMAGE-amd64",
            "$(params.IMAGE)",
            "{{inputs.parameters.IMAGE}}:v1",
        ] {
            assert!(names(word).any(|name| name == "IMAGE"), "{word}");
        }
        for word in [
            "$IMAGE_NAME",
            "IMAGE",
            "$BASE_IMAGE",
            "${BASE_IMAGE}",
            "$(params.BASE_IMAGE)",
        ] {
            assert!(names(word).all(|name| name != "IMAGE"), "{word}");
        }
    }
}
