//! Variables that commands in the same text push to: `IMAGE: NAME` beside `docker push $IMAGE`.
//!
//! Runs nothing: a variable is a name in capitals before a value, and a command pushes what is written as that name.

use super::flag;
use super::image_use::ImageUse;
use super::shell;
use super::usage::{Certainty, Usage};

const PRODUCT: Usage = Usage::Pushed("a command here pushes what this variable names");
const REGISTRY: Certainty =
    Certainty::Likely("a command here pushes to the registry that this variable names");

/// A text without one of these pushes nothing.
const SIGNS: [&str; 5] = ["push", "--destination", "--tag", " -t ", "copy"];

/// Marks the values of variables that commands push.
pub(super) fn mark(text: &str, uses: &mut [ImageUse]) {
    let variable = |one: &ImageUse| {
        let is_here = one.usage.is_pull() && one.decoded.is_none();
        let word = is_here
            .then(|| flag::word(text, one.extent().start))
            .flatten()?;
        is_variable(word).then_some(word)
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

/// The words with variables that commands push.
fn pushed(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for command in shell::commands(text) {
        for (index, word) in command.words.iter().enumerate() {
            let is_pushed = || matches!(command.usage(index), Some(Usage::Pushed(_)));
            if word.text.contains('$') && is_pushed() {
                found.push(word.text);
            }
        }
    }
    found
}

/// Whether a word has a variable: `$NAME`, `${NAME}`, `$(NAME)`, `${{env.NAME}}`.
fn holds(word: &str, name: &str) -> bool {
    let mut starts = word.match_indices(name);
    starts.any(|(at, _)| {
        let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let before = word[..at].trim_end_matches(['{', '(']);
        let is_named = before.ends_with('$') || before.ends_with("env.");
        is_named && !word.as_bytes().get(at + name.len()).is_some_and(is_letter)
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
        ] {
            assert!(holds(word, "IMAGE"), "{word}");
        }
        for word in ["$IMAGE_NAME", "IMAGE", "$BASE_IMAGE", "${BASE_IMAGE}"] {
            assert!(!holds(word, "IMAGE"), "{word}");
        }
    }
}
