//! Values that override those of a chart, and where they are.
//!
//! Knows how they are written, and not who lays them there.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::coalesce::{given_to, read_whole};
use super::values::{self, Leaf, LeafKind, Spot, Table, Value};
use crate::source;

/// Where values are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub file: PathBuf,
    pub at: Spot,
    pub written: Written,
    /// The subcharts whose values are meant, by the keys under which they are: one below the other.
    pub subcharts: Vec<String>,
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Written {
    /// As tables in tables.
    Tree,
    /// As names with values, a list of those or a table: `--set` takes them.
    Pairs,
    /// The same, where all values are texts: `--set-string` does.
    TextPairs,
}

impl Given {
    /// The values at a spot of a file.
    pub(super) fn at(file: PathBuf, at: Spot) -> Self {
        Self {
            file,
            at,
            written: Written::Tree,
            subcharts: Vec::new(),
        }
    }

    /// All that a file of values has.
    pub(super) fn whole(file: PathBuf) -> Self {
        Self::at(file, Spot::default())
    }

    /// What a subchart gets of them, globals included.
    pub(super) fn of_subchart(mut self, key: &str) -> Self {
        self.subcharts.push(key.to_owned());
        self
    }

    /// The values in the text of its file, which has that number.
    ///
    /// # Errors
    /// Where they do not parse, or something else is there; in words that follow the file's name.
    pub(super) fn read(&self, text: &str, number: usize) -> Result<Table, String> {
        let all = match (self.written, self.at.is_whole()) {
            (Written::Tree, true) => read_whole(text, number)?,
            (Written::Tree, false) => values::read_at(text, number, &self.at)?,
            _ => self.values(&values::read_all(text, number)?)?,
        };
        Ok(self.for_subcharts(all))
    }

    /// What the subcharts get of values, of which they are meant.
    pub(super) fn for_subcharts(&self, all: Table) -> Table {
        let subcharts = self.subcharts.iter();
        subcharts.fold(all, |values, key| given_to(key, values))
    }

    /// The values in the documents of its file.
    ///
    /// # Errors
    /// As [`Given::read`].
    pub(super) fn values(&self, documents: &[Value]) -> Result<Table, String> {
        let root = documents.get(self.at.document).unwrap_or(&Value::Null);
        let found = values::at(root, &self.at.steps);
        match (self.written, found) {
            (Written::Tree, Value::Table(table)) => return Ok(Table::clone(table)),
            (Written::Tree, Value::Leaf(leaf)) if self.at.in_text => {
                return values::read(&leaf.text, leaf.origin.file);
            }
            (Written::Tree, Value::Null) => return Ok(Table::new()),
            (Written::Tree, _) => return Err(values::NO_VALUES.to_owned()),
            (_, Value::List(_) | Value::Table(_)) => {}
            _ => return Err("has no names and values there".to_owned()),
        }
        let mut all = Table::new();
        for pair in read_pairs(found, self.written) {
            let (keys, value) = pair?;
            values::set(&mut all, &keys, &value);
        }
        Ok(all)
    }
}

/// Names with values, each name as the keys that it has.
///
/// # Errors
/// Each by itself, where a name is not read.
pub(super) fn read_pairs(
    pairs: &Value,
    written: Written,
) -> impl Iterator<Item = Result<(Vec<String>, Value), String>> {
    let leaf = |value: &Value| value.as_leaf().cloned();
    let of_list = move |item: &Value| {
        let item = item.as_table()?;
        let is_text = item.get("forceString").and_then(leaf);
        let is_text = is_text.is_some_and(|leaf| leaf.kind == LeafKind::Bool(true));
        let written = if is_text { Written::TextPairs } else { written };
        Some((
            leaf(item.get("name")?)?.text,
            leaf(item.get("value")?)?,
            written,
        ))
    };
    let of_table = move |(name, value): (&String, &Value)| {
        Some((Arc::from(name.as_str()), leaf(value)?, written))
    };
    let found: Vec<(Arc<str>, Leaf, Written)> = match pairs {
        Value::List(items) => items.iter().filter_map(of_list).collect(),
        Value::Table(table) => table.iter().filter_map(of_table).collect(),
        _ => Vec::new(),
    };
    found.into_iter().map(|(name, value, written)| {
        let keys = keys_of(&name).ok_or_else(|| format!("sets {name}, which is not read"))?;
        let value = match written {
            Written::TextPairs => Value::Leaf(value),
            _ => typed(value),
        };
        Ok((keys, value))
    })
}

