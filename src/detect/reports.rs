//! Documents that tools write about images: bills of materials, scan results, attestations.
//!
//! They tell what was found in an image of a given name, and some are signed. Changing the name would make them wrong.

use super::document_type::holds_maps;
use super::usage::Usage;
use crate::syntax::yaml::Map;

pub(super) const REPORTED: Usage =
    Usage::Observed("a report says what was found, nothing is pulled from it");

/// API groups of such documents.
pub const REPORT_GROUPS: [&str; 5] = [
    "aquasecurity.github.io",
    "openreports.io",
    "reports.kyverno.io",
    "spdx.softwarecomposition.kubescape.io",
    "wgpolicyk8s.io",
];

/// For each tool, the root keys that all of its documents have.
const KEYS: [&[&str]; 8] = [
    // CycloneDX
    &["bomFormat"],
    // SPDX
    &["spdxVersion"],
    // in-toto, and SLSA in it
    &["predicateType", "subject"],
    // OpenVEX
    &["@context", "statements"],
    // CSAF
    &["document", "product_tree"],
    // Trivy
    &["SchemaVersion", "ArtifactName"],
    // Grype
    &["matches", "descriptor"],
    // Syft
    &["artifacts", "artifactRelationships"],
];

/// Keys in the output of container engines about a local image.
const OF_IMAGE: [&str; 4] = ["RepoTags", "RepoDigests", "repoTags", "repoDigests"];

pub(super) fn is_report(map: &Map<'_>, object: Option<(&str, &str)>) -> bool {
    if let Some((group, _)) = object {
        return REPORT_GROUPS.contains(&group);
    }
    let has = |key: &&str| map.get(key).is_some();
    KEYS.iter().any(|keys| keys.iter().all(has))
        || is_inspected(map)
        // The payload that Cosign signs
        || map.map("critical").is_some_and(|signed| signed.get("identity").is_some())
        // SARIF
        || holds_maps(map, "runs", &["tool"])
        // The output of `crictl images`
        || holds_maps(map, "images", &OF_IMAGE)
}

/// Whether a map is an item of the output of `docker inspect`.
fn is_inspected(map: &Map<'_>) -> bool {
    OF_IMAGE.iter().any(|key| map.get(key).is_some())
}
