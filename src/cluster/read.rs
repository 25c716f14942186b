//! Reads the objects of a dump one by one: the output of `kubectl get -o json` or `-o yaml`, with lists, nested lists, or
//! several documents.
//!
//! JSON is read as a stream, with one object in memory at a time. The content of objects is not interpreted.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::encoding;

/// The size limit of an object, in bytes. Kubernetes stores at most 1.5 MB per object in etcd.
const LARGEST_OBJECT: u64 = 64 << 20;
/// The size limit of a dump that cannot be read as a stream, in bytes.
const LARGEST_TEXT: u64 = 256 << 20;

/// Why a dump could not be read to its end.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct ReadError {
    why: String,
    is_broken: bool,
}

impl ReadError {
    fn new(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_broken: false,
        }
    }

    /// Whether the input was cut off, so that another attempt may succeed.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }
}

/// The parts that are missing in a dump.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Unread {
    /// How many lists continue on another page.
    pub pages: usize,
    /// The token for the next page of the last of these lists.
    pub next: Option<String>,
    /// How many items have no kind, neither their own nor from their list.
    pub nameless: usize,
    /// Whether there was nothing at all, not even an empty list.
    pub empty: bool,
}

/// Passes each object to `each`.
///
/// # Errors
/// If the dump cannot be read, or is neither JSON nor YAML.
pub fn read(source: impl Read, each: &mut dyn FnMut(Value)) -> Result<Unread, ReadError> {
    let left = Cell::new(LARGEST_OBJECT);
    let limited = Limited {
        source,
        left: &left,
    };
    let mut reader = BufReader::with_capacity(1 << 16, limited);
    let start = reader.fill_buf().map_err(failed)?;
    let mut objects = Objects {
        each,
        left: &left,
        unread: Unread::default(),
    };
    let mut is_blank = true;
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        let text = whole(reader, &left)?;
        objects.json(text.as_bytes(), &mut is_blank)?;
    } else if matches!(first_sign(start), Some(b'{' | b'[') | None) {
        let mark = start.starts_with(b"\xef\xbb\xbf");
        reader.consume(if mark { 3 } else { 0 });
        objects.json(reader, &mut is_blank)?;
    } else {
        objects.yaml(&whole(reader, &left)?, &mut is_blank)?;
    }
    objects.unread.empty = is_blank;
    Ok(objects.unread)
}

fn failed(error: io::Error) -> ReadError {
    ReadError {
        why: error.to_string(),
        is_broken: is_broken(error.kind()),
    }
}

fn is_broken(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(
        kind,
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
    )
}

/// Returns the first byte that is neither whitespace nor part of a byte order mark.
fn first_sign(bytes: &[u8]) -> Option<u8> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes
        .iter()
        .copied()
        .find(|byte| !byte.is_ascii_whitespace())
}

fn whole(reader: impl Read, left: &Cell<u64>) -> Result<String, ReadError> {
    left.set(u64::MAX);
    let mut bytes = Vec::new();
    let mut reader = reader.take(LARGEST_TEXT + 1);
    reader.read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST_TEXT {
        let limit = LARGEST_TEXT >> 20;
        return Err(ReadError::new(format!(
            "is larger than {limit} MiB: save it as JSON in UTF-8, which may have any size"
        )));
    }
    let (text, _) = encoding::decode(bytes)
        .map_err(|invalid| ReadError::new(format!("is not text at byte {}", invalid.offset)))?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// A reader that fails if an object exceeds the limit.
struct Limited<'c, R> {
    source: R,
    left: &'c Cell<u64>,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        match self.left.get().checked_sub(count as u64) {
            Some(left) => self.left.set(left),
            None => {
                let limit = LARGEST_OBJECT >> 20;
                let message = format!("an object is larger than {limit} MiB");
                return Err(io::Error::other(message));
            }
        }
        Ok(count)
    }
}

struct Objects<'e> {
    each: &'e mut dyn FnMut(Value),
    left: &'e Cell<u64>,
    unread: Unread,
}

