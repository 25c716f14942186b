//! Charts that refuse images from other registries unless a value allows them, like those of Bitnami: which charts these are,
//! the name of the value, and the messages about it.
//!
//! Whether a chart really reads the value is checked by those who have its templates.

/// The path to the value in the chart's values, and its key.
pub const CONSENT_TABLES: [&str; 2] = ["global", "security"];
pub const CONSENT_KEY: &str = "allowInsecureImages";

/// The value as an argument of `--set`.
pub(super) const CONSENT: &str = "global.security.allowInsecureImages=true";

/// The fix sets the value.
pub const LIFTED: &str = "the chart refuses images from elsewhere, so `global.security.allowInsecureImages` becomes true";

/// The fix has no room for the value, in a command or in a release.
pub(super) const NOT_LIFTED: &str = "the chart refuses images from elsewhere: add `--set global.security.allowInsecureImages=true` by \
                                     hand";
pub const NOT_LIFTED_IN_RELEASE: &str = "the chart refuses images from elsewhere: set `global.security.allowInsecureImages` to true in this \
                                         release, too, by hand";

/// Whether an argument of a command names a chart of Bitnami, or Bitnami's chart repository.
pub(super) fn is_chart_of_bitnami(argument: &str) -> bool {
    let named = argument.strip_prefix("bitnami/");
    let is_named =
        named.is_some_and(|name| !name.is_empty() && !name.contains(['/', ':', '@', '=']));
    let is_packaged =
        argument.starts_with("oci://") && argument.contains("docker.io/bitnamicharts/");
    is_named || is_packaged || argument.contains("charts.bitnami.com/bitnami")
}
