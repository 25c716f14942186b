//! How strings are written in YAML, and the order of keys, by the rules of `go-yaml` version 2.

use std::cmp::Ordering;

use super::super::scalar::{self, Plain};

/// The style of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

pub(super) fn style_of(text: &str, is_key: bool) -> Style {
    let traits = Traits::of(text);
    let mut style = match () {
        () if text.contains('\n') => Style::Literal,
        () if scalar::resolve(text) == Plain::Text && !scalar::is_base_60(text) => Style::Plain,
        () => Style::Double,
    };
    if is_key && traits.breaks {
        style = Style::Double;
    }
    if style == Style::Plain && !traits.plain {
        style = Style::Single;
    }
    if style == Style::Single && !traits.single {
        style = Style::Double;
    }
    if style == Style::Literal && (!traits.block || is_key) {
        style = Style::Double;
    }
    style
}

/// The styles in which a string can be written.
struct Traits {
    plain: bool,
    single: bool,
    block: bool,
    breaks: bool,
}

impl Traits {
    fn of(text: &str) -> Self {
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut special, mut break_space, mut space_break, mut breaks) =
            (false, false, false, false);
        let mut before = None;
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            let next_is_blank = letters.peek().is_none_or(|next| is_blank(*next));
            let before_is_blank = before.is_none_or(is_blank);
            indicators |= match (before, letter) {
                (None, '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>') => true,
                (None, '\'' | '"' | '%' | '@' | '`') => true,
                (None, '?' | '-') | (_, ':') => next_is_blank,
                (Some(_), '#') => before_is_blank,
                _ => false,
            };
            special |= !is_printable(letter);
            let previous_is_break = before.is_some_and(is_break);
            break_space |= letter == ' ' && previous_is_break;
            space_break |= is_break(letter) && before == Some(' ');
            breaks |= is_break(letter);
            before = Some(letter);
        }
        let edge =
            |letter: Option<char>| letter.is_some_and(|letter| letter == ' ' || is_break(letter));
        let edges = edge(text.chars().next()) || edge(before);
        let bad = space_break || special;
        Self {
            plain: !(indicators || edges || breaks || break_space || bad),
            single: !(break_space || bad),
            block: !(bad || before == Some(' ')),
            breaks,
        }
    }
}

fn is_break(letter: char) -> bool {
    matches!(letter, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t') || is_break(letter)
}

fn is_printable(letter: char) -> bool {
    matches!(letter, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && letter != '\u{feff}'
}

pub(super) fn escaped(letter: Option<char>) -> Option<String> {
    let Some(letter) = letter else {
        return Some("\u{fffd}".to_owned());
    };
    Some(match letter {
        '\0' => "\\0".to_owned(),
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\r' => "\\r".to_owned(),
        '\u{1b}' => "\\e".to_owned(),
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\u{85}' => "\\N".to_owned(),
        '\u{2028}' => "\\L".to_owned(),
        '\u{2029}' => "\\P".to_owned(),
        _ if is_printable(letter) => return None,
        _ => match u32::from(letter) {
            code @ 0..=0xff => format!("\\x{code:02X}"),
            code @ 0x100..=0xffff => format!("\\u{code:04X}"),
            code => format!("\\U{code:08X}"),
        },
    })
}

/// Compares keys in natural order: `a2` before `a10`, and letters after everything else.
pub(super) fn compare_keys(one: &str, other: &str) -> Ordering {
    if less(one, other) {
        return Ordering::Less;
    }
    match less(other, one) {
        true => Ordering::Greater,
        false => Ordering::Equal,
    }
}

fn less(one: &str, other: &str) -> bool {
    let one: Vec<char> = one.chars().collect();
    let other: Vec<char> = other.chars().collect();
    let differ = one.iter().zip(&other).position(|(one, other)| one != other);
    let Some(at) = differ else {
        return one.len() < other.len();
    };
    let (first, second) = (one[at], other[at]);
    if first.is_alphabetic() || second.is_alphabetic() {
        return match (first.is_alphabetic(), second.is_alphabetic()) {
            (true, true) => first < second,
            (_, second) => second,
        };
    }
    // If one of the differing digits is a zero, earlier nonzero digits make it a comparison of numbers.
    let mut start = 0;
    if first == '0' || second == '0' {
        let before = one[..at]
            .iter()
            .rev()
            .take_while(|letter| is_digit(**letter));
        start = i64::from(before.into_iter().any(|letter| *letter != '0'));
    }
    let (first_end, first_number) = digits(&one, at, start);
    let (second_end, second_number) = digits(&other, at, start);
    match () {
        () if first_number != second_number => first_number < second_number,
        () if first_end != second_end => first_end < second_end,
        () => first < second,
    }
}

fn is_digit(letter: char) -> bool {
    letter.is_ascii_digit()
}

fn digits(letters: &[char], at: usize, start: i64) -> (usize, i64) {
    let mut end = at;
    let mut number = start;
    while let Some(digit) = letters.get(end).and_then(|letter| letter.to_digit(10)) {
        number = number.wrapping_mul(10).wrapping_add(i64::from(digit));
        end += 1;
    }
    (end, number)
}
