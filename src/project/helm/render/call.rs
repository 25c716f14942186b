//! Calls of functions: which arguments they accept, and the few functions that decide themselves what to evaluate.

use super::error::Outcome;
use super::eval::{Frame, Machine};
use super::fault::{Fault, Result};
use super::functions::{self, Parameter};
use super::print;
use super::text::{Source, Text};
use super::value::{Entries, IntType, MapType, Value};
use super::verb;
use crate::source::Span;
use crate::syntax::gotemplate::{Operand, OperandKind};

pub(super) struct Call<'b> {
    pub name: &'b str,
    pub span: Span,
    pub arguments: &'b [Operand],
    /// The result of the previous command in the pipeline.
    pub last: Option<Value>,
}

pub(super) fn call<'b>(
    machine: &Machine,
    frame: &mut Frame<'b>,
    dot: &Value,
    call: Call<'b>,
) -> Outcome<Value> {
    if matches!(call.name, "and" | "or") {
        return short_circuit(machine, frame, dot, call);
    }
    let Some(function) = functions::find(call.name) else {
        let message = format!("{:?} is not a defined function", call.name);
        return Err(frame.failure(Fault::new(message), call.span));
    };
    let count = call.arguments.len() + usize::from(call.last.is_some());
    function
        .check_count(call.name, count, call.arguments.len())
        .map_err(|fault| frame.failure(fault, call.span))?;
    let mut given = Vec::with_capacity(count);
    for (index, argument) in call.arguments.iter().enumerate() {
        let wanted = function.parameter(index);
        let value = machine.operand(frame, dot, argument, wanted)?;
        let is_field = matches!(
            argument.kind,
            OperandKind::Field(_) | OperandKind::Variable { .. }
        );
        let value = convert(machine, value, wanted, is_field);
        given.push(value.map_err(|fault| frame.failure(fault, argument.span))?);
    }
    if let Some(value) = call.last {
        let value = convert(machine, value, function.parameter(count - 1), false);
        given.push(value.map_err(|fault| frame.failure(fault, call.span))?);
    }
    let (name, span, written) = (call.name, call.span, call.arguments);
    match (name, given.as_slice()) {
        ("include", [Value::Text(name), data]) => return machine.include(frame, name, data, span),
        ("tpl", [Value::Text(text), data]) => return machine.tpl(frame, text, data, span),
        ("fail" | "required", _) if machine.context.explores() => {
            return Ok(given.pop().unwrap_or(Value::Nil));
        }
        ("default" | "coalesce", _) if machine.context.explores() => {
            return Ok(chosen(machine, frame, name, span, given));
        }
        ("ternary", [yes, no, condition]) if machine.context.explores() => {
            let is_first = is_first(machine, frame, dot, written, condition, span);
            return Ok(if is_first { yes.clone() } else { no.clone() });
        }
        _ => {}
    }
    let fails = |fault: Fault| {
        let message = match fault.is_limit {
            true => fault.message,
            false => format!("error calling {name}: {}", fault.message),
        };
        let is_limit = fault.is_limit;
        frame.failure(Fault { message, is_limit }, span)
    };
    functions::record(machine, frame, name, span, &given);
    (function.run)(&machine.context, &given).map_err(fails)
}

/// Evaluates `and` and `or`, but only the arguments that they need.
fn short_circuit<'b>(
    machine: &Machine,
    frame: &mut Frame<'b>,
    dot: &Value,
    call: Call<'b>,
) -> Outcome<Value> {
    let is_or = call.name == "or";
    let count = call.arguments.len() + usize::from(call.last.is_some());
    if count == 0 {
        let message = format!(
            "wrong number of args for {}: want at least 1 got 0",
            call.name
        );
        return Err(frame.failure(Fault::new(message), call.span));
    }
    let mut value = Value::Nil;
    for (index, argument) in call.arguments.iter().enumerate() {
        value = machine.operand(frame, dot, argument, Parameter::Any)?;
        let is_last = index + 1 == count;
        let ends = value.is_true() == is_or;
        // Each way through an `or` gives another value.
        let ends = match is_or && !is_last && !machine.is_settled(&value) {
            true => machine.choose(frame, argument.span, 2, usize::from(!ends)) == 0,
            false => ends,
        };
        if ends {
            return Ok(value);
        }
    }
    Ok(call.last.unwrap_or(value))
}

