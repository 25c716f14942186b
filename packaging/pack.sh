#!/usr/bin/env bash
# pack.sh TARGET: packs the binary that cargo has built for a platform, with a checksum, in `dist`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
target=$1
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
if [[ ${GITHUB_REF_TYPE:-} == tag && $GITHUB_REF_NAME != "v$version" ]]; then
    printf 'the tag is %s, and Cargo.toml has the version %s\n' "$GITHUB_REF_NAME" "$version" >&2
    exit 1
fi
suffix=
[[ $target != *-windows-* ]] || suffix=.exe
built=target/$target/release/regfix$suffix
limit=$((12 * 1000 * 1000))
size=$(wc -c <"$built")
if ((size >= limit)); then
    printf '%s has %s bytes, and %s are too many\n' "$built" "$size" "$limit" >&2
    exit 1
fi

folder=dist/regfix
rm -rf "$folder"
mkdir -p "$folder/completions" "$folder/man"
cp "$built" README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$folder"
# Only a binary for this machine can be run; the other binaries of a release are built on their own machines.
if "$built" --version >/dev/null 2>&1; then
    for shell in bash fish nushell powershell zsh; do
        "$built" completions "$shell" >"$folder/completions/regfix.$shell"
    done
    "$built" man >"$folder/man/regfix.1"
    for command in $("$built" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep -v help); do
        "$built" man "$command" >"$folder/man/regfix-$command.1"
    done
fi
archive=regfix-v$version-$target.tar.gz
cd dist
(cd regfix && tar -czf "../$archive" -- *)
rm -r regfix
if command -v sha256sum >/dev/null; then
    sha256sum "$archive" >"$archive.sha256"
else
    shasum -a 256 "$archive" >"$archive.sha256"
fi
