//! An image that a chart renders, made of pieces: how the rules judge the whole, and how edits of the pieces change
//! it.
//!
//! Knows no chart, and no tree of files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::artifact::Artifact;
use crate::check;
use crate::detect::{ImageUse, Tag, Usage};
use crate::edit::{self, Applicability, Edit, Fix};
use crate::finding::Finding;
use crate::image::ImageRef;
use crate::rules::RuleSet;
use crate::source::Span;

/// An image that results from values and templates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Image {
    pub parts: Vec<Part>,
    /// The object that pulls it, for people: `Deployment web (templates/web.yaml)`.
    pub reader: String,
    /// Whether the values lead to it. Other images come from branches that are switched off.
    pub is_default: bool,
}

/// A piece of an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub text: String,
    /// Where it is written, verbatim or not.
    pub at: Option<Written>,
    /// Whether the value is not set, so that each user may get another text.
    pub is_unknown: bool,
}

/// A piece of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Written {
    pub path: Arc<Path>,
    pub span: Span,
    /// Whether the bytes of the part are those of the span.
    pub verbatim: bool,
    /// Whether it is in a values file; otherwise it is in a template.
    pub is_value: bool,
}

/// An image that a rule applies to.
#[derive(Debug, Clone)]
pub(super) struct Legacy {
    /// Its spans refer to the image's text.
    pub finding: Finding,
    /// What the image should become.
    pub wanted: String,
    /// The edits of the pieces that lead to `wanted`. `None` if the pieces cannot be edited to the new name.
    pub edits: Option<Vec<(PathBuf, Edit)>>,
}

/// An image, and its verdict.
pub(super) type Judged<'i> = (&'i Image, Option<Legacy>);

impl Image {
    pub(super) fn text(&self) -> String {
        self.parts.iter().map(|part| part.text.as_str()).collect()
    }

    /// Whether every part of it is known.
    pub(super) fn is_known(&self) -> bool {
        !self.parts.iter().any(|part| part.is_unknown)
    }

    /// Whether the registry comes from a value or template that is not here.
    pub(super) fn starts_unknown(&self) -> bool {
        self.parts.first().is_some_and(|part| part.is_unknown)
    }

    /// Whether it is a valid reference. Branches that are never taken may produce `registry.example.com/`, for
    /// example.
    pub(super) fn is_reference(&self) -> bool {
        ImageRef::parse(&self.text()).is_some()
    }

    /// Returns the part that contains the end of the name.
    pub(super) fn name(&self) -> Option<&Part> {
        let text = self.text();
        let end = ImageRef::parse(&text)?.name_span().end;
        let holds = |(span, _): &(Span, &Part)| span.start < end && end <= span.end;
        self.spans().find(holds).map(|(_, part)| part)
    }

    /// Whether a part overlaps a span of a file.
    pub(super) fn touches(&self, path: &Path, span: Span) -> bool {
        let mut written = self.parts.iter().filter_map(|part| part.at.as_ref());
        written.any(|at| &*at.path == path && at.span.overlaps(span))
    }

    /// Applies the rules to the whole image.
    pub(super) fn judge(&self, rules: &RuleSet) -> Option<Legacy> {
        let text = self.text();
        let whole = self.as_use(&text)?;
        let first = check::at(&whole, &text, rules)?;
        let wanted = |finding: &Finding| match &finding.fix {
            Some(fix) => {
                let fix = Fix::here(fix.edits.clone(), Applicability::Safe);
                edit::apply(&text, [&fix], Applicability::Safe)
            }
            None => text.clone(),
        };
        // The name may be split wherever a piece ends: the first split is used in which every edit is within one
        // piece.
        let cuts = self.cuts(&text, &whole).into_iter();
        let divided = cuts.map(|(registry, name)| ImageUse {
            registry: Some(registry),
            name: Some(name),
            ..whole.clone()
        });
        for one in std::iter::once(whole.clone()).chain(divided) {
            let Some(finding) = check::at(&one, &text, rules) else {
                continue;
            };
            let fix = finding.fix.as_ref();
            if let Some(edits) = fix.and_then(|fix| self.edits_of_parts(&fix.edits)) {
                return Some(Legacy {
                    wanted: wanted(&finding),
                    edits: Some(edits),
                    finding,
                });
            }
        }
        Some(Legacy {
            wanted: wanted(&first),
            edits: None,
            finding: first,
        })
    }

