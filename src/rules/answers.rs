//! Answers of registries about images, on which verdicts rest.
//!
//! Makes no connection. An image that a verdict needs and no one asked about yet is noted, so that a run can ask about all of them at
//! once and judge again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError, RwLock};

use crate::parallel::lock;

/// Whether a registry has an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    Exists {
        digest: String,
    },
    /// The registry says that it does not have it: nothing less counts as missing.
    Missing {
        /// The tags that come closest, in the order of versions.
        nearest: Vec<String>,
        /// Without credentials, what is private may look as if it were missing.
        anonymous: bool,
    },
    Undetermined {
        reason: String,
    },
}

/// Which images are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// What fixes put in place.
    New,
    /// What is there now, too.
    Both,
}

/// The answers so far, and the images that still have none.
#[derive(Debug)]
pub struct Answers {
    pub asking: Asking,
    /// Whether fixes add the digests of what was found.
    pub pin: bool,
    answers: RwLock<HashMap<String, Presence>>,
    wanted: Mutex<BTreeSet<String>>,
}

impl Answers {
    pub fn new(asking: Asking, pin: bool) -> Self {
        Self {
            asking,
            pin,
            answers: RwLock::default(),
            wanted: Mutex::default(),
        }
    }

    /// The answer about a whole reference. Where there is none yet, the reference is noted as wanted.
    pub fn about(&self, image: &str) -> Option<Presence> {
        let answers = self.answers.read().unwrap_or_else(PoisonError::into_inner);
        let known = answers.get(image).cloned();
        drop(answers);
        if known.is_none() {
            let mut wanted = lock(&self.wanted);
            wanted.insert(image.to_owned());
        }
        known
    }

    /// The images that verdicts needed since the last call, in the order of names.
    pub fn take_wanted(&self) -> Vec<String> {
        let mut wanted = lock(&self.wanted);
        std::mem::take(&mut *wanted).into_iter().collect()
    }

    pub fn add(&self, answers: impl IntoIterator<Item = (String, Presence)>) {
        let mut known = self.answers.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(answers);
    }
}
