//! Pipelines, operands and chains of fields.

use super::super::call;
use super::super::error::Outcome;
use super::super::fault::{Fault, Result};
use super::super::functions::{self, Parameter};
use super::super::text::{PathId, Source, Text};
use super::super::value::{MapType, Struct, Value};
use super::{Frame, Machine};
use crate::source::Span;
use crate::syntax::gotemplate::{Command, Number, Operand, OperandKind, Pipe};

impl Machine {
    pub(in super::super) fn pipe<'b>(
        &self,
        frame: &mut Frame<'b>,
        dot: &Value,
        pipe: &'b Pipe,
    ) -> Outcome<Value> {
        self.enter(frame, pipe.span)?;
        let mut value: Option<Value> = None;
        for command in &pipe.commands {
            value = Some(match self.command(frame, dot, command, value) {
                Err(failure) if self.context.explores() && !failure.is_limit() => self.unknown(),
                other => other?,
            });
        }
        self.leave();
        let value = value.unwrap_or(Value::Nil);
        for name in &pipe.variables {
            match pipe.assigns {
                true => frame.set(name, value.clone()),
                false => frame.variables.push((name, value.clone())),
            }
        }
        Ok(value)
    }

    fn command<'b>(
        &self,
        frame: &mut Frame<'b>,
        dot: &Value,
        command: &'b Command,
        last: Option<Value>,
    ) -> Outcome<Value> {
        let first = &command.operands[0];
        let arguments = &command.operands[1..];
        match &first.kind {
            OperandKind::Function(name) => {
                return self.function(frame, dot, name, command.span, arguments, last);
            }
            OperandKind::Field(fields) => {
                let target = Target::of(first, fields, dot.clone());
                return self.fields(frame, dot, target, arguments, last);
            }
            OperandKind::Variable { name, fields } if !fields.is_empty() => {
                let target = Target::of(first, fields, frame.variable(name));
                return self.fields(frame, dot, target, arguments, last);
            }
            OperandKind::Chain { base, fields } => {
                let value = self.operand(frame, dot, base, Parameter::Any)?;
                let target = Target::of(first, fields, value);
                return self.fields(frame, dot, target, arguments, last);
            }
            _ => {}
        }
        if !arguments.is_empty() || last.is_some() {
            let shown = first.span.of(&frame.script().text);
            let fault = Fault::new(format!("can't give argument to non-function {shown}"));
            return Err(frame.failure(fault, first.span));
        }
        match &first.kind {
            OperandKind::Nil => Err(frame.failure(Fault::new("nil is not a command"), first.span)),
            _ => self.operand(frame, dot, first, Parameter::Any),
        }
    }

    /// Evaluates an argument. `wanted` decides the type of a numeric constant.
    pub(in super::super) fn operand<'b>(
        &self,
        frame: &mut Frame<'b>,
        dot: &Value,
        operand: &'b Operand,
        wanted: Parameter,
    ) -> Outcome<Value> {
        let result = match &operand.kind {
            OperandKind::Dot => Ok(dot.clone()),
            OperandKind::Nil => Ok(Value::Nil),
            OperandKind::Bool(value) => Ok(Value::bool(*value)),
            OperandKind::Number(number) => {
                constant(*number, wanted).map_err(|fault| frame.failure(fault, operand.span))
            }
            OperandKind::Text { value, content } => {
                Ok(Value::Text(frame.script().literal(value, *content)))
            }
            OperandKind::Field(fields) => {
                let target = Target::of(operand, fields, dot.clone());
                self.fields(frame, dot, target, &[], None)
            }
            OperandKind::Variable { name, fields } => {
                let target = Target::of(operand, fields, frame.variable(name));
                self.fields(frame, dot, target, &[], None)
            }
            OperandKind::Chain { base, fields } => {
                let value = self.operand(frame, dot, base, Parameter::Any)?;
                let target = Target::of(operand, fields, value);
                self.fields(frame, dot, target, &[], None)
            }
            OperandKind::Function(name) => self.function(frame, dot, name, operand.span, &[], None),
            OperandKind::Pipe(pipe) => {
                let known = frame.variables.len();
                let value = self.pipe(frame, dot, pipe)?;
                // In Go a variable declared in parentheses outlives them; no chart uses that.
                debug_assert!(frame.variables.len() >= known);
                Ok(value)
            }
        };
        match result {
            Err(failure) if self.context.explores() && !failure.is_limit() => Ok(self.unknown()),
            other => other,
        }
    }

    /// Follows a chain of fields. The last one may be a method with arguments.
    fn fields<'b>(
        &self,
        frame: &mut Frame<'b>,
        dot: &Value,
        target: Target<'b>,
        arguments: &'b [Operand],
        last: Option<Value>,
    ) -> Outcome<Value> {
        let mut value = target.value.clone();
        // Fields of nil are nil, but further fields of a missing field are errors.
        let of_nothing = value.is_nil();
        let count = target.fields.len();
        for (index, field) in target.fields.iter().enumerate() {
            let is_last = index + 1 == count;
            if is_last && let Some(method) = functions::method(&value, field) {
                let mut given = Vec::with_capacity(arguments.len() + 1);
                for argument in arguments {
                    given.push(self.operand(frame, dot, argument, Parameter::Any)?);
                }
                given.extend(last);
                let called = method(&self.context, &value, &given);
                return called.map_err(|fault| {
                    let message = format!("error calling {field}: {}", fault.message);
                    let is_limit = fault.is_limit;
                    frame.failure(Fault { message, is_limit }, target.span)
                });
            }
            if is_last && (!arguments.is_empty() || last.is_some()) {
                let message = format!("{field} is not a method but has arguments");
                return Err(frame.failure(Fault::new(message), target.span));
            }
            value = self
                .field(&value, field, of_nothing)
                .map_err(|fault| frame.failure(fault, target.span))?;
        }
        Ok(value)
    }

    fn field(&self, value: &Value, field: &str, of_nothing: bool) -> Result<Value> {
        let recorder = &self.context.recorder;
        match value {
            Value::Nil if of_nothing => Ok(Value::Nil),
            Value::Nil => Err(Fault::new(format!(
                "nil pointer evaluating interface {{}}.{field}"
            ))),
            Value::Unknown(path) => {
                let path = path.map(|path| recorder.path(Some(path), field));
                path.into_iter().for_each(|path| recorder.read(path));
                Ok(Value::Unknown(path))
            }
            Value::Map(map) => {
                let found = map.get(field);
                let path = map.path().map(|path| recorder.path(Some(path), field));
                path.into_iter().for_each(|path| recorder.read(path));
                match (found, map.of()) {
                    (Some(value), _) => Ok(self.filled(value, path)),
                    (None, MapType::Struct(Struct::Time)) => Ok(Value::Text(Text::from_source(
                        b"2006-01-02",
                        Source::Opaque,
                    ))),
                    (None, MapType::Struct(of)) => Err(Fault::new(format!(
                        "can't evaluate field {field} in type {}",
                        of.type_name()
                    ))),
                    (None, MapType::Texts | MapType::Files) => Ok(Value::computed("")),
                    (None, _) => Ok(self.filled(Value::Nil, path)),
                }
            }
            _ => Err(Fault::new(format!(
                "can't evaluate field {field} in type interface {{}}"
            ))),
        }
    }

    /// When exploring unset values, returns an unknown value for an empty one.
    fn filled(&self, value: Value, path: Option<PathId>) -> Value {
        let fills = self
            .context
            .choices
            .as_ref()
            .is_some_and(|choices| choices.fills);
        let is_empty = match &value {
            Value::Nil => true,
            Value::Text(text) => text.is_empty(),
            _ => false,
        };
        match (fills && is_empty, path) {
            (true, Some(path)) => Value::Unknown(Some(path)),
            _ => value,
        }
    }

    fn function<'b>(
        &self,
        frame: &mut Frame<'b>,
        dot: &Value,
        name: &'b str,
        span: Span,
        arguments: &'b [Operand],
        last: Option<Value>,
    ) -> Outcome<Value> {
        self.enter(frame, span)?;
        let value = call::call(
            self,
            frame,
            dot,
            call::Call {
                name,
                span,
                arguments,
                last,
            },
        )?;
        self.leave();
        Ok(value)
    }
}

