//! Writes values as TOML. Few charts use it; TOML is not parsed.

use super::context::Context;
use super::fault::{Fault, Result};
use super::number;
use super::print;
use super::text::{Pieces, Text};
use super::value::{Entries, MapType, Value};
use super::verb;

const DEEPEST: usize = 100;

/// Encodes as `BurntSushi/toml` does: plain keys first, then tables, each sorted and indented by its depth.
pub(super) fn to_toml(context: &Context, value: &Value) -> Result<Text> {
    let mut out = Pieces::default();
    match value {
        Value::Map(map) if !matches!(map.of(), MapType::Struct(_)) => {
            table(context, &mut out, &map.entries(), &mut Vec::new())?;
        }
        _ => out.computed("toml: top-level values must be Go maps or structs"),
    }
    context.budget.bytes(out.len())?;
    Ok(Text::new(out))
}

fn is_table(value: &Value) -> bool {
    match value {
        Value::Map(_) => true,
        Value::List(list) => {
            !list.items().is_empty() && list.items().iter().all(|item| item.as_map().is_some())
        }
        _ => false,
    }
}

fn table(
    context: &Context,
    out: &mut Pieces,
    entries: &Entries,
    path: &mut Vec<String>,
) -> Result<()> {
    if path.len() > DEEPEST {
        return Err(Fault::limit("a value is nested too deep"));
    }
    context.budget.steps(entries.len() + 1)?;
    let indent = "  ".repeat(path.len());
    for (name, value) in entries
        .iter()
        .filter(|(_, value)| !is_table(value) && !value.is_nil())
    {
        out.computed(&format!("{indent}{} = ", key(name)));
        inline(context, out, value, 0)?;
        out.computed("\n");
    }
    for (name, value) in entries.iter().filter(|(_, value)| is_table(value)) {
        path.push(key(name));
        let shown = path.join(".");
        match value {
            Value::Map(map) => {
                section(out, &format!("{indent}[{shown}]"));
                table(context, out, &map.entries(), path)?;
            }
            Value::List(list) => {
                for map in list.items().iter().filter_map(Value::as_map) {
                    section(out, &format!("{indent}[[{shown}]]"));
                    table(context, out, &map.entries(), path)?;
                }
            }
            _ => {}
        }
        path.pop();
    }
    Ok(())
}

fn section(out: &mut Pieces, title: &str) {
    // A blank line precedes top-level tables.
    if out.len() > 0 && title.starts_with('[') {
        out.computed("\n");
    }
    out.computed(&format!("{title}\n"));
}

fn inline(context: &Context, out: &mut Pieces, value: &Value, depth: usize) -> Result<()> {
    context.budget.steps(1)?;
    if depth > DEEPEST {
        return Err(Fault::limit("a value is nested too deep"));
    }
    match value {
        Value::Text(text) => out.push_text(&verb::quote(text)),
        Value::Float(value, source) => {
            let text = number::general(*value);
            let whole = !text.contains(['.', 'e']);
            out.push(
                text.as_bytes(),
                super::json::without_length(*source, text.len()),
            );
            if whole {
                out.computed(".0");
            }
        }
        Value::List(list) => {
            out.computed("[");
            for (index, item) in list.items().iter().enumerate() {
                if index > 0 {
                    out.computed(", ");
                }
                inline(context, out, item, depth + 1)?;
            }
            out.computed("]");
        }
        Value::Map(map) => {
            out.computed("{");
            for (index, (name, value)) in map.entries().iter().enumerate() {
                out.computed(if index > 0 { ", " } else { "" });
                out.computed(&format!("{} = ", key(name)));
                inline(context, out, value, depth + 1)?;
            }
            out.computed("}");
        }
        scalar => out.push_text(&print::show(scalar)?),
    }
    Ok(())
}

fn key(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    match !name.is_empty() && name.bytes().all(bare) {
        true => name.to_owned(),
        false => verb::quote(&Text::computed(name)).to_str().into_owned(),
    }
}

/// Implements `fromToml`, which always returns an error because TOML is not parsed.
pub(super) fn from_toml(context: &Context, _: &Text) -> Result<Value> {
    let entries = [("Error".into(), Value::computed("TOML is not read"))];
    context.map(entries.into())
}
