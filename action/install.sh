#!/usr/bin/env bash
# Gets regfix for the action: the released binary for this runner, if its checksum is right, or one built from this
# checkout. Says where it is in the output `regfix`.
set -euo pipefail

: "${GITHUB_ACTION_PATH:?}" "${RUNNER_TEMP:?}" "${RUNNER_OS:?}" "${RUNNER_ARCH:?}" "${GITHUB_OUTPUT:?}"
wanted=${REGFIX_VERSION:-}
repository=${REGFIX_REPOSITORY:-}
server=${GITHUB_SERVER_URL:-https://github.com}
folder=$RUNNER_TEMP/regfix

fail() {
    printf '::error title=regfix::%s\n' "$1"
    exit 1
}

# The version of this checkout.
own=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$GITHUB_ACTION_PATH/Cargo.toml" | head -n 1)

done_with() {
    printf 'regfix=%s\n' "$1" >>"$GITHUB_OUTPUT"
    "$1" --version
    exit 0
}

build() {
    command -v cargo >/dev/null || fail "$1, and there is no cargo to build regfix with"
    printf '%s: building regfix %s\n' "$1" "$own"
    cargo build --release --locked --manifest-path "$GITHUB_ACTION_PATH/Cargo.toml" --target-dir "$folder/target"
    done_with "$folder/target/release/regfix$suffix"
}

suffix=
case "$RUNNER_OS-$RUNNER_ARCH" in
Linux-X64) target=x86_64-unknown-linux-musl ;;
Linux-ARM64) target=aarch64-unknown-linux-musl ;;
macOS-X64) target=x86_64-apple-darwin ;;
macOS-ARM64) target=aarch64-apple-darwin ;;
Windows-X64) target=x86_64-pc-windows-msvc suffix=.exe ;;
Windows-ARM64) target=aarch64-pc-windows-msvc suffix=.exe ;;
*) target= ;;
esac

wanted=${wanted#v}
mkdir -p "$folder"
[[ $wanted != source ]] || build "asked for the source"
version=${wanted:-$own}
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || fail "version: not a version: $version"

# without REASON: what to do where there is no binary to be had.
without() {
    [[ $version == "$own" ]] || fail "$1; this checkout of the action can build regfix $own only"
    build "$1"
}
[[ -n $target ]] || without "there are no binaries for $RUNNER_OS on $RUNNER_ARCH"
# Where the checkout came from tells where its releases are: RUNNER/_actions/OWNER/NAME/REF.
if [[ -z $repository && $GITHUB_ACTION_PATH =~ /_actions/([^/]+/[^/]+)/[^/]+/?$ ]]; then
    repository=${BASH_REMATCH[1]}
fi
[[ -n $repository ]] || without "the action is a local folder, which has no releases"

archive=regfix-v$version-$target.tar.gz
url=$server/$repository/releases/download/v$version
get() { curl --fail --silent --show-error --location --proto-redir =https --retry 3 --output "$folder/$1" "$url/$1"; }
# The sum is of this checkout, and not of the release: whoever pins the checkout pins what runs.
sums=$GITHUB_ACTION_PATH/action/SHA256SUMS
expected=
[[ ! -f $sums ]] || expected=$(awk -v name="$archive" '$2 == name { print $1; exit }' "$sums")
[[ $expected =~ ^[0-9a-f]{64}$ ]] || without "this checkout of the action has no checksum of $archive"
get "$archive" || without "no $archive at $url"

if command -v sha256sum >/dev/null; then
    actual=$(sha256sum <"$folder/$archive" | cut -d ' ' -f 1)
else
    actual=$(shasum -a 256 <"$folder/$archive" | cut -d ' ' -f 1)
fi
[[ -n $actual && $actual == "$expected" ]] || fail "$archive has the checksum $actual, and not $expected"
# By its name alone: tar takes what stands before a colon for a host, and Windows has one in each path.
(cd "$folder" && tar -xzf "$archive" "regfix$suffix")
done_with "$folder/regfix$suffix"
