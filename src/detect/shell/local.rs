//! Commands that list or remove an image on this machine. They pull nothing.

use super::{Command, Word};

const ENGINES: [&str; 5] = ["buildah", "crictl", "docker", "nerdctl", "podman"];

/// Verbs after `image` and its synonyms.
const VERBS: [&str; 8] = [
    "check", "del", "delete", "exists", "list", "ls", "remove", "rm",
];

impl Command<'_> {
    /// Whether the command looks for the word on this machine: `docker rmi NAME`, `ctr images rm NAME`, `crictl images NAME`
    pub(super) fn is_local(&self, index: usize) -> bool {
        let before = self.before(index);
        // The program is named elsewhere, so the verb comes first.
        if before.first().is_some_and(|word| word.text == "rmi") {
            return true;
        }
        let is_engine = |program: &&str| ENGINES.contains(program) || *program == "ctr";
        let mut words = before.iter();
        let Some(program) = words.by_ref().map(Word::program).find(is_engine) else {
            return false;
        };
        let mut words = words.map(|word| word.text);
        match words.find(|word| matches!(*word, "rmi" | "image" | "images" | "img" | "i")) {
            Some("rmi") => true,
            Some(noun) => {
                let lists = matches!(noun, "images" | "img") && program != "ctr";
                let verb = words.find(|word| !word.starts_with('-'));
                verb.map_or(lists, |verb| VERBS.contains(&verb))
            }
            None => false,
        }
    }
}
