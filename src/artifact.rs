//! The kinds of artifacts that are fetched from a location.
//!
//! Image uses and rules share these words, and know nothing else of each other.

use serde::{Deserialize, Serialize};

/// What kind of thing is fetched from the location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Artifact {
    #[default]
    Image,
    /// A chart in an OCI registry.
    Chart,
    /// A Helm repository's URL.
    ChartRepository,
    /// Any other URL.
    Url,
}
