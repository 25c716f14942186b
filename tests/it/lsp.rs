//! The language server, by the messages that editors send it.

mod actions;
pub(crate) mod editor;
mod random;
mod session;
