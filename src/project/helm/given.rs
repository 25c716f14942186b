//! Values that are laid over those of a chart, and where they are.
//!
//! Knows how they are written, and not who lays them there.

use std::path::PathBuf;

use super::coalesce::read_whole;
use super::values::{self, Leaf, Spot, Table, Value};

/// Where values are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub file: PathBuf,
    pub at: Spot,
    /// Whether they are a list of names and values, as for `--set`.
    pub is_list: bool,
}

impl Given {
    /// The values at a place of a file.
    pub(super) fn at(file: PathBuf, at: Spot) -> Self {
        let is_list = false;
        Self { file, at, is_list }
    }

    /// All that a file of values has.
    pub(super) fn whole(file: PathBuf) -> Self {
        Self::at(file, Spot::default())
    }

    /// The values in the text of its file, which has that number.
    ///
    /// # Errors
    /// Where they do not parse, or something else is there; in words that follow the file's name.
    pub(super) fn read(&self, text: &str, number: usize) -> Result<Table, String> {
        match self.is_list {
            false if self.at.is_whole() => read_whole(text, number),
            false => values::read_at(text, number, &self.at),
            true => {
                let documents = values::read_all(text, number)?;
                let root = documents.get(self.at.document).unwrap_or(&Value::Null);
                set(values::at(root, &self.at.steps))
            }
        }
    }
}

/// Names and values as `--set` takes them.
fn set(list: &Value) -> Result<Table, String> {
    let Value::List(items) = list else {
        return Err("has no list of names and values there".to_owned());
    };
    let mut all = Table::new();
    for item in items.iter().filter_map(Value::as_table) {
        if let (Some(Value::Leaf(name)), Some(Value::Leaf(value))) =
            (item.get("name"), item.get("value"))
        {
            let keys = keys_of(&name.text)
                .ok_or_else(|| format!("sets {}, which is not read", name.text))?;
            insert(&mut all, &keys, value);
        }
    }
    Ok(all)
}

/// The keys of a name: `a.b\.c` has two. `None` where an index is among them.
fn keys_of(name: &str) -> Option<Vec<String>> {
    let mut keys = vec![String::new()];
    let mut letters = name.chars();
    while let Some(letter) = letters.next() {
        let last = keys.last_mut()?;
        match letter {
            '.' => keys.push(String::new()),
            '\\' => last.extend(letters.next()),
            '[' | '{' | ',' => return None,
            _ => last.push(letter),
        }
    }
    Some(keys)
}

fn insert(table: &mut Table, keys: &[String], value: &Leaf) {
    match keys {
        [] => {}
        [last] => {
            table.insert(last.clone(), Value::Leaf(value.clone()));
        }
        [first, rest @ ..] => {
            let mut inner = match table.get(first) {
                Some(Value::Table(inner)) => Table::clone(inner),
                _ => Table::new(),
            };
            insert(&mut inner, rest, value);
            table.insert(first.clone(), Value::table(inner));
        }
    }
}

/// What a release of a chart of the user's own lays over the chart's values.
#[derive(Debug)]
pub(super) struct Laid {
    /// The file of the release.
    pub asking: PathBuf,
    /// The folder of the chart.
    pub chart: PathBuf,
    /// The lowest first; at least one.
    pub layers: Vec<Given>,
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
    fn a_list_of_names_and_values_is_a_tree() {
        let text = "set:\n- {name: image.registry, value: q.io}\n- {name: image.tag, value: '1'}\n- {name: x}\n";
        let given = Given {
            is_list: true,
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
