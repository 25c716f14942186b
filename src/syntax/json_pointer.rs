//! Keys in JSON pointers (RFC 6901): `/` is written `~1` there, and `~` is `~0`.

/// A key as it is written in a pointer.
pub fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The key that a part of a pointer stands for.
pub fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}
