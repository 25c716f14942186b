//! Prints one scalar for a verb of Go's `fmt`.

use super::number;
use super::text::{PathId, Pieces, Source, Text};
use super::value::{IntType, Value};

/// The text that stands in for an unknown value.
pub(super) const UNKNOWN: &[u8] = b"unknown";

pub(super) fn unknown(path: Option<PathId>) -> Source {
    path.map_or(Source::Opaque, Source::Unknown)
}

/// `%[flags][width][.precision]verb`
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spec {
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) verb: char,
}

impl Spec {
    pub(super) fn plain(verb: char) -> Self {
        Self {
            verb,
            ..Self::default()
        }
    }
}

/// Prints a scalar.
pub(super) fn one(out: &mut Pieces, value: &Value, spec: &Spec) {
    let made = match value {
        Value::Text(text) => formatted_text(text, spec),
        Value::Bool(value, source) => match spec.verb {
            'v' | 't' => Some(Text::from_source(value.to_string().as_bytes(), *source)),
            _ => None,
        },
        Value::Int(value, of, source) => {
            formatted_int(*value, *of, spec).map(|text| from_scalar(&text, *source))
        }
        Value::Float(value, source) => {
            formatted_float(*value, spec).map(|text| from_scalar(&text, *source))
        }
        Value::Unknown(path) => Some(Text::from_source(UNKNOWN, unknown(*path))),
        _ => None,
    };
    match made {
        Some(text) => pad(out, &text, spec),
        None => {
            out.computed(&format!("%!{}({}=", spec.verb, value.type_name()));
            one(out, value, &Spec::plain('v'));
            out.computed(")");
        }
    }
}

/// Returns a number's text with its source, which is no longer verbatim if the text differs.
fn from_scalar(text: &str, source: Source) -> Text {
    let source = match source {
        Source::Written(mut origin) if origin.verbatim && origin.span().len() != text.len() => {
            origin.verbatim = false;
            Source::Written(origin)
        }
        other => other,
    };
    Text::from_source(text.as_bytes(), source)
}

pub(super) fn pad(out: &mut Pieces, text: &Text, spec: &Spec) {
    let letters = text.to_str().chars().count();
    let missing = spec.width.unwrap_or(0).saturating_sub(letters);
    let numeric = !matches!(spec.verb, 's' | 'v' | 'q' | 't');
    let fill = if spec.zero && (numeric || spec.verb == 'v') {
        "0"
    } else {
        " "
    };
    if spec.minus {
        out.push_text(text);
    }
    // Zeros go after the sign.
    let signed = fill == "0"
        && missing > 0
        && text
            .bytes()
            .first()
            .is_some_and(|byte| matches!(byte, b'+' | b'-'));
    if signed {
        out.push_part(text, 0, 1);
    }
    out.computed(&fill.repeat(missing));
    if !spec.minus {
        out.push_part(text, usize::from(signed), text.len());
    }
}

fn formatted_text(text: &Text, spec: &Spec) -> Option<Text> {
    let cut = || match spec.precision {
        None => text.clone(),
        Some(most) => {
            let shown = text.to_str();
            let end = shown
                .char_indices()
                .nth(most)
                .map_or(text.len(), |(at, _)| at);
            text.slice(0, end.min(text.len()))
        }
    };
    match spec.verb {
        's' | 'v' if !(spec.verb == 'v' && spec.sharp) => Some(cut()),
        'q' | 'v' => Some(quote(&cut())),
        'x' | 'X' => {
            let hex = |byte: &u8| match spec.verb {
                'x' => format!("{byte:02x}"),
                _ => format!("{byte:02X}"),
            };
            let hex: String = cut().bytes().iter().map(hex).collect();
            Some(Text::from_source(hex.as_bytes(), text.taint()))
        }
        _ => None,
    }
}

fn formatted_int(value: i64, of: IntType, spec: &Spec) -> Option<String> {
    let sign = match value < 0 {
        true => "-",
        false if spec.plus => "+",
        false if spec.space => " ",
        false => "",
    };
    #[allow(clippy::cast_sign_loss, reason = "as Go stores it")]
    let size = if of == IntType::Uint64 {
        value as u64
    } else {
        value.unsigned_abs()
    };
    let sharp = |prefix: &'static str| if spec.sharp { prefix } else { "" };
    let digits = match spec.verb {
        'd' | 'v' => format!("{size}"),
        'x' => format!("{}{size:x}", sharp("0x")),
        'X' => format!("{}{size:X}", sharp("0X")),
        'o' => format!("{}{size:o}", sharp("0")),
        'O' => format!("0o{size:o}"),
        'b' => format!("{size:b}"),
        'c' | 'q' | 'U' => return letter(value, spec.verb),
        _ => return None,
    };
    let least = spec.precision.unwrap_or(0);
    Some(format!("{sign}{digits:0>least$}"))
}

