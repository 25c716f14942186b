//! Deserializes from a tree with spans, so that every error about a value has its location.
//!
//! Scalars are read as written: `1.10` is the string `1.10` if a string is expected. An alias of a
//! collection is refused, not expanded. This module knows no keys.

mod types;

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::error::Fault;
use crate::printable::excerpt;
use crate::rules::select::nearest;
use crate::source::Span;
use crate::syntax::yaml::{Entry, Node, Scalar, Style};
use types::{GLOB, ONE_OR_MORE, SPANNED};
pub(super) use types::{Glob, Mapping, NonEmpty, OneOrMore, Spanned};

/// Deserializes a value from a tree.
pub(super) fn read<'de, T: Deserialize<'de>>(node: &Node<'_>) -> Result<T, Fault> {
    T::deserialize(Reader(node)).map_err(|fault| fault.at(head(node)))
}

/// Returns the span to report for a node: a scalar, or the first key or item of a collection.
pub(super) fn head(node: &Node<'_>) -> Span {
    match node {
        Node::Scalar(scalar) => scalar.span,
        Node::Map(map) => map
            .entries
            .first()
            .map_or(map.span, |entry| head(&entry.key)),
        Node::List(list) => list.items.first().map_or(list.span, head),
        Node::Alias(span) => *span,
    }
}

/// Returns the span to report for a value, or its key if the value is empty.
pub(super) fn value_head(entry: &Entry<'_>) -> Span {
    let value = head(&entry.value);
    if value.is_empty() {
        head(&entry.key)
    } else {
        value
    }
}

/// Whether the value is null: `~`, `null`, or empty.
pub(super) fn is_null(node: &Node<'_>) -> bool {
    node.as_scalar().is_some_and(Scalar::is_null)
}

/// Makes the error for an unknown key.
pub(super) fn unknown_key(key: &str, known: &[&str]) -> Fault {
    let fault = Fault::new(format!("unknown key `{}`", excerpt(key)));
    fault.help(choice("the keys here are", key, known))
}

/// `did you mean `a`? the keys here are a, b and c`
fn choice(lead: &str, word: &str, known: &[&str]) -> String {
    let listed = format!("{lead} {}", known.join(", "));
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? {listed}"),
        None => listed,
    }
}

/// Describes what was found. [`wanted`] describes what was expected.
fn found(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Str(text) => format!("`{}`", excerpt(text)),
        Unexpected::Unit => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a mapping".to_owned(),
        other => other.to_string(),
    }
}

fn wanted(expected: &dyn Expected) -> String {
    let expected = expected.to_string();
    match expected.as_str() {
        "a sequence" => "a list".to_owned(),
        "a map" => "a mapping".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "u32" => "a number".to_owned(),
        text if text.starts_with("struct ") => "a mapping".to_owned(),
        _ => expected,
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!(
            "expected {}, found {}",
            wanted(expected),
            found(unexpected)
        ))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        unknown_key(field, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let fault = Self::new(format!("unknown value `{}`", excerpt(variant)));
        fault.help(choice("it is one of", variant, expected))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("the key `{field}` is missing"))
    }
}

struct Reader<'n, 't>(&'n Node<'t>);

