//! Schemas of documents: a table from (document, path) to usage and form.
//!
//! This is the strongest evidence of how a value is used. If no row matches a value, the words of its key and its own form
//! decide.

pub(super) mod kubeadm;
mod row;
mod rows;
mod usages;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::context::{Context, Step};

pub(super) use row::Row;

/// The rows by their last step. Rows whose last step is a pattern are under `*`.
static TABLE: LazyLock<HashMap<&'static str, Vec<Row>>> = LazyLock::new(|| {
    let mut table: HashMap<&'static str, Vec<Row>> = HashMap::new();
    for row in rows::table() {
        let last = row.steps.last().copied().unwrap_or_default();
        let key = if last.contains('*') { "*" } else { last };
        table.entry(key).or_default().push(row);
    }
    table
});

/// Returns the first row that matches the value.
pub(super) fn row(context: &Context<'_>) -> Option<&'static Row> {
    let last = match context.step() {
        Step::Root => return None,
        Step::Item => "[]",
        Step::Key(key) => key,
    };
    let document = context.document;
    let named = TABLE.get(last).into_iter().flatten();
    let named = named.filter(|row| row.is_of(document));
    let all = TABLE.get("*").map(Vec::as_slice).unwrap_or_default();
    let patterns = document.patterns.get_or_init(|| {
        let numbered = all.iter().enumerate();
        let own = numbered.filter(|(_, row)| row.is_of(document));
        own.map(|(number, _)| number).collect()
    });
    let mut rows = named.chain(patterns.iter().map(|number| &all[*number]));
    rows.find(|row| fits(&row.steps, Some(context)))
}

/// Whether a row's path matches: `[]` is an item, `*` any key, a word with `*` at one end any key with that suffix or prefix,
/// and `**` any number of steps.
fn fits(steps: &[&str], context: Option<&Context<'_>>) -> bool {
    let Some(context) = context else {
        return false;
    };
    match steps.split_last() {
        None => context.is_root(),
        Some((&"**", rest)) => context.upwards().any(|above| fits(rest, Some(above))),
        Some((step, rest)) => is_step(step, context.step()) && fits(rest, context.above()),
    }
}

fn is_step(wanted: &str, step: Step<'_>) -> bool {
    match (step, wanted) {
        (Step::Item, "[]") => true,
        (Step::Key(_), "[]") | (Step::Root | Step::Item, _) => false,
        (Step::Key(key), _) => match (wanted.strip_prefix('*'), wanted.strip_suffix('*')) {
            (Some(end), _) => key.ends_with(end),
            (_, Some(start)) => key.starts_with(start),
            _ => key == wanted,
        },
    }
}
