//! The language server, driven by the messages that editors send.

mod actions;
pub(crate) mod editor;
mod random;
mod session;
