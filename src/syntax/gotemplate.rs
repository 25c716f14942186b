//! Go `text/template` as a tree of spans: actions, pipelines, control structures, definitions.
//!
//! Follows `text/template/parse`, errors included. Evaluates nothing, and knows functions only by name.

use crate::source::Span;

mod lex;
mod literal;
mod parse;
#[cfg(test)]
mod tests;

pub use literal::{Number, integer, unsigned};
pub use parse::parse;

/// Structures and parentheses nested deeper than this are a syntax error: walks over the tree recurse.
const DEEPEST: usize = 200;

/// A parsed text: its own body, and the templates that it defines.
#[derive(Debug, Clone, Default)]
pub struct Template {
    pub body: List,
    /// In the order of their definition. Names are unique, except for empty ones.
    pub definitions: Vec<Definition>,
}

/// `{{ define "name" }}` or `{{ block "name" . }}`.
#[derive(Debug, Clone)]
pub struct Definition {
    pub name: String,
    pub body: List,
}

/// Nodes that are run one after the other.
#[derive(Debug, Clone, Default)]
pub struct List {
    pub nodes: Vec<Node>,
}

impl List {
    /// Whether there is nothing but whitespace. Such a definition does not replace another.
    pub fn is_empty(&self, text: &str) -> bool {
        let blank = |node: &Node| match node {
            Node::Text(span) => span.of(text).trim().is_empty(),
            _ => false,
        };
        self.nodes.iter().all(blank)
    }
}

#[derive(Debug, Clone)]
pub enum Node {
    /// Text outside of actions, without what trim markers remove.
    Text(Span),
    /// `{{ pipeline }}`: printed, unless it declares or sets a variable.
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    /// `{{ template "name" pipeline }}`
    Call {
        name: String,
        argument: Option<Pipe>,
        span: Span,
    },
    Break(Span),
    Continue(Span),
}

/// `if`, `with` and `range`. `else if` is an `if` alone in `otherwise`.
#[derive(Debug, Clone)]
pub struct Branch {
    pub pipe: Pipe,
    pub body: List,
    pub otherwise: Option<List>,
    /// From the keyword to the end of the pipeline.
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Pipe {
    /// Variables that are declared or set, each with its `$`.
    pub variables: Vec<String>,
    /// Whether it is written with `=` instead of `:=`.
    pub assigns: bool,
    pub commands: Vec<Command>,
    pub span: Span,
}

impl Pipe {
    /// Whether it is a value that no function computes.
    pub fn is_value(&self) -> bool {
        let [command] = self.commands.as_slice() else {
            return false;
        };
        let [operand] = command.operands.as_slice() else {
            return false;
        };
        operand.is_value()
    }
}

impl Operand {
    /// Whether it is a value that no function computes.
    pub fn is_value(&self) -> bool {
        matches!(
            self.kind,
            OperandKind::Dot | OperandKind::Field(_) | OperandKind::Variable { .. }
        )
    }
}

/// A function or a value with its arguments. There is always one operand.
#[derive(Debug, Clone)]
pub struct Command {
    pub operands: Vec<Operand>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Operand {
    pub kind: OperandKind,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum OperandKind {
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    /// A string, and the span of its content without quotes.
    Text {
        value: Vec<u8>,
        content: Span,
    },
    /// `.a.b`
    Field(Vec<String>),
    /// `$x.a.b`, the `$` kept.
    Variable {
        name: String,
        fields: Vec<String>,
    },
    /// `(pipeline).a.b`
    Chain {
        base: Box<Operand>,
        fields: Vec<String>,
    },
    Function(String),
    /// `(pipeline)`
    Pipe(Box<Pipe>),
}

/// The reason why a text is not a template, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    pub offset: usize,
    pub message: String,
}
