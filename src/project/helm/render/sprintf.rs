//! `fmt.Sprintf`.

use super::fault::{Fault, Result};
use super::number;
use super::print::{UNKNOWN, quote, show_into, unknown};
use super::text::{Pieces, Source, Text};
use super::value::{IntType, Value};

/// `%[flags][width][.precision]verb`
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spec {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
    verb: char,
}

impl Spec {
    pub(super) fn plain(verb: char) -> Self {
        Self {
            verb,
            ..Self::default()
        }
    }
}

/// Widths and precisions beyond this are refused by Go too.
const WIDEST: usize = 1_000_000;

/// `fmt.Sprintf`.
pub(super) fn sprintf(format: &Text, arguments: &[Value]) -> Result<Text> {
    let mut out = Pieces::default();
    let bytes = format.bytes();
    let mut at = 0;
    let mut next = 0;
    while at < bytes.len() {
        let start = at;
        at = memchr::memchr(b'%', &bytes[at..]).map_or(bytes.len(), |length| at + length);
        out.push_part(format, start, at);
        if at >= bytes.len() {
            break;
        }
        at += 1;
        let mut spec = Spec::default();
        at = read_spec(bytes, at, &mut spec, arguments, &mut next);
        let Some(verb) = std::str::from_utf8(&bytes[at..])
            .ok()
            .and_then(|rest| rest.chars().next())
        else {
            out.computed("%!(NOVERB)");
            break;
        };
        at += verb.len_utf8();
        spec.verb = verb;
        match arguments.get(next) {
            _ if verb == '%' => out.computed("%"),
            None => out.computed(&format!("%!{verb}(MISSING)")),
            Some(value) => {
                next += 1;
                argument(&mut out, value, &spec)?;
            }
        }
        if out.len() > super::budget::LONGEST {
            return Err(Fault::limit("a text is too long"));
        }
    }
    if next < arguments.len() {
        extra(&mut out, &arguments[next..])?;
    }
    Ok(Text::new(out))
}

fn extra(out: &mut Pieces, arguments: &[Value]) -> Result<()> {
    out.computed("%!(EXTRA ");
    for (index, value) in arguments.iter().enumerate() {
        if index > 0 {
            out.computed(", ");
        }
        if !value.is_nil() {
            out.computed(&format!("{}=", value.type_name()));
        }
        show_into(out, value, 'v', 0)?;
    }
    out.computed(")");
    Ok(())
}

fn read_spec(
    bytes: &[u8],
    mut at: usize,
    spec: &mut Spec,
    arguments: &[Value],
    next: &mut usize,
) -> usize {
    while let Some(flag) = bytes.get(at) {
        match flag {
            b'-' => spec.minus = true,
            b'+' => spec.plus = true,
            b'#' => spec.sharp = true,
            b' ' => spec.space = true,
            b'0' => spec.zero = true,
            _ => break,
        }
        at += 1;
    }
    spec.zero &= !spec.minus;
    let mut number = |at: &mut usize| {
        if bytes.get(*at) == Some(&b'*') {
            *at += 1;
            let given = arguments.get(*next);
            *next += 1;
            let Some(Value::Int(width, ..)) = given else {
                return None;
            };
            return usize::try_from(*width)
                .ok()
                .filter(|width| *width <= WIDEST);
        }
        let start = *at;
        while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
            *at += 1;
        }
        let digits = std::str::from_utf8(&bytes[start..*at]).ok()?;
        digits.parse().ok().filter(|width| *width <= WIDEST)
    };
    spec.width = number(&mut at);
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        spec.precision = Some(number(&mut at).unwrap_or(0));
    }
    at
}

fn argument(out: &mut Pieces, value: &Value, spec: &Spec) -> Result<()> {
    match (spec.verb, value) {
        ('T', value) => {
            out.computed(value.type_name());
            Ok(())
        }
        (verb, Value::List(_) | Value::Map(_)) if !matches!(verb, 'x' | 'p') => {
            let mut inner = Pieces::default();
            show_into(&mut inner, value, verb, 0)?;
            pad(out, &Text::new(inner), spec);
            Ok(())
        }
        (verb, Value::Nil) => show_into(out, &Value::Nil, verb, 0),
        _ => {
            one(out, value, spec);
            Ok(())
        }
    }
}

/// A scalar.
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

/// A number's text with its source, which is no longer verbatim where the text is another.
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

fn pad(out: &mut Pieces, text: &Text, spec: &Spec) {
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

/// `%.3g`.
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

#[cfg(test)]
mod tests {
    use super::super::value::{Heap, List, ListType, MapType};
    use super::*;

    #[track_caller]
    fn check(format: &str, arguments: &[Value], expected: &str) {
        let made = sprintf(&Text::computed(format), arguments).unwrap();
        assert_eq!(made.to_str(), expected);
    }

    #[test]
    fn verbs_are_those_of_go() {
        let text = Value::computed;
        let int = Value::int;
        check(
            "%s-%d%%|%5d|%-3d|%05d|%x",
            &[text("a"), int(3), int(4), int(5), int(7), int(255)],
            "a-3%|    4|5  |00007|ff",
        );
        check(
            "%q %q",
            &[text("a\"\n\u{1}é"), int(65)],
            "\"a\\\"\\n\\x01é\" 'A'",
        );
        check("%s %d", &[text("x")], "x %!d(MISSING)");
        check(
            "%s",
            &[text("x"), Value::float(3.5), Value::Nil],
            "x%!(EXTRA float64=3.5, <nil>)",
        );
        check(
            "%v %s %d",
            &[Value::Nil, Value::Nil, Value::Nil],
            "<nil> %!s(<nil>) %!d(<nil>)",
        );
        check(
            "%s %d %T",
            &[Value::float(3.0), text("x"), int(1)],
            "%!s(float64=3) %!d(string=x) int",
        );
        check(
            "%5s|%.2s|%-4s|%t",
            &[text("é"), text("héllo"), text("a"), Value::bool(true)],
            "    é|hé|a   |true",
        );
        check(
            "%.2f|%07.2f|%g|%.3g|%e",
            &[1.0, 3.15159, 1e6, 1234.5, 1e6].map(Value::float),
            "1.00|0003.15|1e+06|1.23e+03|1.000000e+06",
        );
        check(
            "%+d|%03d|%c|%U",
            &[int(4), int(-3), int(65), int(65)],
            "+4|-03|A|U+0041",
        );
        check("100%", &[], "100%!(NOVERB)");
    }

    #[test]
    fn collections_are_shown_as_go_shows_them() {
        let heap = Heap::default();
        let items = vec![
            Value::computed("a"),
            Value::int(1),
            Value::Nil,
            Value::float(1.5),
        ];
        let list = Value::List(List::new(items, ListType::Any).unwrap());
        let entries = [("b".into(), Value::int(1)), ("a".into(), list.clone())];
        let map = Value::Map(heap.map(entries.into(), MapType::Any, None));
        check(
            "%v %s",
            &[map, list],
            "map[a:[a 1 <nil> 1.5] b:1] [a %!s(int=1) %!s(<nil>) %!s(float64=1.5)]",
        );
    }
}
