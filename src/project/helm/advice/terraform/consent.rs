//! Adds the value that makes a chart accept other images to a release that is written in HCL.
//!
//! If `values` is a literal list, it gets another item; otherwise the release gets another `set`. Everything else is
//! left to people.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::super::overrides::Override;
use super::super::super::refusal;
use super::super::super::values::{self, Table, Value};
use super::{bodies, releases, releases_in, text_at};
use crate::detect::CONSENT_KEY;
use crate::edit::{self, Applicability, Edit, Fix};
use crate::file_type::{self, Masks, Parser};
use crate::source::Span;
use crate::syntax::beside::before_on_line;
use crate::syntax::hcl::{self, Insert, Items, Scan};
use crate::syntax::yaml::{Entry, List, Map, Node};

/// Returns the edits that add the value to the requested releases, for those that have room for it.
pub(in super::super) fn consents(text: &str, asked: &BTreeSet<Span>) -> BTreeMap<Span, Vec<Edit>> {
    let mut planned = BTreeMap::new();
    if asked.is_empty() {
        return planned;
    }
    let masks = Masks::default();
    let layers = file_type::read(text, Parser::Hcl, None, &masks).layers;
    let scan = hcl::scan(text);
    let consent = Consent::new();
    let mut expected = releases_in(text, &layers, &scan);
    let bodies = layers.iter().flat_map(|layer| bodies(&layer.parsed));
    for (body, release) in bodies.zip(&mut expected) {
        let is_asked = asked.contains(&body.span());
        let room = is_asked.then(|| consent.room(body, text, &scan)).flatten();
        let Some((key, inserts)) = room else {
            continue;
        };
        consent.add(release, key);
        let edits = inserts
            .into_iter()
            .map(|(at, text)| Edit::new(Span::new(at, at), text));
        planned.insert(body.span(), edits.collect());
    }
    let edits = planned.values().flatten().cloned();
    let fix = Fix::here(edits.collect(), Applicability::Safe);
    let after = releases(&edit::apply(text, [&fix], Applicability::Safe));
    let is_met = after.len() == expected.len()
        && std::iter::zip(&after, &expected).all(|(one, other)| values::same(one, other));
    if !is_met {
        planned.clear();
    }
    planned
}

/// The value, in the forms in which it can be written.
struct Consent {
    /// As a table of values.
    table: Value,
    /// As an item of `values`.
    values: String,
    name: String,
}

const TRUE: &str = "true";

impl Consent {
    fn new() -> Self {
        let Override { path, value } = refusal::lift(&[]);
        let mut table = Table::new();
        values::set(&mut table, &path, &value);
        let keys = path.iter().rev();
        let written = keys.fold(TRUE.to_owned(), |inner, key| {
            format!("{{ {key} = {inner} }}")
        });
        Self {
            table: Value::table(table),
            values: format!("yamlencode({written})"),
            name: path.join("."),
        }
    }

    /// Returns the key of a release that can take the value, and the insertions that add it.
    fn room(
        &self,
        body: &Node<'_>,
        text: &str,
        scan: &Scan,
    ) -> Option<(&'static str, Vec<Insert>)> {
        // An existing value that is not known to be true was set on purpose.
        if names_key(text, scan, body.span()) {
            return None;
        }
        let map = body.as_map()?;
        let entry_of = |key| map.entries.iter().find(|entry| entry.name() == Some(key));
        match (entry_of("values"), entry_of("set")) {
            (Some(values), _) => Some(("values", self.among_values(values, text, scan)?)),
            (None, Some(set)) => Some(("set", self.among_sets(set, text, scan)?)),
            (None, None) => None,
        }
    }

    fn among_values(&self, values: &Entry<'_>, text: &str, scan: &Scan) -> Option<Vec<Insert>> {
        let items = Items::of_key(text, scan, values.key.span())?;
        let is_room = items.texts().all(may_be_values);
        is_room.then(|| items.push(&self.values))
    }

    fn among_sets(&self, set: &Entry<'_>, text: &str, scan: &Scan) -> Option<Vec<Insert>> {
        let Node::List(List { items: sets, .. }) = &set.value else {
            return None;
        };
        let pairs = [("name", self.name.as_str()), ("value", TRUE)];
        if let Some(items) = Items::of_key(text, scan, set.key.span()) {
            // Objects of one list may need to have the same keys.
            let mut sets = sets.iter().rev();
            let like = sets.find(|one| one.as_map().is_some_and(is_pair))?;
            return Some(items.push(&hcl::object_like(text, scan, like.span(), &pairs)));
        }
        let block = hcl::block_after(text, scan, sets.last()?.span(), &pairs)?;
        Some(vec![block])
    }

