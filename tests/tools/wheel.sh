#!/usr/bin/env bash
# The wheel: built by maturin, installed by pip, and used by pre-commit without Rust.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
for tool in maturin python3; do
    if ! has "$tool"; then
        without "$tool"
        exit 0
    fi
done
export CARGO_TARGET_DIR="$root/target/tools"
# Only for this machine, whatever its C library is.
maturin build --release --locked --compatibility linux --manifest-path "$root/Cargo.toml" --out "$scratch" >"$scratch/told" 2>&1 ||
    failed "maturin: $(<"$scratch/told")"
wheel=$(echo "$scratch"/regfix-*.whl)
[[ -f $wheel ]] || failed "no wheel: $(<"$scratch/told")"
python3 -m venv "$scratch/environment"
"$scratch/environment/bin/pip" install --quiet --no-index "$wheel"
version=$("$regfix" --version)
[[ $("$scratch/environment/bin/regfix" --version) == "$version" ]] || failed "another version than $version"
passed "the wheel brings the binary"

if ! has pre-commit; then
    without pre-commit
    exit 0
fi
export PRE_COMMIT_HOME="$scratch/home"
mkdir "$scratch/project"
cd "$scratch/project"
git init -q
# The hook from docs/ci.md, with the wheel in place of the release.
awk '/^  - repo: local$/ { inside = 1; print "repos:" } inside && /^```$/ { exit } inside' "$root/docs/ci.md" |
    sed "s|regfix==[0-9.]*|$wheel|" >.pre-commit-config.yaml
printf 'image: k8s.gcr.io/pause:3.2\n' >pod.yaml
git add -A
# Only these tools are available, so that nothing can be built.
mkdir "$scratch/bin"
for tool in git python3 pre-commit bash env sh uname; do
    ln -s "$(command -v "$tool")" "$scratch/bin/$tool"
done
run() { PATH=$scratch/bin pre-commit run --all-files >"$scratch/told" 2>&1; }
! run || failed "nothing was found: $(<"$scratch/told")"
contains "$(<pod.yaml)" registry.k8s.io/pause:3.2
git add -A
run || failed "the second run: $(<"$scratch/told")"
passed "pre-commit fixes with the wheel"

# The mirror in packaging, with the wheel in place of the release. pip builds it with setuptools.
if ! "$scratch/environment/bin/pip" download --quiet --no-deps --dest "$scratch" setuptools 2>/dev/null; then
    printf 'not tested: the mirror of the wheel, for there is no package index to take setuptools from\n'
    exit 0
fi
cp -r "$root/packaging/pre-commit-mirror" "$scratch/mirror"
sed -i "s|regfix==[0-9.]*|regfix @ file://$wheel|" "$scratch/mirror/pyproject.toml"
git -C "$scratch/mirror" init -q
git -C "$scratch/mirror" add -A
git -C "$scratch/mirror" commit -q -m .
printf 'repos:\n  - repo: %s\n    rev: %s\n    hooks:\n      - id: regfix\n' \
    "$scratch/mirror" "$(git -C "$scratch/mirror" rev-parse HEAD)" >.pre-commit-config.yaml
for tool in basename sed; do
    ln -s "$(command -v "$tool")" "$scratch/bin/$tool"
done
printf 'image: k8s.gcr.io/pause:3.2\n' >pod.yaml
git add -A
! run || failed "nothing was found by the mirror: $(<"$scratch/told")"
contains "$(<pod.yaml)" registry.k8s.io/pause:3.2
git add -A
run || failed "the second run of the mirror: $(<"$scratch/told")"
passed "pre-commit fixes with a mirror of the wheel"