/// A chain of fields, its start value, and the span for errors about it.
struct Target<'b> {
    value: Value,
    fields: &'b [String],
    span: Span,
}

impl<'b> Target<'b> {
    fn of(operand: &Operand, fields: &'b [String], value: Value) -> Self {
        let mut span = operand.span;
        // Go points at the second field if there are several.
        if fields.len() > 1 {
            let rest: usize = fields[1..].iter().map(|field| field.len() + 1).sum();
            span.start = span.end.saturating_sub(rest);
        }
        Self {
            value,
            fields,
            span: Span::new(span.start, operand.span.end),
        }
    }
}

fn constant(number: Number, wanted: Parameter) -> Result<Value> {
    match (number, wanted) {
        (_, Parameter::Text) => Err(Fault::new("expected string; found number")),
        #[allow(clippy::cast_precision_loss, reason = "as Go converts")]
        (Number::Int(value), Parameter::Float) => Ok(Value::float(value as f64)),
        (Number::Int(value), _) => Ok(Value::int(value)),
        (
            Number::Float {
                also_int: Some(value),
                ..
            },
            Parameter::Int,
        ) => Ok(Value::int(value)),
        (Number::Float { .. }, Parameter::Int) => Err(Fault::new("expected integer; found float")),
        (Number::Float { value, .. }, _) => Ok(Value::float(value)),
    }
}
