//! The images in rendered manifests, and the pieces that make them.

use super::text::Source;
use super::{Manifest, Rendered};
use crate::source::Span;
use crate::syntax::yaml::{self, Map, Node, Scalar};

/// An image field of a rendered object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedImage {
    pub text: String,
    /// The index of the manifest in [`Rendered::manifests`].
    pub manifest: usize,
    /// The span of the scalar's content in that manifest.
    pub span: Span,
    pub object: Object,
    /// The keys that lead to the field, and the indexes of list items.
    pub path: Vec<String>,
    /// The name of the container, if it is a container's image.
    pub container: Option<String>,
    /// The pieces of the manifest's text in the span, with their sources.
    pub pieces: Vec<(Span, Source)>,
}

/// A Kubernetes object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object {
    pub kind: String,
    pub namespace: Option<String>,
    pub name: String,
}

/// Returns the images of all manifests: every field named `image` or `...Image`, and the references of image volumes.
pub fn images(rendered: &Rendered) -> Vec<RenderedImage> {
    let mut found = Vec::new();
    for (number, manifest) in rendered.manifests.iter().enumerate() {
        // A manifest that is not UTF-8 has no images.
        let Ok(text) = std::str::from_utf8(&manifest.text.bytes) else {
            continue;
        };
        let has_image = memchr::memmem::find(text.as_bytes(), b"mage").is_some();
        if !has_image {
            continue;
        }
        for document in yaml::documents(text) {
            let parsed = yaml::parse(text, document);
            for root in &parsed.documents {
                let mut reader = Reader {
                    number,
                    manifest,
                    found: &mut found,
                    path: Vec::new(),
                };
                reader.node(root, &Object::default());
            }
        }
    }
    found
}

struct Reader<'r> {
    number: usize,
    manifest: &'r Manifest,
    found: &'r mut Vec<RenderedImage>,
    path: Vec<String>,
}

impl Reader<'_> {
    fn node(&mut self, node: &Node<'_>, object: &Object) {
        match node {
            Node::Map(map) => self.map(map, object),
            Node::List(list) => {
                for (index, item) in list.items.iter().enumerate() {
                    self.path.push(index.to_string());
                    self.node(item, object);
                    self.path.pop();
                }
            }
            Node::Scalar(_) | Node::Alias(_) => {}
        }
    }

    fn map(&mut self, map: &Map<'_>, outer: &Object) {
        let own = object_of(map);
        let object = own.as_ref().unwrap_or(outer);
        for entry in &map.entries {
            let Some(key) = entry.name() else {
                continue;
            };
            self.path.push(key.to_owned());
            match &entry.value {
                Node::Scalar(scalar) if is_image_key(key) => {
                    self.image(scalar, map, object);
                }
                // Image volumes.
                Node::Map(inner) if key == "image" => {
                    if let Some(Node::Scalar(scalar)) = inner.get("reference") {
                        self.image(scalar, map, object);
                    }
                    self.map(inner, object);
                }
                value => self.node(value, object),
            }
            self.path.pop();
        }
    }

    fn image(&mut self, scalar: &Scalar<'_>, map: &Map<'_>, object: &Object) {
        if scalar.value.is_empty() {
            return;
        }
        let span = scalar.span;
        let pieces = self.manifest.text.pieces_in(span.start, span.end);
        let pieces = pieces.map(|(from, to, source)| (Span::new(from, to), source));
        let in_container = self.path.iter().any(|key| key.ends_with("ontainers"));
        self.found.push(RenderedImage {
            text: scalar.value.trim().to_owned(),
            manifest: self.number,
            span,
            object: object.clone(),
            path: self.path.clone(),
            container: map.text("name").filter(|_| in_container).map(str::to_owned),
            pieces: pieces.collect(),
        });
    }
}

fn is_image_key(key: &str) -> bool {
    key == "image" || key.ends_with("Image")
}

/// Returns the object that starts with this map, if there is one.
fn object_of(map: &Map<'_>) -> Option<Object> {
    let kind = map.text("kind")?;
    map.text("apiVersion")?;
    let metadata = map.map("metadata");
    let text = |key: &str| metadata.and_then(|map| map.text(key)).map(str::to_owned);
    Some(Object {
        kind: kind.to_owned(),
        namespace: text("namespace"),
        name: text("name").unwrap_or_default(),
    })
}
