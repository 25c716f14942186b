//! Paths to fields, as in replacements of Kustomize: `containers.[image=NAME:tag].image`.
//!
//! Works on text and offsets only.

use crate::source::Span;

/// Returns the values that the conditions of a path compare with.
pub fn compared(path: &str) -> impl Iterator<Item = Span> {
    path.match_indices('[').filter_map(|(open, _)| {
        let (condition, _) = path[open + 1..].split_once(']')?;
        let (_, value) = condition.split_once('=')?;
        let end = open + 1 + condition.len();
        Some(Span::new(end - value.len(), end))
    })
}

#[cfg(test)]
mod tests {
    use super::compared;

    #[test]
    fn conditions_have_values_and_indexes_have_none() {
        for (path, expected) in [
            ("spec.containers.[image=a/b:1].image", &["a/b:1"][..]),
            ("a.[name=x].b.[image=y=z].c", &["x", "y=z"]),
            ("spec.containers.0.image", &[]),
            ("a.[0].b.[name=x", &[]),
        ] {
            let found: Vec<&str> = compared(path).map(|span| span.of(path)).collect();
            assert_eq!(found, expected, "{path}");
        }
    }
}
