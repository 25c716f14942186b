//! Functions on strings that keep the origin of their arguments.

use super::super::context::Context;
use super::super::fault::{Fault, Result};
use super::super::print;
use super::super::text::{Pieces, Text};
use super::super::value::{Entries, MapType, Value};
use super::super::verb;
use super::{Function, any, count, int, text, texts_of};

pub(super) const TABLE: &[Function] = &[
    Function::new("trim", "s", |_, given| {
        Ok(Value::Text(text(given, 0).trim(
            char::is_whitespace,
            true,
            true,
        )))
    }),
    Function::new("trimAll", "ss", |_, given| trimmed(given)).also(&["trimall"]),
    Function::new("trimSuffix", "ss", |_, given| {
        let (cut, value) = (text(given, 0), text(given, 1));
        let end = value
            .bytes()
            .strip_suffix(cut.bytes())
            .map_or(value.len(), <[u8]>::len);
        Ok(Value::Text(value.slice(0, end)))
    }),
    Function::new("trimPrefix", "ss", |_, given| {
        let (cut, value) = (text(given, 0), text(given, 1));
        let start = if value.bytes().starts_with(cut.bytes()) {
            cut.len()
        } else {
            0
        };
        Ok(Value::Text(value.slice(start, value.len())))
    }),
    Function::new("trunc", "is", |_, given| {
        Ok(Value::Text(truncated(int(given, 0), &text(given, 1))))
    }),
    Function::new("substr", "iis", substring),
    Function::new("repeat", "is", |context, given| {
        let (times, value) = (count(given, 0)?, text(given, 1));
        context.budget.bytes(times.saturating_mul(value.len()))?;
        context.budget.steps(times)?;
        let mut out = Pieces::default();
        if !value.is_empty() {
            (0..times).for_each(|_| out.push_text(&value));
        }
        Ok(Value::Text(Text::new(out)))
    }),
    Function::new("replace", "sss", |context, given| {
        let (old, new, value) = (text(given, 0), text(given, 1), text(given, 2));
        let most = value.len() / old.len().max(1) + 1;
        context
            .budget
            .bytes(value.len() + most.saturating_mul(new.len()).min(1 << 24))?;
        let made = value.replace(old.bytes(), &new);
        context.budget.bytes(made.len())?;
        Ok(Value::Text(made))
    }),
    Function::new("indent", "is", |context, given| {
        indented(context, given, false)
    }),
    Function::new("nindent", "is", |context, given| {
        indented(context, given, true)
    }),
    Function::new("quote", "a*", |context, given| quoted(context, given, true)),
    Function::new("squote", "a*", |context, given| {
        quoted(context, given, false)
    }),
    Function::new("cat", "a*", |context, given| {
        let given: Vec<&Value> = given.iter().filter(|value| !value.is_nil()).collect();
        let shown = given
            .into_iter()
            .map(print::show)
            .collect::<Result<Vec<_>>>()?;
        joined(context, &shown, &Text::computed(" "))
    }),
    Function::new("join", "sa", |context, given| {
        let parts = texts_of(&any(given, 1))?;
        joined(context, &parts, &text(given, 0))
    }),
    Function::new("toString", "a", |_, given| {
        print::show(&any(given, 0)).map(Value::Text)
    }),
    Function::new("splitList", "ss", |context, given| {
        context.texts(text(given, 1).split(text(given, 0).bytes(), usize::MAX))
    }),
    Function::new("split", "ss", |context, given| {
        let parts = text(given, 1).split(text(given, 0).bytes(), usize::MAX);
        numbered(context, parts)
    }),
    Function::new("splitn", "sis", |context, given| {
        let most = match int(given, 1) {
            0 => return numbered(context, Vec::new()),
            most => usize::try_from(most).unwrap_or(usize::MAX),
        };
        numbered(context, text(given, 2).split(text(given, 0).bytes(), most))
    }),
    Function::new("contains", "ss", |_, given| {
        let found = memchr::memmem::find(text(given, 1).bytes(), text(given, 0).bytes());
        Ok(Value::bool(found.is_some()))
    }),
    Function::new("hasPrefix", "ss", |_, given| {
        Ok(Value::bool(
            text(given, 1).bytes().starts_with(text(given, 0).bytes()),
        ))
    }),
    Function::new("hasSuffix", "ss", |_, given| {
        Ok(Value::bool(
            text(given, 1).bytes().ends_with(text(given, 0).bytes()),
        ))
    }),
    Function::new("nospace", "s", |_, given| {
        let value = text(given, 0);
        let shown = value.to_str();
        let mut out = Pieces::default();
        let mut start = 0;
        for (at, letter) in shown
            .char_indices()
            .filter(|(_, letter)| letter.is_whitespace())
        {
            out.push_part(&value, start, at);
            start = at + letter.len_utf8();
        }
        out.push_part(&value, start, value.len());
        Ok(Value::Text(Text::new(out)))
    }),
    Function::new("abbrev", "is", |_, given| {
        let (width, value) = (int(given, 0), text(given, 1));
        let width = usize::try_from(width).unwrap_or(0);
        if width < 4 || value.len() <= width {
            return Ok(Value::Text(value));
        }
        let mut out = Pieces::default();
        out.push_part(&value, 0, width - 3);
        out.computed("...");
        Ok(Value::Text(Text::new(out)))
    }),
];

