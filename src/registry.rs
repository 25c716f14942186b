//! Container registries: which images they hold, which hosts a pull contacts, and input for tools that copy images.
//!
//! Knows nothing about the user's files, rules, arguments or terminals. Only [`client`] makes connections; it needs the
//! feature `online`.

#[cfg(feature = "online")]
pub mod client;
pub mod hosts;
pub mod metrics;
pub mod mirror;
pub mod version;
