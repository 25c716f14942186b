//! The state shared by a whole rendering: budget, maps, records, and how decisions are made.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::budget::Budget;
use super::explore::Choices;
use super::fault::{Fault, Result};
use super::reads::Recorder;
use super::scripts::Parsed;
use super::text::{Pieces, Source, Text};
use super::value::{Entries, Heap, List, ListType, Map, MapType, Value};

#[derive(Default)]
pub(super) struct Context {
    pub budget: Budget,
    pub heap: Heap,
    pub recorder: Recorder,
    pub parsed: Parsed,
    /// Set if every branch of each decision is to be explored.
    pub choices: Option<Choices>,
    pub regexes: RefCell<HashMap<Vec<u8>, Option<Rc<regex::bytes::Regex>>>>,
    pub opaque: Cell<u64>,
}

impl Context {
    pub(super) fn explores(&self) -> bool {
        self.choices.is_some()
    }

    pub(super) fn map(&self, entries: Entries) -> Result<Value> {
        self.budget.steps(entries.len() + 1)?;
        Ok(Value::Map(self.heap.map(entries, MapType::Any, None)))
    }

    /// Creates a map with the path of another one, but with other entries.
    pub(super) fn map_like(&self, entries: Entries, like: &Map) -> Result<Value> {
        self.budget.steps(entries.len() + 1)?;
        Ok(Value::Map(self.heap.map(
            entries,
            MapType::Any,
            like.path(),
        )))
    }

    pub(super) fn list(&self, items: Vec<Value>) -> Result<Value> {
        self.list_of(items, ListType::Any)
    }

    pub(super) fn list_of(&self, items: Vec<Value>, of: ListType) -> Result<Value> {
        self.budget.steps(items.len() + 1)?;
        List::new(items, of)
            .map(Value::List)
            .ok_or_else(|| Fault::limit("a value is nested too deep"))
    }

    pub(super) fn texts(&self, items: Vec<Text>) -> Result<Value> {
        self.list_of(
            items.into_iter().map(Value::Text).collect(),
            ListType::Texts,
        )
    }

    pub(super) fn text(&self, pieces: Pieces) -> Result<Value> {
        self.budget.bytes(pieces.len())?;
        Ok(Value::Text(Text::new(pieces)))
    }

    /// Creates a text that stands for an unpredictable one. Each is different, and the same in every run.
    pub(super) fn opaque_text(&self, length: usize, letters: &str) -> Result<Text> {
        self.budget.bytes(length)?;
        self.opaque.set(self.opaque.get() + 1);
        let mut state = self.opaque.get();
        let letters: Vec<u8> = letters.bytes().collect();
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            letters[(state >> 33) as usize % letters.len()]
        };
        let bytes: Vec<u8> = (0..length).map(|_| next()).collect();
        Ok(Text::from_source(&bytes, Source::Opaque))
    }

    /// Returns a compiled regular expression from the cache.
    pub(super) fn regex(&self, pattern: &[u8]) -> Option<Rc<regex::bytes::Regex>> {
        let mut known = self.regexes.borrow_mut();
        if let Some(known) = known.get(pattern) {
            return known.clone();
        }
        let made = super::functions::regex::compile(pattern).map(Rc::new);
        known.insert(pattern.to_vec(), made.clone());
        made
    }
}
