//! Images that a command pushes, builds or copies to.

use super::Command;

/// Whether a word is an option of a builder that names where layers are pushed to.
pub(super) fn is_written_cache(word: &str) -> bool {
    word.starts_with("--cache-repo=") || word.starts_with("--cache-to=")
}

/// Verbs whose first argument is the source and whose second is the target.
const IS_SECOND: [&str; 7] = ["add-tag", "commit", "copy", "cp", "import", "retag", "tag"];

/// Programs and verbs whose `--tag` names their result.
const BUILDERS: [&str; 13] = [
    "append",
    "bud",
    "build",
    "builds",
    "buildx",
    "executor",
    "flatten",
    "imagetools",
    "img",
    "kaniko",
    "mutate",
    "opm",
    "rebase",
];

impl Command<'_> {
    /// Whether the command writes the image. Such a command does not pull it, but does pull what it copies or tags.
    pub(super) fn is_pushed(&self, index: usize) -> bool {
        let before = self.before(index);
        let own = self.words[index].text;
        let has = |names: &[&str]| before.iter().any(|word| names.contains(&word.text));
        let positionals = |from: usize| {
            let rest = before[from + 1..].iter();
            rest.filter(|word| !word.text.starts_with('-')).count()
        };
        let is_second = before
            .iter()
            .enumerate()
            .any(|(at, word)| IS_SECOND.contains(&word.text) && positionals(at) > 0);
        let names_result = matches!(
            self.previous(index),
            "-t" | "--tag" | "--destination" | "-d"
        ) || own.starts_with("--tag=")
            || own.starts_with("-t=")
            || own.starts_with("--destination=");
        let builds = has(&BUILDERS) || before.iter().any(|word| word.text.ends_with("/executor"));
        let is_cache =
            is_written_cache(own) || matches!(self.previous(index), "--cache-repo" | "--cache-to");
        let by_pack = before.len() >= 2 && has(&["pack"]) && self.previous(index) == "build";
        has(&["push", "promote"])
            || is_second
            || names_result && builds
            || by_pack
            || is_cache
            || self.is_output(index)
            || self.is_manifest(index)
            || self.is_made(index)
            || self.is_deleted(index)
    }

    /// Whether the word is in `docker manifest create NAME ...`. The parts of the manifest were pushed before.
    fn is_manifest(&self, index: usize) -> bool {
        let is_made = matches!(self.previous(index), "create" | "annotate");
        is_made
            && self
                .before(index)
                .iter()
                .any(|word| word.text == "manifest")
    }

    /// Whether the word names what `make` builds or pushes: `make docker-build docker-push IMG=NAME`
    fn is_made(&self, index: usize) -> bool {
        let is_target = |word: &str| word.contains("push") || word.contains("build");
        let names_product = ["IMG=", "IMAGE=", "IMAGE_NAME="]
            .iter()
            .any(|name| self.words[index].text.starts_with(name));
        let mut words = self.before(index).iter().map(|word| word.text);
        names_product && words.any(|word| word == "make") && words.any(is_target)
    }

    /// Whether the word is deleted from a registry: `crane delete NAME`
    fn is_deleted(&self, index: usize) -> bool {
        const CLIENTS: [&str; 6] = ["crane", "gcloud", "gcrane", "oras", "regctl", "skopeo"];
        let mut words = self.before(index).iter().map(|word| word.text);
        words.any(|word| CLIENTS.contains(&word)) && words.any(|word| word == "delete")
    }

    /// Whether the word is `--output type=registry,name=NAME` of a builder, or the value of that.
    fn is_output(&self, index: usize) -> bool {
        let (own, previous) = (self.words[index].text, self.previous(index));
        let is_kind = |word: &str| {
            let kinds = ["type=registry", "type=image", "type=docker", "type=oci"];
            kinds.iter().any(|kind| word.contains(kind))
        };
        let is_named = own.starts_with("name=") || own.contains(",name=");
        is_named && (is_kind(own) || previous.ends_with(',') && is_kind(previous))
    }
}
