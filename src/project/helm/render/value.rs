//! Values as templates see them: Go's kinds, with the origin of each scalar.
//!
//! Maps are shared and mutable, as in Go; lists are not. Knows no functions.

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::text::{PathId, Source, Text};

#[derive(Debug, Clone)]
pub(super) enum Value {
    Nil,
    Bool(bool, Source),
    Int(i64, IntType, Source),
    Float(f64, Source),
    Text(Text),
    List(List),
    Map(Map),
    /// Only when exploring: a value that could not be computed, and the path in the values that it was read from.
    Unknown(Option<PathId>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IntType {
    Int,
    Int64,
    Uint64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListType {
    /// `[]interface {}`
    Any,
    /// `[]string`
    Texts,
    /// `[]int`
    Ints,
    /// The API versions of a cluster, a type with a method.
    Versions,
}

#[derive(Debug, Clone)]
pub(super) struct List(Rc<ListData>);

#[derive(Debug)]
struct ListData {
    items: Vec<Value>,
    of: ListType,
    depth: usize,
}

/// The maximum nesting of lists.
const DEEPEST: usize = 1000;

impl List {
    /// Creates a list. `None` if it would be nested too deep.
    pub(super) fn new(items: Vec<Value>, of: ListType) -> Option<Self> {
        let depth = |item: &Value| match item {
            Value::List(list) => list.0.depth,
            _ => 0,
        };
        let depth = 1 + items.iter().map(depth).max().unwrap_or(0);
        let data = ListData { items, of, depth };
        (depth <= DEEPEST).then(|| Self(Rc::new(data)))
    }

    pub(super) fn items(&self) -> &[Value] {
        &self.0.items
    }

    pub(super) fn of(&self) -> ListType {
        self.0.of
    }
}

pub(super) type Entries = BTreeMap<Rc<str>, Value>;

/// A map that is shared by all its holders.
#[derive(Debug, Clone)]
pub(super) struct Map(Rc<MapData>);

#[derive(Debug)]
struct MapData {
    entries: RefCell<Entries>,
    of: MapType,
    /// Its path in the values, if it has one.
    path: Option<PathId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MapType {
    /// `map[string]interface {}`
    Any,
    /// `map[string]string`
    Texts,
    /// The chart's files, a type with methods.
    Files,
    /// A Go struct: it is always true, and has no fields besides its entries.
    Struct(Struct),
}

/// The Go structs that templates may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Struct {
    Capabilities,
    KubeVersion,
    HelmVersion,
    Version,
    Certificate,
    Time,
}

impl Struct {
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Capabilities => "*common.Capabilities",
            Self::KubeVersion => "common.KubeVersion",
            Self::HelmVersion => "version.BuildInfo",
            Self::Version => "*semver.Version",
            Self::Certificate => "sprig.certificate",
            Self::Time => "time.Time",
        }
    }

    /// Returns the field that is printed for the struct.
    pub(super) fn shown_field(self) -> Option<&'static str> {
        match self {
            Self::KubeVersion => Some("String"),
            Self::Version => Some("String"),
            Self::Time => Some("String"),
            _ => None,
        }
    }

    fn is_pointer(self) -> bool {
        matches!(self, Self::Capabilities | Self::Version)
    }
}

impl Map {
    pub(super) fn get(&self, key: &str) -> Option<Value> {
        self.0.entries.borrow().get(key).cloned()
    }

