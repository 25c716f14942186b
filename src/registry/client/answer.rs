//! Answers of registries, in words for users.

use std::time::Duration;

use serde::Deserialize;

use crate::http::secret::Secret;
use crate::printable;

/// What became of asking for an image.
///
/// Only [`Answer::Missing`] says that an image is gone. Whatever goes wrong on the way is one of the other answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A manifest is there.
    Exists {
        digest: String,
        media_type: String,
        /// What it runs on. Empty where no one asked: that costs a request more.
        platforms: Vec<Platform>,
    },
    /// The registry let us in and says that it does not have it.
    Missing {
        /// What the registry says.
        reason: String,
        /// Nobody was logged in. There are registries where what is private looks as if it were not there.
        anonymous: bool,
    },
    /// The registry does not let these credentials, or no one, see it.
    Denied { reason: String },
    /// There are no credentials for it. The image is private, or it is not there: without credentials both look alike.
    NeedsCredentials { reason: String },
    /// The registry wants fewer requests, for longer than we wait.
    RateLimited {
        reason: String,
        /// When it may be asked again, if the registry says so.
        retry_after: Option<Duration>,
    },
    /// There was no answer, or none that can be believed.
    Unreachable { reason: String },
}

impl Answer {
    pub(super) fn unreachable(reason: impl Into<String>) -> Self {
        Self::Unreachable {
            reason: reason.into(),
        }
    }

    /// One word for reports; these words are part of the output's format.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "available",
            Self::Missing { .. } => "gone",
            Self::Denied { .. } => "denied",
            Self::NeedsCredentials { .. } => "needs-credentials",
            Self::RateLimited { .. } => "rate-limited",
            Self::Unreachable { .. } => "unreachable",
        }
    }

    /// Why, unless it is there.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Exists { .. } => None,
            Self::Missing { reason, .. }
            | Self::Denied { reason }
            | Self::NeedsCredentials { reason }
            | Self::RateLimited { reason, .. }
            | Self::Unreachable { reason } => Some(reason),
        }
    }
}

/// What an image runs on: `linux/arm64` or `linux/arm/v7`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Platform {
    pub os: String,
    pub architecture: String,
    pub variant: Option<String>,
}

impl Platform {
    /// `OS/ARCHITECTURE[/VARIANT]`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let (os, architecture, variant) = (parts.next()?, parts.next()?, parts.next());
        let is_word = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        };
        let good = parts.next().is_none()
            && is_word(os)
            && is_word(architecture)
            && variant.is_none_or(is_word);
        good.then(|| Self {
            os: os.to_ascii_lowercase(),
            architecture: architecture.to_ascii_lowercase(),
            variant: variant.map(str::to_ascii_lowercase),
        })
    }

    /// Whether an image for this platform runs on another: what does not name a variant means its usual one, or any.
    pub fn serves(&self, wanted: &Self) -> bool {
        let usual = |platform: &Self| match (platform.architecture.as_str(), &platform.variant) {
            ("arm64", Some(variant)) if variant == "v8" => None,
            (_, variant) => variant.clone(),
        };
        let variant = usual(wanted);
        self.os == wanted.os
            && self.architecture == wanted.architecture
            && (variant.is_none() || usual(self) == variant)
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(out, "/{variant}"),
            None => Ok(()),
        }
    }
}

/// The body of a failure, as the distribution specification has it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Errors {
    #[serde(default)]
    errors: Vec<RegistryError>,
}

#[derive(Debug, Deserialize)]
struct RegistryError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Errors {
    /// What is no such document holds no errors.
    pub(super) fn parse(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// Whether all that the registry says is that it does not have it. `NOT_FOUND` is what Harbor says instead.
    pub(super) fn say_missing(&self) -> bool {
        const MISSING: [&str; 3] = ["MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"];
        !self.errors.is_empty()
            && self
                .errors
                .iter()
                .all(|error| MISSING.contains(&error.code.as_str()))
    }

    /// In the registry's own words, fit for a terminal, and without what was sent to it.
    pub(super) fn message(&self, sent: Option<&Secret>) -> Option<String> {
        let error = self.errors.first()?;
        let fit = |text: &str| match sent {
            Some(secret) => printable::brief(&secret.hidden_in(text)),
            None => printable::brief(text),
        };
        let (code, message) = (fit(&error.code), fit(&error.message));
        match (code.is_empty(), message.is_empty()) {
            (true, true) => None,
            (false, true) => Some(code),
            (true, false) => Some(message),
            (false, false) => Some(format!("{code}: {message}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        Platform::parse(text).unwrap()
    }

    #[test]
    fn platforms() {
        assert_eq!(platform("linux/ARM/v7").to_string(), "linux/arm/v7");
        for text in [
            "",
            "linux",
            "linux/",
            "/arm64",
            "linux/arm/v7/x",
            "linux/a b",
        ] {
            assert_eq!(Platform::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_serves_what() {
        for (has, wants, serves) in [
            ("linux/arm64/v8", "linux/arm64", true),
            ("linux/arm64", "linux/arm64/v8", true),
            ("linux/arm/v6", "linux/arm", true),
            ("linux/arm/v6", "linux/arm/v7", false),
            ("linux/arm", "linux/arm/v7", false),
            ("windows/amd64", "linux/amd64", false),
        ] {
            assert_eq!(
                platform(has).serves(&platform(wants)),
                serves,
                "{has} {wants}"
            );
        }
    }

    #[test]
    fn only_what_says_so_is_missing() {
        let says = |body: &str| Errors::parse(body.as_bytes()).say_missing();
        assert!(says(r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#));
        assert!(says(
            r#"{"errors":[{"code":"NAME_UNKNOWN","message":"x","detail":{}}]}"#
        ));
        for body in [
            "",
            "<html>404</html>",
            "{}",
            r#"{"errors":[]}"#,
            r#"{"errors":[{"code":"UNKNOWN"}]}"#,
            r#"{"errors":[{"message":"MANIFEST_UNKNOWN"}]}"#,
            r#"{"errors":[{"code":"MANIFEST_UNKNOWN"},{"code":"DENIED"}]}"#,
            r#"{"errors":{"code":"MANIFEST_UNKNOWN"}}"#,
        ] {
            assert!(!says(body), "{body}");
        }
    }

    #[test]
    fn messages_are_fit_for_a_terminal() {
        let errors = Errors::parse(br#"{"errors":[{"code":"DENIED","message":"no\u0007"}]}"#);
        assert_eq!(errors.message(None).as_deref(), Some("DENIED: no"));
        let echo = format!("{} Basic dTpwdw== pw", "x".repeat(190));
        let errors = format!(r#"{{"errors":[{{"message":"{echo}"}}]}}"#);
        let said = Errors::parse(errors.as_bytes()).message(Some(&Secret::new("Basic dTpwdw==")));
        assert!(!said.unwrap().contains("dTp"));
    }
}
