//! Answers of registries about images, which verdicts depend on.
//!
//! Makes no connections. An image that a verdict needs and that has no answer yet is recorded, so that a run can ask about
//! all of them at once and then evaluate the rules again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError, RwLock};

use crate::parallel::lock;

/// Whether a registry has an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    Exists {
        digest: String,
    },
    /// The registry says that it does not have the image. No weaker answer counts as missing.
    Missing {
        /// The most similar tags, in version order.
        nearest: Vec<String>,
        /// Whether the registry was asked without credentials: a private image may then look missing.
        anonymous: bool,
    },
    Undetermined {
        reason: String,
    },
}

/// The images to ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// The images that fixes would put in place.
    New,
    /// Those, and the images that are in use now.
    Both,
}

/// The answers so far, and the images that have none yet.
#[derive(Debug)]
pub struct Answers {
    pub asking: Asking,
    /// Whether fixes add the digest of the image that was found.
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

    /// Returns the answer about a complete reference. If there is none yet, records the reference as wanted.
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

    /// Takes the images that verdicts needed since the last call, sorted by name.
    pub fn take_wanted(&self) -> Vec<String> {
        let mut wanted = lock(&self.wanted);
        std::mem::take(&mut *wanted).into_iter().collect()
    }

    pub fn add(&self, answers: impl IntoIterator<Item = (String, Presence)>) {
        let mut known = self.answers.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(answers);
    }
}
