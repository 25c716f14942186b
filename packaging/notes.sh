#!/usr/bin/env bash
# Prints the release notes: the section of the changelog for this version.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
notes=$(awk -v heading="## $version" 'index($0, "## ") == 1 { inside = index($0 " ", heading " ") == 1; next } inside' CHANGELOG.md)
if [[ -z $notes ]]; then
    printf 'CHANGELOG.md has no section for %s\n' "$version" >&2
    exit 1
fi
printf '%s\n' "$notes"
