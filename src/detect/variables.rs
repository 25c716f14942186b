//! Variables and parameters that commands in the same text push to: `IMAGE: NAME` beside `docker push $IMAGE`.
//!
//! Runs nothing: a variable is a name in capitals before a value, a parameter a `name` before a `default` or a `value`, and
//! a command pushes what is written as that name.

use std::collections::HashSet;

use super::flag;
use super::image_use::ImageUse;
use super::shell;
use super::usage::{Certainty, Usage};

const PRODUCT: Usage = Usage::Pushed("a command here pushes what this variable names");
const REGISTRY: Certainty =
    Certainty::Likely("a command here pushes to the registry that this variable names");

/// A text without one of these pushes nothing.
const SIGNS: [&str; 5] = ["push", "--destination", "--tag", " -t ", "copy"];

/// How far before its value the name of a parameter is looked for.
const LONGEST_LOOK_BACK: usize = 1 << 9;

/// Variables that are made of variables: farther than this they are not followed.
const MOST_STEPS: usize = 2;

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

/// Whether a word is the name of a variable: in capitals.
fn is_variable(word: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    word.len() > 1
        && word.starts_with(|letter: char| letter.is_ascii_uppercase())
        && word.bytes().all(fits)
}

/// The name of the parameter of which the default or the value is at an offset.
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

/// The names in what commands push, and in what variables of such names are made of.
fn pushed(text: &str) -> HashSet<String> {
    // No command that is substituted, but a value.
    let plain = text
        .replace("$(params.", "${params.")
        .replace("$(inputs.params.", "${params.");
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

/// What a variable or a parameter is written behind.
const OWNERS: [&str; 5] = ["$", "env.", "params.", "parameters.", "inputs."];

/// The variables and parameters in a text: `$NAME`, `${NAME}`, `$(NAME)`, `${{env.NAME}}`, `$(params.NAME)`.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let ends = OWNERS.iter().flat_map(|owner| {
        let starts = text.match_indices(owner);
        starts.map(|(at, _)| at + owner.len())
    });
    ends.flat_map(|at| {
        let named = text[at..].trim_start_matches(['{', '(']);
        let end = named.find(|letter: char| !is_of_name(letter));
        let name = &named[..end.unwrap_or(named.len())];
        // A dash is no part of a variable: `$NAME-amd64`.
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
