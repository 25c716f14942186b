//! Tables in GitHub's Markdown, and escaping for their text.

use crate::printable;

/// The maximum length of a text in a cell; nobody reads more in a table.
const WIDEST: usize = 200;

pub(super) struct Table {
    head: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Creates a table. A column whose name starts with `#` holds numbers.
    pub(super) fn new(head: &'static [&'static str]) -> Self {
        Self {
            head,
            rows: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// Renders at most `most` rows. Empty if there are no rows.
    pub(super) fn text(&self, most: usize, what: &str) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let names = self.head.iter().map(|name| name.trim_start_matches('#'));
        let rules = self.head.iter().map(|name| match name.starts_with('#') {
            true => "--:",
            false => "---",
        });
        let mut out = format!(
            "| {} |\n|{}|\n",
            names.collect::<Vec<_>>().join(" | "),
            rules.collect::<Vec<_>>().join("|")
        );
        for row in self.rows.iter().take(most) {
            out += &format!("| {} |\n", row.join(" | "));
        }
        match self.rows.len().saturating_sub(most) {
            0 => {}
            more => out += &format!("\n... and {more} more {what}.\n"),
        }
        out
    }
}

/// Quotes a text in a code span of a cell.
pub(super) fn code(text: &str) -> String {
    let text = shortened(&printable::line(text)).replace('|', "\\|");
    if text.is_empty() {
        return text;
    }
    let longest = text
        .split(|letter| letter != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    match longest {
        0 => format!("`{text}`"),
        _ => format!("{fence} {text} {fence}"),
    }
}

/// Escapes prose in a cell, so that Markdown does not interpret it.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in shortened(&printable::line(text)).chars() {
        match letter {
            '<' => out += "&lt;",
            '&' => out += "&amp;",
            // Prevents mentions of GitHub users.
            '@' => out += "&#64;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => {
                out.push('\\');
                out.push(letter);
            }
            _ => out.push(letter),
        }
    }
    out
}

fn shortened(text: &str) -> String {
    match text.chars().count() > WIDEST {
        true => text.chars().take(WIDEST - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_its_cell() {
        assert_eq!(code("a|b\n"), "`a\\|b␊`");
        assert_eq!(code("``x`"), "``` ``x` ```");
        assert_eq!(code(""), "");
        assert_eq!(
            escaped("<b> *x* [y](z) @me | #1"),
            "&lt;b> \\*x\\* \\[y\\](z) &#64;me \\| \\#1"
        );
        assert!(code(&"x".repeat(999)).chars().count() <= WIDEST + 2);
    }

    #[test]
    fn what_is_cut_is_counted() {
        let mut table = Table::new(&["a", "#b"]);
        assert_eq!(table.text(1, "rows"), "");
        table.push(vec!["x".to_owned(), "1".to_owned()]);
        table.push(vec!["y".to_owned(), "2".to_owned()]);
        let expected = "| a | b |\n|---|--:|\n| x | 1 |\n\n... and 1 more rows.\n";
        assert_eq!(table.text(1, "rows"), expected);
    }
}