    /// Adds the value to the parsed release.
    fn add(&self, release: &mut Value, key: &str) {
        let Value::Table(release) = release else {
            return;
        };
        let text = |text: &str| text_at(text, Span::new(0, 0));
        let item = match key {
            "values" => self.table.clone(),
            _ => Value::table(Table::from([
                ("name".to_owned(), text(&self.name)),
                ("value".to_owned(), text(TRUE)),
            ])),
        };
        if let Some(Value::List(items)) = Arc::make_mut(release).get_mut(key) {
            *items = items.iter().cloned().chain([item]).collect();
        }
    }
}

/// Whether the key occurs in a release outside of comments.
fn names_key(text: &str, scan: &Scan, within: Span) -> bool {
    let found = memchr::memmem::find_iter(within.of(text).as_bytes(), CONSENT_KEY);
    let mut found = found.map(|at| within.start + at);
    found.any(|at| {
        let key = Span::new(at, at + CONSENT_KEY.len());
        let is_comment = scan.comments.iter().any(|comment| comment.covers(key));
        // Comments in heredocs also count as comments.
        let line = before_on_line(text, at).of(text);
        !is_comment && !line.trim_start().starts_with('#')
    })
}

/// Whether an item of `values` may be a YAML text: modules may also take objects or file names.
fn may_be_values(item: &str) -> bool {
    let Some(text) = item
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
    else {
        return !item.starts_with(['{', '[']);
    };
    let is_one_action =
        text.starts_with("${") && text.ends_with('}') && text.matches("${").count() == 1;
    is_one_action || text.contains(':')
}

/// Whether an object has exactly a name and a value.
fn is_pair(map: &Map<'_>) -> bool {
    map.entries.len() == 2 && map.get("name").is_some() && map.get("value").is_some()
}

#[cfg(test)]
mod tests {
    use super::super::{extents, read};
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &str) {
        let chart = "chart = \"oci://registry-1.docker.io/bitnamicharts/redis\"";
        let text = format!("module \"a\" {{\n{chart}\n{body}\n}}\n");
        let asked: BTreeSet<Span> = extents(&read(&text)).into_iter().collect();
        let planned = consents(&text, &asked).into_values().flatten();
        let added: Vec<String> = planned.map(|edit| edit.text).collect();
        assert_eq!(added.concat(), expected, "{body}");
    }

    const VALUES: &str = ", yamlencode({ global = { security = { allowInsecureImages = true } } })";

    #[test]
    fn values_that_are_written_out_have_room() {
        check("values = [yamlencode({ a = 1 })]", VALUES);
        check("values = [\"${file(\"a.yaml\")}\"]", VALUES);
        check("values = [\"a: ${var.b}\"]\nset = [for a in b : a]", VALUES);
        check("values = [var.a] # allowInsecureImages", VALUES);
        check(
            "values = var.a\nset = [{ name = \"a\", value = \"b\" }]",
            "",
        );
        check("values = [{ a = 1 }]", "");
        check("values = [\"${path.module}/a-${var.b}\"]", "");
        check("timeout = 1", "");
    }

    #[test]
    fn sets_have_room_where_one_shows_how_they_are_written() {
        let set = r#", { name = "global.security.allowInsecureImages", value = "true" }"#;
        check("set = [{ name = \"a\", value = \"b\" }]", set);
        check(
            "set = [{ name = \"a\", value = \"b\", type = \"string\" }]",
            "",
        );
        check("set = { a = \"b\" }", "");
        check("set = []", "");
        check("set = [for a in b : { name = a, value = a }]", "");
    }

    #[test]
    fn what_somebody_decided_stays() {
        check(
            "values = [yamlencode(merge(var.a, { allowInsecureImages = false }))]",
            "",
        );
        check("values = [<<A\nallowInsecureImages: ${var.b}\nA\n]", "");
        check(
            "values = [<<A\n# allowInsecureImages: true\nA\n]",
            &format!("\n{VALUES}"),
        );
    }
}
