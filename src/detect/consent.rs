//! Charts that accept images from elsewhere only where a value says so, as those of Bitnami do: which charts these are, what
//! the value is called, and what is said of it.
//!
//! Whether a chart really reads the value is for those to find out who have its templates.

/// The tables of the chart's values that lead to the key, and the key.
pub const CONSENT_TABLES: [&str; 2] = ["global", "security"];
pub const CONSENT_KEY: &str = "allowInsecureImages";

/// The value as `--set` takes it.
pub(super) const CONSENT: &str = "global.security.allowInsecureImages=true";

/// A fix brings the value.
pub const LIFTED: &str = "the chart refuses images from elsewhere, so `global.security.allowInsecureImages` becomes true";

/// There is no room for it: in a command, and in a release.
pub(super) const NOT_LIFTED: &str = "the chart refuses images from elsewhere: add `--set global.security.allowInsecureImages=true` by \
                                     hand";
pub const NOT_LIFTED_IN_RELEASE: &str = "the chart refuses images from elsewhere: set `global.security.allowInsecureImages` to true in this \
                                         release, too, by hand";

/// Whether an argument of a command names a chart of Bitnami, or their repository.
pub(super) fn is_chart_of_bitnami(argument: &str) -> bool {
    let named = argument.strip_prefix("bitnami/");
    let is_named =
        named.is_some_and(|name| !name.is_empty() && !name.contains(['/', ':', '@', '=']));
    let is_packaged =
        argument.starts_with("oci://") && argument.contains("docker.io/bitnamicharts/");
    is_named || is_packaged || argument.contains("charts.bitnami.com/bitnami")
}
