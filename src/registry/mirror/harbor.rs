//! Proxy caches of Harbor: nothing is copied beforehand, Harbor fetches what is pulled through it.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Destination, Emitted, LeftOut, Move};

/// What Harbor calls the kinds of registries that it knows. All others are asked as any registry is.
const KINDS: [(&str, &str, &str); 4] = [
    ("docker.io", "docker-hub", "https://hub.docker.com"),
    ("gcr.io", "google-gcr", "https://gcr.io"),
    ("ghcr.io", "github-ghcr", "https://ghcr.io"),
    ("quay.io", "quay", "https://quay.io"),
];

/// Sends requests with a user and a password that no list of processes shows.
const HEAD: &str = r#"#!/bin/sh
# Needs curl and jq. HARBOR_USER and HARBOR_PASSWORD are those of an administrator.
set -eu
: "${HARBOR_USER:?}" "${HARBOR_PASSWORD:?}"
api() {
    printf 'user = "%s:%s"\n' "$HARBOR_USER" "$HARBOR_PASSWORD" |
        curl --silent --show-error --fail-with-body --config - --header 'Content-Type: application/json' "$@"
}
# cache NAME KIND URL: a registry, and the project that is its cache. What is there stays as it is.
cache() {
    id=$(api --get --data-urlencode "q=name=$1" "$harbor/registries" | jq -r '.[0].id // empty')
    if [ -z "$id" ]; then
        api --data "{\"name\": \"$1\", \"type\": \"$2\", \"url\": \"$3\"}" "$harbor/registries"
        id=$(api --get --data-urlencode "q=name=$1" "$harbor/registries" | jq -r '.[0].id')
    fi
    if ! api --head "$harbor/projects?project_name=$1" >/dev/null 2>&1; then
        api --data "{\"project_name\": \"$1\", \"registry_id\": $id, \"metadata\": {\"public\": \"true\"}}" "$harbor/projects"
    fi
}
"#;

/// A project for each registry, with the registry's name. Projects are the first segment of a path, so there is no room for a prefix.
pub(super) fn proxy_cache(to: &Destination, moves: &[Move]) -> Emitted {
    let (mut hosts, mut left_out) = (BTreeSet::new(), Vec::new());
    for one in moves {
        let why = match (to.prefix.is_empty(), one.source.host.contains([':', '['])) {
            (true, false) => {
                hosts.insert(one.source.host.as_str());
                continue;
            }
            (false, _) => "a project of Harbor has no path before it: give --to without one",
            (true, true) => "a project of Harbor cannot be named after a registry with a port",
        };
        left_out.push(LeftOut {
            image: one.written.to_string(),
            reason: why.to_owned(),
        });
    }
    let mut text = String::from(HEAD);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "harbor={}://{}/api/v2.0", to.scheme(), to.host);
    for host in hosts {
        let known = KINDS.iter().find(|(name, _, _)| *name == host);
        let _ = match known {
            Some((_, kind, url)) => writeln!(text, "cache {host} {kind} {url}"),
            None => writeln!(text, "cache {host} docker-registry https://{host}"),
        };
    }
    Emitted { text, left_out }
}
