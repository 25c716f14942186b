//! Functions that run other templates: `include` and `tpl`.

use std::rc::Rc;

use super::super::error::Outcome;
use super::super::fault::Fault;
use super::super::scripts::{self, Library, Script};
use super::super::text::{Pieces, Text};
use super::super::value::Value;
use super::{Frame, MOST_OPEN, Machine};
use crate::source::Span;

impl Machine {
    /// Implements `include`: returns a template's output as a text.
    pub(in super::super) fn include(
        &self,
        frame: &Frame<'_>,
        name: &Text,
        dot: &Value,
        span: Span,
    ) -> Outcome<Value> {
        let name = name.to_str();
        let library = self.library();
        let Some(body) = library.get(&name) else {
            let message = format!(
                "error calling include: template: no template {name:?} associated with template \"gotpl\""
            );
            return Err(frame.failure(Fault::new(message), span));
        };
        let count = {
            let mut open = self.open.borrow_mut();
            let count = open.entry(Rc::clone(&body.name)).or_default();
            *count += 1;
            *count
        };
        if count > MOST_OPEN + 1 {
            let message = format!(
                "error calling include: rendering template has a nested reference name: {name}: unable to execute template"
            );
            return Err(frame.failure(Fault::limit(message), span));
        }
        let mut out = Pieces::default();
        let mut inner = Frame::new(body, dot);
        let ran = self.list(&mut inner, dot, body.list(), &mut out);
        if let Some(count) = self.open.borrow_mut().get_mut(&body.name) {
            *count -= 1;
        }
        ran.map_err(|failure| failure.within("error calling include", frame.body, span))?;
        Ok(Value::Text(Text::new(out)))
    }

    /// Implements `tpl`: runs a text as a template. Templates that it defines are visible only to it.
    pub(in super::super) fn tpl(
        &self,
        frame: &Frame<'_>,
        text: &Text,
        dot: &Value,
        span: Span,
    ) -> Outcome<Value> {
        if memchr::memmem::find(text.bytes(), b"{{").is_none() {
            return Ok(Value::Text(
                text.replace(b"<no value>", &Text::computed("")),
            ));
        }
        let paid = self.context.budget.steps(text.len() / 16);
        paid.map_err(|fault| frame.failure(fault, span))?;
        let script = Script::of_text("gotpl", text);
        let parsed = self.context.parsed.text(&script.text);
        let parsed = parsed.map_err(|error| {
            let line = scripts::line_of(&script.text, error.offset);
            let message = format!(
                "error calling tpl: cannot parse template {:?}: template: gotpl:{line}: {}",
                script.text, error.message
            );
            frame.failure(Fault::new(message), span)
        })?;
        let mut library = Library::inside(self.library());
        let body = library.add(&script, &parsed);
        let outer = self.library.replace(Rc::new(library));
        let ran = self.run(&body, dot);
        *self.library.borrow_mut() = outer;
        let during = format!(
            "error calling tpl: error during tpl function execution for {:?}",
            script.text
        );
        let made = ran.map_err(|failure| failure.within(&during, frame.body, span))?;
        Ok(Value::Text(made))
    }
}
