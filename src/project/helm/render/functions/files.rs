//! The methods of `.Files`.

use super::super::context::Context;
use super::super::fault::{Fault, Result};
use super::super::text::Text;
use super::super::value::{Entries, MapType, Value};
use super::super::yaml;
use super::{Method, encode};

pub(super) fn method(name: &str) -> Option<Method> {
    Some(match name {
        "Get" | "GetBytes" => |_, files, given| Ok(file(files, given)),
        "Glob" => glob,
        "Lines" => |context, files, given| {
            let Value::Text(text) = file(files, given) else {
                return context.texts(Vec::new());
            };
            if text.is_empty() {
                return context.texts(Vec::new());
            }
            let end = text
                .bytes()
                .strip_suffix(b"\n")
                .map_or(text.len(), <[u8]>::len);
            context.texts(text.slice(0, end).split(b"\n", usize::MAX))
        },
        "AsConfig" => |context, files, _| as_map(context, files, |text| text),
        "AsSecrets" => |context, files, _| {
            as_map(context, files, |text| {
                Text::from_source(encode::base64(text.bytes()).as_bytes(), text.taint())
            })
        },
        _ => return None,
    })
}

fn file(files: &Value, given: &[Value]) -> Value {
    let (Some(map), Some(Value::Text(name))) = (files.as_map(), given.first()) else {
        return Value::computed("");
    };
    map.get(&name.to_str()).unwrap_or(Value::computed(""))
}

/// Returns the files as YAML, by their base names.
fn as_map(context: &Context, files: &Value, with: fn(Text) -> Text) -> Result<Value> {
    let mut entries = Entries::new();
    if let Some(map) = files.as_map() {
        for (name, file) in map.entries().iter() {
            let Value::Text(text) = file else { continue };
            let base = name.rsplit('/').next().unwrap_or(name);
            context.budget.bytes(text.len())?;
            entries.insert(base.into(), Value::Text(with(text.clone())));
        }
    }
    let map = context.map(entries)?;
    yaml::to_yaml(context, &map, yaml::Layout::Plain).map(Value::Text)
}

fn glob(context: &Context, files: &Value, given: &[Value]) -> Result<Value> {
    let (Some(map), Some(Value::Text(pattern))) = (files.as_map(), given.first()) else {
        return Err(Fault::new("wrong arguments for Glob: want a string"));
    };
    let pattern = pattern.to_str();
    // Helm matches all files if the pattern is invalid.
    let matcher = globset::GlobBuilder::new(&pattern)
        .literal_separator(true)
        .build();
    let matcher = matcher.ok().map(|glob| glob.compile_matcher());
    let entries = map.entries();
    context.budget.steps(entries.len())?;
    let fits = |name: &str| {
        matcher
            .as_ref()
            .is_none_or(|matcher| is_match(matcher, &pattern, name))
    };
    let found: Entries = entries
        .iter()
        .filter(|(name, _)| fits(name))
        .map(|(name, file)| (name.clone(), file.clone()))
        .collect();
    Ok(Value::Map(context.heap.map(found, MapType::Files, None)))
}

/// In Helm, `**/` must match at least one folder; in `globset` it also matches none.
fn is_match(matcher: &globset::GlobMatcher, pattern: &str, name: &str) -> bool {
    let prefix = pattern.split("**/").next().unwrap_or_default();
    let suffix_only = pattern.contains("**/") && {
        let rest = &pattern[prefix.len() + 3..];
        let inner = name.strip_prefix(prefix).unwrap_or(name);
        !rest.contains("**") && inner.matches('/').count() == rest.matches('/').count()
    };
    matcher.is_match(name) && !suffix_only
}
