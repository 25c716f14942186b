#!/usr/bin/env bash
# The archive that a release packs, and the krew manifest that is filled from it.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
version=$("$regfix" --version | cut -d ' ' -f 2)
cp -r "$root/packaging" "$root/Cargo.toml" "$root"/*.md "$root"/LICENSE-* "$scratch"
cd "$scratch"
target=x86_64-unknown-linux-musl
built=target/$target/release
mkdir -p "$built"

# A small stand-in for the binary that cargo builds; it runs the real one.
printf '#!/bin/sh\nexec "%s" "$@"\n' "$regfix" >"$built/regfix"
chmod +x "$built/regfix"
bash packaging/pack.sh "$target"
archive=regfix-v$version-$target.tar.gz
(cd dist && sha256sum --check --quiet "$archive.sha256") || failed "the checksum"
packed=$(tar -tzf "dist/$archive")
for name in regfix README.md LICENSE-MIT completions/regfix.zsh completions/regfix.nushell man/regfix.1 man/regfix-images.1; do
    grep -qx "$name" <<<"$packed" || failed "$name is not packed: $packed"
done
for command in $("$regfix" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep -v help); do
    grep -qx "man/regfix-$command.1" <<<"$packed" || failed "no page for $command"
done
! GITHUB_REF_TYPE=tag GITHUB_REF_NAME=v9.9.9 bash packaging/pack.sh "$target" 2>/dev/null || failed "another tag was packed"
head -c 12000000 /dev/zero >"$built/regfix"
! bash packaging/pack.sh "$target" 2>told || failed "too large a binary was packed"
contains "$(<told)" "12000000 are too many"
passed "archives"

for target in {x86_64,aarch64}-{unknown-linux-musl,apple-darwin,pc-windows-msvc}; do
    name=regfix-v$version-$target.tar.gz
    printf '%s  %s\n' "$(printf '%s' "$target" | sha256sum | cut -d ' ' -f 1)" "$name" >"dist/$name.sha256"
done
bash packaging/krew.sh https://example.com/owner/regfix dist >manifest.yaml
! grep -n '@' manifest.yaml || failed "not filled"
[[ $(grep -cE '^      sha256: "[0-9a-f]{64}"$' manifest.yaml) == 6 ]] || failed "checksums: $(<manifest.yaml)"
contains "$(<manifest.yaml)" "uri: https://example.com/owner/regfix/releases/download/v$version/regfix-v$version-aarch64-apple-darwin.tar.gz"
rm "dist/regfix-v$version-aarch64-apple-darwin.tar.gz.sha256"
! bash packaging/krew.sh https://example.com/owner/regfix dist >/dev/null 2>&1 || failed "a checksum is missing, and nobody minds"
passed "the manifest for krew"

printf '# Changelog\n\n## 9.0.0\n\n- No.\n\n## %s (open)\n\n- Yes.\n\n## 0.0.1\n\n- No.\n' "$version" >CHANGELOG.md
[[ $(bash packaging/notes.sh) == $'\n- Yes.' ]] || failed "notes: $(bash packaging/notes.sh)"
sed -i "s/^version = \"$version\"/version = \"0.0.2\"/" Cargo.toml
! bash packaging/notes.sh 2>/dev/null || failed "notes of a version that has none"
passed "the notes"
