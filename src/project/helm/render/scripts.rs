//! Templates that are ready to run, by name.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use super::functions;
use super::text::{Origin, OriginKind, Pieces, Source, Text};
use crate::source::{LineIndex, Span};
use crate::syntax::gotemplate::{List, ParseError, Template, parse};

/// The text that templates were parsed from.
#[derive(Debug)]
pub(super) struct Script {
    /// Its name in errors.
    pub name: String,
    pub text: Rc<str>,
    from: From,
}

#[derive(Debug)]
enum From {
    File(usize),
    /// A text that was passed to `tpl`.
    Made(Text),
}

/// A template with its script.
#[derive(Debug)]
pub(super) struct Body {
    pub name: Rc<str>,
    pub script: Rc<Script>,
    parsed: Rc<Template>,
    /// The index of its definition in the script; `None` for the script's own body.
    definition: Option<usize>,
}

impl Body {
    pub(super) fn list(&self) -> &List {
        match self.definition {
            Some(number) => &self.parsed.definitions[number].body,
            None => &self.parsed.body,
        }
    }
}

impl Script {
    pub(super) fn of_file(name: &str, text: &str, file: usize) -> Rc<Self> {
        Rc::new(Self {
            name: name.to_owned(),
            text: Rc::from(text),
            from: From::File(file),
        })
    }

    pub(super) fn of_text(name: &str, text: &Text) -> Rc<Self> {
        let shown = text.to_str();
        let same = shown.len() == text.len();
        let made = match same {
            true => text.clone(),
            false => Text::from_source(shown.as_bytes(), text.taint()),
        };
        Rc::new(Self {
            name: name.to_owned(),
            text: Rc::from(shown.as_ref()),
            from: From::Made(made),
        })
    }

    /// Returns an id of the script that is the same in every run.
    pub(super) fn site(&self) -> usize {
        match &self.from {
            From::File(file) => *file,
            From::Made(text) => {
                let mut hasher = DefaultHasher::new();
                text.bytes().hash(&mut hasher);
                (hasher.finish() | 1 << 63) as usize
            }
        }
    }

    /// Returns the index of the file, if the script is one.
    pub(super) fn file(&self) -> Option<usize> {
        match self.from {
            From::File(file) => Some(file),
            From::Made(_) => None,
        }
    }

    /// Writes the text at a span.
    pub(super) fn write(&self, out: &mut Pieces, span: Span) {
        match &self.from {
            From::File(file) => {
                let origin = Origin::new(OriginKind::Template, *file, span, true);
                out.push(span.of(&self.text).as_bytes(), Source::Written(origin));
            }
            From::Made(text) => out.push_part(text, span.start, span.end),
        }
    }

    /// Creates a string literal; `content` is the span between the quotes.
    pub(super) fn literal(&self, value: &[u8], content: Span) -> Text {
        let verbatim = content.of(&self.text).as_bytes() == value;
        match &self.from {
            From::File(file) => {
                let origin = Origin::new(OriginKind::Literal, *file, content, verbatim);
                Text::from_source(value, Source::Written(origin))
            }
            From::Made(text) if verbatim => text.slice(content.start, content.end),
            From::Made(text) => Text::from_source(value, text.taint()),
        }
    }

    /// Returns the line, from 1, and the byte in it, from 0, as in Go.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        (line, before.len() - start)
    }
}

/// A cache of parsed templates, shared by passes and calls of `tpl`.
#[derive(Debug, Clone, Default)]
pub(super) struct Parsed(Rc<Known>);

#[derive(Debug, Default)]
struct Known {
    texts: RefCell<HashMap<Rc<str>, Rc<Template>>>,
    /// By the index of the file, with one entry per name: a chart may occur several times in the nest.
    files: RefCell<HashMap<usize, Vec<Ready>>>,
}

/// A script and its parsed template.
type Ready = (Rc<Script>, Rc<Template>);

/// The most cached texts, because `tpl` can create any number of them.
const MOST_PARSED: usize = 10_000;

impl Parsed {
    /// Returns the script of a file, under its name in errors.
    pub(super) fn file(
        &self,
        name: &str,
        text: &str,
        file: usize,
    ) -> std::result::Result<Ready, ParseError> {
        let known = self.0.files.borrow().get(&file).and_then(|all| {
            let mut all = all.iter();
            all.find(|(script, _)| script.name == name).cloned()
        });
        if let Some(known) = known {
            return Ok(known);
        }
        let script = Script::of_file(name, text, file);
        let ready = (Rc::clone(&script), self.text(&script.text)?);
        let mut files = self.0.files.borrow_mut();
        files.entry(file).or_default().push(ready.clone());
        Ok(ready)
    }

    pub(super) fn text(&self, text: &Rc<str>) -> std::result::Result<Rc<Template>, ParseError> {
        if let Some(known) = self.0.texts.borrow().get(text) {
            return Ok(Rc::clone(known));
        }
        let parsed = Rc::new(parse(text, &functions::is_known)?);
        let mut known = self.0.texts.borrow_mut();
        if known.len() < MOST_PARSED {
            known.insert(Rc::clone(text), Rc::clone(&parsed));
        }
        Ok(parsed)
    }
}

/// Templates by name.
#[derive(Debug, Default)]
pub(super) struct Library {
    own: HashMap<Rc<str>, Rc<Body>>,
    /// The templates that are visible around a text that was passed to `tpl`.
    outer: Option<Rc<Library>>,
}

impl Library {
    pub(super) fn inside(outer: Rc<Self>) -> Self {
        Self {
            own: HashMap::new(),
            outer: Some(outer),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Rc<Body>> {
        let mut libraries = std::iter::successors(Some(self), |one| one.outer.as_deref());
        libraries.find_map(|library| library.own.get(name))
    }

    /// Adds the definitions of a script. Returns the body of the script itself.
    pub(super) fn add(&mut self, script: &Rc<Script>, parsed: &Rc<Template>) -> Rc<Body> {
        let body = |name: &str, definition: Option<usize>| Body {
            name: Rc::from(name),
            script: Rc::clone(script),
            parsed: Rc::clone(parsed),
            definition,
        };
        for (number, definition) in parsed.definitions.iter().enumerate() {
            self.put(body(&definition.name, Some(number)));
        }
        self.put(body(&script.name, None))
    }

    /// Adds a template. An empty one does not replace an existing one.
    fn put(&mut self, body: Body) -> Rc<Body> {
        let body = Rc::new(body);
        let is_new = self.get(&body.name).is_none();
        if is_new || !body.list().is_empty(&body.script.text) {
            self.own.insert(Rc::clone(&body.name), Rc::clone(&body));
        }
        body
    }
}

/// Returns the line of a parse error.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    LineIndex::new(text).line(offset.min(text.len())) + 1
}
