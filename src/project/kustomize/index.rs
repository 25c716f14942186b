//! An index of entries: finds those that may select a text without trying each of them.
//!
//! It is a trie over the letters of all names. Beyond plain letters, the pattern itself decides.

use std::collections::HashMap;

use super::image_name::{Letter, Pattern, is_suffix};

#[derive(Debug)]
pub(super) struct Index {
    /// The first one is the root.
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    next: HashMap<Letter, usize>,
    /// The entries whose plain names end here, in order.
    names: Vec<usize>,
    /// The entries whose heads end here, in order.
    heads: Vec<usize>,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }
}

impl Index {
    /// Adds a pattern of an entry.
    pub(super) fn add(&mut self, entry: usize, pattern: &Pattern) {
        let letters: &[Letter] = match pattern {
            Pattern::Plain(letters) | Pattern::Regex { head: letters, .. } => letters,
            Pattern::Anything => &[],
        };
        let mut at = 0;
        for letter in letters {
            let new = self.nodes.len();
            at = *self.nodes[at].next.entry(*letter).or_insert(new);
            if at == new {
                self.nodes.push(Node::default());
            }
        }
        let node = &mut self.nodes[at];
        let entries = match pattern {
            Pattern::Plain(_) => &mut node.names,
            Pattern::Regex { .. } | Pattern::Anything => &mut node.heads,
        };
        // Most come in order.
        let behind = entries.partition_point(|known| *known <= entry);
        entries.insert(behind, entry);
    }

    /// Returns the first entry from the number `from` onwards that may select a text.
    pub(super) fn next(&self, text: &str, from: usize) -> Option<usize> {
        let first = |entries: &[usize]| {
            let at = entries.partition_point(|entry| *entry < from);
            entries.get(at).copied()
        };
        let mut found: Option<usize> = None;
        let mut open = vec![(0, text)];
        while let Some((at, rest)) = open.pop() {
            let node = &self.nodes[at];
            let head = first(&node.heads);
            let name = first(&node.names).filter(|_| is_suffix(rest));
            let here = head.into_iter().chain(name);
            found = found.into_iter().chain(here).min();
            let mut letters = rest.chars();
            if let Some(letter) = letters.next() {
                let is = node.next.get(&Letter::Is(letter));
                let any = node.next.get(&Letter::Any).filter(|_| letter != '\n');
                let next = is.into_iter().chain(any);
                open.extend(next.map(|next| (*next, letters.as_str())));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_entry_that_selects_a_text_is_missed() {
        let names = [
            "a", "a.c", r"a\.c", "abc", "a.c/d", "a(b|x)c", "ab*", "x|abc", "(", "a", ".*/d",
            "abc:1",
        ];
        let patterns = names.map(Pattern::new);
        let mut index = Index::default();
        for (entry, pattern) in patterns.iter().enumerate() {
            index.add(entry, pattern);
        }
        for text in [
            "", "a", "a:1", "abc", "a.c:1", "axc@s:0", "a-c/d", "abc:1", "xabc", "b", "a/d", "a\nc",
        ] {
            let mut from = 0;
            let mut found = Vec::new();
            while let Some(entry) = index.next(text, from) {
                found.push(entry);
                from = entry + 1;
            }
            for (entry, pattern) in patterns.iter().enumerate() {
                let is_found = found.contains(&entry);
                assert!(
                    is_found || !pattern.selects(text),
                    "{} {text:?}",
                    names[entry]
                );
                let is_plain = matches!(pattern, Pattern::Plain(_));
                assert!(!is_found || !is_plain || pattern.selects(text), "{text:?}");
            }
        }
    }
}
