//! How an image is used where it is named, with the reason for people.

/// How an image is used where it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Usage {
    /// It is only spoken about: policies, mirror tables, prose.
    Mention(&'static str),
    Pull(Certainty),
}

/// How sure it is that changing a pull where it is written does what is wanted; the least sure first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// It must agree with something that is not here. Changing it alone would be wrong.
    MustAgree(&'static str),
    /// Probably: the change needs review.
    Likely(&'static str),
    Certain,
}

impl Usage {
    pub const PULL: Self = Self::Pull(Certainty::Certain);

    pub fn likely(reason: &'static str) -> Self {
        Self::Pull(Certainty::Likely(reason))
    }

    /// The same, but a pull is no surer than the limit.
    #[must_use]
    pub fn at_most(self, limit: Certainty) -> Self {
        match self {
            Self::Pull(certainty) => Self::Pull(certainty.min(limit)),
            other => other,
        }
    }

    pub fn is_pull(self) -> bool {
        matches!(self, Self::Pull(_))
    }
}
