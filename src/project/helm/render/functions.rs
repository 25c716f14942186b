//! The functions that templates may call: those of Go, sprig and Helm.
//!
//! Each table lists a function's name, its parameters, and its implementation.

pub(super) mod dicts;
mod encode;
mod files;
mod lists;
mod logic;
mod math;
mod opaque;
mod paths;
pub(super) mod regex;
mod semver;
mod strings;
mod wording;

use std::collections::HashMap;
use std::sync::OnceLock;

use super::context::Context;
use super::eval::{Frame, Machine};
use super::fault::{Fault, Result};
use super::reads::Comparison;
use super::text::{Origin, OriginKind, Text};
use super::value::{ListType, MapType, Value};
use crate::source::Span;

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parameter {
    Any,
    Text,
    Int,
    Bool,
    Float,
    Map,
}

impl Parameter {
    pub(super) fn go_name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Text => "string",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Float => "float64",
            Self::Map => "map[string]interface {}",
        }
    }
}

type Run = fn(&Context, &[Value]) -> Result<Value>;

pub(super) struct Function {
    name: &'static str,
    /// Aliases: sprig has many functions a second time, with the prefix `must`.
    others: &'static [&'static str],
    /// A letter for each parameter: `s`tring, `i`nt, `b`ool, `f`loat, `m`ap, `a`ny; a `*` after the last one means
    /// any number of it.
    signature: &'static str,
    pub run: Run,
}

impl Function {
    pub(super) const fn new(name: &'static str, signature: &'static str, run: Run) -> Self {
        Self {
            name,
            others: &[],
            signature,
            run,
        }
    }

    const fn also(self, others: &'static [&'static str]) -> Self {
        Self { others, ..self }
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        [self.name].into_iter().chain(self.others.iter().copied())
    }

    pub(super) fn parameter(&self, index: usize) -> Parameter {
        let letters = self.signature.trim_end_matches('*').as_bytes();
        let letter = letters.get(index).or(letters.last());
        match letter {
            Some(b's') => Parameter::Text,
            Some(b'i') => Parameter::Int,
            Some(b'b') => Parameter::Bool,
            Some(b'f') => Parameter::Float,
            Some(b'm') => Parameter::Map,
            _ => Parameter::Any,
        }
    }

    /// Checks the number of arguments, of which `written` are written in the call itself.
    pub(super) fn check_count(&self, name: &str, count: usize, written: usize) -> Result<()> {
        let letters = self.signature.trim_end_matches('*').len();
        match self.signature.ends_with('*') {
            true if count < letters - 1 => Err(Fault::new(format!(
                "wrong number of args for {name}: want at least {} got {written}",
                letters - 1
            ))),
            false if count != letters => Err(Fault::new(format!(
                "wrong number of args for {name}: want {letters} got {count}"
            ))),
            _ => Ok(()),
        }
    }
}

fn table() -> &'static HashMap<&'static str, &'static Function> {
    static TABLE: OnceLock<HashMap<&'static str, &'static Function>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let all = [
            dicts::TABLE,
            encode::TABLE,
            lists::TABLE,
            logic::TABLE,
            math::TABLE,
            opaque::TABLE,
            paths::TABLE,
            regex::TABLE,
            semver::TABLE,
            strings::TABLE,
            wording::TABLE,
        ];
        let all = all.into_iter().flatten();
        all.flat_map(|function| function.names().map(move |name| (name, function)))
            .collect()
    })
}

pub(super) fn find(name: &str) -> Option<&'static Function> {
    table().get(name).copied()
}

/// Whether there is such a function, including those that the evaluator runs itself.
pub(super) fn is_known(name: &str) -> bool {
    matches!(name, "and" | "or") || find(name).is_some()
}

/// A method: it takes its receiver, and its arguments.
pub(super) type Method = fn(&Context, &Value, &[Value]) -> Result<Value>;

/// Returns the method of a value with this name, if there is one.
pub(super) fn method(value: &Value, name: &str) -> Option<Method> {
    match value {
        Value::Map(map) => match map.of() {
            MapType::Files => files::method(name),
            MapType::Struct(of) => semver::method(*of, name).or(opaque::method(*of)),
            _ => None,
        },
        Value::List(list) if list.of() == ListType::Versions && name == "Has" => Some(has_version),
        _ => None,
    }
}

