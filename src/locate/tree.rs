//! Sites in trees: a walk that knows under which keys it is, and what each document is for.

use std::path::Path;

use super::role::{self, Role};
use super::value::{BELOW_A_MATCH, PUSHED};
use super::{Site, Trust, View, comment, keys};
use crate::source::Span;
use crate::syntax::template::Action;
use crate::syntax::yaml::{Entry, List, Map, Node, Scalar};

pub(super) fn sites(view: &View<'_>) -> Vec<Site> {
    let mut walk = Walk::new(view.path, view.text, view.masked, view.actions);
    walk.hints = view.hints;
    let mut roles = Vec::new();
    for document in view.documents {
        walk.document(document);
        roles.push((document.span(), walk.role));
    }
    for span in view.comments {
        if !walk.may_be_in(*span) {
            continue;
        }
        let place = roles
            .iter()
            .rev()
            .find(|(extent, _)| extent.start <= span.start)
            .or(roles.first());
        let role = place.map_or(Role::Plain, |(_, role)| *role);
        walk.sites.extend(comment::site(view, *span, role));
    }
    walk.sites
}

/// Where the walk stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    /// The key above, folded; of list items that of the list. Empty at the root.
    pub(super) key: &'p str,
    /// The key above that one.
    pub(super) parent: &'p str,
    /// The map that holds the value.
    pub(super) siblings: Option<&'p Map<'p>>,
    pub(super) in_list: bool,
    /// Set below a key whose values are only spoken about.
    pub(super) mention: Option<&'static str>,
}

pub(super) const ROOT: Place<'static> = Place {
    key: "",
    parent: "",
    siblings: None,
    in_list: false,
    mention: None,
};

impl Place<'_> {
    /// Whether the value is all that the document is.
    pub(super) fn is_root(&self) -> bool {
        self.siblings.is_none() && !self.in_list && self.key.is_empty()
    }
}

pub(super) struct Walk<'w> {
    pub(super) path: &'w Path,
    pub(super) text: &'w str,
    pub(super) masked: &'w str,
    pub(super) actions: &'w [Action],
    pub(super) role: Role,
    pub(super) depth: usize,
    hints: Option<&'w [usize]>,
    pub(super) sites: Vec<Site>,
}

impl<'w> Walk<'w> {
    pub(super) fn new(
        path: &'w Path,
        text: &'w str,
        masked: &'w str,
        actions: &'w [Action],
    ) -> Self {
        Self {
            path,
            text,
            masked,
            actions,
            role: Role::Plain,
            depth: 0,
            hints: None,
            sites: Vec::new(),
        }
    }

    fn document(&mut self, root: &Node<'_>) {
        self.role = role::of_document(root, self.path);
        let mention = self.role.mention();
        self.node(root, Place { mention, ..ROOT });
    }

    pub(super) fn node(&mut self, node: &Node<'_>, place: Place<'_>) {
        if !self.may_be_in(node.span()) {
            return;
        }
        match node {
            Node::Scalar(scalar) => self.scalar(scalar, place),
            Node::Map(map) => self.map(map, place),
            Node::List(list) => self.list(list, place),
            Node::Alias(_) => {}
        }
    }

    /// Whether anything of interest may stand in the span.
    fn may_be_in(&self, span: Span) -> bool {
        self.hints.is_none_or(|hints| {
            let first = hints.partition_point(|hint| *hint < span.start);
            hints.get(first).is_some_and(|hint| *hint < span.end)
        })
    }

    fn list(&mut self, list: &List<'_>, place: Place<'_>) {
        let pushes = |node: &Node<'_>| {
            node.as_scalar()
                .is_some_and(|scalar| scalar.value == "push")
        };
        let mention = place
            .mention
            .or_else(|| list.items.iter().any(pushes).then_some(PUSHED));
        for item in &list.items {
            let place = Place {
                in_list: true,
                mention,
                ..place
            };
            self.node(item, place);
        }
    }

    fn map(&mut self, map: &Map<'_>, place: Place<'_>) {
        let scalar_here = |node: &Node<'_>| {
            node.as_scalar()
                .is_some_and(|scalar| self.may_be_in(scalar.span))
        };
        // Only where a scalar of the map itself is of interest may it be spread over several.
        if map.entries.iter().any(|entry| scalar_here(&entry.value)) {
            let fold = |entry: &Entry<'_>| keys::fold(entry.name().unwrap_or_default());
            let folded: Vec<String> = map.entries.iter().map(fold).collect();
            let split = self.splits(map, &folded, place);
            for (index, key) in folded.iter().enumerate() {
                if !split.contains(&index) {
                    self.entry(map, index, key, &folded, place);
                }
            }
        } else {
            for (index, entry) in map.entries.iter().enumerate() {
                if self.may_be_in(entry.value.span()) {
                    self.entry(
                        map,
                        index,
                        &keys::fold(entry.name().unwrap_or_default()),
                        &[],
                        place,
                    );
                }
            }
        }
    }

    fn entry(
        &mut self,
        map: &Map<'_>,
        index: usize,
        key: &str,
        folded: &[String],
        place: Place<'_>,
    ) {
        if keys::is_prose(key) {
            return;
        }
        let named = effective_key(map, key);
        let key = named.as_deref().unwrap_or(key);
        let parent = if named.is_some() {
            Self::parent_in_name(map)
        } else {
            None
        };
        let mirrored = key == "registry" && folded.iter().any(|key| keys::is_mirror_sibling(key));
        let inner = Place {
            key,
            parent: parent.as_deref().unwrap_or(place.key),
            siblings: Some(map),
            in_list: false,
            mention: place
                .mention
                .or((keys::is_mention(key) || mirrored).then_some(BELOW_A_MATCH)),
        };
        self.node(&map.entries[index].value, inner);
    }

    /// Of `name: image.registry` beside `value:` the part before the last.
    fn parent_in_name(map: &Map<'_>) -> Option<String> {
        let name = map.text("name")?;
        let (head, _) = name.rsplit_once('.')?;
        Some(keys::fold(head))
    }

    /// The span of a scalar whose text is its value, and that stands on one line.
    pub(super) fn verbatim(&self, scalar: &Scalar<'_>) -> Option<Span> {
        let one_line = !scalar.is_block() && !scalar.span.of(self.text).contains('\n');
        (one_line && scalar.is_verbatim(self.masked)).then_some(scalar.span)
    }

    /// How sure a site is in a document of this role.
    pub(super) fn pull(&self) -> Trust {
        match self.role {
            Role::Mention(reason) => Trust::Mention(reason),
            Role::Bound(reason) => Trust::Shown(reason),
            _ => Trust::Pull,
        }
    }
}

/// `value:` is what its sibling `name:` calls it: an environment variable, a parameter.
fn effective_key(map: &Map<'_>, key: &str) -> Option<String> {
    (key == "value")
        .then(|| map.text("name").or_else(|| map.text("key")).map(keys::fold))
        .flatten()
}
