//! One `images` entry: what it says, where its pieces are, and the edits that change it in the style of its file.
//!
//! Knows neither other files nor the reason for a change.

use super::image_name::{Override, Pattern};
use super::layout::{ALIASED, ALONE, ESCAPED, Layout, SPREAD};
use crate::edit::Edit;
use crate::source::Span;
use crate::syntax::yaml::{List, Node, Scalar};

/// A string and the span of its content, without quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) span: Span,
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) span: Span,
    pub(super) name: Piece,
    pub(super) new_name: Option<Piece>,
    pub(super) new_tag: Option<Piece>,
    pub(super) digest: Option<Piece>,
    tag_suffix: String,
    pub(super) pattern: Pattern,
    /// How it can be edited, or why it cannot.
    layout: Result<Layout, &'static str>,
}

/// A change of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// Whether the old name stays because something still has it.
    pub(super) keep: bool,
    /// A `newName` for what the kept entry selects.
    pub(super) added: Option<String>,
    /// Names that the override must also apply to. The first replaces the old name if that does not stay.
    pub(super) names: Vec<String>,
    /// Whether it follows images that have moved already.
    pub(super) follows: bool,
}

impl Default for Change {
    fn default() -> Self {
        Self {
            keep: true,
            added: None,
            names: Vec::new(),
            follows: false,
        }
    }
}

impl Entry {
    /// Reads an item of `images:`, or the `imageTag:` of a transformer. `None` if it has no name.
    pub(super) fn read(text: &str, node: &Node<'_>, list: Option<&List<'_>>) -> Option<Self> {
        let Some(map) = node.as_map() else {
            // The target of an alias is unknown here: it may select anything.
            return matches!(node, Node::Alias(_)).then(|| Self::unreadable(node));
        };
        let merges = map.entries.iter().any(|pair| pair.name() == Some("<<"));
        let piece = |key: &str| map.get(key)?.as_scalar().and_then(|one| piece(text, one));
        let name = match (piece("name"), merges) {
            (Some(name), false) => name,
            (None, false) => return None,
            (_, true) => return Some(Self::unreadable(node)),
        };
        let layout = match name.span.is_empty() {
            true => Err(ESCAPED),
            false => Layout::read(text, map, list),
        };
        Some(Self {
            span: map.span,
            pattern: Pattern::new(&name.text),
            name,
            new_name: piece("newName"),
            new_tag: piece("newTag"),
            digest: piece("digest"),
            tag_suffix: piece("tagSuffix").map_or(String::new(), |piece| piece.text),
            layout,
        })
    }

    fn unreadable(node: &Node<'_>) -> Self {
        let span = node.span();
        Self {
            span,
            name: Piece {
                text: String::new(),
                span: Span::new(span.start, span.start),
            },
            new_name: None,
            new_tag: None,
            digest: None,
            tag_suffix: String::new(),
            pattern: Pattern::Anything,
            layout: Err(ALIASED),
        }
    }

    /// Whether the name is meant literally. Dots do not count as wildcards, because every host has them.
    pub(super) fn is_literal(&self) -> bool {
        self.pattern.is_known() && !self.name.text.contains(METACHARACTERS)
    }

    /// Returns the override that it applies, with `new_name` instead of its own `newName` if given.
    pub(super) fn puts(&self, new_name: Option<&str>) -> Override {
        let text = |piece: &Option<Piece>| {
            piece
                .as_ref()
                .map_or(String::new(), |piece| piece.text.clone())
        };
        Override {
            name: new_name.map_or_else(|| text(&self.new_name), str::to_owned),
            tag: text(&self.new_tag),
            tag_suffix: self.tag_suffix.clone(),
            digest: text(&self.digest),
        }
    }

    /// Returns the span to report: that of the name if it has one, else that of the entry.
    pub(super) fn location(&self) -> Span {
        match self.name.span.is_empty() {
            true => self.span,
            false => self.name.span,
        }
    }

    /// Returns the literal beginning of a pattern up to its last slash. `None` if it has none.
    pub(super) fn folder(&self) -> Option<String> {
        let name = self.name.text.replace("\\.", ".");
        let plain = name.split(METACHARACTERS).next()?;
        let (folder, _) = plain.rsplit_once('/')?;
        self.pattern.has_head().then(|| folder.to_owned())
    }

