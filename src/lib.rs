//! regfix finds references to container registries that are frozen, renamed, moved or gone, and rewrites them in
//! place without touching another byte.
//!
//! The modules stand on floors, and import from lower floors only (`tests/it/house.rs` keeps it so):
//!
//! | floor | modules | what they do |
//! |---|---|---|
//! | 9 | [`cli`] | arguments in, exit code out |
//! | 8 | `lsp` | the server for editors |
//! | 7 | [`run`] | a whole run: walk, check in parallel, tell in order, write if asked |
//! | 6 | [`walk`], [`mod@write`], [`project`] | the only reader; the only writer; several files together to findings |
//! | 6 | [`cluster`] | what a cluster holds, and who put it there |
//! | 6 | [`baseline`], [`progress`] | findings that are known; the line that says how far a run is |
//! | 5 | [`registry`] | what registries hold, and what moves images to a mirror |
//! | 5 | [`check`], [`config`], [`suppress`], [`report`], [`diff`], [`structure`], [`git`] | one file to findings; settings; ignore comments; one module an output format; where something stands; what git keeps of a repository |
//! | 4 | [`policy`] | the rules as admission policies of a cluster |
//! | 4 | [`kind`], [`finding`], [`rewrite`] | how a file is recognised and parsed; the result type; edits of a site |
//! | 3 | [`detect`], [`rules`] | image uses in a tree; which rule speaks about an image |
//! | 2 | [`syntax`], [`image`], [`artifact`], [`edit`], [`version`] | trees of spans that never fail; the reference grammar; edits; versions and ranges |
//! | 1 | [`source`], [`search`], [`open`], [`program`], `http` | spans, lines and columns; words in bytes; opening files that a stranger may have made; where programs are; connections |
//! | 0 | [`printable`] | text made fit to be shown |

pub mod artifact;
pub mod baseline;
pub mod check;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod detect;
pub mod diff;
pub mod edit;
pub mod encoding;
pub mod finding;
pub mod git;
#[cfg(feature = "online")]
pub mod http;
pub mod image;
pub mod kind;
#[cfg(feature = "lsp")]
pub mod lsp;
pub mod open;
pub mod policy;
pub mod printable;
pub mod program;
pub mod progress;
pub mod project;
pub mod registry;
pub mod report;
pub mod rewrite;
pub mod rules;
pub mod run;
pub mod search;
pub mod source;
pub mod structure;
pub mod suppress;
pub mod syntax;
pub mod version;
pub mod walk;
pub mod write;
