//! Admission policies generated from the rules: they warn about, deny or rewrite legacy images in a cluster.
//!
//! A policy gives the same verdict on an image as the rules (`condition`), written in CEL (`cel`) and wrapped in the objects
//! of one engine (`engine`). Knows no clusters and no files.

mod cel;
mod condition;
mod engine;
mod vectors;

pub use condition::{Condition, conditions};
pub use engine::{Action, ENGINES, Engine, Unsupported, engine};
pub use vectors::{Vector, images, vectors};
