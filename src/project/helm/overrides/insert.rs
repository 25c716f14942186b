//! Finds where overrides go in a values file: at the end of the innermost existing map, or at a key without a value.
//!
//! Only finds the location. The caller checks the result.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::super::values::{self, File, Spot, Step, Table, Value};
use super::style::{Style, column, is_quoted, opening};
use super::{Aim, NO_ROOM, Override};
use crate::edit::Edit;
use crate::source::{self, Span};
use crate::syntax::yaml::{Entry, Map, Node, Scalar, Style as Quotes};

/// Edits with the indexes of the overrides that they are for.
#[derive(Debug, Default)]
pub(super) struct Insertion {
    pub edits: Vec<(Edit, Vec<usize>)>,
    pub refused: BTreeMap<usize, String>,
}

impl Insertion {
    /// Returns the edits of each of `count` overrides.
    pub(super) fn by_override(&self, count: usize) -> Vec<Vec<Edit>> {
        let mut all = vec![Vec::new(); count];
        for (edit, of) in &self.edits {
            of.iter().for_each(|index| all[*index].push(edit.clone()));
        }
        all
    }

    /// Merges the edits at one location. Those of inner maps come first, and so do their lines.
    fn join(&mut self) {
        let mut joined: Vec<(Edit, Vec<usize>)> = Vec::new();
        let mut by_span: HashMap<Span, usize> = HashMap::new();
        for (edit, of) in std::mem::take(&mut self.edits) {
            match by_span.get(&edit.span) {
                Some(at) => {
                    let (one, all) = &mut joined[*at];
                    one.text.push_str(&edit.text);
                    all.extend(of);
                }
                None => {
                    by_span.insert(edit.span, joined.len());
                    joined.push((edit, of));
                }
            }
        }
        self.edits = joined;
    }
}

/// Overrides grouped by the keys that they share.
#[derive(Debug, Default)]
struct Branch<'o> {
    keys: BTreeMap<&'o str, Branch<'o>>,
    /// The value to set here.
    leaf: Option<&'o Value>,
    of: Vec<usize>,
}

impl<'o> Branch<'o> {
    fn add(&mut self, path: &'o [String], value: &'o Value, index: usize) {
        self.of.push(index);
        match path.split_first() {
            Some((key, rest)) => self.keys.entry(key).or_default().add(rest, value, index),
            None => self.leaf = Some(value),
        }
    }

    fn value(&self) -> Value {
        if let Some(leaf) = self.leaf {
            return leaf.clone();
        }
        let entries = self.keys.iter();
        Value::table(
            entries
                .map(|(key, branch)| ((*key).to_owned(), branch.value()))
                .collect(),
        )
    }
}

/// Finds a location for each of the overrides, which are given with their indexes.
pub(super) fn plan(file: &File<'_>, wanted: &[(usize, &Aim)]) -> Insertion {
    let mut plan = Insertion::default();
    let mut branches: BTreeMap<&Spot, Branch<'_>> = BTreeMap::new();
    let mut styles: BTreeMap<usize, Style> = BTreeMap::new();
    let mut style_of = |number: usize| {
        let style = || Style::of(file.text, file.document(number));
        *styles.entry(number).or_insert_with(style)
    };
    for (index, aim) in wanted {
        match &aim.item {
            Some(item) => match append(file, aim, item, style_of(aim.at.document)) {
                Some(edit) => plan.edits.push((edit, vec![*index])),
                None => {
                    plan.refused.insert(*index, NO_ROOM.to_owned());
                }
            },
            None => {
                let branch = branches.entry(&aim.at).or_default();
                let Override { path, value } = &aim.override_;
                branch.add(path, value, *index);
            }
        }
    }
    for (spot, branch) in branches {
        let inner = spot.in_text.then(|| file.text_at(spot));
        let (root, steps) = match &inner {
            Some(parsed) => (
                parsed
                    .as_ref()
                    .ok()
                    .and_then(|parsed| parsed.documents.first()),
                &[][..],
            ),
            None => (file.document(spot.document), &*spot.steps),
        };
        let style = match spot.in_text {
            true => Style::of(file.text, root),
            false => style_of(spot.document),
        };
        let mut writer = Writer {
            text: file.text,
            style,
            plan,
        };
        writer.root(root, steps, spot, branch);
        plan = writer.plan;
    }
    plan.join();
    plan
}

