//! Commands that list or remove an image on this machine, or load one from an archive. They pull nothing.

use super::{Command, Word};
use crate::detect::flag::far;
use crate::search;

const ENGINES: [&str; 6] = ["buildah", "crictl", "ctr", "docker", "nerdctl", "podman"];

/// Verbs that load images.
const LOADING: [&str; 2] = ["load", "import"];

/// The maximum number of bytes of a command before such a verb.
const LONGEST_LOOK_BACK: usize = 1 << 10;

/// Verbs after `image` and its synonyms.
const VERBS: [&str; 8] = [
    "check", "del", "delete", "exists", "list", "ls", "remove", "rm",
];

fn is_engine(program: &str) -> bool {
    ENGINES.contains(&program)
}

/// Whether a command of a text may load images. A quick search, before the text is split into commands.
pub(in crate::detect) fn may_load(text: &str) -> bool {
    LOADING.iter().any(|verb| {
        let mut seen = 0;
        search::whole_words(text, verb).any(|at| {
            let from = far(text, at, LONGEST_LOOK_BACK).max(seen);
            seen = at;
            ends_with_engine(&text[from..at])
        })
    })
}

/// Whether the command that a text ends with, which may go over several lines, names an engine.
fn ends_with_engine(text: &str) -> bool {
    let mut lines = text.rsplit('\n');
    let own = lines.next();
    let continued = lines.take_while(|line| line.trim_end_matches('\r').ends_with('\\'));
    let mut lines = own.into_iter().chain(continued);
    lines.any(|line| {
        let mut engines = ENGINES.iter().chain(&CLUSTERS);
        engines.any(|engine| line.contains(engine))
    })
}

/// Verbs that start a program, whose arguments follow.
const STARTING: [&str; 3] = ["exec", "run", "start"];

/// Programs that load images of this machine into the nodes of a cluster.
const CLUSTERS: [&str; 4] = ["k3d", "kind", "microk8s", "minikube"];

/// What a command loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::detect) enum Loads {
    /// An image that this machine already has: `kind load docker-image NAME`.
    Image,
    /// The images of an archive: `docker load -i FILE`, `ctr -n k8s.io images import FILE`, `kind load image-archive FILE`.
    Archive,
}

fn is_archive(word: &str) -> bool {
    const ENDINGS: [&str; 6] = [".gz", ".tar", ".tgz", ".txz", ".xz", ".zst"];
    word == "image-archive" || ENDINGS.iter().any(|ending| word.ends_with(ending))
}

impl Command<'_> {
    /// Returns what the command loads, if it does.
    pub(in crate::detect) fn loads(&self) -> Option<Loads> {
        let words = || self.words.iter().filter(|word| !word.in_comment);
        let behind = |is_one: fn(&str) -> bool| {
            let words = words().skip_while(move |word| !is_one(word.program()));
            words.skip(1).map(|word| word.text)
        };
        let is_verb = |word: &str| LOADING.contains(&word);
        let mut of_engine = behind(is_engine).take_while(|word| !STARTING.contains(word));
        if of_engine.any(is_verb) {
            return Some(Loads::Archive);
        }
        let mut of_cluster = behind(|program| CLUSTERS.contains(&program));
        let is_loaded = of_cluster.by_ref().take(4).any(is_verb);
        is_loaded.then(|| match of_cluster.any(is_archive) {
            true => Loads::Archive,
            false => Loads::Image,
        })
    }

    /// Returns whether a container engine pulls this word, or `None` if it is not an argument of one.
    pub(in crate::detect) fn engine_pulls(&self, index: usize) -> Option<bool> {
        let before = self.before(index);
        let mut words = before.iter();
        if words.by_ref().any(|word| is_engine(word.program())) {
            return Some(words.any(|word| word.text == "pull"));
        }
        let is_loaded = before.iter().any(|word| CLUSTERS.contains(&word.program()));
        (is_loaded && self.loads().is_some()).then_some(false)
    }

    /// Whether the command looks for the word on this machine: `docker rmi NAME`, `ctr images rm NAME`, `crictl images NAME`
    pub(super) fn is_local(&self, index: usize) -> bool {
        let before = self.before(index);
        // The program is named elsewhere, so the verb comes first.
        if before.first().is_some_and(|word| word.text == "rmi") {
            return true;
        }
        let mut words = before.iter();
        let Some(program) = words
            .by_ref()
            .map(Word::program)
            .find(|program| is_engine(program))
        else {
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
