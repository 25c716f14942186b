//! Configurations that make nodes pull from the mirror although manifests name another registry.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Destination, Emitted, Move, by_repository, most_first};

/// Tags and digests need separate resources.
pub(super) fn openshift(_: &Destination, moves: &[Move]) -> Emitted {
    let is_pinned = |one: &&Move| one.written.digest.is_some();
    let (tags, mut left_out) = by_repository(moves.iter().filter(|one| !is_pinned(one)));
    let (digests, more) = by_repository(moves.iter().filter(is_pinned));
    left_out.extend(more);
    let mut text = String::new();
    for (kind, list, repositories) in [
        ("ImageTagMirrorSet", "imageTagMirrors", tags),
        ("ImageDigestMirrorSet", "imageDigestMirrors", digests),
    ] {
        if repositories.is_empty() {
            continue;
        }
        let start = if text.is_empty() { "" } else { "---\n" };
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(
            text,
            "{start}apiVersion: config.openshift.io/v1\nkind: {kind}\nmetadata:\n  name: regfix\nspec:\n  {list}:"
        );
        for (from, to) in repositories {
            let _ = writeln!(text, "    - source: {from}\n      mirrors:\n        - {to}");
        }
    }
    Emitted { text, left_out }
}

/// `hosts.toml` replaces a host and can put a path before a name. It cannot remove a path, and knows neither repositories nor
/// tags, so all images of a host must go below the same path.
pub(super) fn containerd(to: &Destination, moves: &[Move]) -> Emitted {
    let (mut left_out, mut hosts) = (Vec::new(), BTreeMap::new());
    for one in moves {
        if one.written.tag != one.target.tag {
            left_out.push(one.leave("its tag changes, and a mirror cannot change tags"));
            continue;
        }
        let front = one.target.path.strip_suffix(&one.written.path);
        let front =
            front.and_then(|front| front.strip_suffix('/').or((front.is_empty()).then_some("")));
        match front {
            Some(front) => {
                let fronts: &mut BTreeMap<&str, Vec<&Move>> =
                    hosts.entry(one.written.host.as_str()).or_default();
                fronts.entry(front).or_default().push(one);
            }
            None => left_out
                .push(one.leave("its path changes, and hosts.toml can only put one in front")),
        }
    }
    let mut text = String::from("#!/bin/sh\n# Run it in /etc/containerd/certs.d.\nset -eu\n");
    for (host, fronts) in hosts {
        let why = "other images of its registry go elsewhere, and hosts.toml does not distinguish repositories";
        let (front, rest) = most_first(fronts);
        left_out.extend(rest.into_iter().map(|one| one.leave(why)));
        let server = match host {
            "docker.io" => "registry-1.docker.io",
            host => host,
        };
        let front = front.filter(|front| !front.is_empty());
        let front = front.map_or_else(String::new, |front| format!("/{front}"));
        let (scheme, mirror) = (to.scheme(), &to.host);
        let _ = writeln!(
            text,
            "mkdir -p {host}\ncat >{host}/hosts.toml <<'END'\nserver = \"https://{server}\"\n\n\
             [host.\"{scheme}://{mirror}/v2{front}\"]\n  capabilities = [\"pull\", \"resolve\"]\n  override_path = true\nEND"
        );
    }
    left_out.sort();
    Emitted { text, left_out }
}

/// Each regular expression matches one repository, so their order does not matter.
pub(super) fn k3s(to: &Destination, moves: &[Move]) -> Emitted {
    let (repositories, left_out) = by_repository(moves);
    let mut text = String::from("mirrors:\n");
    let mut last = None;
    for (from, target) in &repositories {
        if last != Some(&from.host) {
            let (scheme, mirror) = (to.scheme(), &to.host);
            let _ = writeln!(
                text,
                "  \"{}\":\n    endpoint:\n      - \"{scheme}://{mirror}\"\n    rewrite:",
                from.host
            );
            last = Some(&from.host);
        }
        let pattern = from.path.replace('.', "\\\\.");
        let _ = writeln!(text, "      \"^{pattern}$\": \"{}\"", target.path);
    }
    Emitted { text, left_out }
}

pub(super) fn registries_conf(to: &Destination, moves: &[Move]) -> Emitted {
    let (repositories, left_out) = by_repository(moves);
    let mut text = String::new();
    for (from, target) in repositories {
        let start = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(
            text,
            "{start}[[registry]]\nprefix = \"{from}\"\nlocation = \"{from}\"\n\n[[registry.mirror]]\nlocation = \"{target}\""
        );
        if to.plain {
            text += "insecure = true\n";
        }
    }
    Emitted { text, left_out }
}