/// Adds an item after the last one of a list, written in the same way. `None` if there is no list with items, or if
/// its layout is unusual.
fn append(file: &File<'_>, aim: &Aim, item: &Value, style: Style) -> Option<Edit> {
    let root = file.document(aim.at.document)?;
    let above = values::node_at(root, &aim.at.steps)?.as_map()?;
    let list = above.get(aim.override_.path.first()?)?.as_list()?;
    let last = list.items.last()?;
    let text = file.text;
    let mut writer = Writer {
        text,
        style,
        plan: Insertion::default(),
    };
    let end = writer.end_of(last);
    let flow = |map: &Map<'_>| writer.style_in(map).flow(item, has_quoted_keys(map));
    let line = source::line_start(text, last.span().start);
    match last {
        Node::Map(map) if list.flow => {
            let is_below = text[list.span.start..map.span.start].contains('\n');
            let gap = match is_below {
                true => {
                    let indent = text[line..].len() - text[line..].trim_start_matches(' ').len();
                    format!("{}{:indent$}", writer.style.newline, "")
                }
                false => " ".to_owned(),
            };
            let span = Span::new(end, end);
            let text = format!(",{gap}{}", flow(map));
            return Some(Edit::new(span, text));
        }
        Node::Map(map) => {
            let before = &text[line..map.span.start];
            let is_usual = before
                .bytes()
                .all(|byte| matches!(byte, b' ' | b'-' | b'"' | b'\''));
            let dash = before.rfind('-').filter(|_| is_usual)?;
            let lines = match map.flow {
                true => vec![format!("{:dash$}- {}", "", flow(map))],
                false => {
                    let mut lines = Vec::new();
                    writer.style.block_item(item, dash, &mut lines);
                    lines
                }
            };
            let at = writer.after_comments(writer.line_end(end), dash + 1);
            writer.insert_lines(at, lines, &[]);
        }
        _ => return None,
    }
    writer.plan.edits.pop().map(|(edit, _)| edit)
}

/// Returns the innermost existing map on the way to a location, and the keys that lead on from it. `None` without
/// steps, or if a step leads nowhere.
fn innermost<'n, 's>(root: &'n Node<'n>, at: &'s [Step]) -> Option<(&'n Map<'n>, Vec<&'s str>)> {
    if at.is_empty() {
        return None;
    }
    let last = at.iter().rposition(|step| matches!(step, Step::Item(_)));
    let (way, rest) = at.split_at(last.map_or(0, |last| last + 1));
    let node = values::node_at(root, way)?;
    let keys = rest.iter().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Item(_) => None,
    });
    Some((node.as_map()?, keys.collect()))
}

fn table(branch: &Branch<'_>) -> Table {
    match branch.value() {
        Value::Table(table) => Arc::unwrap_or_clone(table),
        _ => Table::new(),
    }
}

fn closing(scalar: &Scalar<'_>) -> usize {
    scalar.span.end + usize::from(is_quoted(scalar))
}

struct Writer<'w> {
    text: &'w str,
    style: Style,
    plan: Insertion,
}

