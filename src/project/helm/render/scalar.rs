//! The type of a plain scalar by the rules of `go-yaml` version 2, which Helm uses to read and write YAML.

use crate::syntax::gotemplate::{integer, unsigned};
use crate::syntax::yaml;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Plain {
    Null,
    Bool(bool),
    /// As in JSON afterwards: all numbers are floats.
    Number(f64),
    /// A date or a time: JSON has it as a string, and the YAML writer quotes it.
    Time,
    Text,
}

/// Resolves a scalar without quotes.
pub(super) fn resolve(text: &str) -> Plain {
    match text {
        _ if yaml::is_null(text) => return Plain::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Plain::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Plain::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Plain::Number(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Plain::Number(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Plain::Number(f64::NEG_INFINITY),
        _ => {}
    }
    match text.as_bytes()[0] {
        b'.' => dotted(text),
        b'0'..=b'9' | b'+' | b'-' => numeric(text),
        _ => Plain::Text,
    }
}

fn dotted(text: &str) -> Plain {
    let digits = text.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    match text.parse() {
        Ok(value) if digits => Plain::Number(value),
        _ => Plain::Text,
    }
}

fn numeric(text: &str) -> Plain {
    if is_time(text) {
        return Plain::Time;
    }
    let plain = text.replace('_', "");
    #[allow(clippy::cast_precision_loss, reason = "JSON has floats alone")]
    if let Some(value) = integer(&plain) {
        return Plain::Number(value as f64);
    }
    #[allow(clippy::cast_precision_loss, reason = "JSON has floats alone")]
    if let Some(value) = unsigned(&plain) {
        return Plain::Number(value as f64);
    }
    match plain.parse() {
        Ok(value) if is_float(&plain) => Plain::Number(value),
        _ => Plain::Text,
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (number, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let some = !whole.is_empty() || number.starts_with('.') && !fraction.is_empty();
    let sound = exponent.is_none_or(|text| !text.is_empty() && digits(text));
    some && sound && digits(whole) && digits(fraction)
}

/// Whether a text is a number with colons, which YAML 1.1 reads in base 60; such strings are quoted.
pub(super) fn is_base_60(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (digits, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut parts = digits.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let minute = |part: &&str| {
        let bytes = part.as_bytes();
        match bytes {
            [one] => one.is_ascii_digit(),
            [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
            _ => false,
        }
    };
    let known = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_')
    };
    first.starts_with(|letter: char| letter.is_ascii_digit())
        && known(first)
        && !rest.is_empty()
        && rest.iter().all(minute)
        && known(fraction)
}

/// Whether a text is a date, with or without a time.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || bytes[4] != b'-' || !bytes[..4].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let Some((month, rest)) = small(&text[5..]) else {
        return false;
    };
    let Some((day, rest)) = rest.strip_prefix('-').and_then(small) else {
        return false;
    };
    let year: u32 = text[..4].parse().unwrap_or(0);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    if !(1..=days).contains(&day) {
        return false;
    }
    match rest.as_bytes().first() {
        None => true,
        Some(b'T' | b't') => clock(&rest[1..]).is_some_and(is_zone),
        Some(b' ') => clock(&rest[1..]) == Some(""),
        Some(_) => false,
    }
}

/// Reads a number of one or two digits, and returns the rest.
fn small(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let number = text.get(..digits)?.parse().ok()?;
    Some((number, &text[digits..]))
}

/// Reads a time of day, and returns the rest.
fn clock(text: &str) -> Option<&str> {
    let (hour, rest) = small(text)?;
    let (minute, rest) = small(rest.strip_prefix(':')?)?;
    let (second, rest) = small(rest.strip_prefix(':')?)?;
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|letter: char| letter.is_ascii_digit()),
        None => rest,
    };
    (hour < 24 && minute < 60 && second < 60).then_some(rest)
}

fn is_zone(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes[at].is_ascii_digit();
    text == "Z"
        || bytes.len() == 6
            && matches!(bytes[0], b'+' | b'-')
            && bytes[3] == b':'
            && [1, 2, 4, 5].into_iter().all(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_what_go_yaml_makes_of_them() {
        for (text, expected) in [
            ("off", Plain::Bool(false)),
            ("~", Plain::Null),
            ("1_000", Plain::Number(1000.0)),
            ("010", Plain::Number(8.0)),
            ("0x1F", Plain::Number(31.0)),
            ("1e3", Plain::Number(1000.0)),
            (".5", Plain::Number(0.5)),
            ("+1", Plain::Number(1.0)),
            ("08", Plain::Number(8.0)),
            ("1.", Plain::Number(1.0)),
            ("2020-01-01", Plain::Time),
            ("2020-1-2T3:04:05Z", Plain::Time),
            ("2020-13-01", Plain::Text),
            ("12:30", Plain::Text),
            ("1.2.3", Plain::Text),
            ("-", Plain::Text),
            ("1e", Plain::Text),
            ("Yes!", Plain::Text),
        ] {
            assert_eq!(resolve(text), expected, "{text}");
        }
        assert!(is_base_60("12:30") && is_base_60("1:20:30.5"));
        assert!(!is_base_60("12:60") && !is_base_60("a:30"));
    }
}
