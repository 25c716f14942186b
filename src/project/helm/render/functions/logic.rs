//! Truth, comparison, defaults and types.

use super::super::context::Context;
use super::super::fault::{Fault, Result};
use super::super::print;
use super::super::text::{Pieces, Text};
use super::super::value::{IntType, MapType, Value};
use super::{Function, any, text};

pub(super) const TABLE: &[Function] = &[
    Function::new("not", "a", |_, given| {
        Ok(Value::bool(!any(given, 0).is_true()))
    }),
    Function::new("eq", "aa*", |_, given| equal_any(given).map(Value::bool)),
    Function::new("ne", "aa", |_, given| {
        equal_any(given).map(|equal| Value::bool(!equal))
    }),
    Function::new("lt", "aa", |_, given| less(given).map(Value::bool)),
    Function::new("le", "aa", |_, given| less_or_equal(given).map(Value::bool)),
    Function::new("gt", "aa", |_, given| {
        less_or_equal(given).map(|is| Value::bool(!is))
    }),
    Function::new("ge", "aa", |_, given| {
        less(given).map(|is| Value::bool(!is))
    }),
    Function::new("len", "a", length),
    Function::new("index", "aa*", index),
    Function::new("print", "a*", |context, given| {
        printed(context, given, false)
    }),
    Function::new("println", "a*", |context, given| {
        printed(context, given, true)
    }),
    Function::new("printf", "sa*", |context, given| {
        let format = text(given, 0);
        let made = super::super::sprintf::sprintf(&format, &given[1..])?;
        context.budget.bytes(made.len())?;
        Ok(Value::Text(made))
    }),
    Function::new("default", "aa*", |_, given| {
        let value = any(given, 1);
        Ok(if value.is_true() {
            value
        } else {
            any(given, 0)
        })
    }),
    Function::new("empty", "a", |_, given| {
        Ok(Value::bool(!any(given, 0).is_true()))
    }),
    Function::new("coalesce", "a*", |_, given| {
        Ok(given
            .iter()
            .find(|value| value.is_true())
            .cloned()
            .unwrap_or(Value::Nil))
    }),
    Function::new("all", "a*", |_, given| {
        Ok(Value::bool(given.iter().all(Value::is_true)))
    }),
    Function::new("any", "a*", |_, given| {
        Ok(Value::bool(given.iter().any(Value::is_true)))
    }),
    Function::new("ternary", "aab", |_, given| {
        Ok(any(given, usize::from(!any(given, 2).is_true())))
    }),
    Function::new("fail", "s", |_, given| {
        Err(Fault::new(text(given, 0).to_str()))
    }),
    Function::new("required", "sa", |_, given| match any(given, 1) {
        Value::Text(value) if value.is_empty() => Err(Fault::new(text(given, 0).to_str())),
        Value::Nil => Err(Fault::new(text(given, 0).to_str())),
        value => Ok(value),
    }),
    Function::new("typeOf", "a", |_, given| {
        Ok(Value::computed(any(given, 0).type_name()))
    }),
    Function::new("kindOf", "a", |_, given| {
        Ok(Value::computed(any(given, 0).kind_name()))
    }),
    Function::new("kindIs", "sa", |_, given| {
        Ok(Value::bool(
            any(given, 1).kind_name().as_bytes() == text(given, 0).bytes(),
        ))
    }),
    Function::new("typeIs", "sa", |_, given| {
        Ok(Value::bool(
            any(given, 1).type_name().as_bytes() == text(given, 0).bytes(),
        ))
    }),
    Function::new("typeIsLike", "sa", |_, given| {
        let wanted = text(given, 0).to_str().into_owned();
        let value = any(given, 1);
        let name = value.type_name();
        Ok(Value::bool(
            name == wanted || name.strip_prefix('*') == Some(wanted.as_str()),
        ))
    }),
    Function::new("deepEqual", "aa", |_, given| {
        let equal = any(given, 0).deep_equal(&any(given, 1), 0);
        equal
            .map(Value::bool)
            .ok_or_else(|| Fault::limit("a value is nested too deep"))
    }),
    // The evaluator runs these two; these entries only answer for arguments of other types.
    Function::new("include", "sa", |_, _| Ok(Value::computed(""))),
    Function::new("tpl", "sa", |_, _| Ok(Value::computed(""))),
    // No cluster is contacted.
    Function::new("lookup", "ssss", |context, _| {
        context.map(Default::default())
    }),
    Function::new("getHostByName", "s", |_, _| Ok(Value::computed(""))),
];

/// Kinds that can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Int,
    Uint,
    Float,
    Text,
    None,
}

fn kind(value: &Value) -> Kind {
    match value {
        Value::Bool(..) => Kind::Bool,
        Value::Int(_, IntType::Uint64, _) => Kind::Uint,
        Value::Int(..) => Kind::Int,
        Value::Float(..) => Kind::Float,
        Value::Text(_) => Kind::Text,
        _ => Kind::None,
    }
}

fn mismatch(one: &Value, other: &Value) -> Fault {
    Fault::new(format!(
        "incompatible types for comparison: {} and {}",
        one.type_name(),
        other.type_name()
    ))
}