impl Writer<'_> {
    /// Sets what is in the branch at a path of a document.
    fn root(&mut self, root: Option<&Node<'_>>, steps: &[Step], spot: &Spot, branch: Branch<'_>) {
        if let Some((map, keys)) = root.and_then(|root| innermost(root, steps)) {
            let mut outer = branch;
            for key in keys.iter().rev() {
                let of = outer.of.clone();
                outer = Branch {
                    keys: BTreeMap::from([(*key, outer)]),
                    leaf: None,
                    of,
                };
            }
            return self.map(map, &outer);
        }
        match root {
            Some(Node::Map(map)) if steps.is_empty() && !map.entries.is_empty() => {
                self.map(map, &branch);
            }
            _ if !spot.is_whole() => {
                self.refuse(&branch, "there are no values there for the override")
            }
            Some(Node::Map(map)) => self.replace_root(map.span, &branch),
            Some(Node::Scalar(scalar)) if !scalar.span.is_empty() => {
                self.replace_root(scalar.span, &branch);
            }
            _ => {
                let mut lines = Vec::new();
                self.style.block(&table(&branch), 0, &mut lines);
                self.insert_lines(self.text.len(), lines, &branch.of);
            }
        }
    }

    fn refuse(&mut self, branch: &Branch<'_>, reason: &str) {
        for index in &branch.of {
            self.plan.refused.insert(*index, reason.to_owned());
        }
    }

    fn edit(&mut self, span: Span, text: String, of: &[usize]) {
        self.plan.edits.push((Edit::new(span, text), of.to_vec()));
    }

    /// Descends into existing entries, and adds the missing ones.
    fn map(&mut self, map: &Map<'_>, branch: &Branch<'_>) {
        let mut missing = Table::new();
        let mut of = Vec::new();
        for (key, inner) in &branch.keys {
            let mut entries = map.entries.iter().rev();
            match entries.find(|entry| values::key(entry).as_deref() == Some(*key)) {
                Some(entry) => self.entry(map, entry, inner),
                None => {
                    values::set(&mut missing, &[(*key).to_owned()], &inner.value());
                    of.extend_from_slice(&inner.of);
                }
            }
        }
        if missing.is_empty() {
            return;
        }
        match map.flow {
            true => self.append_flow(map, &missing, &of),
            false => self.append_block(map, &missing, &of),
        }
    }

    fn entry(&mut self, map: &Map<'_>, entry: &Entry<'_>, branch: &Branch<'_>) {
        match (&entry.value, branch.leaf) {
            (Node::Map(inner), None) if !inner.entries.is_empty() => self.map(inner, branch),
            (Node::Map(inner), None) => self.fill(map, entry, Some(inner.span), branch),
            (Node::Scalar(scalar), None) if scalar.is_null() => {
                let written = Some(scalar.span).filter(|span| !span.is_empty());
                self.fill(map, entry, written, branch);
            }
            (Node::Scalar(scalar), Some(Value::Leaf(leaf))) if !scalar.is_block() => {
                let mut style = self.style;
                style.quote = match scalar.style {
                    Quotes::Single => "'",
                    Quotes::Double => "\"",
                    _ => "",
                };
                let span = Span::new(opening(scalar), closing(scalar));
                self.edit(span, style.scalar(leaf), &branch.of);
            }
            (Node::Alias(_), _) => self.refuse(
                branch,
                "there is an alias where the override belongs, and its target is also used elsewhere",
            ),
            _ => self.refuse(branch, "the value where the override belongs is not a map"),
        }
    }

    /// Puts a map in place of `{}`, of null, or of nothing.
    fn fill(
        &mut self,
        map: &Map<'_>,
        entry: &Entry<'_>,
        written: Option<Span>,
        branch: &Branch<'_>,
    ) {
        let Some(key) = entry.key.as_scalar() else {
            return;
        };
        let after_key = closing(key);
        let colon = self.text[after_key..]
            .find(':')
            .map_or(after_key, |at| after_key + at + 1);
        let inner = table(branch);
        if map.flow {
            let flow = self
                .style_in(map)
                .flow(&Value::table(inner), has_quoted_keys(map));
            match written {
                Some(span) => self.edit(span, flow, &branch.of),
                None => self.refuse(branch, "a flow map contains an entry without a value"),
            }
            return;
        }
        let end = written.map_or(colon, |span| span.end);
        let between = self
            .text
            .get(colon..written.map_or(colon, |span| span.start));
        let Some(column) = column(self.text, key)
            .filter(|_| between.is_some_and(|between| between.trim().is_empty()))
        else {
            self.refuse(
                branch,
                "there is an anchor or a tag where the override belongs",
            );
            return;
        };
        if end > colon {
            self.edit(Span::new(colon, end), String::new(), &branch.of);
        }
        let mut lines = Vec::new();
        self.style
            .block(&inner, column + self.style.step, &mut lines);
        let at = self.after_comments(self.line_end(end), column + 1);
        self.insert_lines(at, lines, &branch.of);
    }

    /// Adds entries to a block map: below its last line and the comments that belong to it.
    fn append_block(&mut self, map: &Map<'_>, missing: &Table, of: &[usize]) {
        let first = map.entries.first().and_then(|entry| entry.key.as_scalar());
        let column = first.and_then(|key| column(self.text, key));
        let (Some(column), Some(last)) = (column, map.entries.last()) else {
            for index in of {
                let reason = "the map that the override belongs to has an unusual layout";
                self.plan.refused.insert(*index, reason.to_owned());
            }
            return;
        };
        let mut lines = Vec::new();
        self.style.block(missing, column, &mut lines);
        let end = self.end_of_entry(last);
        let at = self.after_comments(self.line_end(end), column);
        self.insert_lines(at, lines, of);
    }

    fn append_flow(&mut self, map: &Map<'_>, missing: &Table, of: &[usize]) {
        let quoted = has_quoted_keys(map);
        let style = self.style_in(map);
        let entries: Vec<String> = missing
            .iter()
            .map(|(key, value)| {
                format!("{}: {}", style.key(key, quoted), style.flow(value, quoted))
            })
            .collect();
        let (Some(last), Some(key)) = (
            map.entries.last(),
            map.entries.last().and_then(|entry| entry.key.as_scalar()),
        ) else {
            return;
        };
        let end = self.end_of_entry(last);
        // One entry per line if the existing ones are so.
        let gap = match column(self.text, key) {
            Some(column)
                if map.entries.len() > 1
                    || self.text[map.span.start..opening(key)].contains('\n') =>
            {
                format!("{}{:column$}", self.style.newline, "")
            }
            _ => " ".to_owned(),
        };
        let joined = entries.join(&format!(",{gap}"));
        let rest = &self.text[end..map.span.end.max(end)];
        let comma = rest.trim_start().starts_with(',');
        match rest.find(',').filter(|_| comma) {
            Some(at) => {
                let at = end + at + 1;
                self.edit(Span::new(at, at), format!("{gap}{joined}"), of);
            }
            None => self.edit(Span::new(end, end), format!(",{gap}{joined}"), of),
        }
    }

    /// Returns the style with the quotes of a flow map: JSON quotes everything.
    fn style_in(&self, map: &Map<'_>) -> Style {
        let mut style = self.style;
        if has_quoted_keys(map) {
            style.quote = "\"";
        }
        style
    }

    fn replace_root(&mut self, span: Span, branch: &Branch<'_>) {
        let mut lines = Vec::new();
        self.style.block(&table(branch), 0, &mut lines);
        self.edit(span, lines.join(self.style.newline), &branch.of);
    }

    fn end_of_entry(&self, entry: &Entry<'_>) -> usize {
        let key = entry.key.as_scalar().map_or(0, closing);
        let colon = self.text[key..].find(':').map_or(key, |at| key + at + 1);
        self.end_of(&entry.value).max(colon)
    }

    /// Returns the offset where the text of a node ends.
    fn end_of(&self, node: &Node<'_>) -> usize {
        match node {
            Node::Scalar(scalar) if scalar.is_block() => self.end_of_block(scalar),
            Node::Scalar(scalar) => closing(scalar),
            Node::Alias(span) => span.end,
            Node::Map(map) if map.flow => map.span.end,
            Node::List(list) if list.flow => list.span.end,
            Node::Map(map) => map
                .entries
                .last()
                .map_or(0, |entry| self.end_of_entry(entry)),
            Node::List(list) => list.items.last().map_or(0, |item| self.end_of(item)),
        }
    }

    /// Blank lines below a block scalar do not belong to it, unless it keeps them.
    fn end_of_block(&self, scalar: &Scalar<'_>) -> usize {
        let head = self.text[..scalar.span.start]
            .trim_end()
            .lines()
            .next_back();
        let indicator = head.and_then(|head| head.rsplit(['|', '>']).next());
        match indicator.is_some_and(|indicator| indicator.contains('+')) {
            true => scalar.span.end,
            false => self.text[..scalar.span.end].trim_end().len(),
        }
    }

    /// Returns the start of the line after the one that contains `at`, or `at` itself if a line starts there.
    fn line_end(&self, at: usize) -> usize {
        if self.text[..at].ends_with('\n') {
            return at;
        }
        self.text[at..]
            .find('\n')
            .map_or(self.text.len(), |length| at + length + 1)
    }

    /// Skips the comments directly below that are indented at least as deep.
    fn after_comments(&self, mut at: usize, column: usize) -> usize {
        while let Some(line) = self.text[at..].split_inclusive('\n').next() {
            let content = line.trim_start_matches(' ');
            if line.len() - content.len() < column || !content.starts_with('#') {
                break;
            }
            at += line.len();
        }
        at
    }

    /// Inserts whole lines. If the last line has no newline, it stays so.
    fn insert_lines(&mut self, at: usize, lines: Vec<String>, of: &[usize]) {
        let newline = self.style.newline;
        let before = self.text[..at].trim_start_matches('\u{feff}');
        let text = match before.is_empty() || before.ends_with('\n') {
            true => lines
                .iter()
                .map(|line| format!("{line}{newline}"))
                .collect(),
            false => lines
                .iter()
                .map(|line| format!("{newline}{line}"))
                .collect(),
        };
        self.edit(Span::new(at, at), text, of);
    }
}

fn has_quoted_keys(map: &Map<'_>) -> bool {
    let first = map.entries.first().and_then(|entry| entry.key.as_scalar());
    map.flow && first.is_some_and(|key| key.style == Quotes::Double)
}

/// Locates the deepest existing key of a path.
pub(in super::super) fn deepest_key(text: &str, path: &[String]) -> Option<Span> {
    let file = File::parse(text).ok()?;
    let mut map = file.document(0)?.as_map()?;
    let mut found = None;
    for key in path {
        let mut entries = map.entries.iter().rev();
        let Some(entry) = entries.find(|entry| values::key(entry).as_ref() == Some(key)) else {
            break;
        };
        found = entry.key.as_scalar().map(|key| key.span);
        match entry.value.as_map() {
            Some(inner) => map = inner,
            None => break,
        }
    }
    found
}
