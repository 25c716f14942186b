//! How a value is written, as far as a schema defines it.

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Not defined: the key and the value itself decide.
    ByWords,
    /// A whole image. One on Docker Hub needs no host.
    Image,
    /// The name of an image, with its tag or digest beside it.
    Name,
    /// The name of an entry that selects images and may have a `newName`.
    Entry,
    /// A registry, perhaps with the beginning of a path, that is put before names set elsewhere.
    Folder,
    /// `OLD=NEW:tag`, `OLD:tag`
    Replacement,
    /// `alias=image:constraint, ...`
    Aliases,
    /// A script.
    Script,
    /// A JSON Schema, with everything below it.
    Schema,
}
