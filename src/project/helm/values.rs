//! Values as Helm reads them, each leaf with its location.
//!
//! Helm reads YAML by the rules of version 1.1 (`sigs.k8s.io/yaml`): `yes` is true, `~` is null, the last of equal
//! keys wins, and keys are strings. Knows nothing of charts.

mod spot;

use std::collections::{BTreeMap, HashMap};
use std::iter::zip;
use std::sync::Arc;

use crate::source::Span;
use crate::syntax::yaml::{self, Entry, Map, Node, Parsed, Scalar, Style};

pub(super) use spot::{File, NO_VALUES, Spot, Step, at, node_at, path_to};

pub(super) type Table = BTreeMap<String, Value>;

/// Tables are shared until they are changed: layers are merged again and again.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Leaf(Leaf),
    List(Arc<[Value]>),
    Table(Arc<Table>),
}

/// A scalar that is not null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    pub text: Arc<str>,
    pub kind: LeafKind,
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeafKind {
    Text,
    Bool(bool),
    /// A number or a date: written without quotes, and not a string to Helm.
    Plain,
}

/// Where a leaf was written: the number of a file, and the scalar's content in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    pub file: usize,
    pub span: Span,
}

/// The most values that the aliases of a file may expand to, since aliases may refer to aliases.
const MOST_ALIASED: usize = 500_000;

/// Reads the first document of a text. Empty if there is none.
///
/// # Errors
/// If it is not a map or does not parse. The message is phrased to follow the file's name.
pub(super) fn read(text: &str, file: usize) -> Result<Table, String> {
    read_at(text, file, &Spot::default())
}

/// Reads all documents of a text.
///
/// # Errors
/// If one of them does not parse. The message is phrased to follow the file's name.
pub(super) fn read_all(text: &str, file: usize) -> Result<Vec<Value>, String> {
    File::parse(text)?.values(file)
}

/// Converts the documents of a parsed text, leaving out those that cannot be read.
pub(super) fn of_parsed(parsed: &Parsed<'_>, text: &str, file: usize) -> Vec<Value> {
    let mut left = most_values(text);
    let documents = parsed.documents.iter();
    let values = documents.map(|root| value_of(root, text, parsed, file, &mut left));
    values.filter_map(Result::ok).collect()
}

/// Converts a node of a document. `None` if it cannot be read.
pub(super) fn of_node(
    node: &Node<'_>,
    text: &str,
    parsed: &Parsed<'_>,
    file: usize,
) -> Option<Value> {
    value_of(node, text, parsed, file, &mut most_values(text)).ok()
}

/// Reads the values at a location.
///
/// # Errors
/// As [`read`], and if the location holds something else.
pub(super) fn read_at(text: &str, file: usize, spot: &Spot) -> Result<Table, String> {
    let parsed = spot.parse(text)?;
    let (document, steps) = spot.in_parsed();
    let root = match parsed.documents.get(document) {
        Some(root) => value_of(root, text, &parsed, file, &mut most_values(text))?,
        None => Value::Null,
    };
    match at(&root, steps) {
        Value::Table(table) => Ok(Table::clone(table)),
        Value::Null => Ok(Table::new()),
        _ if steps.is_empty() => Err("is not a map".to_owned()),
        _ => Err(NO_VALUES.to_owned()),
    }
}

/// Sets a value at a path. Anything on the way that is not a table is replaced by one.
pub(super) fn set(table: &mut Table, path: &[String], value: &Value) {
    let Some((key, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        table.insert(key.clone(), value.clone());
        return;
    }
    let inner = table.entry(key.clone()).or_insert(Value::Null);
    if inner.as_table().is_none() {
        *inner = Value::table(Table::new());
    }
    if let Value::Table(inner) = inner {
        set(Arc::make_mut(inner), rest, value);
    }
}

fn whole(text: &str) -> Span {
    let start = text.strip_prefix('\u{feff}').map_or(0, |_| 3);
    Span::new(start, text.len())
}

fn parse(text: &str, region: Span) -> Result<Parsed<'_>, String> {
    let parsed = yaml::parse(text, region);
    match parsed.errors.first() {
        Some(error) => Err(format!("does not parse: {}", error.message)),
        None => Ok(parsed),
    }
}

/// Every written value takes at least one byte.
fn most_values(text: &str) -> usize {
    text.len() + MOST_ALIASED
}

