//! Harbor proxy caches: nothing is copied in advance, Harbor fetches what is pulled through it.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Destination, Emitted, LeftOut, Move};

/// Harbor's names for the registry kinds that it knows. Any other registry uses the generic kind.
const KINDS: [(&str, &str, &str); 4] = [
    ("docker.io", "docker-hub", "https://hub.docker.com"),
    ("gcr.io", "google-gcr", "https://gcr.io"),
    ("ghcr.io", "github-ghcr", "https://ghcr.io"),
    ("quay.io", "quay", "https://quay.io"),
];

/// Sends requests with credentials that do not show up in the process list.
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

/// Emits one project per registry, named after it. A project is the first segment of a path, so a prefix is not possible.
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
