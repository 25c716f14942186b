//! Documents that a tool wrote about images: bills of materials, results of scans, attestations.
//!
//! They say what was found in an image of that name, and some are signed. Another name in them would be wrong.

use super::document_type::holds_maps;
use super::usage::Usage;
use crate::syntax::yaml::Map;

pub(super) const REPORTED: Usage =
    Usage::Observed("a report says what was found, nothing is pulled from it");

/// API groups whose objects are such documents.
pub const REPORT_GROUPS: [&str; 5] = [
    "aquasecurity.github.io",
    "openreports.io",
    "reports.kyverno.io",
    "spdx.softwarecomposition.kubescape.io",
    "wgpolicyk8s.io",
];

/// The keys at the root that a document has all of, by what writes it.
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

/// What container engines print of an image that they have.
const OF_IMAGE: [&str; 4] = ["RepoTags", "RepoDigests", "repoTags", "repoDigests"];

pub(super) fn is_report(map: &Map<'_>, object: Option<(&str, &str)>) -> bool {
    if let Some((group, _)) = object {
        return REPORT_GROUPS.contains(&group);
    }
    let has = |key: &&str| map.get(key).is_some();
    KEYS.iter().any(|keys| keys.iter().all(has))
        || is_inspected(map)
        // What Cosign signs.
        || map.map("critical").is_some_and(|signed| signed.get("identity").is_some())
        // SARIF
        || holds_maps(map, "runs", &["tool"])
        // What `crictl images` prints.
        || holds_maps(map, "images", &OF_IMAGE)
}

/// Whether a map is one that `docker inspect` prints a list of.
fn is_inspected(map: &Map<'_>) -> bool {
    OF_IMAGE.iter().any(|key| map.get(key).is_some())
}