fn letter(value: i64, verb: char) -> Option<String> {
    let code = u32::try_from(value).ok()?;
    let letter = char::from_u32(code).unwrap_or('\u{fffd}');
    Some(match verb {
        'c' => letter.to_string(),
        'U' => format!("U+{code:04X}"),
        _ => format!("'{letter}'"),
    })
}

fn formatted_float(value: f64, spec: &Spec) -> Option<String> {
    let precision = spec.precision;
    let text = match (spec.verb, precision) {
        ('v' | 'g' | 'G', None) => number::general(value),
        ('v' | 'g' | 'G', Some(precision)) => significant(value, precision.max(1)),
        ('f' | 'F', precision) => format!("{value:.*}", precision.unwrap_or(6)),
        ('e' | 'E', precision) => {
            number::with_exponent(&format!("{value:.*e}", precision.unwrap_or(6)), 2)
        }
        _ => return None,
    };
    let sign = match value >= 0.0 {
        true if spec.plus => "+",
        true if spec.space => " ",
        _ => "",
    };
    Some(format!("{sign}{text}"))
}

/// Formats as `%.3g`.
fn significant(value: f64, digits: usize) -> String {
    let text = format!("{value:.*e}", digits - 1);
    let exponent = text.split_once('e').map_or("0", |(_, exponent)| exponent);
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let most = i32::try_from(digits).unwrap_or(i32::MAX);
    let trimmed = |text: String| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    };
    if exponent < -4 || exponent >= most {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return number::with_exponent(&format!("{}e{exponent}", trimmed(mantissa.to_owned())), 2);
    }
    let decimals = usize::try_from(most - 1 - exponent).unwrap_or(0);
    trimmed(format!("{value:.decimals$}"))
}

/// Quotes a text as `%q`: what needs no escape keeps its source.
pub(super) fn quote(text: &Text) -> Text {
    let mut out = Pieces::default();
    push_quoted(&mut out, text, |letter, byte| match letter {
        None => Some(format!("\\x{byte:02x}")),
        Some(letter) => escaped(letter),
    });
    Text::new(out)
}

/// Adds a text in quotes. `escaped` gets each letter with its first byte, or `None` and an invalid byte.
pub(super) fn push_quoted(
    out: &mut Pieces,
    text: &Text,
    escaped: impl Fn(Option<char>, u8) -> Option<String>,
) {
    out.computed("\"");
    let bytes = text.bytes();
    let (mut start, mut at) = (0, 0);
    while at < bytes.len() {
        let (letter, length) = decode(&bytes[at..]);
        if let Some(escape) = escaped(letter, bytes[at]) {
            out.push_part(text, start, at);
            out.computed(&escape);
            start = at + length;
        }
        at += length;
    }
    out.push_part(text, start, bytes.len());
    out.computed("\"");
}

/// Returns the first letter and its length in bytes, or `None` and 1 if the text does not start with valid UTF-8.
pub(super) fn decode(bytes: &[u8]) -> (Option<char>, usize) {
    if bytes[0].is_ascii() {
        return (Some(char::from(bytes[0])), 1);
    }
    for length in 2..=bytes.len().min(4) {
        if let Ok(text) = std::str::from_utf8(&bytes[..length]) {
            return (text.chars().next(), length);
        }
    }
    (None, 1)
}

fn escaped(letter: char) -> Option<String> {
    Some(match letter {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        ' '..='~' => return None,
        '\0'..='\u{1f}' | '\u{7f}' => format!("\\x{:02x}", u32::from(letter)),
        _ if is_printable(letter) => return None,
        _ if u32::from(letter) > 0xffff => format!("\\U{:08x}", u32::from(letter)),
        _ => format!("\\u{:04x}", u32::from(letter)),
    })
}

/// Whether Go prints a letter unescaped. Spaces other than U+0020 and invisible marks are escaped.
fn is_printable(letter: char) -> bool {
    let invisible = matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}');
    !(letter.is_control() || letter.is_whitespace() || invisible)
}
