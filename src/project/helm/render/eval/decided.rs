//! Whether settled values alone decide a condition.

use super::{Frame, Machine};
use crate::project::helm::render::functions::Parameter;
use crate::project::helm::render::value::Value;
use crate::syntax::gotemplate::{Operand, OperandKind, Pipe};

/// Functions whose result depends only on their arguments.
const PURE: [&str; 17] = [
    "and",
    "or",
    "eq",
    "ne",
    "not",
    "empty",
    "hasPrefix",
    "hasSuffix",
    "kindIs",
    "kindOf",
    "typeIs",
    "trim",
    "contains",
    "lower",
    "toString",
    "trimPrefix",
    "trimSuffix",
];

impl Machine {
    /// Whether a condition consists only of literals and settled values, with at least one of the latter.
    pub(super) fn is_decided<'b>(
        &self,
        frame: &mut Frame<'b>,
        dot: &Value,
        pipe: &'b Pipe,
    ) -> bool {
        self.settles() && self.decided(frame, dot, pipe) == Some(true)
    }

    /// The same for a condition that is an argument.
    pub(in crate::project::helm::render) fn is_decided_by<'b>(
        &self,
        frame: &mut Frame<'b>,
        dot: &Value,
        condition: &'b Operand,
    ) -> bool {
        self.settles() && self.decided_by(frame, dot, condition) == Some(true)
    }

    /// Whether any values are settled.
    fn settles(&self) -> bool {
        let choices = self.context.choices.as_ref();
        choices.is_some_and(|choices| choices.settles())
    }

    /// Whether a settled value takes part; `None` if anything other than settled values and literals does.
    fn decided<'b>(&self, frame: &mut Frame<'b>, dot: &Value, pipe: &'b Pipe) -> Option<bool> {
        let mut any = false;
        for command in &pipe.commands {
            let operands = match command.operands.split_first() {
                Some((first, rest)) if is_pure(first) => rest,
                Some((_, [])) => command.operands.as_slice(),
                _ => return None,
            };
            for operand in operands {
                any |= self.decided_by(frame, dot, operand)?;
            }
        }
        Some(any)
    }

    fn decided_by<'b>(
        &self,
        frame: &mut Frame<'b>,
        dot: &Value,
        operand: &'b Operand,
    ) -> Option<bool> {
        match &operand.kind {
            OperandKind::Nil
            | OperandKind::Bool(_)
            | OperandKind::Number(_)
            | OperandKind::Text { .. } => Some(false),
            _ if operand.is_value() => {
                let value = self.operand(frame, dot, operand, Parameter::Any).ok()?;
                self.is_settled(&value).then_some(true)
            }
            OperandKind::Pipe(inner) => self.decided(frame, dot, inner),
            _ => None,
        }
    }
}

fn is_pure(operand: &Operand) -> bool {
    matches!(&operand.kind, OperandKind::Function(name) if PURE.contains(&name.as_str()))
}
