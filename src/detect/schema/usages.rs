//! Usages that the values beside a value decide.

use std::cmp::Ordering;

use crate::detect::context::Context;
use crate::detect::usage::Usage;
use crate::syntax::yaml::{Map, Node};

const SELECTS: &str = "it selects what a base names, and must follow it";
const SELECTS_AND_STAYS: &str =
    "it selects what a base names, and must follow it: a `newName` would pull it from elsewhere";

/// The `name` of an entry that replaces images.
pub(super) fn kustomize_entry(context: &Context<'_>) -> Usage {
    let new_name = context.siblings.and_then(|map| map.get("newName"));
    let replaced = new_name
        .and_then(Node::as_scalar)
        .is_some_and(|scalar| !scalar.is_null());
    Usage::Selector {
        reason: if replaced { SELECTS } else { SELECTS_AND_STAYS },
        replaced,
    }
}

const BUILT: &str = "the image is built here";

/// A service of Compose that is built pulls nothing by that name.
pub(super) fn compose_service(context: &Context<'_>) -> Usage {
    match context
        .siblings
        .is_some_and(|map| map.get("build").is_some())
    {
        true => Usage::Pushed(BUILT),
        false => Usage::PULL,
    }
}

/// `docker_image` pulls, builds or pushes.
pub(super) fn ansible_image(context: &Context<'_>) -> Usage {
    let text = |key: &str| context.siblings.and_then(|map| map.text(key));
    let is_built = text("source") == Some("build") || text("path").is_some();
    let is_pushed = matches!(text("push"), Some("true" | "yes" | "True"));
    match is_built || is_pushed {
        true => Usage::Pushed(BUILT),
        false => Usage::PULL,
    }
}

/// What a step of GitHub gives to an action that builds or pushes.
pub(super) fn github_step(context: &Context<'_>) -> Usage {
    let steps = context.upwards().filter_map(|above| above.siblings);
    let uses = steps.filter_map(|map| map.text("uses")).next();
    let uses = uses.unwrap_or_default();
    let builds = [
        "build-push-action",
        "metadata-action",
        "kaniko",
        "docker-build",
    ]
    .iter()
    .any(|action| uses.contains(action));
    let is_output = matches!(
        context.key,
        "tags" | "images" | "image" | "destination" | "repository"
    );
    match (builds && is_output, uses.contains("login-action")) {
        (true, _) => Usage::Pushed("the action pushes to it"),
        (_, true) => Usage::Mention("it is the registry of an account"),
        _ => Usage::PULL,
    }
}

const OWN_DEFAULT: &str = "kubeadm of this version compares it with its own default, and would look for CoreDNS elsewhere: it needs \
                           `dns.imageRepository: registry.k8s.io/coredns` too";
const OWN_DEFAULT_UNKNOWN: &str = "before 1.25, kubeadm compares it with its own default, and would look for CoreDNS elsewhere; the \
                                   version is not written here";

/// `imageRepository` of kubeadm, which takes its own default for a sign that CoreDNS is in a folder of its own.
pub(super) fn kubeadm(context: &Context<'_>) -> Usage {
    let dns = context.siblings.and_then(|map| map.get("dns"));
    let dns = dns.and_then(Node::as_map);
    // A folder that is named has nothing to do with the default.
    let names_folder = dns
        .and_then(|dns| dns.text("imageRepository"))
        .is_some_and(|folder| folder.contains('/'));
    match names_folder {
        true => Usage::PULL,
        false => by_version(context),
    }
}

/// `dns.imageRepository` of kubeadm.
pub(super) fn kubeadm_dns(context: &Context<'_>) -> Usage {
    let own = context.siblings.and_then(|map| map.text("imageRepository"));
    match own.is_some_and(|folder| folder.contains('/')) {
        true => Usage::PULL,
        false => by_version(context),
    }
}

fn by_version(context: &Context<'_>) -> Usage {
    let mut maps = context.upwards().filter_map(|above| above.siblings);
    let own = maps.find_map(|map| map.text("kubernetesVersion"));
    match own.or_else(|| control_plane_version(context)) {
        Some(version) if had_old_default(version) => Usage::likely(OWN_DEFAULT),
        Some(_) => Usage::PULL,
        None if context.document.is_object("kubeadm.k8s.io", "") => Usage::PULL,
        None => Usage::likely(OWN_DEFAULT_UNKNOWN),
    }
}

/// `spec.version` of a control plane, above the configuration.
fn control_plane_version<'c>(context: &Context<'c>) -> Option<&'c str> {
    let maps = context.upwards().filter_map(|above| above.siblings);
    maps.filter(|map: &&Map<'_>| map.get("kubeadmConfigSpec").is_some())
        .find_map(|map| map.text("version"))
}

/// Whether kubeadm of that version pulled from k8s.gcr.io by default: up to 1.22.16, 1.23.14 and 1.24.8.
fn had_old_default(version: &str) -> bool {
    let numbers = version.trim_start_matches('v').split(['.', '-', '+']);
    let numbers: Vec<u32> = numbers.map_while(|part| part.parse().ok()).collect();
    let &[1, minor, ref rest @ ..] = numbers.as_slice() else {
        return false;
    };
    let last = match minor {
        22 => 16,
        23 => 14,
        24 => 8,
        _ => return minor.cmp(&22) == Ordering::Less,
    };
    rest.first().is_none_or(|patch| *patch <= last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_with_the_old_default() {
        for version in [
            "v1.24.6", "1.24.8", "v1.23.14", "1.22.0", "v1.19.16", "v1.24",
        ] {
            assert!(had_old_default(version), "{version}");
        }
        for version in [
            "v1.24.9", "1.25.0", "v1.27.3", "v1.23.15", "stable", "v2.0.0", "",
        ] {
            assert!(!had_old_default(version), "{version}");
        }
    }
}
