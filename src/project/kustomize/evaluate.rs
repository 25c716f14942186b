//! Evaluates the rules for a reference by itself, whatever file it is in.

use super::entry::Entry;
use super::image_name::{Pattern, SplitName, heads};
use crate::artifact::Artifact;
use crate::check;
use crate::detect::{ImageUse, Tag, Usage};
use crate::finding::Finding;
use crate::rules::RuleSet;
use crate::source::Span;

fn site(name: Span, tag: Tag, digest: Option<Span>) -> ImageUse {
    ImageUse {
        name: Some(name),
        tag,
        digest,
        ..ImageUse::new(Artifact::Image, Usage::PULL, "images")
    }
}

/// Judges a whole reference. The spans of the finding are offsets into `reference`.
pub(super) fn of_reference(reference: &str, rules: &RuleSet) -> Option<Finding> {
    let SplitName { name, tag, digest } = SplitName::of(reference);
    let name_at = Span::new(0, name.len());
    let tag_at = match tag {
        "" => Tag::None,
        tag => Tag::At(Span::new(name.len() + 1, name.len() + 1 + tag.len())),
    };
    let digest_at = Span::new(reference.len() - digest.len(), reference.len());
    let digest_at = (!digest.is_empty()).then_some(digest_at);
    check::at(&site(name_at, tag_at, digest_at), reference, rules)
}

/// Judges a name whose tag is not known.
pub(super) fn of_name(name: &str, rules: &RuleSet) -> Option<Finding> {
    let site = site(Span::new(0, name.len()), Tag::Elsewhere, None);
    check::at(&site, name, rules)
}

/// Judges an entry by itself: its name with its tag or digest. `None` for a pattern.
pub(super) fn of_entry(entry: &Entry, text: &str, rules: &RuleSet) -> Option<Finding> {
    let name = entry.name.span;
    if !entry.is_literal() || name.is_empty() {
        return None;
    }
    let of_piece = |piece: &Option<super::entry::Piece>| {
        let piece = piece.as_ref()?;
        (!piece.span.is_empty()).then_some(piece.span)
    };
    let tag = of_piece(&entry.new_tag).map_or(Tag::Elsewhere, Tag::At);
    check::at(&site(name, tag, of_piece(&entry.digest)), text, rules)
}

/// The name without tag and digest that a finding moves to.
pub(super) fn new_name(finding: &Finding) -> Option<&str> {
    finding.new.as_deref().map(|new| SplitName::of(new).name)
}

/// The name of an entry after the rules are applied.
#[derive(Debug, Clone)]
pub(super) struct Moved {
    pub(super) name: String,
    pub(super) pattern: Pattern,
    /// The heads of the name before and after.
    heads: (String, String),
}

impl Moved {
    /// Returns what a name was before the move. `None` if it does not begin with the new head.
    pub(super) fn before(&self, name: &str) -> Option<String> {
        let (old, new) = &self.heads;
        let rest = name.strip_prefix(new.as_str())?;
        let whole = rest.is_empty() || rest.starts_with('/');
        whole.then(|| format!("{old}{rest}"))
    }
}

/// An image that no rule knows by its name.
const ANY_IMAGE: &str = "any-image";

/// Returns the new name of an entry. The head of a pattern must move whatever the image is.
pub(super) fn moved(entry: &Entry, rules: &RuleSet) -> Option<Moved> {
    let old = match (entry.is_literal(), entry.folder()) {
        (true, _) => entry.name.text.clone(),
        (false, folder) => format!("{}/{ANY_IMAGE}", folder?),
    };
    let found = of_name(&old, rules)?;
    let new = new_name(&found)?;
    let (old_head, new_head) = heads(&old, new)?;
    let name = match entry.is_literal() {
        true => new.to_owned(),
        false => entry.with_head(old_head, new_head)?,
    };
    Some(Moved {
        pattern: Pattern::new(&name),
        name,
        heads: (old_head.to_owned(), new_head.to_owned()),
    })
}
