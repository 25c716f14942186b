//! Numbers, characters and strings as Go writes them.

/// A number in a template. The variant depends on how it is written, as in Go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Int(i64),
    /// `also_int` is set if it may be passed to a function that wants an integer: `1.0`.
    Float {
        value: f64,
        also_int: Option<i64>,
    },
}

/// Reads a number. `None` if the text is not a number, or if the number is imaginary or too large.
pub(super) fn number(text: &str) -> Option<Number> {
    let digits = text.trim_start_matches(['+', '-']);
    if text.len() - digits.len() > 1 || digits.is_empty() {
        return None;
    }
    if let Some(value) = integer(text) {
        return Some(Number::Int(value));
    }
    let lower = digits.to_ascii_lowercase();
    if let Some(value) = lower.strip_prefix("0x").and_then(hex_float) {
        let value = if text.starts_with('-') { -value } else { value };
        return Some(float(value));
    }
    if lower.starts_with("0x") || lower.starts_with("0b") || lower.starts_with("0o") {
        return None;
    }
    let known = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'+' | b'-');
    let plain = without_underscores(&lower)?;
    if !plain.bytes().all(known) || !plain.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let value: f64 = plain.parse().ok().filter(|value: &f64| value.is_finite())?;
    let value = if text.starts_with('-') { -value } else { value };
    if !plain.contains(['.', 'e']) {
        // An integer that is too large.
        return None;
    }
    Some(float(value))
}

fn float(value: f64) -> Number {
    #[allow(clippy::cast_possible_truncation, reason = "checked by the comparison")]
    let whole = value as i64;
    #[allow(clippy::cast_precision_loss, reason = "as Go compares")]
    let also_int = (whole as f64 == value).then_some(whole);
    Number::Float { value, also_int }
}

/// `1.8p3`: hexadecimal digits, and a power of two in decimal ones.
fn hex_float(text: &str) -> Option<f64> {
    let (digits, power) = text.split_once('p')?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let power: i32 = power.parse().ok()?;
    let mut value = 0.0;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let shift = power.checked_sub(4 * i32::try_from(fraction.len()).ok()?)?;
    let sound = !(whole.is_empty() && fraction.is_empty());
    sound
        .then(|| value * 2_f64.powi(shift))
        .filter(|value| value.is_finite())
}

/// An integer as `strconv.ParseInt` reads it with base 0.
pub fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let value = unsigned(digits)?;
    match negative {
        true => 0_i64.checked_sub_unsigned(value),
        false => i64::try_from(value).ok(),
    }
}

/// A number without sign, as `strconv.ParseUint` reads it with base 0.
pub fn unsigned(digits: &str) -> Option<u64> {
    let lower = digits.to_ascii_lowercase();
    let (base, rest) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &lower[..]),
    };
    let rest = if base == 10 {
        without_underscores(rest)?
    } else {
        without_underscores(rest.strip_prefix('_').unwrap_or(rest))?
    };
    let digit = |byte: u8| char::from(byte).is_digit(base);
    let sound = !rest.is_empty() && rest.bytes().all(digit);
    sound.then(|| u64::from_str_radix(&rest, base).ok())?
}

/// Removes underscores. `None` if one is not between digits.
fn without_underscores(text: &str) -> Option<String> {
    let sound = !text.starts_with('_') && !text.ends_with('_') && !text.contains("__");
    sound.then(|| text.replace('_', ""))
}

/// Decodes the content of a quoted string or character like `strconv.Unquote`. Returns bytes, because `\xff` is not UTF-8.
pub(super) fn unquote(content: &str, quote: char) -> Option<Vec<u8>> {
    let mut value = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some(letter) = rest.chars().next() {
        if letter != '\\' {
            let length = letter.len_utf8();
            value.extend_from_slice(&rest.as_bytes()[..length]);
            rest = &rest[length..];
            continue;
        }
        rest = escape(&rest[1..], quote, &mut value)?;
    }
    Some(value)
}

/// Decodes what follows a backslash. Returns the rest.
fn escape<'t>(rest: &'t str, quote: char, value: &mut Vec<u8>) -> Option<&'t str> {
    let letter = rest.chars().next()?;
    let after = &rest[letter.len_utf8()..];
    let simple = match letter {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        '"' | '\'' if letter == quote => letter as u8,
        '0'..='7' => {
            let byte = u8::from_str_radix(rest.get(..3)?, 8).ok()?;
            value.push(byte);
            return Some(&rest[3..]);
        }
        'x' => {
            value.push(u8::from_str_radix(after.get(..2)?, 16).ok()?);
            return Some(&after[2..]);
        }
        'u' | 'U' => {
            let length = if letter == 'u' { 4 } else { 8 };
            let code = u32::from_str_radix(after.get(..length)?, 16).ok()?;
            let mut buffer = [0; 4];
            value.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut buffer).as_bytes());
            return Some(&after[length..]);
        }
        _ => return None,
    };
    value.push(simple);
    Some(after)
}

/// The code of a character constant with its quotes.
pub(super) fn character(quoted: &str) -> Option<i64> {
    let inner = quoted.strip_prefix('\'')?.strip_suffix('\'')?;
    let value = unquote(inner, '\'')?;
    let text = String::from_utf8(value).ok()?;
    let mut letters = text.chars();
    let letter = letters.next()?;
    letters
        .next()
        .is_none()
        .then(|| i64::from(u32::from(letter)))
}
