//! `fmt.Sprintf`.

use super::fault::{Fault, Result};
use super::print::show_into;
use super::text::{Pieces, Text};
use super::value::Value;
use super::verb::{Spec, one, pad};

/// The largest width and precision; Go refuses larger ones, too.
const WIDEST: usize = 1_000_000;

/// Implements `fmt.Sprintf`.
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
