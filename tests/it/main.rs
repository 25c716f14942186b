//! The integration tests, in one binary: it is linked once, and all tests run in parallel.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod across;
mod advice;
mod bad_input;
mod baseline;
mod catalogues;
mod cli;
mod cluster;
mod common;
mod converge;
mod corpus;
mod differential;
mod docs;
mod encoding;
mod extends;
mod fixtures;
mod formats;
#[cfg(unix)]
mod found;
mod git;
mod groups;
mod helm;
mod hiding;
#[cfg(unix)]
mod hook;
#[cfg(unix)]
mod hostile;
mod house;
mod ignores;
#[cfg(unix)]
mod kills;
mod knowledge;
mod kustomize;
mod layered_values;
mod layers;
#[cfg(unix)]
mod lsp;
mod merge;
mod mistakes;
mod output;
mod owed;
mod pages;
#[cfg(unix)]
mod policy;
mod properties;
mod readers;
mod registry;
mod render;
mod repository;
#[cfg(unix)]
mod revisions;
mod shell;
mod since;
mod trees;
mod vectors;
mod walk;
#[cfg(unix)]
mod watch;
mod words;
mod yaml;