    /// Replaces the head of the name, in which a pattern may have escaped dots. `None` if the name does not begin with `old`.
    pub(super) fn with_head(&self, old: &str, new: &str) -> Option<String> {
        let name = &self.name.text;
        let quoted = old.replace('.', "\\.");
        let (rest, new) = match (name.strip_prefix(old), name.strip_prefix(&quoted)) {
            (Some(rest), _) => (rest, new.to_owned()),
            (None, Some(rest)) => (rest, new.replace('.', "\\.")),
            (None, None) => return None,
        };
        rest.starts_with(['/', '\\', '(', '['])
            .then(|| format!("{new}{rest}"))
    }

    /// Returns the edits of a change. `new_name` is what the entry's own `newName` becomes, for copies of the entry.
    ///
    /// # Errors
    /// The reason if the entry cannot be edited that way.
    pub(super) fn edits(
        &self,
        text: &str,
        change: &Change,
        new_name: Option<&str>,
    ) -> Result<Vec<Edit>, &'static str> {
        if *change == Change::default() {
            return Ok(Vec::new());
        }
        let layout = self.layout.as_ref().map_err(|why| *why)?;
        let mut edits = Vec::new();
        let mut names = change.names.iter();
        if !change.keep
            && let Some(name) = names.next()
        {
            edits.push(Edit::new(self.name.span, name.clone()));
        }
        if let Some(added) = &change.added {
            if self.new_name.is_some() {
                return Err(SPREAD);
            }
            edits.push(layout.add_new_name(text, added));
        }
        let copies: String = names
            .map(|name| layout.copy(text, self.span.start, &self.renames(name, new_name)))
            .collect::<Option<_>>()
            .ok_or(ALONE)?;
        if !copies.is_empty() {
            let at = layout.end(text);
            match edits.iter_mut().find(|edit| edit.span == at) {
                Some(edit) => edit.text.push_str(&copies),
                None => edits.push(Edit::new(at, copies)),
            }
        }
        edits.sort();
        Ok(edits)
    }
}

impl Entry {
    /// Returns the edits that turn a copy of this entry into one for `name`.
    fn renames(&self, name: &str, new_name: Option<&str>) -> Vec<Edit> {
        let own = (&self.name, name);
        let new_name = self.new_name.as_ref().zip(new_name);
        let pieces = std::iter::once(own).chain(new_name);
        pieces
            .filter(|(piece, _)| !piece.span.is_empty())
            .map(|(piece, text)| Edit::new(piece.span, text))
            .collect()
    }
}

/// Characters that mark a name as a regular expression. Dots do not, because every host has them.
const METACHARACTERS: [char; 13] = [
    '*', '+', '?', '(', ')', '[', ']', '{', '}', '|', '\\', '^', '$',
];

