//! Types of values that keep their span or that can be written in several ways.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::source::Span;

/// A value with its span.
#[derive(Debug)]
pub(in crate::config) struct Spanned<T> {
    pub(in crate::config) value: T,
    pub(in crate::config) span: Span,
}

/// A list that is not empty. A single value counts as a list of one, and null as an absent list.
#[derive(Debug)]
pub(in crate::config) struct OneOrMore<T>(pub(in crate::config) Vec<Spanned<T>>);

/// A list that is not empty.
#[derive(Debug)]
pub(in crate::config) struct NonEmpty<T>(pub(in crate::config) Vec<T>);

/// A mapping in its order in the file.
#[derive(Debug)]
pub(in crate::config) struct Mapping<K, V>(pub(in crate::config) Vec<(Spanned<K>, V)>);

/// A glob. Unquoted numbers and booleans are refused, because they are hardly meant as globs.
#[derive(Debug, serde::Deserialize)]
pub(in crate::config) struct Glob(pub(in crate::config) String);

// The names by which these types ask the reader for what serde has no method for.
pub(super) const SPANNED: &str = "Spanned";
pub(super) const ONE_OR_MORE: &str = "OneOrMore";
pub(super) const NON_EMPTY: &str = "NonEmpty";
pub(super) const GLOB: &str = "Glob";

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Value<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Value<T> {
            type Value = Spanned<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its span")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Spanned<T>, A::Error> {
                let missing = || A::Error::custom("a value without its span");
                let start = parts.next_element()?.ok_or_else(missing)?;
                let end = parts.next_element()?.ok_or_else(missing)?;
                let value = parts.next_element()?.ok_or_else(missing)?;
                let span = Span::new(start, end);
                Ok(Spanned { value, span })
            }
        }
        deserializer.deserialize_newtype_struct(SPANNED, Value(PhantomData))
    }
}

/// Reads the items of a list. Null is an empty list.
struct ListOf<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListOf<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E: Error>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(all)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMore<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = deserializer.deserialize_newtype_struct(ONE_OR_MORE, ListOf(PhantomData));
        items.map(Self)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for NonEmpty<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = deserializer.deserialize_newtype_struct(NON_EMPTY, ListOf(PhantomData));
        items.map(Self)
    }
}

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Mapping<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows<K, V>(PhantomData<(K, V)>);
        impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for Rows<K, V> {
            type Value = Mapping<K, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_unit<E: Error>(self) -> Result<Mapping<K, V>, E> {
                Ok(Mapping::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut rows: A) -> Result<Mapping<K, V>, A::Error> {
                let mut all = Vec::new();
                while let Some(row) = rows.next_entry()? {
                    all.push(row);
                }
                Ok(Mapping(all))
            }
        }
        deserializer.deserialize_map(Rows(PhantomData))
    }
}

// Derived impls would require `Default` of the types inside.
impl<T> Default for OneOrMore<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Default for NonEmpty<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K, V> Default for Mapping<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}
