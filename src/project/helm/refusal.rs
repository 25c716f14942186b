//! Charts that refuse images from elsewhere, as those of Bitnami do: what a change brings along so that they render.

use std::sync::Arc;

use super::overrides::Override;
use super::values::{self, Leaf, LeafKind, Origin, Table, Value, table_at};
use crate::edit::{Applicability, Edit};
use crate::finding::{Finding, LEGACY_CHART};
use crate::source::Span;

/// The tables, and the key in them, where the values of such a chart say whether it accepts other images.
const TABLES: [&str; 2] = ["global", "security"];
const KEY: &str = "allowInsecureImages";

pub(super) const REASON: &str = "the chart refuses images from elsewhere, so `global.security.allowInsecureImages` becomes true";

/// What values say of it. `None` where they have no such key.
fn said(values: &Table) -> Option<&Leaf> {
    match table_at(values, TABLES)?.get(KEY)? {
        Value::Leaf(leaf) => Some(leaf),
        _ => None,
    }
}

/// Whether a chart of these values refuses images from elsewhere.
pub(super) fn refuses(values: &Table) -> bool {
    said(values).is_some_and(|leaf| leaf.kind == LeafKind::Bool(false))
}

/// Whether values that are laid over those of a chart have it accept them.
pub(super) fn is_lifted(values: &Table) -> bool {
    said(values).is_some_and(|leaf| leaf.kind == LeafKind::Bool(true))
}

/// The override that has all charts below the keys accept other images.
pub(super) fn lift(below: &[String]) -> Override {
    let keys = TABLES.iter().chain([&KEY]).map(|key| (*key).to_owned());
    Override {
        path: below.iter().cloned().chain(keys).collect(),
        value: Value::Leaf(Leaf {
            text: Arc::from("true"),
            kind: LeafKind::Bool(true),
            origin: Origin {
                file: 0,
                span: Span::new(0, 0),
            },
        }),
    }
}

/// Adds the edit to each fix that moves an image in the values of a chart that refuses others.
pub(super) fn lift_here(text: &str, findings: &mut [Finding]) {
    let moves = |one: &Finding| *one.rule != *LEGACY_CHART && !one.mention && one.fix.is_some();
    if !text.contains(KEY) || !findings.iter().any(moves) {
        return;
    }
    let Ok(table) = values::read(text, 0) else {
        return;
    };
    let Some(leaf) = said(&table).filter(|leaf| leaf.kind == LeafKind::Bool(false)) else {
        return;
    };
    let edit = Edit {
        span: leaf.origin.span,
        text: "true".to_owned(),
    };
    for finding in findings.iter_mut().filter(|one| moves(one)) {
        let Some(fix) = finding.fix.as_mut() else {
            continue;
        };
        if !fix.edits.contains(&edit) {
            fix.edits.push(edit.clone());
            fix.edits.sort();
        }
        if fix.applicability > Applicability::Unsafe {
            fix.applicability = Applicability::Unsafe;
            finding.reason = Some(REASON.to_owned());
        }
    }
}