/// A value as `--set` makes it of a text (`typedVal` of Helm's `pkg/strvals`).
fn typed(leaf: Leaf) -> Value {
    let is = |word: &str| leaf.text.eq_ignore_ascii_case(word);
    let is_integer = || leaf.text.parse::<i64>().is_ok();
    let kind = match () {
        () if is("null") => return Value::Null,
        () if is("true") => LeafKind::Bool(true),
        () if is("false") => LeafKind::Bool(false),
        () if is("0") || !leaf.text.starts_with('0') && is_integer() => LeafKind::Plain,
        () => LeafKind::Text,
    };
    Value::Leaf(Leaf { kind, ..leaf })
}

/// No name has more keys.
const MOST_KEYS: usize = 64;

/// The keys of a name: `a.b\.c` has two. `None` where an index is among them, or there are too many.
fn keys_of(name: &str) -> Option<Vec<String>> {
    let mut keys = vec![String::new()];
    let mut letters = name.chars();
    while let Some(letter) = letters.next() {
        let is_full = keys.len() == MOST_KEYS;
        let last = keys.last_mut()?;
        match letter {
            '.' if is_full => return None,
            '.' => keys.push(String::new()),
            '\\' => last.extend(letters.next()),
            '[' | '{' | ',' => return None,
            _ => last.push(letter),
        }
    }
    Some(keys)
}

/// Whether a file beside a chart's values is one that overrides them, by its name.
pub(super) fn is_layer(path: &Path) -> bool {
    let name = source::file_name(path);
    let yaml = name.ends_with(".yaml") || name.ends_with(".yml");
    yaml && name != "values.yaml" && (name.starts_with("values") || name.contains("-values."))
}

/// The values that a release, or a chart above it, gives to a chart of the user's own.
#[derive(Debug)]
pub(super) struct ReleaseValues {
    /// The file that says so.
    pub declared_in: PathBuf,
    /// The folder of the chart.
    pub chart: PathBuf,
    /// The lowest first; at least one.
    pub layers: Vec<Given>,
}

impl ReleaseValues {
    /// By the folders of the charts.
    pub(super) fn by_folder(all: impl Iterator<Item = Self>) -> HashMap<PathBuf, Vec<Self>> {
        let mut released: HashMap<PathBuf, Vec<Self>> = HashMap::new();
        for one in all {
            // The working directory has no name where a file lies in it.
            let folder = one.chart.strip_prefix(".").unwrap_or(&one.chart);
            released.entry(folder.to_owned()).or_default().push(one);
        }
        released
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_parameters() {
        let keys = |name: &str| keys_of(name).map(|keys| keys.join("|"));
        assert_eq!(keys("image.registry").as_deref(), Some("image|registry"));
        assert_eq!(keys(r"a.b\.c").as_deref(), Some("a|b.c"));
        assert_eq!(keys("a[0].b"), None);
    }

    #[test]
    fn a_name_with_too_many_keys_is_not_read() {
        let name = "a.".repeat(100_000);
        assert_eq!(keys_of(&name), None);
    }

    #[test]
    fn values_have_the_types_that_set_gives_them() {
        let typed = |text: &str, written| {
            let list = values::read(&format!("set: [{{name: a, value: {text}}}]"), 0).unwrap();
            let (_, value) = read_pairs(&list["set"], written).next().unwrap().unwrap();
            value.as_leaf().map(|leaf| leaf.kind)
        };
        let kinds = |text| (typed(text, Written::Pairs), typed(text, Written::TextPairs));
        let text = Some(LeafKind::Text);
        assert_eq!(kinds("'True'"), (Some(LeafKind::Bool(true)), text));
        assert_eq!(kinds("'1'"), (Some(LeafKind::Plain), text));
        assert_eq!(kinds("'01'"), (text, text));
        assert_eq!(kinds("'null'"), (None, text));
        let forced = "'true', forceString: true";
        assert_eq!(kinds(forced), (text, text));
    }

    #[test]
    fn a_list_of_names_and_values_is_a_tree() {
        let text = "set:\n- {name: image.registry, value: q.io}\n- {name: image.tag, value: '1'}\n- {name: x}\n";
        let given = Given {
            written: Written::Pairs,
            ..Given::at(PathBuf::new(), Spot::at_keys(0, &["set"]))
        };
        let table = given.read(text, 7).unwrap();
        let Some(Value::Leaf(registry)) =
            values::table_at(&table, ["image"]).unwrap().get("registry")
        else {
            panic!("{table:?}");
        };
        assert_eq!(
            (registry.origin.file, registry.origin.span.of(text)),
            (7, "q.io")
        );
        assert_eq!(table.len(), 1);
    }
}
