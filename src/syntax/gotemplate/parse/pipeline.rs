//! Pipelines, commands and operands.

use super::super::lex::{Kind, Token};
use super::super::literal::{self, Number};
use super::super::{Command, Operand, OperandKind, Pipe};
use super::{Parser, Result, inside, is_keyword};
use crate::source::Span;

impl Parser<'_> {
    pub(super) fn pipe(&mut self, context: &str, end: Kind) -> Result<Pipe> {
        let first = self.next_solid()?;
        self.back(first);
        let start = first.span.start;
        let mut pipe = Pipe {
            variables: Vec::new(),
            assigns: false,
            commands: Vec::new(),
            span: Span::new(start, start),
        };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.next_solid()?;
            if token.kind == end {
                pipe.span.end = pipe.commands.last().map_or(start, |last| last.span.end);
                self.check(&pipe, context, token)?;
                return Ok(pipe);
            }
            match token.kind {
                Kind::Word
                | Kind::Number
                | Kind::Char
                | Kind::Dot
                | Kind::Field
                | Kind::Variable
                | Kind::Quoted
                | Kind::Raw
                | Kind::LeftParen => {
                    self.back(token);
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(token, context),
            }
        }
    }

    /// Reads `$x :=`, `$x =` and, for ranges, `$k, $v :=`.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Result<()> {
        loop {
            let variable = self.next_solid()?;
            if variable.kind != Kind::Variable {
                self.back(variable);
                return Ok(());
            }
            // Whitespace is put back: `$x .y` is a command with an argument.
            let after = self.next()?;
            let mut next = after;
            if after.kind == Kind::Space {
                next = self.next_solid()?;
            }
            let name = self.of(variable).to_owned();
            match next.kind {
                Kind::Declare | Kind::Assign => {
                    pipe.assigns = next.kind == Kind::Assign;
                    pipe.variables.push(name.clone());
                    self.variables.push(name);
                    return Ok(());
                }
                Kind::Comma if context == "range" && pipe.variables.len() < 2 => {
                    pipe.variables.push(name.clone());
                    self.variables.push(name);
                    continue;
                }
                Kind::Comma => {
                    let offset = next.span.start;
                    return self.error(offset, format!("too many declarations in {context}"));
                }
                _ => {}
            }
            self.back(next);
            if after.kind == Kind::Space {
                self.back(after);
            }
            self.back(variable);
            return Ok(());
        }
    }

    fn check(&self, pipe: &Pipe, context: &str, end: Token) -> Result<()> {
        if pipe.commands.is_empty() {
            return self.error(end.span.start, format!("missing value for {context}"));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            let first = &command.operands[0];
            if matches!(
                first.kind,
                OperandKind::Bool(_)
                    | OperandKind::Dot
                    | OperandKind::Nil
                    | OperandKind::Number(_)
                    | OperandKind::Text { .. }
            ) {
                let stage = index + 1;
                let message = format!("non executable command in pipeline stage {stage}");
                return self.error(first.span.start, message);
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result<Command> {
        let mut operands: Vec<Operand> = Vec::new();
        loop {
            let token = self.next_solid()?;
            self.back(token);
            if let Some(operand) = self.operand()? {
                operands.push(operand);
            }
            let token = self.next()?;
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.back(token),
                // The pipeline reads what follows. Nothing has to.
                Kind::Pipe => {}
                _ => return self.unexpected(token, "operand"),
            }
            break;
        }
        match (operands.first(), operands.last()) {
            (Some(first), Some(last)) => {
                let span = first.span.join(last.span);
                Ok(Command { operands, span })
            }
            _ => self.error(0, "empty command"),
        }
    }

    /// Reads a term and the fields after it.
    fn operand(&mut self) -> Result<Option<Operand>> {
        let Some(mut operand) = self.term()? else {
            return Ok(None);
        };
        let mut fields = Vec::new();
        let mut end = operand.span.end;
        loop {
            let token = self.next()?;
            if token.kind != Kind::Field {
                self.back(token);
                break;
            }
            fields.push(self.of(token)[1..].to_owned());
            end = token.span.end;
        }
        if fields.is_empty() {
            return Ok(Some(operand));
        }
        let span = Span::new(operand.span.start, end);
        let kind = match &mut operand.kind {
            OperandKind::Field(own) | OperandKind::Variable { fields: own, .. } => {
                own.append(&mut fields);
                operand.kind
            }
            OperandKind::Pipe(_) | OperandKind::Function(_) | OperandKind::Chain { .. } => {
                OperandKind::Chain {
                    base: Box::new(operand),
                    fields,
                }
            }
            _ => {
                let term = operand.span.of(self.text);
                return self.error(span.start, format!("unexpected . after term {term:?}"));
            }
        };
        Ok(Some(Operand { kind, span }))
    }

    fn term(&mut self) -> Result<Option<Operand>> {
        let token = self.next_solid()?;
        let mut span = token.span;
        let kind = match token.kind {
            Kind::Word => self.word(token)?,
            Kind::Dot => OperandKind::Dot,
            Kind::Variable => self.variable(token)?,
            Kind::Field => OperandKind::Field(vec![self.of(token)[1..].to_owned()]),
            Kind::Number | Kind::Char => {
                let text = self.of(token);
                let number = match token.kind {
                    Kind::Number => literal::number(text),
                    _ => literal::character(text).map(Number::Int),
                };
                match number {
                    Some(number) => OperandKind::Number(number),
                    None => {
                        let message = format!("malformed character constant: {text}");
                        return self.error(span.start, message);
                    }
                }
            }
            Kind::Quoted | Kind::Raw => self.string(token)?,
            Kind::LeftParen => {
                self.enter(span.start)?;
                let pipe = self.pipe("parenthesized pipeline", Kind::RightParen)?;
                self.depth -= 1;
                let length = self.text[pipe.span.end..].find(')').unwrap_or(0);
                span.end = pipe.span.end + length + 1;
                OperandKind::Pipe(Box::new(pipe))
            }
            _ => {
                self.back(token);
                return Ok(None);
            }
        };
        Ok(Some(Operand { kind, span }))
    }

    fn word(&self, token: Token) -> Result<OperandKind> {
        Ok(match self.of(token) {
            "true" => OperandKind::Bool(true),
            "false" => OperandKind::Bool(false),
            "nil" => OperandKind::Nil,
            word if is_keyword(word) => return self.unexpected(token, "operand"),
            word if (self.is_function)(word) => OperandKind::Function(word.to_owned()),
            word => {
                let message = format!("function {word:?} not defined");
                return self.error(token.span.start, message);
            }
        })
    }

    fn variable(&self, token: Token) -> Result<OperandKind> {
        let name = self.of(token).to_owned();
        if !self.variables.contains(&name) {
            return self.error(token.span.start, format!("undefined variable {name:?}"));
        }
        Ok(OperandKind::Variable {
            name,
            fields: Vec::new(),
        })
    }

    fn string(&self, token: Token) -> Result<OperandKind> {
        let content = inside(token.span);
        let written = content.of(self.text);
        let value = match token.kind {
            // Go drops carriage returns from raw strings.
            Kind::Raw => Some(written.replace('\r', "").into_bytes()),
            _ => literal::unquote(written, '"'),
        };
        match value {
            Some(value) => Ok(OperandKind::Text { value, content }),
            None => self.error(token.span.start, "invalid syntax"),
        }
    }
}