fn has_version(_: &Context, versions: &Value, given: &[Value]) -> Result<Value> {
    let [Value::Text(wanted)] = given else {
        return Err(Fault::new("wrong arguments for Has: want a string"));
    };
    let has = |item: &Value| matches!(item, Value::Text(item) if item.bytes() == wanted.bytes());
    Ok(Value::bool(match versions {
        Value::List(list) => list.items().iter().any(has),
        _ => false,
    }))
}

/// Records comparisons.
pub(super) fn record(
    machine: &Machine,
    frame: &Frame<'_>,
    name: &str,
    span: Span,
    given: &[Value],
) {
    const COMPARING: [&str; 17] = [
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "contains",
        "hasPrefix",
        "hasSuffix",
        "regexMatch",
        "mustRegexMatch",
        "regexFind",
        "semverCompare",
        "has",
        // The result of these depends on whether one text occurs in the other.
        "trimPrefix",
        "trimSuffix",
        "replace",
    ];
    let Some(function) = COMPARING.into_iter().find(|known| *known == name) else {
        return;
    };
    for (index, value) in given.iter().enumerate() {
        let what = pieces_of_value(value);
        let is_value = |(_, origin): &(String, Option<Origin>)| {
            origin.is_some_and(|origin| origin.kind == OriginKind::Value)
        };
        if !what.iter().any(is_value) {
            continue;
        }
        let others = given
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index);
        let others = others.filter_map(|(_, other)| {
            let text = super::print::show(other).ok()?;
            let at = match pieces_of_value(other)[..] {
                [(_, origin)] => origin,
                _ => None,
            };
            (text.len() <= LONGEST_COMPARED).then(|| (text.to_str().into_owned(), at))
        });
        let with = others.collect();
        machine.context.recorder.compare(Comparison {
            function,
            what,
            argument: index,
            with,
            at: frame.script().file().map(|file| (file, span)),
        });
    }
}

/// The longest text that is recorded: image names are shorter.
const LONGEST_COMPARED: usize = 1024;

/// Splits a scalar into pieces with their origins. Empty if it is longer than a name.
fn pieces_of_value(value: &Value) -> Vec<(String, Option<Origin>)> {
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match value {
        Value::Text(text) if text.len() > LONGEST_COMPARED => Vec::new(),
        Value::Text(text) => {
            let pieces = text.pieces().pieces_in(0, text.len());
            pieces
                .map(|(from, to, source)| (shown(&text.bytes()[from..to]), source.origin()))
                .collect()
        }
        Value::Bool(..) | Value::Int(..) | Value::Float(..) => {
            let text = super::print::show(value).map(|text| text.to_str().into_owned());
            vec![(text.unwrap_or_default(), value.source().origin())]
        }
        _ => Vec::new(),
    }
}

// Helpers to read arguments. The evaluator has checked their types.

fn text(given: &[Value], index: usize) -> Text {
    match given.get(index) {
        Some(Value::Text(text)) => text.clone(),
        _ => Text::computed(""),
    }
}

fn int(given: &[Value], index: usize) -> i64 {
    given.get(index).map_or(0, super::number::to_int)
}

/// Reads a count, which must not be negative.
fn count(given: &[Value], index: usize) -> Result<usize> {
    match usize::try_from(int(given, index)) {
        Ok(count) => Ok(count),
        Err(_) => Err(Fault::new("negative count")),
    }
}

fn any(given: &[Value], index: usize) -> Value {
    given.get(index).cloned().unwrap_or(Value::Nil)
}

/// Returns the items of a list, for functions that require one.
fn items(value: &Value, doing: &str) -> Result<Vec<Value>> {
    match value {
        Value::List(list) => Ok(list.items().to_vec()),
        Value::Unknown(_) => Ok(vec![value.clone()]),
        Value::Nil => Err(Fault::new(
            "runtime error: invalid memory address or nil pointer dereference",
        )),
        other => Err(Fault::new(format!(
            "Cannot {doing} on type {}",
            other.kind_name()
        ))),
    }
}

/// Implements `toStrings`, which `join` and `sortAlpha` apply to any value.
fn texts_of(value: &Value) -> Result<Vec<Text>> {
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::List(list) => {
            let items = list.items().iter().filter(|item| !item.is_nil());
            items.map(super::print::show).collect()
        }
        other => Ok(vec![super::print::show(other)?]),
    }
}
