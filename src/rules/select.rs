//! Names that select rules: an id, `bitnami-*`, or `all`. Suggests the likely id for a misspelt one.
//!
//! Works on ids only, not on the content of rules or on where a name was written.

use std::collections::BTreeMap;

use crate::printable::excerpt;

/// The rules that a name selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    All,
    /// Every id with this prefix.
    Prefix(String),
    Id(String),
}

impl Selector {
    pub fn matches(&self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Prefix(prefix) => id.starts_with(prefix.as_str()),
            Self::Id(own) => own == id,
        }
    }

    /// Returns the specificity. If several selectors match a rule, the highest weight counts.
    pub fn weight(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Prefix(prefix) => prefix.len(),
            Self::Id(_) => usize::MAX,
        }
    }
}

/// A name that selects nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    pub message: String,
    /// The name that was probably intended.
    pub nearest: Option<String>,
}

/// The ids of all rules, and which of them take part in the run.
#[derive(Debug, Clone, Default)]
pub struct Names {
    ids: BTreeMap<String, bool>,
}

impl Names {
    pub fn new(ids: impl IntoIterator<Item = (String, bool)>) -> Self {
        Self {
            ids: ids.into_iter().collect(),
        }
    }

    pub fn contains(&self, id: &str) -> bool {
        self.ids.contains_key(id)
    }

    /// Whether every selected rule takes part in the run. Otherwise, the absence of findings means nothing.
    pub fn all_run(&self, selector: &Selector) -> bool {
        self.ids
            .iter()
            .all(|(id, runs)| *runs || !selector.matches(id))
    }

    /// Parses a name.
    ///
    /// # Errors
    /// If it matches no rule.
    pub fn resolve(&self, text: &str) -> Result<Selector, Unknown> {
        let unknown = |message: String| Unknown {
            message,
            nearest: self.nearest(text),
        };
        match text.strip_suffix('*') {
            Some("") => Ok(Selector::All),
            Some(prefix) if prefix.contains('*') => Err(Unknown {
                message: format!("`{}`: a `*` is allowed only at the end", excerpt(text)),
                nearest: None,
            }),
            Some(prefix) if self.ids.keys().any(|id| id.starts_with(prefix)) => {
                Ok(Selector::Prefix(prefix.to_owned()))
            }
            Some(_) => Err(unknown(format!("no rule matches `{}`", excerpt(text)))),
            None if text == "all" => Ok(Selector::All),
            None if self.contains(text) => Ok(Selector::Id(text.to_owned())),
            None => Err(unknown(format!("there is no rule `{}`", excerpt(text)))),
        }
    }

    fn nearest(&self, text: &str) -> Option<String> {
        let family = format!("{text}-");
        if self.ids.keys().filter(|id| id.starts_with(&family)).count() > 1 {
            return Some(format!("{family}*"));
        }
        if !text.ends_with('*') {
            let ids = self.ids.keys().map(String::as_str);
            return nearest(text, ids.chain(["all"])).map(str::to_owned);
        }
        let families = self.ids.keys().flat_map(|id| {
            let dashes = id.match_indices('-');
            dashes.map(|(at, _)| format!("{}*", &id[..=at]))
        });
        let families: Vec<String> = families.collect();
        nearest(text, families.iter().map(String::as_str)).map(str::to_owned)
    }
}

/// Returns the candidate closest to a word within one to three edits, or else the only candidate that starts with the word.
pub fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str> + Clone,
) -> Option<&'c str> {
    let most = (word.len() / 3).clamp(1, 3);
    let word = word.to_ascii_lowercase();
    // Filter by length first, so that a very long word costs nothing.
    let near = candidates
        .clone()
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= most)
        .map(|candidate| (strsim::osa_distance(&word, candidate), candidate))
        .filter(|(distance, _)| *distance <= most);
    if let Some((_, near)) = near.min() {
        return Some(near);
    }
    let longer = candidates.into_iter();
    let mut longer = longer.filter(|candidate| word.len() > 2 && candidate.starts_with(&word));
    longer.next().filter(|_| longer.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let ids = [
            ("bitnami-latest", true),
            ("bitnami-versioned", false),
            ("k8s-gcr-io", true),
            ("vault-official", true),
        ];
        Names::new(ids.map(|(id, runs)| (id.to_owned(), runs)))
    }

    #[test]
    fn a_name_selects_an_id_a_family_or_all() {
        let resolve = |text: &str| names().resolve(text).unwrap();
        assert_eq!(resolve("k8s-gcr-io"), Selector::Id("k8s-gcr-io".to_owned()));
        assert_eq!(resolve("all"), Selector::All);
        assert_eq!(resolve("*"), Selector::All);
        let family = resolve("bitnami-*");
        assert!(family.matches("bitnami-latest") && !family.matches("k8s-gcr-io"));
        assert!(resolve("all").weight() < family.weight());
        assert!(family.weight() < resolve("k8s-gcr-io").weight());
    }

    #[test]
    fn a_misspelt_name_gets_a_suggestion() {
        for (text, nearest) in [
            ("k8s.gcr.io", Some("k8s-gcr-io")),
            ("k8s_gcr_io", Some("k8s-gcr-io")),
            ("Vault-Official", Some("vault-official")),
            ("vault-offical", Some("vault-official")),
            ("bitnami", Some("bitnami-*")),
            ("bitnmi-*", Some("bitnami-*")),
            ("al", Some("all")),
            ("k8s-gcr", Some("k8s-gcr-io")),
            ("vault-off", Some("vault-official")),
            ("quay-io", None),
            ("", None),
        ] {
            let unknown = names().resolve(text).unwrap_err();
            assert_eq!(unknown.nearest.as_deref(), nearest, "{text}");
            assert!(unknown.message.contains(text), "{unknown:?}");
        }
        let inner = names().resolve("*-latest*").unwrap_err();
        assert_eq!(
            inner.message,
            "`*-latest*`: a `*` is allowed only at the end"
        );
        assert!(names().resolve("*-latest").is_err());
    }

    #[test]
    fn a_family_runs_when_all_of_it_runs() {
        let names = names();
        for (text, runs) in [
            ("bitnami-*", false),
            ("k8s-*", true),
            ("all", false),
            ("bitnami-latest", true),
        ] {
            assert_eq!(names.all_run(&names.resolve(text).unwrap()), runs, "{text}");
        }
    }

    #[test]
    fn a_name_of_any_length_is_refused() {
        let hostile = "x".repeat(1 << 20);
        assert!(names().resolve(&hostile).is_err());
    }
}
