//! Whether values that count as they are decide a condition by themselves.

use super::{Frame, Machine};
use crate::project::helm::render::functions::Parameter;
use crate::project::helm::render::value::Value;
use crate::syntax::gotemplate::{Operand, OperandKind, Pipe};

/// Functions whose result depends on their arguments alone.
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
    /// Whether a condition has nothing in it but literals and values that count as they are, one at least.
    pub(super) fn is_decided<'b>(
        &self,
        frame: &mut Frame<'b>,
        dot: &Value,
        pipe: &'b Pipe,
    ) -> bool {
        self.settles() && self.decided(frame, dot, pipe) == Some(true)
    }

    /// The same of a condition that is an argument.
    pub(in crate::project::helm::render) fn is_decided_by<'b>(
        &self,
        frame: &mut Frame<'b>,
        dot: &Value,
        condition: &'b Operand,
    ) -> bool {
        self.settles() && self.decided_by(frame, dot, condition) == Some(true)
    }

    /// Whether there are values that count as they are.
    fn settles(&self) -> bool {
        let choices = self.context.choices.as_ref();
        choices.is_some_and(|choices| choices.settles())
    }

    /// Whether a value has a part in it; `None` where something else has.
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
