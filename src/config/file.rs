//! The keys of `.regfix.yaml`, their types and their spans. The JSON schema is generated from these types.
//!
//! This module knows no rules, globs or files: `read` interprets the values.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use super::nodes::{Glob, Mapping, NonEmpty, OneOrMore, Spanned};
use crate::rules::{RuleSpec, Severity};

/// A whole configuration.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct File {
    /// A file to start from: in the same repository, or absolute. Its name ends in `.regfix.yaml`.
    #[cfg_attr(test, schemars(regex(pattern = r"(^|/)(\.?|.*\.)regfix\.yaml$")))]
    pub(super) extends: Option<Spanned<FilePath>>,
    /// Use only these rules. Default: all.
    pub(super) select: OneOrMore<RuleName>,
    /// Do not use these rules, even if they are selected.
    pub(super) ignore: OneOrMore<RuleName>,
    /// Do not check these files and folders. Globs work as in .gitignore.
    pub(super) exclude: OneOrMore<Glob>,
    /// Severity of rules. An id takes precedence over a pattern.
    pub(super) severity: Mapping<RuleName, Severity>,
    /// Different settings for some files. For the severity, the last override that matches wins.
    pub(super) overrides: NonEmpty<Spanned<OverrideSpec>>,
    /// Settings for charts.
    pub(super) helm: Option<HelmSpec>,
    /// Your own rules, and changes to built-in ones.
    pub(super) rules: NonEmpty<RuleSpec>,
    /// Where the pages of the built-in rules are: a URL with `{rule}` for the id.
    #[cfg_attr(test, schemars(regex(pattern = r"^https?://\S*\{rule\}\S*$")))]
    pub(super) rule_url: Option<Spanned<String>>,
    /// The catalogue of rules to use instead of the built-in one. Needs its checksum.
    pub(super) catalogue: Option<Spanned<CatalogueSpec>>,
}

/// The id of a rule, a prefix of ids followed by `*`, or `all`.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct RuleName(pub(super) String);

/// The path of one file.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(inline))]
#[serde(transparent)]
pub(super) struct FilePath(#[serde(deserialize_with = "one_path")] pub(super) String);

/// Refuses a list of files with a specific message.
fn one_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct OnePath;
    impl Visitor<'_> for OnePath {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the path of one file")
        }

        fn visit_str<E: Error>(self, path: &str) -> Result<String, E> {
            Ok(path.to_owned())
        }
    }
    deserializer.deserialize_str(OnePath)
}

/// An item of `overrides`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(extend("required" = ["files"], "minProperties" = 2)))]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct OverrideSpec {
    /// The files that this override applies to.
    pub(super) files: OneOrMore<Glob>,
    /// Use only these rules, of those that are selected for all files.
    pub(super) select: OneOrMore<RuleName>,
    /// Do not use these rules.
    pub(super) ignore: OneOrMore<RuleName>,
    /// Severity of rules.
    pub(super) severity: Mapping<RuleName, Severity>,
}

/// The keys under `helm`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct HelmSpec {
    /// Whether the unpacked chart of a remote dependency is overridden in your values, or edited in place.
    pub(super) vendored: Option<Vendored>,
    /// Folders of other charts that a tool manages.
    pub(super) vendored_charts: OneOrMore<Glob>,
}

/// How to fix an unpacked chart that a tool restores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Vendored {
    /// Its values are set in your own chart.
    Override,
    /// It is changed in place.
    Edit,
}

/// The keys under `catalogue`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(extend("required" = ["sha256"])))]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct CatalogueSpec {
    /// Its path from the folder of this file.
    #[cfg_attr(test, schemars(regex(pattern = r"(^|/)regfix\.catalogue\.yaml$")))]
    pub(super) file: Option<Spanned<String>>,
    /// The SHA-256 of the file, as `sha256sum` prints it.
    #[cfg_attr(test, schemars(regex(pattern = "^[0-9A-Fa-f]{64}$")))]
    pub(super) sha256: Option<Spanned<String>>,
}