fn trimmed(given: &[Value]) -> Result<Value> {
    let set = text(given, 0).to_str().into_owned();
    let value = text(given, 1).trim(|letter| set.contains(letter), true, true);
    Ok(Value::Text(value))
}

/// Returns the first `most` bytes, or the last ones if it is negative.
fn truncated(most: i64, value: &Text) -> Text {
    let length = value.len();
    let size = usize::try_from(most.unsigned_abs()).unwrap_or(usize::MAX);
    match most < 0 {
        true if size < length => value.slice(length - size, length),
        false if size < length => value.slice(0, size),
        _ => value.clone(),
    }
}

fn substring(_: &Context, given: &[Value]) -> Result<Value> {
    let (start, end, value) = (int(given, 0), int(given, 1), text(given, 2));
    let length = value.len();
    let start = usize::try_from(start).unwrap_or(0);
    let end = match usize::try_from(end) {
        Ok(end) if end <= length => end,
        _ if int(given, 0) < 0 => return Err(Fault::new("slice bounds out of range")),
        _ => length,
    };
    match start <= end {
        true => Ok(Value::Text(value.slice(start, end))),
        false => Err(Fault::new("slice bounds out of range")),
    }
}

fn indented(context: &Context, given: &[Value], on_new_line: bool) -> Result<Value> {
    let (width, value) = (count(given, 0)?, text(given, 1));
    let breaks = memchr::memchr_iter(b'\n', value.bytes()).count() + 1;
    context
        .budget
        .bytes(value.len().saturating_add(breaks.saturating_mul(width)))?;
    let pad = " ".repeat(width);
    let between = format!("\n{pad}");
    let mut out = Pieces::default();
    out.computed(if on_new_line { &between } else { &pad });
    let mut start = 0;
    for at in memchr::memchr_iter(b'\n', value.bytes()) {
        out.push_part(&value, start, at);
        out.computed(&between);
        start = at + 1;
    }
    out.push_part(&value, start, value.len());
    Ok(Value::Text(Text::new(out)))
}

fn quoted(context: &Context, given: &[Value], double: bool) -> Result<Value> {
    let mut out = Pieces::default();
    for value in given.iter().filter(|value| !value.is_nil()) {
        if out.len() > 0 {
            out.computed(" ");
        }
        let shown = print::show(value)?;
        if double {
            out.push_text(&verb::quote(&shown));
        } else {
            out.computed("'");
            out.push_text(&shown);
            out.computed("'");
        }
    }
    context.text(out)
}

fn joined(context: &Context, parts: &[Text], separator: &Text) -> Result<Value> {
    let length: usize = parts.iter().map(|part| part.len() + separator.len()).sum();
    context.budget.bytes(length)?;
    let mut out = Pieces::default();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push_text(separator);
        }
        out.push_text(part);
    }
    Ok(Value::Text(Text::new(out)))
}

/// Returns the parts in a map with the keys `_0`, `_1` and so on.
fn numbered(context: &Context, parts: Vec<Text>) -> Result<Value> {
    context.budget.steps(parts.len())?;
    let parts = parts.into_iter().enumerate();
    let entries: Entries = parts
        .map(|(at, part)| (format!("_{at}").into(), Value::Text(part)))
        .collect();
    Ok(Value::Map(context.heap.map(entries, MapType::Texts, None)))
}
