//! Arithmetic.

use super::super::context::Context;
use super::super::fault::{Fault, Result};
use super::super::number::{to_float, to_int};
use super::super::print;
use super::super::text::Source;
use super::super::value::{IntType, Value};
use super::lists::numbers;
use super::{Function, any, int, text};

pub(super) const TABLE: &[Function] = &[
    Function::new("int", "a", |_, given| {
        Ok(Value::Int(
            to_int(&any(given, 0)),
            IntType::Int,
            number_source(&any(given, 0)),
        ))
    }),
    Function::new("int64", "a", |_, given| {
        Ok(Value::Int(
            to_int(&any(given, 0)),
            IntType::Int64,
            number_source(&any(given, 0)),
        ))
    }),
    Function::new("float64", "a", |_, given| {
        Ok(Value::Float(
            to_float(&any(given, 0)),
            number_source(&any(given, 0)),
        ))
    }),
    Function::new("atoi", "s", |_, given| {
        let value = text(given, 0).to_str().parse().unwrap_or(0);
        Ok(Value::Int(
            value,
            IntType::Int,
            number_source(&any(given, 0)),
        ))
    }),
    Function::new("toDecimal", "a", |_, given| {
        let shown = print::show(&any(given, 0))?;
        Ok(Value::int64(
            i64::from_str_radix(&shown.to_str(), 8).unwrap_or(0),
        ))
    }),
    Function::new("add1", "a", |_, given| {
        Ok(Value::int64(to_int(&any(given, 0)).wrapping_add(1)))
    }),
    Function::new("add", "a*", |_, given| {
        Ok(folded(given, 0, i64::wrapping_add))
    }),
    Function::new("mul", "aa*", |_, given| {
        Ok(folded(given, 1, i64::wrapping_mul))
    }),
    Function::new("sub", "aa", |_, given| {
        Ok(Value::int64(
            to_int(&any(given, 0)).wrapping_sub(to_int(&any(given, 1))),
        ))
    }),
    Function::new("div", "aa", |_, given| divided(given, i64::wrapping_div)),
    Function::new("mod", "aa", |_, given| divided(given, i64::wrapping_rem)),
    Function::new("max", "aa*", |_, given| Ok(chosen(given, i64::max))),
    Function::new("biggest", "aa*", |_, given| Ok(chosen(given, i64::max))),
    Function::new("min", "aa*", |_, given| Ok(chosen(given, i64::min))),
    Function::new("add1f", "a", |_, given| {
        Ok(Value::float(to_float(&any(given, 0)) + 1.0))
    }),
    Function::new("addf", "a*", |_, given| {
        Ok(Value::float(tidy(given.iter().map(to_float).sum())))
    }),
    Function::new("subf", "aa*", |_, given| {
        Ok(folded_floats(given, |one, other| one - other))
    }),
    Function::new("mulf", "aa*", |_, given| {
        Ok(folded_floats(given, |one, other| one * other))
    }),
    Function::new("divf", "aa*", |_, given| {
        if given[1..].iter().any(|value| to_float(value) == 0.0) {
            return Err(Fault::new("decimal division by 0"));
        }
        Ok(folded_floats(given, |one, other| one / other))
    }),
    Function::new("maxf", "aa*", |_, given| Ok(folded_floats(given, f64::max))),
    Function::new("minf", "aa*", |_, given| Ok(folded_floats(given, f64::min))),
    Function::new("ceil", "a", |_, given| {
        Ok(Value::float(to_float(&any(given, 0)).ceil()))
    }),
    Function::new("floor", "a", |_, given| {
        Ok(Value::float(to_float(&any(given, 0)).floor()))
    }),
    Function::new("round", "aif*", |_, given| Ok(rounded(given))),
    Function::new("seq", "i*", sequence),
];

/// A number that was only converted keeps the origin of its argument, no longer verbatim.
fn number_source(value: &Value) -> Source {
    let source = match value {
        Value::Text(text) => match text.pieces().pieces.as_slice() {
            [one] => one.source,
            _ => text.taint(),
        },
        other => other.source(),
    };
    match source {
        Source::Written(mut origin) => {
            origin.verbatim = false;
            Source::Written(origin)
        }
        other => other,
    }
}

/// The result of a calculation with an unpredictable number is unpredictable, too.
fn calculated(value: i64, given: &[Value]) -> Value {
    let opaque = given
        .iter()
        .any(|value| number_source(value) == Source::Opaque);
    let source = if opaque {
        Source::Opaque
    } else {
        Source::Computed
    };
    Value::Int(value, IntType::Int64, source)
}

fn folded(given: &[Value], start: i64, with: fn(i64, i64) -> i64) -> Value {
    calculated(given.iter().map(to_int).fold(start, with), given)
}

fn chosen(given: &[Value], with: fn(i64, i64) -> i64) -> Value {
    calculated(given.iter().map(to_int).reduce(with).unwrap_or(0), given)
}

fn divided(given: &[Value], with: fn(i64, i64) -> i64) -> Result<Value> {
    match to_int(&any(given, 1)) {
        0 => Err(Fault::new("runtime error: integer divide by zero")),
        by => Ok(calculated(with(to_int(&any(given, 0)), by), given)),
    }
}

fn folded_floats(given: &[Value], with: fn(f64, f64) -> f64) -> Value {
    let values = given.iter().map(to_float);
    Value::float(tidy(values.reduce(with).unwrap_or(0.0)))
}

/// sprig calculates in decimals: this removes the rounding error of binary fractions.
fn tidy(value: f64) -> f64 {
    format!("{value:.15e}")
        .parse()
        .ok()
        .map_or(value, |value: f64| {
            let short: f64 = format!("{value:.14e}").parse().unwrap_or(value);
            match (short - value).abs() <= value.abs() * 1e-15 {
                true => short,
                false => value,
            }
        })
}

fn rounded(given: &[Value]) -> Value {
    let places = i32::try_from(int(given, 1)).unwrap_or(0);
    let from = given.get(2).map_or(0.5, to_float);
    let power = 10_f64.powi(places);
    let digits = power * to_float(&any(given, 0));
    let rounded = match digits.fract() >= from {
        true => digits.ceil(),
        false => digits.floor(),
    };
    Value::float(rounded / power)
}

fn sequence(context: &Context, given: &[Value]) -> Result<Value> {
    let (start, step, end) = match given.len() {
        1 => (1, None, int(given, 0)),
        2 => (int(given, 0), None, int(given, 1)),
        3 => (int(given, 0), Some(int(given, 1)), int(given, 2)),
        _ => return Ok(Value::computed("")),
    };
    let direction = if end < start { -1 } else { 1 };
    let step = step.unwrap_or(direction);
    if end < start && step > 0 {
        return Ok(Value::computed(""));
    }
    let all = numbers(context, start, end.saturating_add(direction), step)?;
    let all: Vec<String> = all.iter().map(i64::to_string).collect();
    context.budget.bytes(all.len() * 8)?;
    Ok(Value::computed(all.join(" ")))
}
