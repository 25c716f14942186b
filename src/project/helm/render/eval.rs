//! Runs templates: control structures, pipelines, fields and calls, by the rules of `text/template`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::context::Context;
use super::error::{Failure, Outcome};
use super::fault::{Fault, Result};
use super::print;
use super::scripts::{Body, Library, Script};
use super::text::{Pieces, Text};
use super::value::{MapType, Value};
use crate::source::Span;
use crate::syntax::gotemplate::{Branch, List, Node, Pipe};

mod decided;
mod expression;
mod include;

/// The maximum nesting of templates, structures and pipelines at run time.
const DEEPEST: usize = 6000;

/// The maximum recursion of one template, as in Helm.
const MOST_OPEN: usize = 1000;

pub(super) struct Machine {
    pub context: Context,
    library: RefCell<Rc<Library>>,
    open: RefCell<HashMap<Rc<str>, usize>>,
    depth: Cell<usize>,
}

/// A running template.
pub(super) struct Frame<'b> {
    body: &'b Body,
    variables: Vec<(&'b str, Value)>,
}

/// How the execution of a list ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

impl<'b> Frame<'b> {
    fn new(body: &'b Body, dot: &Value) -> Self {
        Self {
            body,
            variables: vec![("$", dot.clone())],
        }
    }

    pub(super) fn script(&self) -> &'b Script {
        &self.body.script
    }

    pub(super) fn failure(&self, fault: Fault, span: Span) -> Failure {
        Failure::new(fault, self.body, span)
    }

    fn variable(&self, name: &str) -> Value {
        let mut known = self.variables.iter().rev();
        let found = known.find(|(known, _)| *known == name);
        found.map_or(Value::Nil, |(_, value)| value.clone())
    }

    fn set(&mut self, name: &str, value: Value) {
        let mut known = self.variables.iter_mut().rev();
        if let Some((_, place)) = known.find(|(known, _)| *known == name) {
            *place = value;
        }
    }
}

impl Machine {
    pub(super) fn new(context: Context, library: Library) -> Self {
        Self {
            context,
            library: RefCell::new(Rc::new(library)),
            open: RefCell::default(),
            depth: Cell::new(0),
        }
    }

    pub(super) fn into_context(self) -> Context {
        self.context
    }

    /// Runs a template, and removes Go's output for missing values.
    pub(super) fn run(&self, body: &Body, dot: &Value) -> Outcome<Text> {
        let mut out = Pieces::default();
        let mut frame = Frame::new(body, dot);
        self.list(&mut frame, dot, body.list(), &mut out)?;
        Ok(Text::new(out).replace(b"<no value>", &Text::computed("")))
    }

    fn library(&self) -> Rc<Library> {
        Rc::clone(&self.library.borrow())
    }

    fn enter(&self, frame: &Frame<'_>, span: Span) -> Outcome<()> {
        self.depth.set(self.depth.get() + 1);
        let paid = match self.depth.get() > DEEPEST {
            true => Err(Fault::limit("templates are nested too deep")),
            false => self.context.budget.steps(1),
        };
        paid.map_err(|fault| frame.failure(fault, span))
    }

    fn leave(&self) {
        self.depth.set(self.depth.get() - 1);
    }