fn piece(text: &str, scalar: &Scalar<'_>) -> Option<Piece> {
    let empty = scalar.value.is_empty() || scalar.is_null();
    (!empty).then(|| Piece {
        text: scalar.value.clone().into_owned(),
        span: if scalar.is_verbatim(text) {
            scalar.span
        } else {
            Span::new(scalar.span.start, scalar.span.start)
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::{Applicability, Fix, apply};
    use crate::syntax::yaml;

    fn edited(text: &str, change: &Change) -> Result<String, &'static str> {
        let parsed = yaml::parse(text, Span::new(0, text.len()));
        let list = parsed.documents[0].as_map().unwrap().get("images").unwrap();
        let list = list.as_list().unwrap();
        let entry = Entry::read(text, &list.items[0], Some(list)).unwrap();
        let fix = Fix::here(entry.edits(text, change, None)?, Applicability::Safe);
        let after = apply(text, [&fix], Applicability::Safe);
        let again = yaml::parse(&after, Span::new(0, after.len()));
        assert!(again.errors.is_empty(), "{after}");
        Ok(after)
    }

    #[track_caller]
    fn check(text: &str, keep: bool, added: Option<&str>, names: &[&str], expected: &str) {
        let change = Change {
            keep,
            added: added.map(str::to_owned),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            follows: false,
        };
        assert_eq!(edited(text, &change).as_deref(), Ok(expected));
    }

    #[test]
    fn a_name_is_replaced_in_its_quotes() {
        check(
            "images:\n-   name: 'a' # why\n    newTag: x\n",
            false,
            None,
            &["b"],
            "images:\n-   name: 'b' # why\n    newTag: x\n",
        );
    }

    #[test]
    fn a_new_name_stands_beside_the_name() {
        check(
            "images:\r\n- newTag: \"1\"\r\n  name: a # why\r\n",
            true,
            Some("b"),
            &[],
            "images:\r\n- newTag: \"1\"\r\n  name: a # why\r\n  newName: b\r\n",
        );
        check(
            "images: [{name: 'a', newTag: x}]\n",
            true,
            Some("b"),
            &[],
            "images: [{name: 'a', newName: 'b', newTag: x}]\n",
        );
        check(
            "images:\n- {name: a}",
            true,
            Some("b"),
            &[],
            "images:\n- {name: a, newName: b}",
        );
        check(
            "{\"images\":[{\"name\":\"a\",\"newTag\":\"x\"}]}",
            true,
            Some("b"),
            &[],
            "{\"images\":[{\"name\":\"a\",\"newName\":\"b\",\"newTag\":\"x\"}]}",
        );
        check(
            "{\n  \"images\": [\n    {\n      \"name\": \"a\",\n      \"newTag\": \"x\"\n    }\n  ]\n}\n",
            true,
            Some("b"),
            &[],
            "{\n  \"images\": [\n    {\n      \"name\": \"a\",\n      \"newName\": \"b\",\n      \"newTag\": \"x\"\n    }\n  ]\n}\n",
        );
    }

    #[test]
    fn a_new_name_takes_the_place_of_one_without_a_value() {
        for null in ["null", "Null", "NULL", "~", "\"\"", "''"] {
            check(
                &format!("images:\n- name: a\n  newName: {null} # why\n  newTag: x\n"),
                true,
                Some("b"),
                &[],
                "images:\n- name: a\n  newName: b # why\n  newTag: x\n",
            );
        }
        for text in [
            "images:\n- newName:\n  name: 'a'\n",
            "images:\n- newName :\n  name: 'a'\n",
            "images:\n- newName: ~\n  name: 'a'\n",
        ] {
            let expected = "images:\n- newName: 'b'\n  name: 'a'\n";
            check(text, true, Some("b"), &[], expected);
        }
        check(
            "images: [{name: a, newName: null, newTag: x}]\n",
            true,
            Some("b"),
            &[],
            "images: [{name: a, newName: b, newTag: x}]\n",
        );
    }

    #[test]
    fn a_second_entry_follows() {
        check(
            "images:\n-   digest: sha256:0\n    name: a # why\nresources: []\n",
            true,
            Some("b"),
            &["b"],
            "images:\n-   digest: sha256:0\n    name: a # why\n    newName: b\n-   digest: sha256:0\n    name: b\nresources: []\n",
        );
        check(
            "images: [{name: a, newTag: x}]\n",
            true,
            None,
            &["b"],
            "images: [{name: a, newTag: x}, {name: b, newTag: x}]\n",
        );
        check(
            "images:\n  - {name: a, newTag: x} # why\n",
            false,
            None,
            &["b", "c"],
            "images:\n  - {name: b, newTag: x} # why\n  - {name: c, newTag: x}\n",
        );
    }

    #[test]
    fn what_is_shared_is_not_edited() {
        let change = Change {
            keep: false,
            added: None,
            names: vec!["b".to_owned()],
            follows: false,
        };
        for text in [
            "x: &t 1\nimages:\n- name: a\n  newTag: *t\n",
            "images:\n- name: &n a\n  newTag: x\n",
            "images:\n- name: >-\n    a\n",
            "images:\n- name: a\n  newName: &n\n",
            "images: [{name: a, newName}]\n",
        ] {
            assert!(edited(text, &change).is_err(), "{text}");
        }
    }

    #[test]
    fn heads_of_patterns_are_replaced() {
        let head = |name: &str| {
            let text = format!("images:\n- name: '{name}'\n");
            let parsed = yaml::parse(&text, Span::new(0, text.len()));
            let list = parsed.documents[0].as_map().unwrap().get("images").unwrap();
            let list = list.as_list().unwrap();
            let entry = Entry::read(&text, &list.items[0], Some(list)).unwrap();
            entry.with_head("k8s.gcr.io", "registry.k8s.io")
        };
        assert_eq!(head("k8s.gcr.io/.*").as_deref(), Some("registry.k8s.io/.*"));
        assert_eq!(
            head(r"k8s\.gcr\.io/(a|b)").as_deref(),
            Some(r"registry\.k8s\.io/(a|b)")
        );
        assert_eq!(head(".*/pause"), None);
        assert_eq!(head("k8s.gcr.io.+"), None);
    }
}
