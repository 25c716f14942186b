//! `imageRepository` of kubeadm. If it is the default of that kubeadm version, CoreDNS is pulled from a subfolder; otherwise
//! directly from the given registry.

use crate::detect::context::Context;
use crate::detect::image_use::Companion;
use crate::detect::usage::{Certainty, Usage};
use crate::detect::words;
use crate::source::Span;
use crate::syntax::beside::{self, Insertion};
use crate::syntax::yaml::{Map, Node};

const OWN_DEFAULT: &str = "kubeadm of this version compares it with its own default, and would look for CoreDNS elsewhere: \
                           `dns.imageRepository` of its configuration has to name the folder of CoreDNS";
const OWN_DEFAULT_UNKNOWN: &str = "before 1.25, kubeadm compares it with its own default, and would look for CoreDNS elsewhere; the \
                                   version is not given here";

/// Returns the usage of `--image-repository`, given the command's `--kubernetes-version`.
pub(in crate::detect) fn option(version: Option<&str>) -> Usage {
    let version = version.filter(|version| version.contains('.') && !version.contains(['$', '{']));
    by_default(version.and_then(had_old_default))
}

/// Returns the usage of `imageRepository`.
pub(in crate::detect) fn repository(context: &Context<'_>) -> Usage {
    let dns = context.siblings.and_then(|map| map.get("dns"));
    let dns = dns.and_then(Node::as_map);
    // An explicit folder for CoreDNS does not depend on the default.
    let names_folder = dns
        .and_then(|dns| dns.text("imageRepository"))
        .is_some_and(|folder| folder.contains('/'));
    match names_folder {
        true => Usage::PULL,
        false => by_version(context),
    }
}

/// Returns the usage of `dns.imageRepository`.
pub(super) fn dns_repository(context: &Context<'_>) -> Usage {
    let own = context.siblings.and_then(|map| map.text("imageRepository"));
    match own.is_some_and(|folder| folder.contains('/')) {
        true => Usage::PULL,
        false => by_version(context),
    }
}

/// Returns the usage of a default in the schema of a `ClusterClass` variable, which may apply to clusters of any version.
pub(super) fn variable(context: &Context<'_>) -> Usage {
    let variable = context.above().and_then(|above| above.siblings);
    match is_repository(variable) {
        true => Usage::likely(OWN_DEFAULT_UNKNOWN),
        false => Usage::PULL,
    }
}

/// Returns the usage of a `Cluster`'s variable, which the class usually passes to `imageRepository`.
pub(super) fn topology_variable(context: &Context<'_>) -> Usage {
    if !is_repository(context.siblings) {
        return Usage::PULL;
    }
    let mut maps = context.upwards().filter_map(|above| above.siblings);
    let topology = maps.find(|map| map.get("variables").is_some());
    option(topology.and_then(|topology| topology.text("version")))
}

/// Returns the usage of the registry of a tool that calls kubeadm, given the cluster's version beside it.
pub(super) fn wrapped(context: &Context<'_>) -> Usage {
    option(context.siblings.and_then(|map| map.text("version")))
}

/// Whether a variable has the name that classes use for `imageRepository`.
fn is_repository(variable: Option<&Map<'_>>) -> bool {
    let name = variable.and_then(|map| map.text("name"));
    name.is_some_and(|name| words::fold(name) == "imagerepository")
}

fn by_version(context: &Context<'_>) -> Usage {
    let mut maps = context.upwards().filter_map(|above| above.siblings);
    let own = maps.find_map(|map| map.text("kubernetesVersion"));
    match own.or_else(|| control_plane_version(context)) {
        Some(version) => by_default(had_old_default(version)),
        None if context.document.is_object("kubeadm.k8s.io", "") => Usage::PULL,
        None => Usage::likely(OWN_DEFAULT_UNKNOWN),
    }
}

/// Returns the usage, given whether the version had the old default, if that is known.
fn by_default(had_old: Option<bool>) -> Usage {
    match had_old {
        Some(true) => Usage::likely(OWN_DEFAULT),
        Some(false) => Usage::PULL,
        None => Usage::likely(OWN_DEFAULT_UNKNOWN),
    }
}

/// Returns the `spec.version` of a control plane, above the configuration.
fn control_plane_version<'c>(context: &Context<'c>) -> Option<&'c str> {
    let maps = context.upwards().filter_map(|above| above.siblings);
    maps.filter(|map: &&Map<'_>| map.get("kubeadmConfigSpec").is_some())
        .find_map(|map| map.text("version"))
}

