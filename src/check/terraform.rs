//! Image uses of a Terraform file: those of its syntax tree and, if asked for, those of its plain text.
//!
//! Edits stay inside of strings. An edit that would write a YAML key into HCL is removed.

use std::path::Path;

use super::Checked;
use crate::detect::{self, Certainty, ImageUse, Input, Usage, View};
use crate::file_type::{self, FileType, MaskedView, Masks, Parser};
use crate::source::Span;
use crate::syntax::hcl;

const IN_CODE: Certainty = Certainty::Likely("other code may use the same value");
const NO_KEYS: &str = "the fix needs another key, which has to be written in HCL by hand";

/// Finds the image uses of a Terraform file; if there are hints, only near them.
pub(super) fn uses(
    path: &Path,
    text: &str,
    file_type: &FileType,
    hints: Option<&[usize]>,
) -> (Vec<ImageUse>, Checked) {
    let scan = hcl::scan(text);
    let computed = hcl::computed(text, &scan);
    let here_documents = scan.here_documents;
    let masks = Masks::default();
    let reading = file_type::read(text, file_type.parser, hints, &masks);
    let mut checked = Checked::default();
    let mut found = Vec::new();
    for MaskedView { masked, parsed } in reading.layers {
        found.extend(detect::uses(&View {
            input: Input {
                path,
                text,
                masked,
                actions: &reading.actions,
                hints,
                depth: 0,
            },
            documents: &parsed.documents,
            shared: &parsed.shared,
            comments: &[],
            unparsed: &parsed.unparsed,
            has_literals: false,
        }));
        checked.comments.extend(parsed.comments);
    }
    let input = Input {
        hints,
        ..Input::of_text(path, text)
    };
    // The value of an expression says more than its pieces.
    found = united(detect::of_computed(&input, computed), found);
    for one in &mut found {
        without_keys(one, &here_documents);
        one.usage = one.usage.at_most(IN_CODE);
    }
    if file_type.parser == Parser::HclText {
        found = united(found, super::of_plain_text(path, text));
    }
    // Documents in here-documents have their own comments.
    for lines in here_documents {
        let inside = file_type::text_comments(lines.of(text)).into_iter();
        checked
            .comments
            .extend(inside.map(|comment| comment.shift(lines.start)));
    }
    checked.comments.sort();
    (detect::in_order(found), checked)
}

/// Removes keys that would be inserted outside of here-documents, because there they would have to be HCL.
fn without_keys(one: &mut ImageUse, here_documents: &[Span]) {
    let is_inside = |at: Span| {
        let before = here_documents.partition_point(|lines| lines.start <= at.start);
        before > 0 && here_documents[before - 1].covers(at)
    };
    let mut keys = one.new_name.iter().map(|key| key.span);
    // A companion without the new name only continues the text around it, so it may be in any string.
    let companions = one.companion.iter().filter(|companion| companion.has_name);
    let mut companions = companions.map(|companion| companion.insertion.span);
    if keys.any(|at| !is_inside(at)) || companions.any(|at| !is_inside(at)) {
        one.new_name = None;
        one.companion = None;
        one.usage = match one.usage {
            Usage::Selector { replaced, .. } => Usage::Selector {
                reason: NO_KEYS,
                replaced,
            },
            other => other.at_most(Certainty::MustAgree(NO_KEYS)),
        };
    }
    one.own_keys.retain(|key| is_inside(key.insertion.span));
}

/// Returns the uses of the tree, and those of the text that do not overlap them. If the usage of a value in the tree is
/// unknown, the use of the text replaces it.
fn united(mut of_tree: Vec<ImageUse>, of_text: Vec<ImageUse>) -> Vec<ImageUse> {
    let of_text = {
        let judged = of_tree
            .iter()
            .filter(|one| !matches!(one.usage, Usage::Unknown(_)));
        let taken = pieces(judged);
        let is_free = |one: &ImageUse| !overlaps(&taken, one.extent());
        of_text.into_iter().filter(is_free).collect::<Vec<_>>()
    };
    let read = pieces(of_text.iter());
    of_tree.retain(|one| !matches!(one.usage, Usage::Unknown(_)) || !overlaps(&read, one.extent()));
    of_tree.extend(of_text);
    of_tree
}

/// Returns the spans of all pieces in the file, sorted and with overlapping ones joined.
fn pieces<'u>(uses: impl Iterator<Item = &'u ImageUse>) -> Vec<Span> {
    let all = uses.flat_map(|one| one.pieces().map(|piece| one.in_file(piece)));
    let mut all: Vec<Span> = all.filter(|piece| !piece.is_empty()).collect();
    all.sort();
    let mut apart: Vec<Span> = Vec::with_capacity(all.len());
    for piece in all {
        match apart.last_mut().filter(|last| piece.start < last.end) {
            Some(last) => last.end = last.end.max(piece.end),
            None => apart.push(piece),
        }
    }
    apart
}