/// Converts a document or a part of one. `left` is how many values the file may still have.
fn value_of(
    root: &Node<'_>,
    text: &str,
    parsed: &Parsed<'_>,
    file: usize,
    left: &mut usize,
) -> Result<Value, String> {
    // `shared` is sorted by position in the text.
    let shared = &parsed.shared;
    let from = shared.partition_point(|(alias, _)| alias.start < root.span().start);
    let own = shared[from..].iter().copied();
    let own = own.take_while(|(alias, _)| alias.start <= root.span().end);
    let mut reader = Reader {
        file,
        open_end: (!text.ends_with('\n')).then_some(text.len()),
        collections: HashMap::new(),
        shared: own.collect(),
        left: *left,
    };
    if !reader.shared.is_empty() {
        reader.collections.extend(root.collections());
    }
    let value = reader.value(root);
    *left = reader.left;
    match reader.left {
        0 => Err("expands to more than half a million values".to_owned()),
        _ => Ok(value),
    }
}

struct Reader<'n> {
    file: usize,
    /// The end of the text, if it does not end with a newline.
    open_end: Option<usize>,
    /// Collections by their spans, to resolve aliases.
    collections: HashMap<Span, &'n Node<'n>>,
    shared: HashMap<Span, Span>,
    left: usize,
}

impl<'n> Reader<'n> {
    /// Returns the node that an alias refers to, or the node itself.
    fn resolve(&self, node: &'n Node<'n>) -> Option<&'n Node<'n>> {
        match node {
            Node::Alias(span) => self.collections.get(self.shared.get(span)?).copied(),
            other => Some(other),
        }
    }

    fn value(&mut self, node: &'n Node<'n>) -> Value {
        if self.left == 0 {
            return Value::Null;
        }
        self.left -= 1;
        match self.resolve(node) {
            None | Some(Node::Alias(_)) => Value::Null,
            Some(Node::Scalar(scalar)) => self.scalar(scalar),
            Some(Node::List(list)) => {
                Value::List(list.items.iter().map(|item| self.value(item)).collect())
            }
            Some(Node::Map(map)) => Value::table(self.table(map)),
        }
    }

    fn table(&mut self, map: &'n Map<'n>) -> Table {
        let mut table = Table::new();
        for entry in map.entries.iter().filter(|entry| is_merge(entry)) {
            for (key, value) in self.merged(&entry.value) {
                table.entry(key).or_insert(value);
            }
        }
        for entry in map.entries.iter().filter(|entry| !is_merge(entry)) {
            if let Some(key) = key(entry) {
                table.insert(key, self.value(&entry.value));
            }
        }
        table
    }

    /// Merges `<<: *one` or `<<: [*one, *other]`, where earlier items win.
    fn merged(&mut self, node: &'n Node<'n>) -> Table {
        match self.resolve(node) {
            Some(Node::Map(map)) if self.left > 0 => {
                self.left -= 1;
                self.table(map)
            }
            Some(Node::List(list)) => {
                let mut all = Table::new();
                for item in &list.items {
                    if let Some(Node::Map(map)) = self.resolve(item) {
                        for (key, value) in self.table(map) {
                            all.entry(key).or_insert(value);
                        }
                    }
                }
                all
            }
            _ => Table::new(),
        }
    }

    fn scalar(&self, scalar: &Scalar<'_>) -> Value {
        let kind = match scalar.style {
            Style::Plain => match kind_of_plain(&scalar.value) {
                Some(kind) => kind,
                None => return Value::Null,
            },
            _ => LeafKind::Text,
        };
        // The parser ends the last line of a block scalar even if the text does not.
        let text = match scalar.is_block() && Some(scalar.span.end) == self.open_end {
            true => scalar.value.strip_suffix('\n').unwrap_or(&scalar.value),
            false => &scalar.value,
        };
        Value::Leaf(Leaf {
            text: Arc::from(text),
            kind,
            origin: Origin {
                file: self.file,
                span: scalar.span,
            },
        })
    }
}

pub(super) fn is_merge(entry: &Entry<'_>) -> bool {
    entry
        .key
        .as_scalar()
        .is_some_and(|key| key.style == Style::Plain && key.value == "<<")
}

/// Returns the key as Helm sees it: `y:` is `true`.
pub(super) fn key(entry: &Entry<'_>) -> Option<String> {
    let scalar = entry.key.as_scalar()?;
    let plain = (scalar.style == Style::Plain).then(|| kind_of_plain(&scalar.value));
    Some(match plain {
        Some(Some(LeafKind::Bool(value))) => value.to_string(),
        Some(None) => "null".to_owned(),
        _ => scalar.value.clone().into_owned(),
    })
}

/// Returns the kind of a scalar without quotes; `None` for null.
pub(super) fn kind_of_plain(text: &str) -> Option<LeafKind> {
    if yaml::is_null(text) {
        return None;
    }
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            LeafKind::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            LeafKind::Bool(false)
        }
        _ if is_number(text) => LeafKind::Plain,
        _ => LeafKind::Text,
    })
}

/// Errs towards numbers: a string that may be a number is quoted.
fn is_number(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    if matches!(&*digits.to_ascii_lowercase(), ".inf" | ".nan") {
        return true;
    }
    let first = digits.bytes().next().unwrap_or_default();
    let known = |byte: u8| {
        byte.is_ascii_hexdigit() || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'x' | b'o' | b':')
    };
    let numeric = digits.parse::<f64>().is_ok() || digits.bytes().all(known);
    (first.is_ascii_digit() || first == b'.') && numeric && !looks_like_words(digits)
}