impl Objects<'_> {
    fn json(&mut self, reader: impl Read, is_blank: &mut bool) -> Result<(), ReadError> {
        let mut deserializer = serde_json::Deserializer::from_reader(reader);
        loop {
            // Anything that follows is parsed as the next document, which fails if it is not JSON.
            match deserializer.end() {
                Ok(()) => return Ok(()),
                Err(error) if error.is_io() => return Err(of_json(&error)),
                Err(_) => *is_blank = false,
            }
            let document = Document { objects: self };
            document
                .deserialize(&mut deserializer)
                .map_err(|error| of_json(&error))?;
        }
    }

    fn yaml(&mut self, text: &str, is_blank: &mut bool) -> Result<(), ReadError> {
        for document in serde_yaml::Deserializer::from_str(text) {
            let value = Value::deserialize(document)
                .map_err(|error| ReadError::new(format!("is neither JSON nor YAML: {error}")))?;
            if value.is_object() {
                *is_blank = false;
                self.add(value, None);
            } else if !value.is_null() {
                return Err(ReadError::new(
                    "does not hold objects of a cluster".to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// Adds an object, or the items of a list.
    fn add(&mut self, mut value: Value, list: Option<&(String, String)>) {
        self.left.set(LARGEST_OBJECT);
        if let Some(items) = value.get_mut("items").and_then(Value::as_array_mut) {
            let items = std::mem::take(items);
            let of = value.as_object().and_then(item_type);
            self.count_pages(&value);
            for item in items {
                self.add(item, of.as_ref());
            }
            return;
        }
        let Value::Object(map) = &mut value else {
            self.unread.nameless += 1;
            return;
        };
        if let (Some((version, kind)), None) = (list, map.get("kind")) {
            map.insert("apiVersion".to_owned(), Value::String(version.clone()));
            map.insert("kind".to_owned(), Value::String(kind.clone()));
        }
        match map.get("kind").is_some_and(Value::is_string) {
            true => (self.each)(value),
            false => self.unread.nameless += 1,
        }
    }

    fn count_pages(&mut self, list: &Value) {
        let next = list.pointer("/metadata/continue").and_then(Value::as_str);
        if let Some(next) = next.filter(|token| !token.is_empty()) {
            self.unread.pages += 1;
            self.unread.next = Some(next.to_owned());
        }
    }
}

fn of_json(error: &serde_json::Error) -> ReadError {
    let why = match error.is_io() {
        true => error.to_string(),
        false if error.is_eof() => format!("ends too early: {error}"),
        false => format!("is not JSON: {error}"),
    };
    ReadError {
        why,
        is_broken: error.is_eof() || error.io_error_kind().is_some_and(is_broken),
    }
}

/// Returns the type of a list's items. The items of a `PodList` may leave it out.
fn item_type(list: &Map<String, Value>) -> Option<(String, String)> {
    let text = |key: &str| list.get(key).and_then(Value::as_str);
    let kind = text("kind")?.strip_suffix("List")?;
    let is_named = !kind.is_empty();
    is_named.then(|| {
        (
            text("apiVersion").unwrap_or_default().to_owned(),
            kind.to_owned(),
        )
    })
}

/// One document of JSON.
struct Document<'o, 'e> {
    objects: &'o mut Objects<'e>,
}

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("objects of a cluster")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut rest = Map::new();
        let mut waiting = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "items" {
                let items = Items {
                    objects: &mut *self.objects,
                    of: item_type(&rest),
                };
                waiting = Some(map.next_value_seed(items)?);
            } else {
                rest.insert(key, map.next_value()?);
            }
        }
        let value = Value::Object(rest);
        let Some(waiting) = waiting else {
            self.objects.add(value, None);
            return Ok(());
        };
        self.objects.count_pages(&value);
        let of = value.as_object().and_then(item_type);
        for item in waiting {
            self.objects.add(item, of.as_ref());
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            self.objects.add(item, None);
        }
        Ok(())
    }
}

/// Reads the items of a list as they arrive. Returns those that cannot be added before the type of the list is known.
struct Items<'o, 'e> {
    objects: &'o mut Objects<'e>,
    of: Option<(String, String)>,
}

impl<'de> DeserializeSeed<'de> for Items<'_, '_> {
    type Value = Vec<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Value>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_> {
    type Value = Vec<Value>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of objects")
    }

    fn visit_unit<E>(self) -> Result<Vec<Value>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<Value>, A::Error> {
        let mut waiting = Vec::new();
        while let Some(item) = items.next_element::<Value>()? {
            let says = item.get("kind").is_some() || item.get("items").is_some();
            match says || self.of.is_some() {
                true => self.objects.add(item, self.of.as_ref()),
                false => waiting.push(item),
            }
        }
        Ok(waiting)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Value>, A::Error> {
        // `items` of something that is not a list.
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.objects.unread.nameless += 1;
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: impl AsRef<[u8]>) -> (Vec<String>, Unread) {
        let mut kinds = Vec::new();
        let mut each = |value: Value| {
            let text = |pointer: &str| {
                value
                    .pointer(pointer)
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            };
            let name = text("/metadata/name").unwrap_or_default();
            kinds.push(format!("{}/{name}", text("/kind").unwrap()));
        };
        let unread = read(text.as_ref(), &mut each).unwrap_or_else(|error| panic!("{error}"));
        (kinds, unread)
    }

    #[test]
    fn all_shapes_of_dumps() {
        let pod = |name: &str| format!(r#"{{"kind": "Pod", "metadata": {{"name": "{name}"}}}}"#);
        let nameless = r#"{"metadata": {"name": "a"}}"#;
        for (text, expected) in [
            (pod("a"), &["Pod/a"][..]),
            (format!("{}\n{}", pod("a"), pod("b")), &["Pod/a", "Pod/b"]),
            (format!("[{}, {}]", pod("a"), pod("b")), &["Pod/a", "Pod/b"]),
            (
                format!(r#"{{"apiVersion": "v1", "items": [{}], "kind": "List"}}"#, pod("a")),
                &["Pod/a"],
            ),
            (
                format!(r#"{{"kind": "JobList", "apiVersion": "batch/v1", "items": [{nameless}]}}"#),
                &["Job/a"],
            ),
            (
                format!(r#"{{"items": [{nameless}], "kind": "JobList", "apiVersion": "batch/v1"}}"#),
                &["Job/a"],
            ),
            (
                format!(r#"[{{"kind": "List", "items": [{}]}}, {}]"#, pod("a"), pod("b")),
                &["Pod/a", "Pod/b"],
            ),
            (format!("\u{feff}  {}", pod("a")), &["Pod/a"]),
            (
                "kind: Pod\nmetadata: {name: a}\n---\nkind: List\nitems:\n- kind: Job\n  metadata: {name: b}\n".to_owned(),
                &["Pod/a", "Job/b"],
            ),
            (r#"{"kind": "PodList", "items": null}"#.to_owned(), &[]),
            (r#"{"kind": "PodList", "items": []}"#.to_owned(), &[]),
        ] {
            let (found, unread) = kinds(&text);
            assert_eq!(found, expected, "{text}");
            assert_eq!(unread, Unread::default(), "{text}");
            // Encoded like the output of PowerShell.
            if text.starts_with(['{', '[']) {
                let wide: Vec<u8> = "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
                assert_eq!(kinds(wide).0, expected, "{text}");
            }
        }
    }

    #[test]
    fn what_is_not_there_is_counted() {
        let page = r#"{"kind": "PodList", "metadata": {"continue": "abc"}, "items": []}"#;
        assert_eq!(kinds(page).1.pages, 1);
        assert_eq!(kinds(r#"[{"a": 1}, 2]"#).1.nameless, 2);
        assert_eq!(kinds(r#"{"items": [{}]}"#).1.nameless, 1);
        assert!(kinds("").1.empty && kinds(" \n").1.empty);
        assert!(!kinds(r#"{"kind": "List", "items": []}"#).1.empty);
    }

    #[test]
    fn what_is_no_dump_says_why() {
        let why = |text: &str| read(text.as_bytes(), &mut |_| {}).unwrap_err().to_string();
        assert!(why(r#"{"kind": "List", "items": [{"kind": "Pod"}"#).contains("ends too early"));
        assert!(why(r#"{"kind": "Pod"} x"#).contains("is not JSON"));
        assert!(why("No resources found").contains("does not hold objects"));
        let deep = "[".repeat(100_000);
        assert!(why(&deep).contains("is not JSON"));
        let large = format!("{{\"kind\": \"{}", "x".repeat(65 << 20));
        assert!(why(&large).contains("larger than 64 MiB"));
    }
}
