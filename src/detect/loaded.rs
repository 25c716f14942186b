//! Scripts that load images from archives: `docker load -i pause.tar`, then `docker tag k8s.gcr.io/pause:3.1 reg/pause`.
//! The archive keeps the old name when the script changes, so fixes need review. An image that the same script pulls has
//! the name that is written there. `kind load docker-image NAME` takes what the machine has, whatever brought it there.

use std::collections::HashSet;

use super::copies::assigned;
use super::image_use::ImageUse;
use super::same_text::reference;
use super::shell::{self, Command, Loads};
use super::usage::Certainty;
use super::variables;

const LOADED: Certainty =
    Certainty::Likely("an archive that is loaded here may have the image under this name");

const ON_MACHINE: Certainty =
    Certainty::Likely("it is loaded from this machine, which may have the image under this name");

/// Marks images that may come from an archive.
pub(super) fn mark(text: &str, uses: &mut [ImageUse]) {
    let is_open = |one: &ImageUse| one.usage.is_pull();
    if !uses.iter().any(is_open) || !shell::may_load(text) {
        return;
    }
    let commands = shell::commands(text);
    let Some(most) = commands.iter().filter_map(Command::loads).max() else {
        return;
    };
    let takes = Taking { most };
    let is_pulled = |one: &ImageUse| takes.argument_at(&commands, one.extent().start);
    let open = || uses.iter().filter(|one| is_open(one));
    let pulled = open().filter(|one| is_pulled(one) == Some(true));
    let pulled: HashSet<_> = pulled.map(|one| reference(one, text)).collect();
    let variables = Variables::new(&commands, takes);
    let why = match most {
        Loads::Archive => LOADED,
        Loads::Image => ON_MACHINE,
    };
    for one in uses.iter_mut().filter(|one| is_open(one)) {
        let at = one.extent().start;
        let is_taken = match assigned(text, at) {
            Some(name) => variables.are_taken(name),
            None => takes.argument_at(&commands, at) == Some(false),
        };
        if is_taken && !pulled.contains(&reference(one, text)) {
            one.usage = one.usage.at_most(why);
        }
    }
}

/// Which commands take what was loaded: every engine does if an archive was.
#[derive(Clone, Copy)]
struct Taking {
    most: Loads,
}

impl Taking {
    /// Returns whether an engine pulls a word of a command, or `None` if it takes nothing that may have been loaded.
    fn pulls(self, command: &Command<'_>, index: usize) -> Option<bool> {
        let pulls = command.engine_pulls(index)?;
        (pulls || self.most == Loads::Archive || command.loads().is_some()).then_some(pulls)
    }

    /// The same for the word at an offset.
    fn argument_at(self, commands: &[Command<'_>], at: usize) -> Option<bool> {
        let index = commands.partition_point(|command| {
            let last = command.words.last();
            last.is_none_or(|word| word.span.end <= at)
        });
        let command = commands.get(index)?;
        self.pulls(command, command.word_at(at)?)
    }
}

/// Variables in arguments of container engines.
struct Variables<'t> {
    pulled: HashSet<&'t str>,
    taken: HashSet<&'t str>,
}

impl<'t> Variables<'t> {
    fn new(commands: &[Command<'t>], takes: Taking) -> Self {
        let mut found = Self {
            pulled: HashSet::new(),
            taken: HashSet::new(),
        };
        for command in commands {
            for (index, word) in command.words.iter().enumerate() {
                let mut names = variables::names(word.text).peekable();
                let pulls = names.peek().and_then(|_| takes.pulls(command, index));
                match pulls {
                    Some(true) => found.pulled.extend(names),
                    Some(false) => found.taken.extend(names),
                    None => {}
                }
            }
        }
        found
    }

    fn are_taken(&self, name: &str) -> bool {
        self.taken.contains(name) && !self.pulled.contains(name)
    }
}
