//! Values as text, by the rules of Go's `fmt`.

use super::fault::{Fault, Result};
use super::text::{Pieces, Text};
use super::value::{MapType, Value};
use super::verb::{Spec, UNKNOWN, one, unknown};

/// Values nested deeper than this are not printed.
const DEEPEST: usize = 1000;

/// Formats a value as `%v`.
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

/// Prints the value of an action. Nil becomes `<no value>`, which is removed at the end.
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
