//! Numbers as Go reads and writes them.

use super::value::Value;
use crate::syntax::gotemplate::integer;

/// Formats as `%v` and `strconv.FormatFloat(value, 'g', -1, 64)`: with an exponent below 1e-04 and from 1e+06 on.
pub(super) fn general(value: f64) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    match exponent(value) {
        -4..6 => format!("{value}"),
        _ => exponential(value, 2),
    }
}

/// Formats as JSON: plain between 1e-6 and 1e21, and small exponents without a leading zero. `None` if it is not
/// finite.
pub(super) fn json(value: f64) -> Option<String> {
    let size = value.abs();
    match size {
        _ if !value.is_finite() => None,
        0.0 => Some(format!("{value}")),
        _ if size < 1e-6 => Some(exponential(value, 1)),
        _ if size >= 1e21 => Some(exponential(value, 2)),
        _ => Some(format!("{value}")),
    }
}

fn special(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

fn exponent(value: f64) -> i32 {
    let text = format!("{value:e}");
    let exponent = text.split_once('e').map_or("0", |(_, exponent)| exponent);
    exponent.parse().unwrap_or(0)
}

/// Formats with a signed exponent of at least `width` digits.
fn exponential(value: f64, width: usize) -> String {
    with_exponent(&format!("{value:e}"), width)
}

/// Converts Rust's `1.5e-7` to Go's spelling.
pub(super) fn with_exponent(text: &str, width: usize) -> String {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:0width$}", exponent.abs())
}

/// Converts a value as `int64` and arithmetic do: 0 if it is not a number.
#[allow(clippy::cast_possible_truncation, reason = "as Go converts")]
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(value, ..) => *value,
        Value::Float(value, _) => *value as i64,
        Value::Bool(value, _) => i64::from(*value),
        Value::Text(text) => {
            let text = text.to_str();
            let digits = text.trim_end_matches('0');
            let whole = digits.strip_suffix('.').unwrap_or(&text);
            integer(whole).unwrap_or(0)
        }
        Value::Nil | Value::List(_) | Value::Map(_) | Value::Unknown(_) => 0,
    }
}

#[allow(clippy::cast_precision_loss, reason = "as Go converts")]
pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Int(value, ..) => *value as f64,
        Value::Float(value, _) => *value,
        Value::Bool(value, _) => f64::from(u8::from(*value)),
        Value::Text(text) => text.to_str().parse().unwrap_or(0.0),
        Value::Nil | Value::List(_) | Value::Map(_) | Value::Unknown(_) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_go_writes_them() {
        for (value, shown, in_json) in [
            (1_000_000.0, "1e+06", "1000000"),
            (123_456.0, "123456", "123456"),
            (1_234_567.5, "1.2345675e+06", "1234567.5"),
            (1e20, "1e+20", "100000000000000000000"),
            (1e21, "1e+21", "1e+21"),
            (0.0001, "0.0001", "0.0001"),
            (0.00001, "1e-05", "0.00001"),
            (1e-7, "1e-07", "1e-7"),
            (-0.5, "-0.5", "-0.5"),
            (0.0, "0", "0"),
        ] {
            assert_eq!(general(value), shown);
            assert_eq!(json(value).as_deref(), Some(in_json));
        }
    }

    #[test]
    fn texts_become_numbers_as_in_go() {
        let of = |text: &str| to_int(&Value::computed(text));
        assert_eq!([of("12"), of("-3"), of("0x1f"), of("010")], [12, -3, 31, 8]);
        assert_eq!(
            [of("3.0"), of("3.5"), of("x"), of(""), of("100")],
            [3, 0, 0, 0, 100]
        );
    }
}