    fn as_use(&self, text: &str) -> Option<ImageUse> {
        // Text that is not a valid tag, such as another program's placeholder, counts as an unknown tag.
        let Some(read) = ImageRef::parse(text) else {
            let end = text.rfind('/').map_or(0, |slash| slash + 1);
            let end = end + text[end..].find([':', '@'])?;
            let name = ImageRef::parse(&text[..end])?.name_span();
            return Some(ImageUse {
                name: Some(name),
                ..ImageUse::new(Artifact::Image, Usage::PULL, "image")
            });
        };
        let name = read.name_span();
        let tag_at = |tag: &str| Span::new(name.end + 1, name.end + 1 + tag.len());
        let holes: Vec<Span> = self
            .spans()
            .filter(|(_, part)| part.is_unknown)
            .map(|(span, _)| span)
            .collect();
        let tag = match read.tag.map(tag_at) {
            Some(tag) if holes.iter().any(|hole| hole.overlaps(tag)) => Tag::Elsewhere,
            Some(tag) => Tag::At(tag),
            None => Tag::None,
        };
        Some(ImageUse {
            name: Some(name),
            tag,
            digest: read
                .digest
                .map(|digest| Span::new(text.len() - digest.len(), text.len())),
            holes,
            ..ImageUse::new(Artifact::Image, Usage::PULL, "image")
        })
    }

    /// Returns the parts with their spans in the text.
    pub(super) fn spans(&self) -> impl Iterator<Item = (Span, &Part)> {
        let mut end = 0;
        self.parts.iter().map(move |part| {
            let start = end;
            end += part.text.len();
            (Span::new(start, end), part)
        })
    }

    /// Returns the ways to split the name into a registry and the rest.
    fn cuts(&self, text: &str, whole: &ImageUse) -> Vec<(Span, Span)> {
        let Some(name) = whole.name else {
            return Vec::new();
        };
        let ends = self.spans().map(|(span, _)| span.end);
        let cut = |end: usize| {
            let head = text.get(name.start..end)?;
            let tail = text.get(end..name.end)?;
            let parted = head.ends_with('/') || tail.starts_with('/');
            let head_end = name.start + head.trim_end_matches('/').len();
            let tail_start = name.end - tail.trim_start_matches('/').len();
            let filled = head_end > name.start && tail_start < name.end;
            (parted && filled).then(|| {
                (
                    Span::new(name.start, head_end),
                    Span::new(tail_start, name.end),
                )
            })
        };
        let mut cuts: Vec<_> = ends.filter(|end| *end < name.end).filter_map(cut).collect();
        cuts.dedup();
        cuts
    }

    /// Converts edits of the text to edits of the files that the parts are written in.
    fn edits_of_parts(&self, edits: &[Edit]) -> Option<Vec<(PathBuf, Edit)>> {
        edits.iter().map(|one| self.edit_of_part(one)).collect()
    }

    fn edit_of_part(&self, one: &Edit) -> Option<(PathBuf, Edit)> {
        let holders = self.spans().filter(|(span, _)| span.covers(one.span));
        // An insertion between two parts goes into the value.
        let is_value = |part: &Part| part.at.as_ref().is_some_and(|at| at.is_value);
        let (span, part) = holders.max_by_key(|(_, part)| is_value(part))?;
        let at = part.at.as_ref().filter(|at| at.verbatim)?;
        let start = at.span.start + (one.span.start - span.start);
        let edit = Edit::new(Span::new(start, start + one.span.len()), one.text.clone());
        Some((at.path.to_path_buf(), edit))
    }

    /// Returns the image after edits of files; `None` if that cannot be known.
    pub(super) fn after(&self, edits: &[(&Path, &Edit)]) -> Option<String> {
        self.parts.iter().map(|part| part.after(edits)).collect()
    }
}

impl Part {
    /// Returns the piece after edits of files; `None` if that cannot be known.
    pub(super) fn after(&self, edits: &[(&Path, &Edit)]) -> Option<String> {
        let Some(at) = &self.at else {
            return Some(self.text.clone());
        };
        let here = edits.iter().filter(|(path, _)| *path == &*at.path);
        let mut own: Vec<&Edit> = here
            .map(|(_, edit)| *edit)
            .filter(|edit| reaches(edit.span, at.span))
            .collect();
        own.sort();
        own.dedup();
        if own.is_empty() {
            return Some(self.text.clone());
        }
        if !at.verbatim || !own.iter().all(|edit| at.span.covers(edit.span)) {
            return None;
        }
        let shifted = own.into_iter().map(|edit| {
            Edit::new(
                Span::new(
                    edit.span.start - at.span.start,
                    edit.span.end - at.span.start,
                ),
                edit.text.clone(),
            )
        });
        let fix = Fix::here(shifted.collect(), Applicability::Safe);
        Some(edit::apply(&self.text, [&fix], Applicability::Safe))
    }
}

/// Whether an edit changes what is written at a span. Insertions at its edges count.
fn reaches(edit: Span, at: Span) -> bool {
    match edit.is_empty() {
        true => at.start <= edit.start && edit.end <= at.end,
        false => edit.overlaps(at),
    }
}
