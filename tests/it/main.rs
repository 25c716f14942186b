//! The integration tests, in one binary: it links once, and all of them run side by side.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod advice;
mod bad_input;
mod baseline;
mod cli;
mod common;
mod converge;
mod corpus;
mod docs;
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
#[cfg(unix)]
mod kills;
mod knowledge;
mod kustomize;
mod output;
mod pages;
mod properties;
mod readers;
mod registry;
mod render;
mod repository;
mod shell;
mod since;
mod vectors;
mod walk;
mod yaml;
