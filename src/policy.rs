//! Admission policies made of the rules: they warn about, deny or rewrite legacy images in a cluster.
//!
//! What a policy says of an image is what the rules say (`condition`), written in CEL (`cel`) and wrapped into the
//! kinds of one engine (`engine`). Knows no cluster and no file.

mod cel;
mod condition;
mod engine;
mod vectors;

pub use condition::{Condition, conditions};
pub use engine::{Action, ENGINES, Engine, Unsupported, engine};
pub use vectors::{Vector, images, vectors};
