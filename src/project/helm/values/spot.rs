//! The location of values in a file: a document, keys, and perhaps a string that contains another document.

use super::{Table, Value, most_values, parse, value_of, whole};
use crate::source::Span;
use crate::syntax::yaml::{Node, Parsed, Style};

/// The location of values in a file. The default is the whole file, and its first document for what is added.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Spot {
    /// The index of the document.
    pub(in super::super) document: usize,
    pub(in super::super) steps: Vec<Step>,
    /// Whether the location holds a string that contains the values.
    pub(in super::super) in_text: bool,
}

/// A step into a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Step {
    Key(String),
    Item(usize),
}

impl Spot {
    /// Whether the location is the whole of a values file.
    pub(in super::super) fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    pub(in super::super) fn at_keys(document: usize, keys: &[&str]) -> Self {
        Self {
            document,
            ..Self::default()
        }
        .keys(keys)
    }

    /// Returns the spot at these keys below this one.
    pub(in super::super) fn keys(mut self, keys: &[&str]) -> Self {
        let keys = keys.iter().map(|key| Step::Key((*key).to_owned()));
        self.steps.extend(keys);
        self
    }

    pub(in super::super) fn item(mut self, index: usize) -> Self {
        self.steps.push(Step::Item(index));
        self
    }

    pub(in super::super) fn in_text(self) -> Self {
        Self {
            in_text: true,
            ..self
        }
    }

    /// Returns the document and the steps that lead to the values in the result of [`Spot::parse`].
    pub(super) fn in_parsed(&self) -> (usize, &[Step]) {
        match self.in_text {
            true => (0, &[]),
            false => (self.document, &self.steps),
        }
    }

    /// Parses the text that contains the values: the file, or the lines of a literal block in it.
    ///
    /// # Errors
    /// If the location holds something else or does not parse. The message is phrased to follow the file's name.
    pub(super) fn parse<'t>(&self, text: &'t str) -> Result<Parsed<'t>, String> {
        let file = File::parse(text)?;
        match self.in_text {
            true => file.text_at(self),
            false => Ok(file.parsed),
        }
    }
}

/// A parsed file, in which spots are looked up.
pub(in super::super) struct File<'t> {
    pub(in super::super) text: &'t str,
    parsed: Parsed<'t>,
}

impl<'t> File<'t> {
    /// # Errors
    /// If the text does not parse. The message is phrased to follow the file's name.
    pub(in super::super) fn parse(text: &'t str) -> Result<Self, String> {
        let parsed = parse(text, whole(text))?;
        Ok(Self { text, parsed })
    }

    pub(in super::super) fn documents(&self) -> &[Node<'t>] {
        &self.parsed.documents
    }

    pub(in super::super) fn document(&self, number: usize) -> Option<&Node<'t>> {
        self.parsed.documents.get(number)
    }

    /// Reads the documents. Their leaves refer to the file by `number`.
    ///
    /// # Errors
    /// If their aliases expand to too many values. The message is phrased to follow the file's name.
    pub(in super::super) fn values(&self, number: usize) -> Result<Vec<Value>, String> {
        let mut left = most_values(self.text);
        let documents = self.parsed.documents.iter();
        let values =
            documents.map(|root| value_of(root, self.text, &self.parsed, number, &mut left));
        values.collect()
    }

    /// Returns the span of the values in the text of the file. `None` if there are none.
    pub(in super::super) fn covered(&self, spot: &Spot) -> Option<Span> {
        if spot.is_whole() {
            let (first, last) = (self.documents().first()?, self.documents().last()?);
            return Some(Span::new(first.span().start, last.span().end));
        }
        let root = self.document(spot.document)?;
        node_at(root, &spot.steps).map(Node::span)
    }

    /// The same for a path of keys in a string that contains one document.
    pub(in super::super) fn covered_in_text(&self, spot: &Spot, keys: &[String]) -> Option<Span> {
        let parsed = self.text_at(spot).ok()?;
        let root = parsed.documents.first()?;
        let mut keys = keys.iter();
        let node = keys.try_fold(root, |node, key| node.as_map()?.get(key));
        node.map(Node::span)
    }

    /// Parses the lines of the literal block that a spot leads to.
    ///
    /// # Errors
    /// As [`Spot::parse`].
    pub(in super::super) fn text_at(&self, spot: &Spot) -> Result<Parsed<'t>, String> {
        let root = self.document(spot.document);
        let node = root.and_then(|root| node_at(root, &spot.steps));
        let region = node.and_then(|node| lines_of_block(self.text, node));
        parse(self.text, region.ok_or(NO_VALUES)?)
    }
}

pub(in super::super) const NO_VALUES: &str = "does not contain values where they belong";

/// Returns the value at a path of a document; null if there is none.
pub(in super::super) fn at<'v>(value: &'v Value, steps: &[Step]) -> &'v Value {
    steps.iter().fold(value, |value, step| match (value, step) {
        (Value::Table(table), Step::Key(key)) => table.get(key).unwrap_or(&Value::Null),
        (Value::List(items), Step::Item(index)) => items.get(*index).unwrap_or(&Value::Null),
        _ => &Value::Null,
    })
}

/// Returns the node at a location as it is written: neither aliases nor merge keys are followed.
pub(in super::super) fn node_at<'n, 't>(
    root: &'n Node<'t>,
    steps: &[Step],
) -> Option<&'n Node<'t>> {
    steps.iter().try_fold(root, |node, step| match step {
        Step::Key(key) => node.as_map()?.get(key),
        Step::Item(index) => node.as_list()?.items.get(*index),
    })
}

/// Returns the lines of a literal block, which are a document of their own despite their indentation.
fn lines_of_block(text: &str, node: &Node<'_>) -> Option<Span> {
    let scalar = node.as_scalar()?;
    let is_own = scalar.style == Style::Literal && scalar.begins_line(text);
    is_own.then(|| scalar.region(text))
}

/// Returns the path of keys to the value at a span.
pub(in super::super) fn path_to(table: &Table, at: Span) -> Option<Vec<&str>> {
    table.iter().find_map(|(key, value)| match value {
        Value::Leaf(leaf) => leaf.origin.span.covers(at).then(|| vec![key.as_str()]),
        Value::Table(inner) => path_to(inner, at).map(|mut path| {
            path.insert(0, key);
            path
        }),
        Value::Null | Value::List(_) => None,
    })
}
