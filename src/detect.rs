//! Detection of image uses: where a text names an image, a chart or a URL, and how it is used there.
//!
//! Functions over a context (`context`), which is passed down by value. Has no notion of rules or edits. Usages are decided
//! here and nowhere else.

mod aliases;
mod branches;
mod calls;
mod comment;
mod computed;
mod consent;
mod constraints;
mod context;
mod copies;
mod defaults;
mod document;
mod document_type;
mod embedded;
mod entries;
mod flag;
mod form;
mod image_use;
mod input;
mod jinja;
mod key_words;
mod literal;
mod live;
mod loaded;
mod mirrored;
mod options;
mod overridden;
mod parameters;
mod parts;
mod reference;
mod reports;
mod same_text;
mod scalar;
mod schema;
mod selecting;
mod shell;
mod siblings;
mod spread;
mod tables;
mod text;
mod usage;
mod variables;
mod walk;
mod words;
mod ytt;

pub use computed::of_computed;
pub use consent::{CONSENT_KEY, CONSENT_TABLES, LIFTED, NOT_LIFTED_IN_RELEASE};
pub use image_use::{Companion, DigestSlot, ImageUse, Object, OwnKey, Tag, in_order};
pub use input::Input;
pub use live::once_each;
pub use mirrored::GLOBAL_REGISTRIES;
pub use reports::REPORT_GROUPS;
pub use text::Prose;
pub use usage::{Certainty, Usage};
pub use words::{REPLACED, is_key_of_account};
pub use ytt::{MATCHER, strings_of_matcher};

use crate::source::Span;
use crate::syntax::yaml::Node;

/// A parsed text.
#[derive(Debug)]
pub struct View<'v> {
    pub input: Input<'v>,
    pub documents: &'v [Node<'v>],
    /// Aliases of collections: the span of the alias, and of the collection.
    pub shared: &'v [(Span, Span)],
    pub comments: &'v [Span],
    /// Regions that the parser could not read.
    pub unparsed: &'v [Span],
    /// Whether the actions belong to a template language whose string literals may name images.
    pub has_literals: bool,
}

/// Returns the image uses of plain text.
pub fn scan_text(input: &Input<'_>, region: Span, prose: Prose) -> Vec<ImageUse> {
    let mut found = text::scan(input, region, prose);
    options::of_text(input, region, (None, true), &mut found, 0);
    calls::of_text(input, region, &mut found);
    if document::are_sealed_settings(input.text) {
        for one in &mut found {
            one.usage = one.usage.below(Some(document::SEALED));
        }
    }
    variables::mark_registries(input.text, &mut found);
    variables::mark(input.text, &mut found);
    found
}

/// Returns all image uses of a text, in order and without duplicates.
pub fn uses(view: &View<'_>) -> Vec<ImageUse> {
    let mut found = walk::uses(&view.input, view.documents, view.shared, view.comments);
    if view.has_literals {
        found.extend(literal::uses(&view.input));
    }
    if view.input.actions.is_empty() {
        let made = jinja::uses(&view.input, &found);
        found.extend(made);
    }
    for region in view.unparsed {
        found.extend(text::scan_lines(&view.input, *region));
    }
    let mut found = in_order(found);
    variables::mark_registries(view.input.text, &mut found);
    variables::mark(view.input.text, &mut found);
    copies::mark(view.input.text, &mut found);
    loaded::mark(view.input.text, &mut found);
    same_text::mark(view.input.text, &mut found);
    ytt::mark(view.input.text, &mut found);
    found
}