impl Reader<'_, '_> {
    fn unexpected<'u>(node: &'u Node<'_>) -> Unexpected<'u> {
        match node {
            _ if is_null(node) => Unexpected::Unit,
            Node::Scalar(scalar) => Unexpected::Str(&scalar.value),
            Node::List(_) => Unexpected::Seq,
            Node::Map(_) => Unexpected::Map,
            Node::Alias(_) => Unexpected::Other("an alias"),
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'_, '_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            node if is_null(node) => visitor.visit_unit(),
            Node::Scalar(scalar) => visitor.visit_str(&scalar.value),
            Node::List(list) => visitor.visit_seq(Items(list.items.iter())),
            Node::Map(map) => visitor.visit_map(Entries {
                entries: map.entries.iter(),
                current: None,
            }),
            Node::Alias(_) => Err(Fault::new("an alias can refer to a string only")),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0.as_scalar() {
            Some(scalar) if is_plain(scalar, &["true", "True", "TRUE"]) => visitor.visit_bool(true),
            Some(scalar) if is_plain(scalar, &["false", "False", "FALSE"]) => {
                visitor.visit_bool(false)
            }
            _ => Err(Fault::invalid_type(Self::unexpected(self.0), &visitor)),
        }
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let number = self
            .0
            .as_scalar()
            .and_then(|scalar| scalar.value.parse().ok());
        match number {
            Some(number) => visitor.visit_u32(number),
            None => Err(Fault::invalid_type(Self::unexpected(self.0), &visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match is_null(self.0) {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    /// Refuses lists: derived types would take the items for their fields.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        keys: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Node::Map(_) => self.deserialize_any(visitor),
            node => {
                let fault = Fault::invalid_type(Self::unexpected(node), &visitor);
                Err(fault.help(format!("the keys here are {}", keys.join(", "))))
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0.as_scalar().filter(|_| !is_null(self.0)) {
            Some(scalar) => {
                let text: StrDeserializer<'_, Fault> = scalar.value.as_ref().into_deserializer();
                visitor.visit_enum(text)
            }
            None => {
                let fault = Fault::new(format!(
                    "expected a string, found {}",
                    found(Self::unexpected(self.0))
                ));
                Err(fault.help(format!("it is one of {}", variants.join(", "))))
            }
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0.as_scalar() {
            Some(scalar) => visitor.visit_str(&scalar.value),
            None => Err(Fault::new("a key must be a string")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name == SPANNED {
            return visitor.visit_seq(Parts::of(self.0));
        }
        if name == GLOB {
            return match self.0.as_scalar().filter(|text| is_number_or_truth(text)) {
                Some(text) => Err(Fault::new("expected a glob").help(format!(
                    "like `docs/**`; put it in quotes if a file or folder is called `{}`",
                    text.value
                ))),
                None => visitor.visit_newtype_struct(self),
            };
        }
        match self.0 {
            node if is_null(node) => visitor.visit_unit(),
            node @ Node::Scalar(_) if name == ONE_OR_MORE => {
                visitor.visit_seq(Items(std::slice::from_ref(node).iter()))
            }
            Node::List(list) if list.items.is_empty() => Err(Fault::new("this list is empty")
                .at(list.span)
                .help("remove the key instead")),
            Node::List(list) => visitor.visit_seq(Items(list.items.iter())),
            node => Err(Fault::new("expected a list")
                .at(head(node))
                .help("write it like `[a, b]`, or each item on a line of its own after `- `")),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map ignored_any
    }
}

/// The parts of a [`Spanned`] value as serde reads them: start, end and value.
struct Parts<'n, 't> {
    node: &'n Node<'t>,
    bounds: std::array::IntoIter<usize, 2>,
    is_read: bool,
}

impl<'n, 't> Parts<'n, 't> {
    fn of(node: &'n Node<'t>) -> Self {
        let span = head(node);
        Self {
            node,
            bounds: [span.start, span.end].into_iter(),
            is_read: false,
        }
    }
}

impl<'de> SeqAccess<'de> for Parts<'_, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        if let Some(bound) = self.bounds.next() {
            return seed.deserialize(bound.into_deserializer()).map(Some);
        }
        if std::mem::replace(&mut self.is_read, true) {
            return Ok(None);
        }
        seed.deserialize(Reader(self.node)).map(Some)
    }
}

/// Whether YAML reads it as a number or a boolean.
fn is_number_or_truth(text: &Scalar<'_>) -> bool {
    let word = text.value.to_ascii_lowercase();
    let is_word = ["true", "false", "yes", "no"].contains(&word.as_str());
    text.style == Style::Plain && (is_word || text.value.parse::<f64>().is_ok())
}

fn is_plain(scalar: &Scalar<'_>, words: &[&str]) -> bool {
    scalar.style == Style::Plain && words.contains(&scalar.value.as_ref())
}

struct Items<'n, 't>(std::slice::Iter<'n, Node<'t>>);

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(node) = self.0.next() else {
            return Ok(None);
        };
        let item = seed
            .deserialize(Reader(node))
            .map_err(|fault| fault.at(head(node)))?;
        Ok(Some(item))
    }
}

struct Entries<'n, 't> {
    entries: std::slice::Iter<'n, Entry<'t>>,
    current: Option<&'n Entry<'t>>,
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some(entry) = self.entries.next() else {
            return Ok(None);
        };
        self.current = Some(entry);
        let key = seed.deserialize(Reader(&entry.key));
        key.map(Some).map_err(|fault| fault.at(head(&entry.key)))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let entry = self
            .current
            .take()
            .ok_or_else(|| Fault::new("a value without a key"))?;
        seed.deserialize(Reader(&entry.value))
            .map_err(|fault| fault.at(value_head(entry)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::yaml;

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Sample {
        name: Option<String>,
        on: bool,
        list: Vec<Sample>,
    }

    fn sample(text: &str) -> Result<Sample, (String, String)> {
        let parsed = yaml::parse(text, Span::new(0, text.len()));
        let read = read(&parsed.documents[0]);
        read.map_err(|fault: Fault| (fault.span.unwrap().of(text).to_owned(), fault.message))
    }

    #[test]
    fn scalars_are_what_the_place_asks_for() {
        for (text, name, on) in [
            ("name: 1.10\non: true", Some("1.10"), true),
            ("name: 'null'\non: false", Some("null"), false),
            ("name: ~", None, false),
            ("name:", None, false),
            ("{name: &a true, on: *a}", Some("true"), true),
        ] {
            let read = sample(text).unwrap();
            assert_eq!((read.name.as_deref(), read.on), (name, on), "{text}");
        }
        assert_eq!(sample("list: [{on: true}, {}]").unwrap().list.len(), 2);
    }

    #[test]
    fn the_innermost_place_is_named() {
        for (text, place, message) in [
            (
                "list: [{}, {on: 1}]",
                "1",
                "expected `true` or `false`, found `1`",
            ),
            (
                "list: [{on: 'true'}]",
                "true",
                "expected `true` or `false`, found `true`",
            ),
            ("list:\n- nam: x", "nam", "unknown key `nam`"),
            ("on: ~", "~", "expected `true` or `false`, found nothing"),
            ("on:", "on", "expected `true` or `false`, found nothing"),
            ("list: {a: b}", "a", "expected a list, found a mapping"),
            ("list: [[x]]", "x", "expected a mapping, found a list"),
            ("list: x", "x", "expected a list, found `x`"),
            ("- a", "a", "expected a mapping, found a list"),
            ("{name: {a: b}}", "a", "expected a string, found a mapping"),
            ("{? [k] : b}", "k", "a key must be a string"),
            (
                "{list: &a [], name: *a}",
                "*a",
                "an alias can refer to a string only",
            ),
        ] {
            let reported = sample(text).unwrap_err();
            assert_eq!(reported, (place.to_owned(), message.to_owned()), "{text}");
        }
    }
}
