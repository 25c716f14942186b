//! The columns of the table.

use crate::detect::context::Context;
use crate::detect::document::{Document, is_group};
use crate::detect::document_type::DocumentType;
use crate::detect::form::Form;
use crate::detect::usage::Usage;

/// What a schema says of the values at a path.
#[derive(Debug)]
pub(in crate::detect) struct Row {
    pub(super) of: Of,
    /// From the root on.
    pub(super) steps: Vec<&'static str>,
    pub(super) says: Says,
    pub(in crate::detect) form: Form,
}

/// Which documents a row is of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    Any,
    /// Any Kubernetes object.
    Objects,
    Type(DocumentType),
    /// Kubernetes objects of a group or one below it; of any kind where that is empty.
    Object(&'static str, &'static str),
    Kind(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Says {
    Is(Usage),
    By(fn(&Context<'_>) -> Usage),
    /// Of what is put into other objects, whatever is said above it: a policy names images, but those are pulled.
    PutIn(fn(&Context<'_>) -> Usage),
}

impl Row {
    /// How the value is used.
    pub(in crate::detect) fn usage(&self, context: &Context<'_>) -> Usage {
        match self.says {
            Says::Is(usage) => usage,
            Says::By(usage) | Says::PutIn(usage) => usage(context),
        }
    }

    /// The same below something that is used in another way.
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