/// Picks the result of a function that returns one of its arguments; each pass picks another one.
fn chosen(
    machine: &Machine,
    frame: &Frame<'_>,
    name: &str,
    span: Span,
    given: Vec<Value>,
) -> Value {
    let mut ways: Vec<Value> = match (name, given.as_slice()) {
        ("default", [default, value]) => vec![value.clone(), default.clone()],
        _ => given.clone(),
    };
    let set = ways.iter().position(Value::is_true);
    let natural = set.unwrap_or(ways.len() - 1);
    // Arguments after a settled value are only used if that value is not set.
    let is_settled = |value: &Value| machine.is_settled(value);
    if ways.get(natural).is_some_and(is_settled) {
        ways.truncate(natural + 1);
    }
    let way = machine.choose(frame, span, ways.len(), natural);
    ways.get(way).cloned().unwrap_or(Value::Nil)
}

/// Whether a `ternary` returns its first value in this pass.
fn is_first<'b>(
    machine: &Machine,
    frame: &mut Frame<'b>,
    dot: &Value,
    written: &'b [Operand],
    condition: &Value,
    span: Span,
) -> bool {
    let natural = usize::from(!condition.is_true());
    let written = written.get(2);
    let is_decided = machine.is_settled(condition)
        || written.is_some_and(|written| machine.is_decided_by(frame, dot, written));
    let way = match is_decided {
        true => natural,
        false => machine.choose(frame, span, 2, natural),
    };
    way == 0
}

/// Converts a value to the type of a parameter, or fails. Unknown values become some value of that type.
fn convert(machine: &Machine, value: Value, wanted: Parameter, is_field: bool) -> Result<Value> {
    let fits = match (&value, wanted) {
        (_, Parameter::Any)
        | (Value::Text(_), Parameter::Text)
        | (Value::Bool(..), Parameter::Bool)
        | (Value::Float(..), Parameter::Float)
        | (Value::Int(_, IntType::Int, _), Parameter::Int)
        | (Value::Nil, Parameter::Map) => true,
        (Value::Map(map), Parameter::Map) => *map.of() == MapType::Any,
        _ => false,
    };
    if fits {
        return Ok(value);
    }
    if machine.context.explores() {
        return Ok(stand_in(machine, value, wanted));
    }
    let expected = wanted.go_name();
    Err(Fault::new(match value {
        Value::Nil if is_field => {
            format!("wrong type for value; expected {expected}; got interface {{}}")
        }
        Value::Nil => format!("invalid value; expected {expected}"),
        other => format!(
            "wrong type for value; expected {expected}; got {}",
            other.type_name()
        ),
    }))
}

/// Returns a value of the wanted type that keeps the source of the given one.
fn stand_in(machine: &Machine, value: Value, wanted: Parameter) -> Value {
    match (wanted, &value) {
        (Parameter::Text, Value::Unknown(path)) => {
            Value::Text(Text::from_source(verb::UNKNOWN, verb::unknown(*path)))
        }
        (Parameter::Text, Value::Nil) => Value::Text(Text::from_source(b"", Source::Opaque)),
        (Parameter::Text, other) => print::show(other).map_or(Value::computed(""), Value::Text),
        (Parameter::Int, other) => Value::int(super::number::to_int(other)),
        (Parameter::Float, other) => Value::float(super::number::to_float(other)),
        (Parameter::Bool, other) => Value::bool(other.is_true()),
        (Parameter::Map, Value::Unknown(path)) => {
            let map = machine
                .context
                .heap
                .map(Entries::new(), MapType::Any, *path);
            Value::Map(map)
        }
        (Parameter::Map, _) => machine.context.map(Entries::new()).unwrap_or(Value::Nil),
        (Parameter::Any, _) => value,
    }
}
