//! Tokens and passwords, which are sent to one server and never shown.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A string that is never shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the secret, for sending it to the host that it belongs to.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes the secret from a server's message: some servers echo what they receive.
    pub(crate) fn hidden_in(&self, text: &str) -> String {
        // For a header, this removes the part after the scheme, and the password in it.
        let sent = self
            .0
            .split_once(' ')
            .map_or(self.0.as_str(), |(_, sent)| sent);
        let pair = STANDARD.decode(sent).ok();
        let pair = pair.and_then(|pair| String::from_utf8(pair).ok());
        let password = pair.as_deref().and_then(|pair| pair.split_once(':'));
        let parts = [Some(sent), password.map(|(_, password)| password)];
        let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
        parts.fold(text.to_owned(), |text, part| text.replace(part, "(secret)"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(secret)")
    }
}
