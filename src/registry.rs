//! Container registries: what they hold, which hosts a pull needs, and what other tools need to copy images.
//!
//! Knows no files of the user's tree, no rules, no arguments and no terminal. Only [`client`] makes connections, and it is built
//! with the feature `online` alone.

#[cfg(feature = "online")]
pub mod client;
pub mod hosts;
pub mod metrics;
pub mod mirror;
pub mod version;