    fn list<'b>(
        &self,
        frame: &mut Frame<'b>,
        dot: &Value,
        list: &'b List,
        out: &mut Pieces,
    ) -> Outcome<Flow> {
        for node in &list.nodes {
            let ended = match self.node(frame, dot, node, out) {
                Err(failure) if self.context.explores() && !failure.is_limit() => Flow::Next,
                other => other?,
            };
            if ended != Flow::Next {
                return Ok(ended);
            }
        }
        Ok(Flow::Next)
    }

    fn node<'b>(
        &self,
        frame: &mut Frame<'b>,
        dot: &Value,
        node: &'b Node,
        out: &mut Pieces,
    ) -> Outcome<Flow> {
        match node {
            Node::Text(span) => {
                let before = out.len();
                frame.script().write(out, *span);
                let written = self.context.budget.bytes(out.len() - before);
                written.map_err(|fault| frame.failure(fault, *span))?;
                Ok(Flow::Next)
            }
            Node::Action(pipe) => {
                let value = self.pipe(frame, dot, pipe)?;
                if pipe.variables.is_empty() {
                    self.print(frame, &value, pipe.span, out)?;
                }
                Ok(Flow::Next)
            }
            Node::If(branch) => self.condition(frame, dot, branch, out, false),
            Node::With(branch) => self.condition(frame, dot, branch, out, true),
            Node::Range(branch) => self.range(frame, dot, branch, out),
            Node::Call {
                name,
                argument,
                span,
            } => {
                let argument = match argument {
                    Some(pipe) => self.pipe(frame, dot, pipe)?,
                    None => Value::Nil,
                };
                let library = self.library();
                let Some(body) = library.get(name) else {
                    let fault = Fault::new(format!("template {name:?} not defined"));
                    return Err(frame.failure(fault, *span));
                };
                self.enter(frame, *span)?;
                let mut inner = Frame::new(body, &argument);
                self.list(&mut inner, &argument, body.list(), out)?;
                self.leave();
                Ok(Flow::Next)
            }
            Node::Break(_) => Ok(Flow::Break),
            Node::Continue(_) => Ok(Flow::Continue),
        }
    }

    fn print(&self, frame: &Frame<'_>, value: &Value, span: Span, out: &mut Pieces) -> Outcome<()> {
        let before = out.len();
        let printed = print::print_into(out, value);
        let printed = printed.and_then(|()| self.context.budget.bytes(out.len() - before));
        printed.map_err(|fault| frame.failure(fault, span))
    }

    /// Returns the way to take at a location: the one that the values lead to (`way`), unless other ways are
    /// explored, too.
    pub(super) fn choose(&self, frame: &Frame<'_>, span: Span, ways: usize, way: usize) -> usize {
        match &self.context.choices {
            None => way,
            Some(choices) => {
                let script = frame.script();
                let site = (script.site(), span.start);
                choices.choose(site, ways, way)
            }
        }
    }

    /// Whether a value is settled, so that a decision on it alone takes only one way.
    pub(super) fn is_settled(&self, value: &Value) -> bool {
        let choices = self.context.choices.as_ref();
        choices.is_some_and(|choices| choices.is_settled(value))
    }

    /// Returns a stand-in for a missing value.
    fn unknown(&self) -> Value {
        Value::Unknown(self.context.recorder.last())
    }

    fn condition<'b>(
        &self,
        frame: &mut Frame<'b>,
        dot: &Value,
        branch: &'b Branch,
        out: &mut Pieces,
        is_with: bool,
    ) -> Outcome<Flow> {
        let known = frame.variables.len();
        self.context.recorder.forget_last();
        let mut value = self.pipe(frame, dot, &branch.pipe)?;
        let is_true = value.is_true();
        let choices = self.context.choices.as_ref();
        let choices = choices.filter(|choices| choices.settles() && branch.pipe.is_value());
        let natural = usize::from(!is_true);
        let way = match choices.and_then(|choices| choices.assumed(&value)) {
            Some(known) => usize::from(!known),
            None if self.is_decided(frame, dot, &branch.pipe) => natural,
            None => self.choose(frame, branch.span, 2, natural),
        };
        if let Some(choices) = choices {
            choices.assume(&value, way == 0);
        }
        if way == 0 && !is_true && is_with {
            value = self.unknown();
            if let Some(name) = branch.pipe.variables.first() {
                frame.set(name, value.clone());
            }
        }
        self.enter(frame, branch.span)?;
        let flow = match (way, &branch.otherwise) {
            (0, _) if is_with => self.list(frame, &value, &branch.body, out)?,
            (0, _) => self.list(frame, dot, &branch.body, out)?,
            (_, Some(otherwise)) => self.list(frame, dot, otherwise, out)?,
            (_, None) => Flow::Next,
        };
        self.leave();
        frame.variables.truncate(known);
        Ok(flow)
    }

    fn range<'b>(
        &self,
        frame: &mut Frame<'b>,
        dot: &Value,
        branch: &'b Branch,
        out: &mut Pieces,
    ) -> Outcome<Flow> {
        let known = frame.variables.len();
        self.context.recorder.forget_last();
        let value = self.pipe(frame, dot, &branch.pipe)?;
        let items = self.items(&value);
        let mut items = items.map_err(|fault| frame.failure(fault, branch.span))?;
        let way = self.choose(frame, branch.span, 2, usize::from(items.is_empty()));
        match way {
            0 if items.is_empty() => {
                let item = match self.context.recorder.last() {
                    Some(path) => {
                        Value::Unknown(Some(self.context.recorder.path(Some(path), "[]")))
                    }
                    None => Value::Unknown(None),
                };
                items.push((Value::Unknown(None), item));
            }
            0 => {}
            _ => items.clear(),
        }
        self.enter(frame, branch.span)?;
        let mark = frame.variables.len();
        let mut flow = Flow::Next;
        let is_empty = items.is_empty();
        for (key, item) in items {
            let paid = self.context.budget.steps(1);
            paid.map_err(|fault| frame.failure(fault, branch.span))?;
            bind(frame, &branch.pipe, mark, key, &item);
            let ended = self.list(frame, &item, &branch.body, out)?;
            frame.variables.truncate(mark);
            if ended == Flow::Break {
                break;
            }
        }
        if is_empty && let Some(otherwise) = &branch.otherwise {
            flow = self.list(frame, dot, otherwise, out)?;
        }
        self.leave();
        frame.variables.truncate(known);
        Ok(flow)
    }

    /// Returns the items of a range, each with its key.
    fn items(&self, value: &Value) -> Result<Vec<(Value, Value)>> {
        Ok(match value {
            Value::Nil => Vec::new(),
            Value::Unknown(path) => {
                let item = path.map(|path| self.context.recorder.path(Some(path), "[]"));
                vec![(Value::Unknown(None), Value::Unknown(item))]
            }
            Value::List(list) => {
                let numbered = list.items().iter().enumerate();
                let number = |index| Value::int(i64::try_from(index).unwrap_or(i64::MAX));
                numbered
                    .map(|(index, item)| (number(index), item.clone()))
                    .collect()
            }
            Value::Map(map) if !matches!(map.of(), MapType::Struct(_)) => {
                let entries = map.entries();
                if let Some(path) = map.path() {
                    self.context
                        .recorder
                        .read(self.context.recorder.path(Some(path), "*"));
                }
                entries
                    .iter()
                    .map(|(key, value)| (Value::computed(key.as_bytes()), value.clone()))
                    .collect()
            }
            Value::Int(count, ..) => {
                let count = usize::try_from(*count).unwrap_or(0);
                self.context.budget.steps(count)?;
                (0..count as i64)
                    .map(|at| (Value::Nil, Value::int(at)))
                    .collect()
            }
            other => {
                let shown = print::show(other)?;
                let shown = shown.to_str();
                return Err(Fault::new(format!("range can't iterate over {shown}")));
            }
        })
    }
}

/// Assigns the variables of a range.
fn bind<'b>(frame: &mut Frame<'b>, pipe: &'b Pipe, mark: usize, key: Value, item: &Value) {
    match (pipe.variables.as_slice(), pipe.assigns) {
        ([], _) => {}
        ([one], true) => frame.set(one, item.clone()),
        ([first, second, ..], true) => {
            frame.set(first, key);
            frame.set(second, item.clone());
        }
        // The pipeline pushed them in this order.
        ([_], false) => frame.variables[mark - 1].1 = item.clone(),
        ([_, _, ..], false) => {
            frame.variables[mark - 2].1 = key;
            frame.variables[mark - 1].1 = item.clone();
        }
    }
}
