//! Connections to servers, and what is sent over them: one transport for registries and for API servers.
//!
//! Everything that a server sends is taken to be hostile: sizes and times are bounded, and no redirect is followed here. Knows neither
//! registries nor clusters.

pub(crate) mod address;
pub(crate) mod message;
pub(crate) mod proxy;
pub(crate) mod retry;
pub(crate) mod secret;
pub mod settings;
pub(crate) mod transport;
pub(crate) mod url;

pub use settings::{Environment, Limits};
