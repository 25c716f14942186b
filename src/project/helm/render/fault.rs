//! The reason why an evaluation ended.

/// An error inside of an evaluation, without a location yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub message: String,
    /// Whether the rendering ends even where errors are ignored, because a limit was exceeded.
    pub is_limit: bool,
}

pub(super) type Result<T> = std::result::Result<T, Fault>;

impl Fault {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            is_limit: false,
        }
    }

    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            is_limit: true,
        }
    }
}
