//! Trees of spans over text. Parsing never fails: it gives what could be understood, the errors, and the
//! regions that could not be.
//!
//! Knows nothing of Kubernetes, images or rules.

pub mod beside;
pub mod decoded;
pub mod field_path;
pub mod gotemplate;
pub mod hcl;
pub mod json_pointer;
pub mod placeholder;
pub mod template;
pub mod yaml;
