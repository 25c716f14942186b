//! Answers of registries, as shown to users.

use std::time::Duration;

use serde::Deserialize;

use crate::http::secret::Secret;
use crate::printable;

/// The result of querying an image.
///
/// Only [`Answer::Missing`] means that an image is gone. Every failure on the way is one of the other variants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The registry has a manifest.
    Exists {
        digest: String,
        media_type: String,
        /// Platforms of the image. Empty unless requested, because they cost another request.
        platforms: Vec<Platform>,
    },
    /// The registry answered that it does not have the image.
    Missing {
        /// The registry's message.
        reason: String,
        /// Whether the request was anonymous. Some registries answer "not found" for private images.
        anonymous: bool,
    },
    /// The registry refuses access with these credentials, or to everyone.
    Denied { reason: String },
    /// The registry wants credentials and we have none. The image may be private or missing: both look alike.
    NeedsCredentials { reason: String },
    /// The registry limits requests for longer than we wait.
    RateLimited {
        reason: String,
        /// When to try again, if the registry says so.
        retry_after: Option<Duration>,
    },
    /// No answer, or one that cannot be trusted.
    Unreachable { reason: String },
}

impl Answer {
    pub(super) fn unreachable(reason: impl Into<String>) -> Self {
        Self::Unreachable {
            reason: reason.into(),
        }
    }

    /// One word for reports, part of the output format.
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

    /// The reason, unless the image exists.
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

/// A platform of an image: `linux/arm64` or `linux/arm/v7`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Platform {
    pub os: String,
    pub architecture: String,
    pub variant: Option<String>,
}

impl Platform {
    /// Parses `OS/ARCHITECTURE[/VARIANT]`.
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

    /// Whether an image for this platform runs on `wanted`. If `wanted` has no variant or is `arm64/v8`, every variant fits.
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

/// The body of an error response, as in the distribution specification.
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
    /// Parses a body. A body that is not such a document has no errors.
    pub(super) fn parse(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// Whether every error says that the image or repository does not exist. Harbor uses `NOT_FOUND`.
    pub(super) fn say_missing(&self) -> bool {
        const MISSING: [&str; 3] = ["MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"];
        !self.errors.is_empty()
            && self
                .errors
                .iter()
                .all(|error| MISSING.contains(&error.code.as_str()))
    }

    /// The registry's own message, safe to print, with the secret that was sent to it hidden.
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
