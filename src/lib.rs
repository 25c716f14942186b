//! regfix finds references to container registries that are frozen, renamed, moved or gone, and rewrites them in place
//! without touching another byte.
//!
//!
//! Programs that embed it start with a [`Linter`]. It checks or fixes one text, or a whole [`Tree`] of files that are held in
//! memory, so that charts and kustomizations are judged as they would be in a repository. With `default-features = false`,
//! the command line is not compiled.
//!
//! The modules are internal: the command line, the tests and the tools of this repository use them, and they may change at
//! any time. `ARCHITECTURE.md` describes them.

#[doc(hidden)]
pub mod artifact;
#[doc(hidden)]
pub mod baseline;
#[doc(hidden)]
pub mod check;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod cluster;
#[doc(hidden)]
pub mod config;
#[doc(hidden)]
pub mod detect;
#[doc(hidden)]
pub mod diff;
#[doc(hidden)]
pub mod disjoint;
#[doc(hidden)]
pub mod edit;
mod embed;
#[doc(hidden)]
pub mod encoding;
#[doc(hidden)]
pub mod file_type;
#[doc(hidden)]
pub mod finding;
#[doc(hidden)]
pub mod git;
#[cfg(feature = "online")]
#[doc(hidden)]
pub mod http;
#[doc(hidden)]
pub mod image;
#[cfg(feature = "lsp")]
#[doc(hidden)]
pub mod lsp;
#[doc(hidden)]
pub mod open;
#[doc(hidden)]
pub mod parallel;
#[doc(hidden)]
pub mod policy;
#[doc(hidden)]
pub mod printable;
#[doc(hidden)]
pub mod program;
#[doc(hidden)]
pub mod progress;
#[doc(hidden)]
pub mod project;
#[doc(hidden)]
pub mod registry;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod rewrite;
#[doc(hidden)]
pub mod rules;
#[doc(hidden)]
pub mod run;
#[doc(hidden)]
pub mod search;
#[doc(hidden)]
pub mod source;
#[doc(hidden)]
pub mod structure;
#[doc(hidden)]
pub mod suppress;
#[doc(hidden)]
pub mod syntax;
#[doc(hidden)]
pub mod version;
#[doc(hidden)]
pub mod walk;
#[doc(hidden)]
pub mod write;

pub use embed::{
    Checked, Error, Finding, Fixed, FixedTree, Linter, Location, Problem, Safety, Tree,
};
pub use rules::Severity;

#[cfg(doctest)]
#[doc = include_str!("../docs/library.md")]
mod manual {}
