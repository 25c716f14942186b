//! Credentials beside an image that are empty in one values file and filled in by another.
//!
//! An empty value says nothing about the image. If another layer fills it, the registry beside it may be more than the
//! one that the image is pulled from.

use super::values::{self, LeafKind, Table, Value};
use crate::detect;
use crate::finding::{Finding, Id};
use crate::project::Member;

pub(super) const FILLED: &str = "fills in the credentials next to it: images may be pushed there";

/// A safe fix beside empty credentials.
pub(super) struct Empty {
    pub(super) id: Id,
    /// The path of the map that contains both.
    map: Vec<String>,
    /// The keys that are empty.
    keys: Vec<String>,
}

/// Returns the safe fixes beside empty credentials in a values file.
pub(super) fn beside_empty(member: &Member, own: &Table) -> Vec<Empty> {
    let safe = member.findings.iter().filter(|one| one.has_safe_fix());
    let empty = |finding: &Finding| {
        let path = values::path_to(own, finding.span())?;
        let (_, map) = path.split_last()?;
        let all = values::table_at(own, map.iter().copied())?.iter();
        let empty = all.filter(|(key, value)| is_empty(value) && detect::is_key_of_account(key));
        let keys: Vec<String> = empty.map(|(key, _)| key.clone()).collect();
        (!keys.is_empty()).then(|| Empty {
            id: finding.id,
            map: map.iter().copied().map(str::to_owned).collect(),
            keys,
        })
    };
    safe.filter_map(empty).collect()
}

impl Empty {
    /// Whether other values fill in what is empty.
    pub(super) fn is_filled_by(&self, values: &Table) -> bool {
        let map = values::table_at(values, self.map.iter().map(String::as_str));
        let is_filled = |value: &Value| !is_empty(value);
        map.is_some_and(|map| {
            let mut keys = self.keys.iter();
            keys.any(|key| map.get(key).is_some_and(is_filled))
        })
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Leaf(leaf) => leaf.kind == LeafKind::Text && leaf.text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Table(table) => table.values().all(is_empty),
    }
}
