//! Connections to servers and the messages sent over them: one transport for registries and Kubernetes API servers.
//!
//! All input from a server is hostile: sizes and times are bounded, and redirects are not followed here. This module knows
//! neither registries nor clusters.

pub(crate) mod address;
pub(crate) mod message;
pub(crate) mod proxy;
pub(crate) mod retry;
pub(crate) mod secret;
pub mod settings;
pub(crate) mod transport;
pub(crate) mod url;

pub use settings::{Environment, Limits};