/// `1.2.3` and `7a` are strings to every YAML reader.
fn looks_like_words(digits: &str) -> bool {
    let dots = digits.bytes().filter(|byte| *byte == b'.').count();
    let hex = digits.starts_with("0x") || digits.starts_with("0o") || digits.starts_with("0b");
    let letters = digits
        .bytes()
        .any(|byte| byte.is_ascii_alphabetic() && !matches!(byte, b'e' | b'E'));
    dots > 1 || letters && !hex
}

impl Value {
    pub(super) fn table(table: Table) -> Self {
        Self::Table(Arc::new(table))
    }

    pub(super) fn as_table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(super) fn as_leaf(&self) -> Option<&Leaf> {
        match self {
            Self::Leaf(leaf) => Some(leaf),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// Returns the table at a path of keys.
pub(super) fn table_at<'t, 'k>(
    table: &'t Table,
    path: impl IntoIterator<Item = &'k str>,
) -> Option<&'t Table> {
    path.into_iter()
        .try_fold(table, |table, key| table.get(key)?.as_table())
}

/// Returns the items of the list at a key; empty if there is no list.
pub(super) fn items<'t>(table: &'t Table, key: &str) -> &'t [Value] {
    match table.get(key) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

/// Returns the text at a key, unless it is empty.
pub(super) fn text(table: &Table, key: &str) -> Option<String> {
    let leaf = table.get(key)?.as_leaf()?;
    (!leaf.text.is_empty()).then(|| leaf.text.to_string())
}

/// Whether two values are equal, ignoring where they were written.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Null, Value::Null) => true,
        (Value::Leaf(one), Value::Leaf(other)) => one.text == other.text && one.kind == other.kind,
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && zip(&**one, &**other).all(|(one, other)| same(one, other))
        }
        (Value::Table(one), Value::Table(other)) => {
            let mut pairs = zip(&**one, &**other);
            one.len() == other.len()
                && pairs.all(|((key, one), (name, other))| key == name && same(one, other))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &Value) -> String {
        match value {
            Value::Null => "null".to_owned(),
            Value::Leaf(leaf) => leaf.text.to_string(),
            Value::List(items) => {
                format!(
                    "[{}]",
                    items.iter().map(shown).collect::<Vec<_>>().join(",")
                )
            }
            Value::Table(table) => {
                let entries = table
                    .iter()
                    .map(|(key, value)| format!("{key}:{}", shown(value)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
            }
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let read = read(text, 0).map_or_else(|error| error, |table| shown(&Value::table(table)));
        assert_eq!(read, expected);
    }

    #[test]
    fn values_are_read_as_helm_reads_them() {
        check("a: 1\na: 2\n---\nb: 1\n", "{a:2}");
        check("\u{feff}a: ~\nb: 'null'\non: x\n", "{a:null,b:null,true:x}");
        check(
            "a: &x {k: 1, l: 2}\nb: *x\nc: {<<: *x, l: 3}\n",
            "{a:{k:1,l:2},b:{k:1,l:2},c:{k:1,l:3}}",
        );
        check(
            "x: &x {k: 1}\ny2: &y {k: 2, m: 2}\nc: {<<: [*x, *y]}\n",
            "{c:{k:1,m:2},x:{k:1},y2:{k:2,m:2}}",
        );
        check("a: |\n  b\n", "{a:b\n}");
        check("a: |\n  b", "{a:b}");
        check("", "{}");
        check("# nothing\n", "{}");
        check("- a\n", "is not a map");
        assert!(read("a: [", 0).is_err());
    }

    #[test]
    fn aliases_do_not_explode() {
        let mut text = "a0: &a0 [x, x, x]\n".to_owned();
        for n in 1..30 {
            text += &format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}]\n", n - 1);
        }
        check(&text, "expands to more than half a million values");
    }

    #[test]
    fn plain_scalars_have_kinds() {
        for (text, kind) in [
            ("", None),
            ("off", Some(LeafKind::Bool(false))),
            ("1.10", Some(LeafKind::Plain)),
            ("0x1f", Some(LeafKind::Plain)),
            ("1e3", Some(LeafKind::Plain)),
            ("12:30", Some(LeafKind::Plain)),
            ("2020-01-01", Some(LeafKind::Plain)),
            ("1.2.3", Some(LeafKind::Text)),
            ("v1", Some(LeafKind::Text)),
            ("7a", Some(LeafKind::Text)),
            ("k8s.gcr.io", Some(LeafKind::Text)),
        ] {
            assert_eq!(kind_of_plain(text), kind, "{text}");
        }
    }
}
