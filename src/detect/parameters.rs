//! How a document uses parameters of Tekton and Argo Workflows: `$(params.registry)/$(params.name)`.

use std::cell::OnceCell;
use std::collections::HashMap;

const MARKS: [&str; 2] = ["params.", "parameters."];

/// The uses of parameters in a document, computed on demand.
#[derive(Debug, Default)]
pub(super) struct Parameters(OnceCell<HashMap<String, Use>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Alone,
    /// After a `/`.
    Joined,
}

impl Parameters {
    /// Whether the document uses the parameter, and never after a `/`. An image in it then has no prefix.
    pub(super) fn are_alone(&self, text: &str, name: &str) -> bool {
        let uses = self.0.get_or_init(|| uses(text));
        uses.get(name) == Some(&Use::Alone)
    }
}

fn uses(text: &str) -> HashMap<String, Use> {
    let mut uses = HashMap::new();
    for mark in MARKS {
        for (at, _) in text.match_indices(mark) {
            let behind = &text[at + mark.len()..];
            let end = behind.find(|letter| !is_of_name(letter));
            let name = &behind[..end.unwrap_or(behind.len())];
            // `$(inputs.params.`, `{{workflow.parameters.`
            let before = text[..at].trim_end_matches(|letter| is_of_name(letter) || letter == '.');
            let before = before.trim_end_matches([' ', '=', '{', '(', '$']);
            let own = match before.ends_with('/') {
                true => Use::Joined,
                false => Use::Alone,
            };
            let known = uses.entry(name.to_owned()).or_insert(own);
            if own == Use::Joined {
                *known = own;
            }
        }
    }
    uses
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_a_slash_is_joined() {
        let alone = |text: &str| Parameters::default().are_alone(text, "image");
        assert!(alone("image: $(params.image)"));
        assert!(alone("image: '{{ inputs.parameters.image }}'"));
        assert!(!alone("image: $(params.registry)/$(params.image):1"));
        assert!(!alone(
            "a: $(params.image)\nb: k8s.gcr.io/{{workflow.parameters.image}}"
        ));
        assert!(!alone("image: $(params.images)"));
        assert!(!alone("image: pause"));
    }
}
