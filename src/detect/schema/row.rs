//! The columns of the schema table.

use crate::detect::context::Context;
use crate::detect::document::{Document, is_group};
use crate::detect::document_type::DocumentType;
use crate::detect::form::Form;
use crate::detect::usage::Usage;

/// The usage and form of the values at a path.
#[derive(Debug)]
pub(in crate::detect) struct Row {
    pub(super) of: Of,
    /// The path from the root.
    pub(super) steps: Vec<&'static str>,
    pub(super) says: Says,
    pub(in crate::detect) form: Form,
}

/// The documents that a row applies to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    Any,
    /// Any Kubernetes object.
    Objects,
    Type(DocumentType),
    /// Kubernetes objects of an API group, or of one below it. An empty kind means any.
    Object(&'static str, &'static str),
    Kind(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Says {
    Is(Usage),
    By(fn(&Context<'_>) -> Usage),
    /// Like `By`, but overrides the usage from above: what a policy puts into objects is pulled, not only mentioned.
    PutIn(fn(&Context<'_>) -> Usage),
}

impl Row {
    /// Returns the usage of the value.
    pub(in crate::detect) fn usage(&self, context: &Context<'_>) -> Usage {
        match self.says {
            Says::Is(usage) => usage,
            Says::By(usage) | Says::PutIn(usage) => usage(context),
        }
    }

    /// Returns the usage of the value, combined with that of something above.
    pub(in crate::detect) fn usage_below(
        &self,
        context: &Context<'_>,
        above: Option<Usage>,
    ) -> Usage {
        let usage = self.usage(context);
        match self.says {
            Says::PutIn(_) => usage,
            Says::Is(_) | Says::By(_) => usage.below(above),
        }
    }

    pub(super) fn is_of(&self, document: &Document<'_>) -> bool {
        let object = document.object;
        match self.of {
            Of::Any => true,
            Of::Objects => object.is_some(),
            Of::Type(kind) => kind == document.kind,
            Of::Object(wanted, kind) => object.is_some_and(|(group, own)| {
                is_group(group, wanted) && (kind.is_empty() || kind == own)
            }),
            Of::Kind(kind) => object.is_some_and(|(_, own)| own == kind),
        }
    }
}
