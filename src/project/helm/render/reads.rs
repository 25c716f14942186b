//! Records what a rendering read: paths in the values, and comparisons.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use super::text::{Origin, PathId};
use crate::source::Span;

/// A path of keys from the root's values; `[]` stands for any item of a list.
pub type ValuesPath = Vec<String>;

/// The reads and comparisons of the templates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    /// Every path that was read, whether it exists or not.
    pub paths: BTreeSet<ValuesPath>,
    pub comparisons: BTreeSet<Comparison>,
}

/// A comparison of a scalar, or of a text made of scalars, in a template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Comparison {
    /// `eq`, `contains`, `regexMatch`, ...
    pub function: &'static str,
    /// The compared value, in pieces with their origins.
    pub what: Vec<(String, Option<Origin>)>,
    /// The index of that argument of the function.
    pub argument: usize,
    /// The other arguments, each with its origin if it is in one piece.
    pub with: Vec<(String, Option<Origin>)>,
    /// The file's index, and the span of the call. `None` inside a text that `tpl` evaluates.
    pub at: Option<(usize, Span)>,
}

/// Ids for paths, and the paths that were read.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    paths: RefCell<Paths>,
    comparisons: RefCell<BTreeSet<Comparison>>,
    /// The paths of scalars in the values, by file and start of the span.
    scalars: RefCell<BTreeMap<(u32, usize), Written>>,
    /// The path that was read last.
    last: Cell<Option<PathId>>,
    /// Whether the current output is for people and not part of any object.
    is_aside: Cell<bool>,
}

/// A scalar of a file: its end, and its paths.
#[derive(Debug, Default)]
struct Written {
    end: usize,
    paths: Vec<PathId>,
}

#[derive(Debug, Default)]
struct Paths {
    nodes: Vec<PathNode>,
    roots: HashMap<Rc<str>, PathId>,
}

#[derive(Debug)]
struct PathNode {
    above: Option<PathId>,
    key: Rc<str>,
    below: HashMap<Rc<str>, PathId>,
    read: bool,
}

impl Recorder {
    pub(super) fn path(&self, above: Option<PathId>, key: &str) -> PathId {
        let paths = &mut *self.paths.borrow_mut();
        let id = PathId(u32::try_from(paths.nodes.len()).unwrap_or(u32::MAX));
        let node = above.and_then(|above| paths.nodes.get_mut(above.0 as usize));
        let numbers = node.map_or(&mut paths.roots, |node| &mut node.below);
        if let Some(known) = numbers.get(key) {
            return *known;
        }
        let key: Rc<str> = Rc::from(key);
        numbers.insert(Rc::clone(&key), id);
        paths.nodes.push(PathNode {
            above,
            key,
            below: HashMap::new(),
            read: false,
        });
        id
    }

    /// Records that a path was read.
    pub(super) fn read(&self, path: PathId) {
        self.last.set(Some(path));
        if let Some(node) = self.paths.borrow_mut().nodes.get_mut(path.0 as usize) {
            node.read = true;
        }
    }

    /// Returns the last path that was read since [`Recorder::forget_last`].
    pub(super) fn last(&self) -> Option<PathId> {
        self.last.get()
    }

    pub(super) fn forget_last(&self) {
        self.last.set(None);
    }

    /// Records the path of a scalar in the values.
    pub(super) fn scalar(&self, origin: Origin, path: PathId) {
        let key = (origin.file, origin.span().start);
        let mut scalars = self.scalars.borrow_mut();
        let written = scalars.entry(key).or_default();
        written.end = written.end.max(origin.span().end);
        if !written.paths.contains(&path) {
            written.paths.push(path);
        }
    }

    /// Returns the paths of the scalar that contains a piece.
    pub(super) fn paths_of(&self, origin: Origin) -> Vec<ValuesPath> {
        let scalars = self.scalars.borrow();
        let at = origin.span().start;
        let before = scalars
            .range((origin.file, 0)..=(origin.file, at))
            .next_back();
        let known = before.filter(|(_, written)| at <= written.end);
        let paths = known.map_or(&[][..], |(_, written)| &written.paths);
        paths.iter().map(|path| self.keys(*path)).collect()
    }

    pub(super) fn set_aside(&self, is_aside: bool) {
        self.is_aside.set(is_aside);
    }

    /// Records a comparison, unless it only affects output for people.
    pub(super) fn compare(&self, comparison: Comparison) {
        if !self.is_aside.get() {
            self.comparisons.borrow_mut().insert(comparison);
        }
    }

    pub(super) fn keys(&self, path: PathId) -> ValuesPath {
        let paths = self.paths.borrow();
        let mut keys = Vec::new();
        let mut at = Some(path);
        while let Some(node) = at.and_then(|id| paths.nodes.get(id.0 as usize)) {
            // The root of the values has no key.
            if node.above.is_some() {
                keys.push(node.key.to_string());
            }
            at = node.above;
        }
        keys.reverse();
        keys
    }

    pub(super) fn done(self) -> Reads {
        let count = self.paths.borrow().nodes.len();
        let ids = (0..count).map(|id| PathId(id as u32));
        let is_read = |id: &PathId| self.paths.borrow().nodes[id.0 as usize].read;
        let paths = ids.filter(is_read).map(|id| self.keys(id)).collect();
        Reads {
            paths,
            comparisons: self.comparisons.into_inner(),
        }
    }
}