fn equal(one: &Value, other: &Value) -> Result<bool> {
    Ok(match (one, other) {
        (Value::Unknown(_), _) | (_, Value::Unknown(_)) => false,
        (Value::Bool(one, _), Value::Bool(other, _)) => one == other,
        (Value::Int(one, ..), Value::Int(other, ..)) => one == other,
        (Value::Float(one, _), Value::Float(other, _)) => one == other,
        (Value::Text(one), Value::Text(other)) => one.bytes() == other.bytes(),
        (Value::Nil, other) | (other, Value::Nil) => other.is_nil(),
        _ if kind(one) != kind(other) => return Err(mismatch(one, other)),
        (Value::Map(map), Value::Map(_)) if matches!(map.of(), MapType::Struct(_)) => {
            one.deep_equal(other, 0).unwrap_or(false)
        }
        (Value::List(_), Value::List(_)) | (Value::Map(_), Value::Map(_)) => {
            let shown = print::show(other)?;
            let (shown, of) = (shown.to_str(), other.type_name());
            return Err(Fault::new(format!("non-comparable type {shown}: {of}")));
        }
        _ => return Err(Fault::new("non-comparable types")),
    })
}

/// Whether the first argument equals any of the others.
fn equal_any(given: &[Value]) -> Result<bool> {
    let Some((first, others)) = given.split_first() else {
        return Ok(false);
    };
    if others.is_empty() {
        return Err(Fault::new("missing argument for comparison"));
    }
    for other in others {
        if equal(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn less(given: &[Value]) -> Result<bool> {
    let (one, other) = (any(given, 0), any(given, 1));
    if kind(&one) == Kind::None || kind(&other) == Kind::None {
        return Err(Fault::new("invalid type for comparison"));
    }
    match (&one, &other) {
        (Value::Int(one, ..), Value::Int(other, ..)) => Ok(one < other),
        (Value::Float(one, _), Value::Float(other, _)) => Ok(one < other),
        (Value::Text(one), Value::Text(other)) => Ok(one.bytes() < other.bytes()),
        (Value::Bool(..), Value::Bool(..)) => Err(Fault::new("invalid type for comparison")),
        _ => Err(mismatch(&one, &other)),
    }
}

fn less_or_equal(given: &[Value]) -> Result<bool> {
    Ok(less(given)? || equal_any(given)?)
}

fn length(_: &Context, given: &[Value]) -> Result<Value> {
    let length = match any(given, 0) {
        Value::Text(text) => text.len(),
        Value::List(list) => list.items().len(),
        Value::Map(map) if !matches!(map.of(), MapType::Struct(_)) => map.len(),
        Value::Nil => return Err(Fault::new("len of nil pointer")),
        Value::Unknown(_) => 1,
        other => return Err(Fault::new(format!("len of type {}", other.type_name()))),
    };
    Ok(Value::int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn index(context: &Context, given: &[Value]) -> Result<Value> {
    let mut value = any(given, 0);
    if value.is_nil() {
        return Err(Fault::new("index of untyped nil"));
    }
    for key in &given[1..] {
        value = match (&value, key) {
            (Value::Unknown(_), _) => value.clone(),
            (Value::Map(map), Value::Text(key)) => {
                let key = key.to_str();
                if let Some(path) = map.path() {
                    let path = context.recorder.path(Some(path), &key);
                    context.recorder.read(path);
                }
                match map.of() {
                    MapType::Texts | MapType::Files => map.get(&key).unwrap_or(Value::computed("")),
                    _ => map.get(&key).unwrap_or(Value::Nil),
                }
            }
            (Value::Map(_), Value::Nil) => {
                return Err(Fault::new("value is nil; should be of type string"));
            }
            (Value::Map(_), other) => {
                let of = other.type_name();
                return Err(Fault::new(format!("value has type {of}; should be string")));
            }
            (Value::List(list), key) => {
                let at = position(key, list.items().len())?;
                list.items()[at].clone()
            }
            (Value::Text(text), key) => {
                let at = position(key, text.len())?;
                Value::int(i64::from(text.bytes()[at]))
            }
            (Value::Nil, _) => return Err(Fault::new("index of nil pointer")),
            (other, _) => {
                let of = other.type_name();
                return Err(Fault::new(format!("can't index item of type {of}")));
            }
        };
    }
    Ok(value)
}

fn position(key: &Value, length: usize) -> Result<usize> {
    let Value::Int(at, ..) = key else {
        return Err(match key {
            Value::Nil => Fault::new("cannot index slice/array with nil"),
            other => Fault::new(format!(
                "cannot index slice/array with type {}",
                other.type_name()
            )),
        });
    };
    usize::try_from(*at)
        .ok()
        .filter(|at| *at < length)
        .ok_or_else(|| Fault::new(format!("index out of range: {at}")))
}

/// Implements `fmt.Sprint`, which puts spaces between operands if neither is a string, and `Sprintln`, which puts
/// them everywhere.
fn printed(context: &Context, given: &[Value], lines: bool) -> Result<Value> {
    let mut out = Pieces::default();
    for (at, value) in given.iter().enumerate() {
        let is_text = |value: &Value| matches!(value, Value::Text(_));
        let spaced = lines || at > 0 && !is_text(value) && !is_text(&given[at - 1]);
        if at > 0 && spaced {
            out.computed(" ");
        }
        let shown: Text = print::show(value)?;
        out.push_text(&shown);
    }
    if lines {
        out.computed("\n");
    }
    context.text(out)
}