    pub(super) fn entries(&self) -> Ref<'_, Entries> {
        self.0.entries.borrow()
    }

    pub(super) fn insert(&self, key: Rc<str>, value: Value) {
        self.0.entries.borrow_mut().insert(key, value);
    }

    pub(super) fn remove(&self, key: &str) {
        self.0.entries.borrow_mut().remove(key);
    }

    pub(super) fn of(&self) -> &MapType {
        &self.0.of
    }

    pub(super) fn path(&self) -> Option<PathId> {
        self.0.path
    }

    pub(super) fn len(&self) -> usize {
        self.0.entries.borrow().len()
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// Owns every map of a rendering, so that dropping one never recurses, however deep maps are nested, and even if one
/// contains itself.
#[derive(Debug, Default)]
pub(super) struct Heap(RefCell<Vec<Map>>);

impl Heap {
    pub(super) fn map(&self, entries: Entries, of: MapType, path: Option<PathId>) -> Map {
        let map = Map(Rc::new(MapData {
            entries: RefCell::new(entries),
            of,
            path,
        }));
        self.0.borrow_mut().push(map.clone());
        map
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        for map in self.0.get_mut().iter() {
            map.0.entries.borrow_mut().clear();
        }
    }
}

impl Value {
    pub(super) fn computed(text: impl AsRef<[u8]>) -> Self {
        Self::Text(Text::computed(text))
    }

    pub(super) fn int(value: i64) -> Self {
        Self::Int(value, IntType::Int, Source::Computed)
    }

    pub(super) fn int64(value: i64) -> Self {
        Self::Int(value, IntType::Int64, Source::Computed)
    }

    pub(super) fn float(value: f64) -> Self {
        Self::Float(value, Source::Computed)
    }

    pub(super) fn bool(value: bool) -> Self {
        Self::Bool(value, Source::Computed)
    }

    pub(super) fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// Whether `if` treats it as true. Unknown values are true.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value, _) => *value,
            Self::Int(value, ..) => *value != 0,
            Self::Float(value, _) => *value != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(list) => !list.items().is_empty(),
            Self::Map(map) => matches!(map.of(), MapType::Struct(_)) || map.len() > 0,
            Self::Unknown(_) => true,
        }
    }

    /// Returns the result of `typeOf`.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Nil | Self::Unknown(_) => "<nil>",
            Self::Bool(..) => "bool",
            Self::Int(_, IntType::Int, _) => "int",
            Self::Int(_, IntType::Int64, _) => "int64",
            Self::Int(_, IntType::Uint64, _) => "uint64",
            Self::Float(..) => "float64",
            Self::Text(_) => "string",
            Self::List(list) => match list.of() {
                ListType::Any => "[]interface {}",
                ListType::Texts => "[]string",
                ListType::Ints => "[]int",
                ListType::Versions => "common.VersionSet",
            },
            Self::Map(map) => match map.of() {
                MapType::Any => "map[string]interface {}",
                MapType::Texts => "map[string]string",
                MapType::Files => "engine.files",
                MapType::Struct(one) => one.type_name(),
            },
        }
    }

    /// Returns the result of `kindOf`.
    pub(super) fn kind_name(&self) -> &'static str {
        match self {
            Self::Nil | Self::Unknown(_) => "invalid",
            Self::List(_) => "slice",
            Self::Map(map) => match map.of() {
                MapType::Struct(one) if one.is_pointer() => "ptr",
                MapType::Struct(_) => "struct",
                _ => "map",
            },
            other => other.type_name(),
        }
    }

    /// Returns the source of a scalar.
    pub(super) fn source(&self) -> Source {
        match self {
            Self::Bool(_, source) | Self::Int(_, _, source) | Self::Float(_, source) => *source,
            Self::Text(text) => text.taint(),
            _ => Source::Computed,
        }
    }

    pub(super) fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    pub(super) fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Whether `reflect.DeepEqual` considers them equal. `None` if they are nested too deep.
    pub(super) fn deep_equal(&self, other: &Self, depth: usize) -> Option<bool> {
        if depth > DEEPEST {
            return None;
        }
        Some(match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(one, _), Self::Bool(other, _)) => one == other,
            (Self::Int(one, of, _), Self::Int(other, by, _)) => one == other && of == by,
            (Self::Float(one, _), Self::Float(other, _)) => one == other,
            (Self::Text(one), Self::Text(other)) => one.bytes() == other.bytes(),
            (Self::List(one), Self::List(other)) => {
                if one.of() != other.of() || one.items().len() != other.items().len() {
                    return Some(false);
                }
                for (one, other) in one.items().iter().zip(other.items()) {
                    if !one.deep_equal(other, depth + 1)? {
                        return Some(false);
                    }
                }
                true
            }
            (Self::Map(one), Self::Map(other)) => {
                if one.is_same(other) {
                    return Some(true);
                }
                let (one, other) = (one.entries(), other.entries());
                if one.len() != other.len() {
                    return Some(false);
                }
                for ((key, one), (name, other)) in one.iter().zip(other.iter()) {
                    if key != name || !one.deep_equal(other, depth + 1)? {
                        return Some(false);
                    }
                }
                true
            }
            _ => false,
        })
    }
}
