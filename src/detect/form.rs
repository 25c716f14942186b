//! How a value is written, as far as a schema says it.

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As its key and the value itself say.
    ByWords,
    /// A whole image; one of Docker Hub needs no host.
    Image,
    /// The name of an image, with its tag or digest beside it.
    Name,
    /// The name of an entry that selects images, beside which a `newName` may be.
    Entry,
    /// A registry, with or without the beginning of a path, before names that come from elsewhere.
    Folder,
    /// `OLD=NEW:tag`, `OLD:tag`
    Replacement,
    /// `alias=image:constraint, ...`
    Aliases,
    /// A script.
    Script,
    /// JSON Schema, with all that is below it.
    Schema,
}
