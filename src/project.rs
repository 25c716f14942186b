//! What several files say together. One module a kind of project.
//!
//! Knows no disk, no threads and no formats.

pub mod kustomize;
