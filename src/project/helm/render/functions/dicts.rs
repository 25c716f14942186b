//! Functions on maps. Maps are shared: `set` and `merge` change them for all holders.

use std::rc::Rc;

use super::super::context::Context;
use super::super::fault::{Fault, Result};
use super::super::print;
use super::super::text::Text;
use super::super::value::{Entries, Map, Value};
use super::{Function, any, text};

pub(super) const TABLE: &[Function] = &[
    Function::new("dict", "a*", |context, given| {
        let mut entries = Entries::new();
        for pair in given.chunks(2) {
            let key = print::show(&pair[0])?;
            let value = pair.get(1).cloned().unwrap_or(Value::computed(""));
            entries.insert(Rc::from(key.to_str()), value);
        }
        context.map(entries)
    }),
    Function::new("get", "ms", |context, given| {
        Ok(read(context, given, &text(given, 1).to_str()).unwrap_or(Value::computed("")))
    }),
    Function::new("hasKey", "ms", |context, given| {
        Ok(Value::bool(
            read(context, given, &text(given, 1).to_str()).is_some(),
        ))
    }),
    Function::new("set", "msa", |context, given| {
        let Some(map) = any(given, 0).as_map().cloned() else {
            return Err(Fault::new("assignment to entry in nil map"));
        };
        context.budget.steps(1)?;
        map.insert(Rc::from(text(given, 1).to_str()), any(given, 2));
        Ok(Value::Map(map))
    }),
    Function::new("unset", "ms", |_, given| {
        if let Some(map) = any(given, 0).as_map() {
            map.remove(&text(given, 1).to_str());
        }
        Ok(any(given, 0))
    }),
    Function::new("pluck", "sm*", |context, given| {
        let key = text(given, 0);
        let key = key.to_str();
        let found = given[1..]
            .iter()
            .filter_map(|map| read(context, std::slice::from_ref(map), &key));
        context.list(found.collect())
    }),
    Function::new("keys", "m*", |context, given| {
        let mut keys = Vec::new();
        for map in given.iter().filter_map(Value::as_map) {
            keys.extend(
                map.entries()
                    .keys()
                    .map(|key| Text::computed(key.as_bytes())),
            );
        }
        context.texts(keys)
    }),
    Function::new("values", "m", |context, given| {
        let map = any(given, 0);
        let values = map
            .as_map()
            .map(|map| map.entries().values().cloned().collect());
        context.list(values.unwrap_or_default())
    }),
    Function::new("pick", "ms*", |context, given| {
        filtered(context, given, true)
    }),
    Function::new("omit", "ms*", |context, given| {
        filtered(context, given, false)
    }),
    Function::new("merge", "mm*", |context, given| {
        merged(context, given, false)
    })
    .also(&["mustMerge"]),
    Function::new("mergeOverwrite", "mm*", |context, given| {
        merged(context, given, true)
    })
    .also(&["mustMergeOverwrite"]),
    Function::new("deepCopy", "a", |context, given| {
        copy(context, &any(given, 0), 0)
    })
    .also(&["mustDeepCopy"]),
    Function::new("dig", "a*", dig),
];

/// Returns the value at a key of a map, and records the read.
fn read(context: &Context, given: &[Value], key: &str) -> Option<Value> {
    let map = given.first()?.as_map()?;
    if let Some(path) = map.path() {
        context
            .recorder
            .read(context.recorder.path(Some(path), key));
    }
    map.get(key)
}

fn filtered(context: &Context, given: &[Value], keeps: bool) -> Result<Value> {
    let map = any(given, 0);
    let Some(map) = map.as_map() else {
        return context.map(Entries::new());
    };
    let named: Vec<String> = given[1..]
        .iter()
        .map(|name| print::show(name).map(|name| name.to_str().into_owned()))
        .collect::<Result<_>>()?;
    let entries = map.entries();
    let kept = entries.iter().filter(|(key, _)| {
        let is_named = named.iter().any(|name| **name == ***key);
        is_named == keeps
    });
    let kept: Entries = kept
        .map(|(key, value)| (Rc::clone(key), value.clone()))
        .collect();
    context.map_like(kept, map)
}

fn merged(context: &Context, given: &[Value], overwrites: bool) -> Result<Value> {
    let first = any(given, 0);
    let into = match first.as_map() {
        Some(map) => map.clone(),
        None => match context.map(Entries::new())? {
            Value::Map(map) => map,
            other => return Ok(other),
        },
    };
    for from in given[1..].iter().filter_map(Value::as_map) {
        merge(context, &into, from, overwrites, 0)?;
    }
    Ok(Value::Map(into))
}

/// Merges as `mergo` does: empty values are filled, tables are merged, and everything else is replaced only if
/// `overwrites`.
fn merge(context: &Context, into: &Map, from: &Map, overwrites: bool, depth: usize) -> Result<()> {
    if depth > 500 {
        return Err(Fault::limit("a value is nested too deep"));
    }
    if into.is_same(from) {
        return Ok(());
    }
    let entries: Vec<(Rc<str>, Value)> = {
        let entries = from.entries();
        entries
            .iter()
            .map(|(key, value)| (Rc::clone(key), value.clone()))
            .collect()
    };
    context.budget.steps(entries.len() + 1)?;
    for (key, value) in entries {
        let present = into.get(&key);
        match (&value, &present) {
            (Value::Nil, _) if !overwrites => continue,
            (Value::Map(from), Some(Value::Map(into))) => {
                merge(context, into, from, overwrites, depth + 1)?;
                if into.len() > 0 {
                    continue;
                }
            }
            _ => {}
        }
        if overwrites || !present.is_some_and(|present| present.is_true()) {
            into.insert(key, value);
        }
    }
    Ok(())
}

/// Returns a deep copy.
pub(in super::super) fn copy(context: &Context, value: &Value, depth: usize) -> Result<Value> {
    if depth > 500 {
        return Err(Fault::limit("a value is nested too deep"));
    }
    match value {
        Value::Map(map) => {
            let mut entries = Entries::new();
            for (key, value) in map.entries().iter() {
                entries.insert(Rc::clone(key), copy(context, value, depth + 1)?);
            }
            context.budget.steps(entries.len() + 1)?;
            let of = map.of().clone();
            Ok(Value::Map(context.heap.map(entries, of, map.path())))
        }
        Value::List(list) => {
            let items = list
                .items()
                .iter()
                .map(|item| copy(context, item, depth + 1));
            context.list_of(items.collect::<Result<_>>()?, list.of())
        }
        scalar => Ok(scalar.clone()),
    }
}

fn dig(context: &Context, given: &[Value]) -> Result<Value> {
    let [keys @ .., otherwise, map] = given else {
        return Err(Fault::new("dig needs at least three arguments"));
    };
    if keys.is_empty() {
        return Err(Fault::new("dig needs at least three arguments"));
    }
    let mut value = map.clone();
    for key in keys {
        let (Value::Map(_), Value::Text(key)) = (&value, key) else {
            if context.explores() {
                return Ok(otherwise.clone());
            }
            return Err(Fault::new(format!(
                "interface conversion: interface {{}} is {}, not map[string]interface {{}}",
                value.type_name()
            )));
        };
        match read(context, &[value.clone()], &key.to_str()) {
            Some(next) => value = next,
            None => return Ok(otherwise.clone()),
        }
    }
    Ok(value)
}
