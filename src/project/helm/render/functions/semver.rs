//! Versions. Whether one satisfies a range is decided in the same way as for dependencies.

use super::super::context::Context;
use super::super::fault::{Fault, Result};
use super::super::text::{Source, Text};
use super::super::value::{Entries, IntType, Map, MapType, Struct, Value};
use super::{Function, Method, text};
use crate::version::{Range, Version};

pub(super) const TABLE: &[Function] = &[
    Function::new("semverCompare", "ss", |_, given| {
        let (range, version) = (text(given, 0), text(given, 1));
        let range = range.to_str();
        let Some(range) = Range::parse(&range) else {
            return Err(Fault::new(format!("improper constraint: {range}")));
        };
        match Version::parse(&version.to_str()) {
            Some(version) => Ok(Value::bool(range.admits(&version))),
            None => Err(Fault::new("Invalid Semantic Version")),
        }
    }),
    Function::new("semver", "s", |context, given| {
        let written = text(given, 0);
        version(context, &written)
    }),
];

fn version(context: &Context, written: &Text) -> Result<Value> {
    let shown = written.to_str();
    let Some(version) = Version::parse(&shown) else {
        return Err(Fault::new("Invalid Semantic Version"));
    };
    let number = |value: u64| {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        Value::Int(value, IntType::Uint64, Source::Computed)
    };
    let build = shown.split_once('+').map_or("", |(_, build)| build);
    let [major, minor, patch] = version.numbers();
    let mut normal = format!("{major}.{minor}.{patch}");
    for (sign, part) in [('-', version.pre()), ('+', build)] {
        if !part.is_empty() {
            normal.push(sign);
            normal.push_str(part);
        }
    }
    let entries: Entries = [
        ("Major", number(major)),
        ("Minor", number(minor)),
        ("Patch", number(patch)),
        ("Prerelease", Value::computed(version.pre())),
        ("Metadata", Value::computed(build)),
        ("Original", Value::Text(written.clone())),
        ("String", Value::Text(written.made(normal.into_bytes()))),
    ]
    .into_iter()
    .map(|(name, value)| (name.into(), value))
    .collect();
    let of = MapType::Struct(Struct::Version);
    Ok(Value::Map(context.heap.map(entries, of, None)))
}

/// Returns a method with arguments; methods without arguments are represented as fields.
pub(super) fn method(of: Struct, name: &str) -> Option<Method> {
    if of != Struct::Version {
        return None;
    }
    Some(match name {
        "Compare" => |_, one, given| Ok(Value::int(order(one, given)? as i64)),
        "Equal" => |_, one, given| Ok(Value::bool(order(one, given)?.is_eq())),
        "LessThan" => |_, one, given| Ok(Value::bool(order(one, given)?.is_lt())),
        "LessThanEqual" => |_, one, given| Ok(Value::bool(order(one, given)?.is_le())),
        "GreaterThan" => |_, one, given| Ok(Value::bool(order(one, given)?.is_gt())),
        "GreaterThanEqual" => |_, one, given| Ok(Value::bool(order(one, given)?.is_ge())),
        _ => return None,
    })
}

fn order(one: &Value, given: &[Value]) -> Result<std::cmp::Ordering> {
    let parsed = |value: &Value| {
        let map: &Map = value.as_map()?;
        match map.get("Original")? {
            Value::Text(text) => Version::parse(&text.to_str()),
            _ => None,
        }
    };
    match (parsed(one), given.first().and_then(parsed)) {
        (Some(one), Some(other)) => Ok(one.cmp(&other)),
        _ => Err(Fault::new("wrong type for value; expected *semver.Version")),
    }
}
