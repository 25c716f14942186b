//! The location of a failed evaluation, and the templates that were running.

use std::fmt;
use std::rc::Rc;

use super::fault::Fault;
use super::scripts::{Body, Script};
use crate::source::Span;

/// An error with its locations, the outermost last.
#[derive(Debug, Clone)]
pub(super) struct Failure(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    fault: Fault,
    running: Vec<Running>,
}

/// The data for a [`Frame`], which is only built when needed: most failures are ignored.
#[derive(Debug, Clone)]
struct Running {
    script: Rc<Script>,
    template: Rc<str>,
    span: Span,
    doing: String,
}

pub(super) type Outcome<T> = std::result::Result<T, Failure>;

/// A template that was running when an error occurred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The file, by its name in Helm: `chart/templates/deployment.yaml`.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in bytes, counted from 0 as in Go.
    pub column: usize,
    /// The running template: the file, or a named template.
    pub template: String,
    /// The beginning of the evaluated expression.
    pub at: String,
    /// The action in progress, except for the innermost frame.
    pub doing: String,
}

impl Running {
    fn new(body: &Body, span: Span, doing: &str) -> Self {
        Self {
            script: Rc::clone(&body.script),
            template: Rc::clone(&body.name),
            span,
            doing: doing.to_owned(),
        }
    }

    fn frame(self) -> Frame {
        let (line, column) = self.script.position(self.span.start);
        let shown = self.span.of(&self.script.text);
        let at = match shown.chars().count() > 20 {
            true => format!("{}...", shown.chars().take(20).collect::<String>()),
            false => shown.to_owned(),
        };
        Frame {
            file: self.script.name.clone(),
            line,
            column,
            template: self.template.to_string(),
            at,
            doing: self.doing,
        }
    }
}

/// The reason why a chart does not render, in Helm's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderError {
    pub message: String,
    /// The running templates, the outermost first. Empty if the chart could not be read.
    pub frames: Vec<Frame>,
    /// Whether the chart exceeds a limit of this renderer. Helm might render it.
    pub is_limit: bool,
}

impl Failure {
    pub(super) fn new(fault: Fault, body: &Body, span: Span) -> Self {
        let running = vec![Running::new(body, span, "")];
        Self(Box::new(Inner { fault, running }))
    }

    /// Adds the template that called the failing one.
    pub(super) fn within(mut self, doing: &str, body: &Body, span: Span) -> Self {
        // A recursion of templates would list each of its rounds.
        if self.0.running.len() < 50 {
            self.0.running.push(Running::new(body, span, doing));
        }
        self
    }

    pub(super) fn is_limit(&self) -> bool {
        self.0.fault.is_limit
    }
}

impl RenderError {
    /// An error of a chart that could not be read.
    pub(super) fn of_chart(message: String) -> Self {
        Self {
            message,
            frames: Vec::new(),
            is_limit: false,
        }
    }
}

impl From<Failure> for RenderError {
    fn from(failure: Failure) -> Self {
        let Inner { fault, running } = *failure.0;
        Self {
            message: fault.message,
            frames: running.into_iter().rev().map(Running::frame).collect(),
            is_limit: fault.is_limit,
        }
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for frame in &self.frames {
            write!(
                out,
                "template: {}:{}:{}: executing {:?} at <{}>: ",
                frame.file, frame.line, frame.column, frame.template, frame.at
            )?;
            if !frame.doing.is_empty() {
                write!(out, "{}: ", frame.doing)?;
            }
        }
        out.write_str(&self.message)
    }
}

impl std::error::Error for RenderError {}
