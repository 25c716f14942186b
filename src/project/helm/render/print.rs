//! Values as text, by the rules of Go's `fmt`.

use super::fault::{Fault, Result};
use super::reads::PathId;
use super::sprintf::{Spec, one};
use super::text::{Pieces, Source, Text};
use super::value::{MapType, Value};

/// Values nested deeper than this are not printed.
const DEEPEST: usize = 1000;

/// What stands where nobody knows what would.
pub(super) const UNKNOWN: &[u8] = b"unknown";

pub(super) fn unknown(path: Option<PathId>) -> Source {
    path.map_or(Source::Opaque, Source::Unknown)
}

/// `%v`.
pub(super) fn show(value: &Value) -> Result<Text> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        _ => {
            let mut out = Pieces::default();
            show_into(&mut out, value, 'v', 0)?;
            Ok(Text::new(out))
        }
    }
}

/// What an action prints. Nothing at all is `<no value>`, which is taken out at the end.
pub(super) fn print_into(out: &mut Pieces, value: &Value) -> Result<()> {
    match value {
        Value::Nil => {
            out.computed("<no value>");
            Ok(())
        }
        Value::Text(text) => {
            out.push_text(text);
            Ok(())
        }
        _ => show_into(out, value, 'v', 0),
    }
}

pub(super) fn show_into(out: &mut Pieces, value: &Value, verb: char, depth: usize) -> Result<()> {
    if depth > DEEPEST {
        return Err(Fault::limit("a value is nested too deep"));
    }
    match value {
        Value::Nil if verb == 'v' => out.computed("<nil>"),
        Value::Nil => out.computed(&format!("%!{verb}(<nil>)")),
        Value::Unknown(path) => out.push(UNKNOWN, unknown(*path)),
        Value::List(list) => {
            out.computed("[");
            for (index, item) in list.items().iter().enumerate() {
                if index > 0 {
                    out.computed(" ");
                }
                show_into(out, item, verb, depth + 1)?;
            }
            out.computed("]");
        }
        Value::Map(map) => return show_map(out, map, verb, depth),
        scalar => one(out, scalar, &Spec::plain(verb)),
    }
    Ok(())
}

fn show_map(out: &mut Pieces, map: &super::value::Map, verb: char, depth: usize) -> Result<()> {
    if let MapType::Struct(of) = map.of() {
        let shown = of.shown_field().and_then(|field| map.get(field));
        if let Some(Value::Text(text)) = shown {
            out.push_text(&text);
            return Ok(());
        }
        out.computed(if of.type_name().starts_with('*') {
            "&{"
        } else {
            "{"
        });
        for (index, value) in map.entries().values().enumerate() {
            if index > 0 {
                out.computed(" ");
            }
            show_into(out, value, verb, depth + 1)?;
        }
        out.computed("}");
        return Ok(());
    }
    out.computed("map[");
    for (index, (key, value)) in map.entries().iter().enumerate() {
        if index > 0 {
            out.computed(" ");
        }
        match verb {
            'q' => out.computed(&format!("{key:?}")),
            's' | 'v' => out.computed(key),
            _ => out.computed(&format!("%!{verb}(string={key})")),
        }
        out.computed(":");
        show_into(out, value, verb, depth + 1)?;
    }
    out.computed("]");
    Ok(())
}

/// `%q` of a text: what needs no escape keeps its source.
pub(super) fn quote(text: &Text) -> Text {
    let mut out = Pieces::default();
    out.computed("\"");
    let bytes = text.bytes();
    let mut start = 0;
    let mut at = 0;
    while at < bytes.len() {
        let (letter, length) = decode(&bytes[at..]);
        let escape = match letter {
            None => Some(format!("\\x{:02x}", bytes[at])),
            Some(letter) => escaped(letter),
        };
        if let Some(escape) = escape {
            out.push_part(text, start, at);
            out.computed(&escape);
            start = at + length;
        }
        at += length;
    }
    out.push_part(text, start, bytes.len());
    out.computed("\"");
    Text::new(out)
}

/// The first letter, and how many bytes it takes; one where it is no UTF-8.
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

/// Whether Go prints a letter as it is. Blanks other than the space are not, nor are marks without a shape.
fn is_printable(letter: char) -> bool {
    let invisible = matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}');
    !(letter.is_control() || letter.is_whitespace() || invisible)
}
