//! What a command pushes, builds or copies to.

use super::Command;

/// Options of builders that name where layers are pushed to.
pub(super) fn is_written_cache(word: &str) -> bool {
    word.starts_with("--cache-repo=") || word.starts_with("--cache-to=")
}

impl Command<'_> {
    /// A command that pushes does not pull. What it copies or tags from, it has pulled.
    pub(super) fn is_pushed(&self, index: usize) -> bool {
        let before = self.before(index);
        let own = self.words[index].text;
        let has = |names: &[&str]| before.iter().any(|word| names.contains(&word.text));
        let positionals = |from: usize| {
            let rest = before[from + 1..].iter();
            rest.filter(|word| !word.text.starts_with('-')).count()
        };
        let is_second = before.iter().enumerate().any(|(at, word)| {
            matches!(word.text, "tag" | "cp" | "copy" | "retag") && positionals(at) > 0
        });
        let names_result = matches!(
            self.previous(index),
            "-t" | "--tag" | "--destination" | "-d"
        ) || own.starts_with("--tag=")
            || own.starts_with("-t=")
            || own.starts_with("--destination=");
        let builds = has(&[
            "build",
            "buildx",
            "bud",
            "kaniko",
            "executor",
            "imagetools",
            "img",
        ]) || before.iter().any(|word| word.text.ends_with("/executor"));
        let is_cache =
            is_written_cache(own) || matches!(self.previous(index), "--cache-repo" | "--cache-to");
        let is_output = self.is_output(index);
        let by_pack = before.len() >= 2 && has(&["pack"]) && self.previous(index) == "build";
        has(&["push", "promote"])
            || is_second
            || names_result && builds
            || by_pack
            || is_cache
            || is_output
    }

    /// `--output type=registry,name=NAME` of builders, also by itself.
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
