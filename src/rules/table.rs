//! Facts embedded as sorted text: one row per line, columns separated by tabs, the first column is the key.
//!
//! A binary search over the text finds rows without parsing it at start-up.

use std::cmp::Ordering;

/// An error in a table, and its row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RowFault {
    pub(super) row: &'static str,
    pub(super) message: String,
}

/// A table, sorted by the bytes of the first column. Lines that begin with `#` may come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Table(&'static str);

impl Table {
    pub(super) const fn new(text: &'static str) -> Self {
        Self(text)
    }

    /// Reads a table that is not built into regfix. Each row must have `columns` columns.
    ///
    /// # Errors
    /// The first invalid row, and what is wrong with it.
    pub(super) fn read(text: &'static str, columns: usize) -> Result<Self, RowFault> {
        let table = Self(text);
        let mut before = "";
        for line in table.lines() {
            let cells = line.split('\t');
            let key = first_column(line);
            let message = match () {
                () if cells.clone().count() != columns => {
                    format!("this row has not {columns} columns")
                }
                () if cells.clone().any(str::is_empty) => {
                    "a column of this row is empty".to_owned()
                }
                () if key < before => {
                    "this row is not in its place: rows are sorted by the first column".to_owned()
                }
                () => {
                    before = key;
                    continue;
                }
            };
            return Err(RowFault { row: line, message });
        }
        Ok(table)
    }

    /// Returns the table if all of its rows are sound. `wrong` names the columns that `is_sound` checks.
    ///
    /// # Errors
    /// The first row that is not sound.
    pub(super) fn of_sound(
        self,
        is_sound: impl Fn(&'static str) -> bool,
        wrong: &str,
    ) -> Result<Self, RowFault> {
        match self.lines().find(|line| !is_sound(line)) {
            None => Ok(self),
            Some(row) => Err(RowFault {
                row,
                message: format!("{wrong} of this row is wrong"),
            }),
        }
    }

    pub(super) fn lines(self) -> impl Iterator<Item = &'static str> {
        self.body().lines()
    }

    /// Returns the rows with a key, in order.
    pub(super) fn rows(self, key: &str) -> impl Iterator<Item = &'static str> {
        let start = self.first(key);
        let lines = self.body()[start..].lines();
        lines.take_while(move |line| first_column(line) == key)
    }

    fn body(self) -> &'static str {
        let mut rest = self.0;
        while rest.starts_with('#') {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        }
        rest
    }

    /// Returns the offset of the first line whose key is not lower than the given one.
    fn first(self, key: &str) -> usize {
        let text = self.body();
        let bytes = text.as_bytes();
        let (mut low, mut high) = (0, text.len());
        while low < high {
            let middle = low + (high - low) / 2;
            // Lines can be long, so only the part is searched that has to be.
            let before = memchr::memrchr(b'\n', &bytes[low..middle]);
            let start = before.map_or(low, |newline| low + newline + 1);
            let key_length = memchr::memchr2(b'\t', b'\n', &bytes[start..]);
            let key_end = key_length.map_or(text.len(), |length| start + length);
            match text[start..key_end].cmp(key) {
                Ordering::Less => {
                    let from = middle.max(key_end);
                    let length = memchr::memchr(b'\n', &bytes[from..]);
                    low = length.map_or(text.len(), |length| from + length + 1);
                }
                Ordering::Equal | Ordering::Greater => high = start,
            }
        }
        low
    }
}

fn first_column(line: &str) -> &str {
    line.split_once('\t').map_or(line, |(first, _)| first)
}

#[cfg(test)]
impl Table {
    /// Fails unless each row has `columns` columns and is found by its key.
    #[track_caller]
    pub(super) fn assert_sound(self, columns: usize) {
        Self::read(self.0, columns).unwrap();
        for line in self.lines() {
            let found = self
                .rows(first_column(line))
                .any(|row| std::ptr::eq(row, line));
            assert!(found, "{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_their_key() {
        let table = Table::new("# key\tvalue\na\t1\nb\t2\nb\t3\nd\t4\n");
        let rows = |key: &str| table.rows(key).collect::<Vec<_>>();
        assert_eq!(rows("a"), ["a\t1"]);
        assert_eq!(rows("b"), ["b\t2", "b\t3"]);
        assert_eq!(rows("d"), ["d\t4"]);
        for key in ["", "#", "aa", "c", "e"] {
            assert!(rows(key).is_empty(), "{key}");
        }
        assert_eq!(table.lines().count(), 4);
        assert!(Table::new("").rows("a").next().is_none());
        assert!(Table::new("# only a head").rows("#").next().is_none());
    }

    #[test]
    fn a_table_from_elsewhere_is_checked() {
        assert!(Table::read("# head\na\t1\na\t2\nb\t3\n", 2).is_ok());
        for (text, fault) in [
            ("a\n", ("a", "this row has not 2 columns")),
            ("a\t1\t2\n", ("a\t1\t2", "this row has not 2 columns")),
            ("a\t\n", ("a\t", "a column of this row is empty")),
            (
                "b\t1\na\t2\n",
                (
                    "a\t2",
                    "this row is not in its place: rows are sorted by the first column",
                ),
            ),
            ("a\t1\n\nb\t2\n", ("", "this row has not 2 columns")),
        ] {
            let found = Table::read(text, 2).unwrap_err();
            assert_eq!((found.row, found.message.as_str()), fault);
        }
    }
}
