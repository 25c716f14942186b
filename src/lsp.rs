//! The language server: what editors ask, by the Language Server Protocol on standard input and output.
//!
//! Findings are those of [`run`](crate::run), with the texts of open documents laid over the disk. Reads no file itself, and
//! writes none: changes are handed to the editor. Does not know what was typed; that is for its [`Host`].

mod actions;
mod client;
mod diagnostics;
mod documents;
mod edits;
mod hover;
mod ignore;
mod notified;
mod position;
mod question;
mod root;
mod server;
mod uri;

use std::path::PathBuf;
use std::sync::Arc;

pub use client::Settings;
pub use server::{Fault, serve};

use crate::rules::RuleSet;
use crate::run::Options;
use crate::walk::Overlay;

/// What the server needs from the program that starts it.
pub trait Host: Send + Sync {
    /// Calls `act` once, with the options of a run.
    ///
    /// # Errors
    /// What is wrong with the settings, ready to be shown.
    fn lend(&self, asked: &Asked, act: &mut dyn FnMut(&Options<'_>)) -> Result<(), String>;

    /// What is known of a rule or an image, as plain text.
    fn explain(&self, rules: &RuleSet, what: &str) -> Option<String>;

    /// Asks a registry about an image, if that is allowed. Takes its time.
    fn verify(&self, image: &str) -> Option<String>;

    /// Whether [`verify`](Self::verify) makes connections at all.
    fn is_online(&self) -> bool;
}

/// What a run for an editor is about.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What the editor has set.
    pub settings: Settings,
    /// Full paths.
    pub roots: Vec<PathBuf>,
    pub overlay: Arc<Overlay>,
}