/// Whether a span overlaps one of `spans`, which are sorted and disjoint.
fn overlaps(spans: &[Span], other: Span) -> bool {
    let first = spans.partition_point(|span| span.end <= other.start);
    spans.get(first).is_some_and(|span| span.overlaps(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file_type::FILE_TYPES;

    /// Returns name, tag and usage of each image of a text.
    fn found(text: &str, with_all_text: bool) -> Vec<String> {
        let known = FILE_TYPES.iter().find(|known| known.parser == Parser::Hcl);
        let file_type = match (known, with_all_text) {
            (Some(known), true) => known.with_all_text(),
            (Some(known), false) => known,
            (None, _) => panic!("no type of file is read as HCL"),
        };
        let (uses, _) = uses(Path::new("main.tf"), text, file_type, None);
        let piece = |one: &ImageUse, span: Option<Span>| {
            span.map_or(String::new(), |span| span.of(one.text(text)).to_owned())
        };
        let shown = uses.iter().map(|one| {
            let tag = match one.tag {
                detect::Tag::At(span) => span.of(one.text(text)).to_owned(),
                other => format!("{other:?}"),
            };
            let (registry, name) = (piece(one, one.registry), piece(one, one.name));
            format!("{registry} {name} {tag} {}", one.usage.name())
        });
        shown.map(|one| one.trim_start().to_owned()).collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        for with_all_text in [false, true] {
            let mut found = found(text, with_all_text);
            // Names of settings look like hosts.
            found.retain(|one| !one.ends_with("unknown"));
            assert_eq!(found, expected, "{text}");
        }
    }

    fn set(name: &str, value: &str) -> String {
        format!("set {{\n name = \"{name}\"\n value = {value}\n}}\n")
    }

    #[test]
    fn what_belongs_together_is_joined() {
        let pairs = |tag: &str| {
            let registry = set("image.registry", "\"docker.io\"");
            let repository = set("image.repository", "\"bitnami/redis\"");
            let tag = set("image.tag", tag);
            format!(
                "resource \"helm_release\" \"r\" {{\n{registry}{repository}timeout = 1\n{tag}}}\n"
            )
        };
        check(&pairs("\"7.0.5\""), &["docker.io bitnami/redis 7.0.5 pull"]);
        check(
            &pairs("var.tag"),
            &["docker.io bitnami/redis Elsewhere pull"],
        );
        check(
            &pairs("\"${var.tag}\""),
            &["docker.io bitnami/redis Elsewhere pull"],
        );
        check(
            "a = yamlencode({ image = { registry = \"q.io\", repository = \"a/b\", tag = \"1\" } })",
            &["q.io a/b 1 pull"],
        );
        check(
            "a = <<-EOT\n  image:\n    registry: q.io\n    repository: a/b\n    tag: ${var.tag}\nEOT\n",
            &["q.io a/b Elsewhere pull"],
        );
    }

    #[test]
    fn the_names_of_resources_say_nothing() {
        check(
            "resource \"a\" \"example\" {\n image = \"q.io/a:1\"\n}",
            &["q.io/a 1 pull"],
        );
        check(
            "variable \"image\" {\n default = \"bitnami/redis:7\"\n}",
            &["bitnami/redis 7 pull"],
        );
        check(
            "resource \"a\" \"redis_image\" {\n name = \"bitnami/redis\"\n version = \"1\"\n}",
            &[],
        );
    }

    #[test]
    fn the_text_adds_what_is_in_no_value() {
        let text = "a = replace(b, \"k8s.gcr.io/c:1\", \"d\")\n# docker pull k8s.gcr.io/e:1\ndescription = \"see k8s.gcr.io/f:1\"\n";
        assert_eq!(
            found(text, false),
            ["k8s.gcr.io/c 1 compared", "k8s.gcr.io/f 1 unknown"]
        );
        assert_eq!(
            found(text, true),
            [
                "k8s.gcr.io/c 1 compared",
                "k8s.gcr.io/e 1 mention",
                "k8s.gcr.io/f 1 pull"
            ]
        );
    }

    #[test]
    fn no_pull_is_sure() {
        let known = FILE_TYPES.iter().find(|known| known.parser == Parser::Hcl);
        let text = "image = \"k8s.gcr.io/a:1\"";
        let (uses, _) = uses(Path::new("a.tf"), text, known.unwrap(), None);
        assert_eq!(uses[0].usage, Usage::Pull(IN_CODE));
    }

    #[test]
    fn keys_are_written_in_documents_only() {
        let known = FILE_TYPES.iter().find(|known| known.parser == Parser::Hcl);
        let keys = |text: &str| {
            let (uses, _) = uses(Path::new("a.tf"), text, known.unwrap(), None);
            let is_selector = |one: &&ImageUse| matches!(one.usage, Usage::Selector { .. });
            let one = uses.iter().find(is_selector).unwrap();
            (one.new_name.is_some(), one.usage.reason() == Some(NO_KEYS))
        };
        let manifest = "a = { apiVersion = \"kustomize.toolkit.fluxcd.io/v1\", kind = \"Kustomization\", \
                        spec = { images = [{ \"name\": \"k8s.gcr.io/a\", \"newTag\": \"1\" }] } }";
        assert_eq!(keys(manifest), (false, true));
        let text = "a = <<EOT\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  images:\n  - name: k8s.gcr.io/a\n    newTag: v1\nEOT\n";
        assert_eq!(keys(text), (true, false));
    }

    #[test]
    fn comments_are_in_here_documents_too() {
        let known = FILE_TYPES.iter().find(|known| known.parser == Parser::Hcl);
        let text = "a = \"# b\" # c\nd = <<E\n  e: f # g\nE\n/* h */\n";
        let (_, checked) = uses(Path::new("a.tf"), text, known.unwrap(), None);
        let comments = checked.comments.iter().map(|span| span.of(text));
        assert_eq!(comments.collect::<Vec<_>>(), ["# c", "# g", "/* h */"]);
    }
}
