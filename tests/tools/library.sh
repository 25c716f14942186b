#!/usr/bin/env bash
# The library as other programs embed it: its dependencies, and whether a version breaks its callers.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
brought=$(cargo tree --locked --no-default-features --edges normal --prefix none | cut -d ' ' -f 1 | sort -u)
for crate in clap indicatif lsp-server miette notify ureq; do
    ! grep -qx "$crate" <<<"$brought" || failed "$crate is compiled into programs that embed regfix"
done
grep -qx granit-parser <<<"$brought" || failed "the dependencies are not listed: $brought"
passed "nothing of the command line, of editors or of the network is brought along"

"$(dirname "$regfix")/examples/embed" >"$scratch/said"
contains "$(<"$scratch/said")" "base/deployment.yaml:9:18: k8s.gcr.io/pause:3.9 -> registry.k8s.io/pause:3.9"
contains "$(<"$scratch/said")" "  - name: registry.k8s.io/pause"
passed "the example finds and fixes a tree in memory"

if ! cargo semver-checks --version >/dev/null 2>&1; then
    without cargo-semver-checks
elif released=$(git describe --tags --match 'v*' --abbrev=0 2>/dev/null); then
    cargo semver-checks --baseline-rev "$released" --default-features >"$scratch/said" 2>&1 ||
        failed "callers of $released break: $(<"$scratch/said")"
    passed "callers of $released still compile"
else
    printf 'not tested: changes of the library, for there is no release to compare with\n'
fi