/// Whether that kubeadm version pulled from k8s.gcr.io by default: up to 1.22.16, 1.23.14 and 1.24.8. `None` if the version
/// is not known, as in `{{ version }}`.
fn had_old_default(version: &str) -> Option<bool> {
    if matches!(version, "" | "stable" | "latest") {
        return Some(false);
    }
    // `v1.24.6`, `stable-1.24`
    let start = version.find(|letter: char| letter.is_ascii_digit())?;
    let numbers = version[start..].split(['.', '-', '+']);
    let numbers: Vec<u32> = numbers.map_while(|part| part.parse().ok()).collect();
    let (minor, rest) = match numbers.as_slice() {
        [1, minor, rest @ ..] => (*minor, rest),
        [0 | 1] | [] => return None,
        _ => return Some(false),
    };
    let last = match minor {
        22 => 16,
        23 => 14,
        24 => 8,
        _ => return Some(minor < 22),
    };
    // `stable-1.24` is the last patch.
    let is_last = rest.is_empty() && start > 1;
    Some(!is_last && rest.first().is_none_or(|patch| *patch <= last))
}

/// Whether a fix must also state the folder of CoreDNS.
pub(in crate::detect) fn needs_companion(usage: Usage) -> bool {
    let reasons = [OWN_DEFAULT, OWN_DEFAULT_UNKNOWN];
    matches!(usage, Usage::Pull(Certainty::Likely(reason)) if reasons.contains(&reason))
}

/// Returns the insertion that states the folder of CoreDNS, which kubeadm finds by itself only if the registry is its own
/// default.
pub(in crate::detect) fn companion(context: &Context<'_>, registry: Span) -> Option<Companion> {
    let is_of_dns = context.parent == "dns";
    if is_of_dns {
        let at = Span::new(registry.end, registry.end);
        return Some(Companion {
            insertion: insertion(at, format!("/{COREDNS}"), String::new()),
            has_name: false,
        });
    }
    let map = context.siblings?;
    let text = context.input.text;
    let insertion = match map.get("dns") {
        None => map_beside(text, map)?,
        Some(Node::Map(dns)) if dns.entries.is_empty() => {
            let at = Span::new(dns.span.start + 1, dns.span.start + 1);
            insertion(at, format!("{KEY}: "), format!("/{COREDNS}"))
        }
        Some(Node::Map(dns)) if dns.get(KEY).is_none() => {
            let first = dns.entries.first()?;
            let like = beside::layout_of(text, dns, first).ok()?;
            let name = first.name()?;
            let mut made = beside::beside(text, dns.flow, like, (name, KEY), None);
            made.after.insert_str(0, &format!("/{COREDNS}"));
            made
        }
        Some(_) => return None,
    };
    Some(Companion {
        insertion,
        has_name: true,
    })
}

const KEY: &str = "imageRepository";
const COREDNS: &str = "coredns";

fn insertion(span: Span, before: String, after: String) -> Insertion {
    Insertion {
        span,
        before,
        after,
    }
}

/// Returns the insertion of a map `dns` beside `imageRepository`.
fn map_beside(text: &str, map: &Map<'_>) -> Option<Insertion> {
    let own = map.entries.iter().find(|entry| entry.name() == Some(KEY))?;
    let like = beside::layout_of(text, map, own).ok()?;
    let key = like.key.of(text);
    let quote = if key.starts_with('"') { "\"" } else { "" };
    let mut made = match map.flow {
        true => beside::beside(text, true, like, (key, ""), None),
        false => {
            let indent = beside::before_on_line(text, like.key.start).of(text);
            let indent = indent.replace('-', " ");
            let newline = beside::line_end(text, like.value.end);
            let nested = format!("dns:{newline}{indent}  {KEY}");
            beside::beside(text, false, like, (KEY, &nested), None)
        }
    };
    if map.flow {
        let pair = format!("{quote}dns{quote}: {{{quote}{KEY}{quote}");
        let colon = made.before.find(':')?;
        made.before.insert_str(colon, &pair);
        made.after.push('}');
    }
    made.after.insert_str(0, &format!("/{COREDNS}"));
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_with_the_old_default() {
        for version in [
            "v1.24.6",
            "1.24.8",
            "v1.23.14",
            "1.22.0",
            "v1.19.16",
            "v1.24",
            "stable-1.21",
        ] {
            assert_eq!(had_old_default(version), Some(true), "{version}");
        }
        for version in [
            "v1.24.9",
            "1.25.0",
            "v1.27.3",
            "v1.23.15",
            "stable",
            "stable-1.24",
            "v2.0.0",
            "",
        ] {
            assert_eq!(had_old_default(version), Some(false), "{version}");
        }
        for version in ["xxxxxxxxx", "${K8S_VERSION}", "v1"] {
            assert_eq!(had_old_default(version), None, "{version}");
        }
    }
}
