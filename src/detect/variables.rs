//! Variables and parameters that commands in the same text push to: `IMAGE: NAME` beside `docker push $IMAGE`.
//!
//! Runs nothing: a variable is a name in capitals before a value, a parameter a `name` before a `default` or a `value`, and
//! a command pushes what is written as that name.

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
        match name.is_some_and(|name| pushed.iter().any(|word| holds(word, name))) {
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
    let far = at.saturating_sub(LONGEST_LOOK_BACK);
    let far = (far..=at).find(|at| text.is_char_boundary(*at))?;
    let (_, named) = text[far..at].rsplit_once("name:")?;
    let named = named.trim_start_matches([' ', '"', '\'']);
    let end = named.find(|letter: char| !is_of_name(letter))?;
    (end > 0).then(|| &named[..end])
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')
}

/// The words with variables that commands push, and what those variables are made of.
fn pushed(text: &str) -> Vec<String> {
    // No command that is substituted, but a value.
    let plain = text
        .replace("$(params.", "${params.")
        .replace("$(inputs.params.", "${params.");
    let mut found = Vec::new();
    for command in shell::commands(&plain) {
        for (index, word) in command.words.iter().enumerate() {
            let is_pushed = || {
                word.text.starts_with("--destination=")
                    || matches!(command.usage(index), Some(Usage::Pushed(_)))
            };
            if has_variable(word.text) && is_pushed() {
                found.push(word.text.to_owned());
            }
        }
    }
    for _ in 0..MOST_STEPS {
        let parts: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split_once([':', '=']))
            .filter_map(|(name, value)| {
                let name = name.split_whitespace().next_back()?;
                let is_made = value.contains('$') && is_variable(name);
                (is_made && found.iter().any(|word| holds(word, name))).then_some(value)
            })
            .collect();
        found.extend(parts.into_iter().map(str::to_owned));
    }
    found
}

fn has_variable(word: &str) -> bool {
    word.contains('$') || OWNERS.iter().any(|owner| word.contains(owner))
}

/// What a variable or a parameter is written behind.
const OWNERS: [&str; 4] = ["env.", "params.", "parameters.", "inputs."];

/// Whether a word has a variable: `$NAME`, `${NAME}`, `$(NAME)`, `${{env.NAME}}`, `$(params.NAME)`.
fn holds(word: &str, name: &str) -> bool {
    let mut starts = word.match_indices(name);
    starts.any(|(at, _)| {
        let before = word[..at].trim_end_matches(['{', '(']);
        let is_named = before.ends_with('$') || OWNERS.iter().any(|owner| before.ends_with(owner));
        let is_longer = word[at + name.len()..].starts_with(|letter: char| {
            letter.is_ascii_alphanumeric()
                || letter == '_'
                || letter == '-' && name.contains(|letter: char| letter.is_ascii_lowercase())
        });
        is_named && !is_longer
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
            "$(params.IMAGE)",
            "{{inputs.parameters.IMAGE}}:v1",
        ] {
            assert!(holds(word, "IMAGE"), "{word}");
        }
        for word in [
            "$IMAGE_NAME",
            "IMAGE",
            "$BASE_IMAGE",
            "${BASE_IMAGE}",
            "$(params.BASE_IMAGE)",
        ] {
            assert!(!holds(word, "IMAGE"), "{word}");
        }
    }
}
