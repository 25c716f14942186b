//! Values that override those of a chart, and their locations.
//!
//! Knows how such values are written, not who sets them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::coalesce::{given_to, read_at, whole};
use super::values::{self, Leaf, LeafKind, Spot, Table, Value};
use crate::source;

/// The location of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub file: PathBuf,
    pub at: Spot,
    pub written: Written,
    /// The keys of the subcharts that the values are for, outermost first; empty for the chart itself.
    pub subcharts: Vec<String>,
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Written {
    /// As nested tables.
    Tree,
    /// As names with values, in a list or a table, as `--set` takes them.
    Pairs,
    /// The same, but all values are strings, as with `--set-string`.
    TextPairs,
}

impl Given {
    /// Locates the values at a spot of a file.
    pub(super) fn at(file: PathBuf, at: Spot) -> Self {
        Self {
            file,
            at,
            written: Written::Tree,
            subcharts: Vec::new(),
        }
    }

    /// Locates all values of a values file.
    pub(super) fn whole(file: PathBuf) -> Self {
        Self::at(file, Spot::default())
    }

    /// Narrows the values to what a subchart gets of them, globals included.
    pub(super) fn of_subchart(mut self, key: &str) -> Self {
        self.subcharts.push(key.to_owned());
        self
    }

    /// Reads the values from the text of their file, which has this number.
    ///
    /// # Errors
    /// If they do not parse, or the location holds something else. The message is phrased to follow the file's name.
    pub(super) fn read(&self, text: &str, number: usize) -> Result<Table, String> {
        let all = match self.written {
            Written::Tree => read_at(text, number, &self.at)?,
            _ => self.values(&values::read_all(text, number)?)?,
        };
        Ok(self.for_subcharts(all))
    }

    /// Narrows `all` to the part that the subcharts get.
    pub(super) fn for_subcharts(&self, all: Table) -> Table {
        let subcharts = self.subcharts.iter();
        subcharts.fold(all, |values, key| given_to(key, values))
    }

    /// Reads the values from the documents of their file.
    ///
    /// # Errors
    /// As [`Given::read`].
    pub(super) fn values(&self, documents: &[Value]) -> Result<Table, String> {
        if self.written == Written::Tree && self.at.is_whole() {
            return whole(documents);
        }
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
            _ => return Err("has no list of names and values there".to_owned()),
        }
        let mut all = Table::new();
        for pair in read_pairs(found, self.written) {
            let (keys, value) = pair?;
            values::set(&mut all, &keys, &value);
        }
        Ok(all)
    }
}

/// Reads names with values, each name split into its keys.
///
/// # Errors
/// One error for each name that cannot be read.
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
        let keys =
            keys_of(&name).ok_or_else(|| format!("sets {name}, which regfix does not read"))?;
        let value = match written {
            Written::TextPairs => Value::Leaf(value),
            _ => typed(value),
        };
        Ok((keys, value))
    })
}

/// Converts a string to a value as `--set` does (`typedVal` of Helm's `pkg/strvals`).
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

/// The maximum number of keys in one name.
const MOST_KEYS: usize = 64;

/// Splits a name into its keys: `a.b\.c` has two. `None` if it contains an index or too many keys.
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

/// Whether a file next to a chart's `values.yaml` overrides it, judging by its name.
pub(super) fn is_layer(path: &Path) -> bool {
    let name = source::file_name(path);
    let mut endings = [".yaml", ".yml", ".json"].iter();
    let is_data = endings.any(|ending| name.ends_with(ending));
    let is_other = matches!(name, "values.yaml" | "values.schema.json");
    is_data && !is_other && (name.starts_with("values") || name.contains("-values."))
}

/// The values that a release, or a parent chart, gives to a chart that the user owns.
#[derive(Debug)]
pub(super) struct ReleaseValues {
    /// The file that declares the release.
    pub declared_in: PathBuf,
    /// The folder of the chart.
    pub chart: PathBuf,
    /// The layers, lowest first; at least one.
    pub layers: Vec<Given>,
}

impl ReleaseValues {
    /// Groups them by the folder of the chart.
    pub(super) fn by_folder(all: impl Iterator<Item = Self>) -> HashMap<PathBuf, Vec<Self>> {
        let mut released: HashMap<PathBuf, Vec<Self>> = HashMap::new();
        for one in all {
            // The folder of a file in the working directory is empty, not `.`.
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
