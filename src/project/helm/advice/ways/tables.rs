//! The tables that a path of steps leads to in a document, each with its location.
//!
//! Steps are separated by spaces: a key, `*` for every key of a table, `[]` for every item of a list, and `**` for
//! any number of steps. Knows nothing about charts.

use super::super::super::values::{Spot, Step, Table, Value};

/// Whether a step is a key.
fn is_key(step: &str) -> bool {
    !matches!(step, "*" | "[]" | "**")
}

/// Returns the keys of a path.
pub(super) fn keys(path: &str) -> impl Iterator<Item = &str> {
    path.split_whitespace().filter(|step| is_key(step))
}

/// Returns the tables that a path leads to. `number` is the index of the document.
pub(in super::super) fn at<'v>(
    number: usize,
    root: &'v Value,
    path: &str,
) -> Vec<(Spot, &'v Table)> {
    let steps: Vec<&str> = path.split_whitespace().collect();
    let mut walk = Walk {
        number,
        way: Vec::new(),
        found: Vec::new(),
    };
    walk.add(root, &steps);
    walk.found
}

struct Walk<'v> {
    number: usize,
    /// The steps to the current value.
    way: Vec<Step>,
    found: Vec<(Spot, &'v Table)>,
}

impl<'v> Walk<'v> {
    fn add(&mut self, value: &'v Value, steps: &[&str]) {
        let Some((step, rest)) = steps.split_first() else {
            if let Value::Table(table) = value {
                let spot = Spot {
                    document: self.number,
                    steps: self.way.clone(),
                    in_text: false,
                };
                self.found.push((spot, table));
            }
            return;
        };
        match (*step, value) {
            ("**", _) => {
                self.add(value, rest);
                self.add_each(value, steps);
            }
            ("*", Value::Table(_)) | ("[]", Value::List(_)) => self.add_each(value, rest),
            (key, Value::Table(table)) if is_key(key) => {
                if let Some(inner) = table.get(key) {
                    self.below(Step::Key(key.to_owned()), inner, rest);
                }
            }
            _ => {}
        }
    }

    fn add_each(&mut self, value: &'v Value, steps: &[&str]) {
        match value {
            Value::Table(table) => {
                for (key, inner) in table.iter() {
                    self.below(Step::Key(key.clone()), inner, steps);
                }
            }
            Value::List(items) => {
                for (index, inner) in items.iter().enumerate() {
                    self.below(Step::Item(index), inner, steps);
                }
            }
            Value::Null | Value::Leaf(_) => {}
        }
    }

    fn below(&mut self, step: Step, value: &'v Value, steps: &[&str]) {
        self.way.push(step);
        self.add(value, steps);
        self.way.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::helm::values;

    #[track_caller]
    fn check(path: &str, expected: &[&str]) {
        let text = "a:\n  one: {b: [{c: {id: 1}}, {c: {id: 2}}, 3]}\n  two: {b: [{c: {id: 4}}], c: {id: 5}}\n";
        let root = values::read_all(text, 0).unwrap().remove(0);
        let found = at(0, &root, path);
        let found = found.iter().map(|(spot, table)| {
            assert_eq!(values::at(&root, &spot.steps).as_table(), Some(*table));
            match table.get("id") {
                Some(Value::Leaf(leaf)) => leaf.text.to_string(),
                _ => "-".to_owned(),
            }
        });
        assert_eq!(found.collect::<Vec<_>>(), expected, "{path}");
    }

    #[test]
    fn steps_lead_to_tables() {
        check("", &["-"]);
        check("a one b [] c", &["1", "2"]);
        check("a * b [] c", &["1", "2", "4"]);
        check("a * c", &["5"]);
        check("** c", &["1", "2", "5", "4"]);
        check("a [] b", &[]);
        check("a one b * c", &[]);
    }
}
