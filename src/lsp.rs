//! The language server: speaks the Language Server Protocol on standard input and output.
//!
//! Findings come from [`run`](crate::run), with the texts of open documents laid over the disk. The server reads and writes no
//! files itself: changes go to the editor. It does not know the command line; its [`Host`] does.

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

/// The functions that the server needs from the program that starts it.
pub trait Host: Send + Sync {
    /// Calls `act` once, with the options of a run.
    ///
    /// # Errors
    /// If the settings are wrong. The message can be shown to the user.
    fn lend(&self, asked: &Asked, act: &mut dyn FnMut(&Options<'_>)) -> Result<(), String>;

    /// Explains a rule or an image in plain text.
    fn explain(&self, rules: &RuleSet, what: &str) -> Option<String>;

    /// Asks a registry about an image, if that is allowed. May take long.
    fn verify(&self, image: &str) -> Option<String>;

    /// Whether [`verify`](Self::verify) may make connections.
    fn is_online(&self) -> bool;
}

/// The input of a run for an editor.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The editor's settings.
    pub settings: Settings,
    /// Absolute paths.
    pub roots: Vec<PathBuf>,
    pub overlay: Arc<Overlay>,
}
