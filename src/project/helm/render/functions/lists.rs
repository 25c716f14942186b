//! Functions on lists.

use super::super::context::Context;
use super::super::fault::{Fault, Result};
use super::super::value::{ListType, Value};
use super::{Function, any, int, items, texts_of};

pub(super) const TABLE: &[Function] = &[
    Function::new("list", "a*", |context, given| context.list(given.to_vec())),
    Function::new("tuple", "a*", |context, given| context.list(given.to_vec())),
    Function::new("append", "aa", appended).also(&["push", "mustAppend", "mustPush"]),
    Function::new("prepend", "aa", prepended).also(&["mustPrepend"]),
    Function::new("concat", "a*", |context, given| {
        let mut all = Vec::new();
        for list in given {
            all.extend(items(list, "concat")?);
        }
        context.list(all)
    }),
    Function::new("first", "a", first).also(&["mustFirst"]),
    Function::new("last", "a", last).also(&["mustLast"]),
    Function::new("rest", "a", rest).also(&["mustRest"]),
    Function::new("initial", "a", initial).also(&["mustInitial"]),
    Function::new("reverse", "a", reversed).also(&["mustReverse"]),
    Function::new("uniq", "a", unique).also(&["mustUniq"]),
    Function::new("compact", "a", compacted).also(&["mustCompact"]),
    Function::new("without", "aa*", without).also(&["mustWithout"]),
    Function::new("has", "aa", has).also(&["mustHas"]),
    Function::new("slice", "aa*", slice).also(&["mustSlice"]),
    Function::new("chunk", "ia", chunk).also(&["mustChunk"]),
    Function::new("sortAlpha", "a", |context, given| {
        let mut texts = texts_of(&any(given, 0))?;
        texts.sort_by(|one, other| one.bytes().cmp(other.bytes()));
        context.texts(texts)
    }),
    Function::new("toStrings", "a", |context, given| {
        context.texts(texts_of(&any(given, 0))?)
    }),
    Function::new("until", "i", |context, given| {
        let stop = int(given, 0);
        counted(context, 0, stop, if stop < 0 { -1 } else { 1 })
    }),
    Function::new("untilStep", "iii", |context, given| {
        counted(context, int(given, 0), int(given, 1), int(given, 2))
    }),
];

fn appended(context: &Context, given: &[Value]) -> Result<Value> {
    let mut all = items(&any(given, 0), "push")?;
    all.push(any(given, 1));
    context.list(all)
}

fn prepended(context: &Context, given: &[Value]) -> Result<Value> {
    let mut all = vec![any(given, 1)];
    all.extend(items(&any(given, 0), "prepend")?);
    context.list(all)
}

fn first(_: &Context, given: &[Value]) -> Result<Value> {
    let all = items(&any(given, 0), "find first")?;
    Ok(all.first().cloned().unwrap_or(Value::Nil))
}

fn last(_: &Context, given: &[Value]) -> Result<Value> {
    let all = items(&any(given, 0), "find last")?;
    Ok(all.last().cloned().unwrap_or(Value::Nil))
}

fn rest(context: &Context, given: &[Value]) -> Result<Value> {
    let all = items(&any(given, 0), "find rest")?;
    context.list(all.into_iter().skip(1).collect())
}

fn initial(context: &Context, given: &[Value]) -> Result<Value> {
    let mut all = items(&any(given, 0), "find initial")?;
    all.pop();
    context.list(all)
}

fn reversed(context: &Context, given: &[Value]) -> Result<Value> {
    let mut all = items(&any(given, 0), "find reverse")?;
    all.reverse();
    context.list(all)
}

fn compacted(context: &Context, given: &[Value]) -> Result<Value> {
    let all = items(&any(given, 0), "compact")?;
    context.list(all.into_iter().filter(Value::is_true).collect())
}

/// Whether a list contains a value.
fn holds(context: &Context, all: &[Value], wanted: &Value) -> Result<bool> {
    context.budget.steps(all.len())?;
    for item in all {
        match item.deep_equal(wanted, 0) {
            Some(true) => return Ok(true),
            Some(false) => {}
            None => return Err(Fault::limit("a value is nested too deep")),
        }
    }
    Ok(false)
}

fn unique(context: &Context, given: &[Value]) -> Result<Value> {
    let mut kept = Vec::new();
    for item in items(&any(given, 0), "find uniq")? {
        if !holds(context, &kept, &item)? {
            kept.push(item);
        }
    }
    context.list(kept)
}

fn without(context: &Context, given: &[Value]) -> Result<Value> {
    let mut kept = Vec::new();
    for item in items(&any(given, 0), "find without")? {
        if !holds(context, &given[1..], &item)? {
            kept.push(item);
        }
    }
    context.list(kept)
}

fn has(context: &Context, given: &[Value]) -> Result<Value> {
    let list = any(given, 1);
    if list.is_nil() {
        return Ok(Value::bool(false));
    }
    let all = items(&list, "find has")?;
    holds(context, &all, &any(given, 0)).map(Value::bool)
}

fn slice(context: &Context, given: &[Value]) -> Result<Value> {
    let list = any(given, 0);
    let all = items(&list, "slice")?;
    if all.is_empty() {
        return Ok(Value::Nil);
    }
    let at = |index: usize, otherwise: usize| match given.get(index) {
        Some(_) => usize::try_from(int(given, index)).ok(),
        None => Some(otherwise),
    };
    let bounds = at(1, 0).zip(at(2, all.len()));
    let Some(part) = bounds.and_then(|(start, end)| all.get(start..end)) else {
        return Err(Fault::new("slice bounds out of range"));
    };
    let of = list
        .as_list()
        .map_or(ListType::Any, super::super::value::List::of);
    context.list_of(part.to_vec(), of)
}

fn chunk(context: &Context, given: &[Value]) -> Result<Value> {
    let size = usize::try_from(int(given, 0)).unwrap_or(0);
    if size == 0 {
        return Err(Fault::new("integer divide by zero"));
    }
    let all = items(&any(given, 1), "chunk")?;
    let chunks = all.chunks(size).map(|chunk| context.list(chunk.to_vec()));
    let chunks = chunks.collect::<Result<Vec<_>>>()?;
    context.list(chunks)
}

/// Returns the numbers from `start` up to `stop`.
pub(super) fn numbers(context: &Context, start: i64, stop: i64, step: i64) -> Result<Vec<i64>> {
    let mut all = Vec::new();
    let mut at = start;
    // A step in the wrong direction yields nothing.
    while step > 0 && at < stop || step < 0 && at > stop {
        context.budget.steps(2)?;
        all.push(at);
        at = at.saturating_add(step);
    }
    Ok(all)
}

fn counted(context: &Context, start: i64, stop: i64, step: i64) -> Result<Value> {
    let all = numbers(context, start, stop, step)?;
    context.list_of(all.into_iter().map(Value::int).collect(), ListType::Ints)
}
