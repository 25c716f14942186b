//! Functions that change the letters of strings: case, words, wrapping.

use super::super::context::Context;
use super::super::fault::Result;
use super::super::text::Text;
use super::super::value::Value;
use super::{Function, any, int, text};

pub(super) const TABLE: &[Function] = &[
    Function::new("upper", "s", |_, given| {
        mapped(given, |text| text.to_uppercase())
    }),
    Function::new("lower", "s", |_, given| {
        mapped(given, |text| text.to_lowercase())
    }),
    Function::new("title", "s", |_, given| mapped(given, |text| title(&text))),
    Function::new("untitle", "s", |_, given| {
        mapped(given, |text| untitle(&text))
    }),
    Function::new("swapcase", "s", |_, given| {
        mapped(given, |text| swapped(&text))
    }),
    Function::new("snakecase", "s", |_, given| {
        mapped(given, |text| parts(&text).join("_"))
    }),
    Function::new("kebabcase", "s", |_, given| {
        mapped(given, |text| parts(&text).join("-"))
    }),
    Function::new("camelcase", "s", |_, given| {
        mapped(given, |text| pascal(&text))
    }),
    Function::new("initials", "s", |_, given| {
        mapped(given, |text| {
            text.split_whitespace()
                .filter_map(|word| word.chars().next())
                .collect()
        })
    }),
    Function::new("plural", "ssi", |_, given| {
        Ok(any(given, usize::from(int(given, 2) != 1)))
    }),
    Function::new("wrap", "is", |context, given| {
        let wrapped = wrap(&text(given, 1).to_str(), int(given, 0), "\n", false);
        made(context, &text(given, 1), wrapped)
    }),
    Function::new("wrapWith", "iss", |context, given| {
        let between = text(given, 1).to_str().into_owned();
        let wrapped = wrap(&text(given, 2).to_str(), int(given, 0), &between, true);
        made(context, &text(given, 2), wrapped)
    }),
    Function::new("shuffle", "s", |context, given| {
        let value = text(given, 0);
        context.opaque_text(value.len(), "x").map(Value::Text)
    }),
    Function::new("html", "a*", |_, given| escaped(given, html)),
    Function::new("js", "a*", |_, given| escaped(given, js)),
];

fn mapped(given: &[Value], map: impl Fn(String) -> String) -> Result<Value> {
    let value = text(given, 0);
    let made = map(value.to_str().into_owned());
    Ok(Value::Text(value.made(made.into_bytes())))
}

fn made(context: &Context, from: &Text, text: String) -> Result<Value> {
    context.budget.bytes(text.len())?;
    Ok(Value::Text(from.made(text.into_bytes())))
}

fn escaped(given: &[Value], escape: fn(char) -> Option<&'static str>) -> Result<Value> {
    let mut out = String::new();
    let mut source = Text::computed("");
    for value in given {
        source = super::super::print::show(value)?;
        for letter in source.to_str().chars() {
            match escape(letter) {
                Some(escaped) => out.push_str(escaped),
                None => out.push(letter),
            }
        }
    }
    Ok(Value::Text(source.made(out.into_bytes())))
}

fn html(letter: char) -> Option<&'static str> {
    Some(match letter {
        '"' => "&#34;",
        '\'' => "&#39;",
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        _ => return None,
    })
}

fn js(letter: char) -> Option<&'static str> {
    Some(match letter {
        '\\' => "\\\\",
        '\'' => "\\'",
        '"' => "\\\"",
        '<' => "\\u003C",
        '>' => "\\u003E",
        '&' => "\\u0026",
        '=' => "\\u003D",
        _ => return None,
    })
}

/// Capitalizes the first letter of each word.
fn title(text: &str) -> String {
    let mut before = ' ';
    let mut out = String::new();
    for letter in text.chars() {
        let starts = !(before.is_alphanumeric() || matches!(before, '_' | '\''));
        match starts {
            true => out.extend(letter.to_uppercase()),
            false => out.push(letter),
        }
        before = letter;
    }
    out
}

fn untitle(text: &str) -> String {
    let mut before = ' ';
    let mut out = String::new();
    for letter in text.chars() {
        match before.is_whitespace() {
            true => out.extend(letter.to_lowercase()),
            false => out.push(letter),
        }
        before = letter;
    }
    out
}

fn swapped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter.is_uppercase() {
            true => out.extend(letter.to_lowercase()),
            false => out.extend(letter.to_uppercase()),
        }
    }
    out
}

/// Splits a name into lower-case words, at spaces, signs, digits and changes of case.
fn parts(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut words = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        if matches!(letter, ' ' | '_' | '-') {
            words.push(String::new());
            continue;
        }
        let before = at.checked_sub(1).map(|at| letters[at]);
        let next = letters.get(at + 1);
        let rises = letter.is_uppercase() && before.is_some_and(|before| !before.is_uppercase());
        let falls = letter.is_uppercase()
            && before.is_some_and(char::is_uppercase)
            && next.is_some_and(|next| next.is_lowercase());
        let last_is_empty = words.last().is_some_and(String::is_empty);
        if (rises || falls) && !last_is_empty {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

fn pascal(text: &str) -> String {
    let mut out = String::new();
    let mut starts = true;
    for letter in text.chars() {
        if matches!(letter, '_' | ' ' | '-') {
            starts = true;
            continue;
        }
        match std::mem::take(&mut starts) {
            true => out.extend(letter.to_uppercase()),
            false => out.push(letter),
        }
    }
    out
}

/// Breaks a text into lines of at most `width` letters at spaces; longer words are cut if `cuts`.
fn wrap(text: &str, width: i64, between: &str, cuts: bool) -> String {
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while letters.len() - at > width {
        if letters[at] == ' ' {
            at += 1;
            continue;
        }
        let limit = at + width;
        let blank =
            |range: std::ops::Range<usize>| range.into_iter().rev().find(|at| letters[*at] == ' ');
        let before = blank(at..limit + 1);
        let (end, next) = match before {
            Some(blank) => (blank, blank + 1),
            None if cuts => (limit, limit),
            None => match letters[limit..].iter().position(|letter| *letter == ' ') {
                Some(length) => (limit + length, limit + length + 1),
                None => break,
            },
        };
        out.extend(&letters[at..end]);
        out.push_str(between);
        at = next;
    }
    out.extend(&letters[at..]);
    out
}
