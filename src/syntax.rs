//! Trees of spans over text. Except in [`gotemplate`], parsing never fails: it returns what could be parsed, the errors,
//! and the regions that could not be parsed.
//!
//! Knows nothing of Kubernetes, images or rules.

pub mod beside;
pub mod decoded;
pub mod field_path;
pub mod gotemplate;
pub mod hcl;
pub mod json_comments;
pub mod json_pointer;
pub mod placeholder;
pub mod template;
pub mod yaml;
