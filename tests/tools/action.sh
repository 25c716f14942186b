#!/usr/bin/env bash
# The scripts of the action, in the environment that a runner sets: a release from a local server, and pull requests in a
# new repository.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
for tool in curl python3 cargo; do
    if ! has "$tool"; then
        without "$tool"
        exit 0
    fi
done
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)

# The variables that a runner sets, without those of this machine.
export GITHUB_ACTION_PATH=$root RUNNER_OS=Linux RUNNER_ARCH=X64 RUNNER_TEMP=$scratch/temp
export GITHUB_OUTPUT=$scratch/output GITHUB_STEP_SUMMARY=$scratch/summary
mkdir "$RUNNER_TEMP"
fresh() {
    rm -rf "${RUNNER_TEMP:?}/regfix/out"
    : >"$GITHUB_OUTPUT"
    : >"$GITHUB_STEP_SUMMARY"
}
output() { sed -n "s/^$1=//p" "$GITHUB_OUTPUT"; }
told=$scratch/told

# --- install.sh

release=$scratch/site/owner/regfix/releases/download/v$version
archive=regfix-v$version-x86_64-unknown-linux-musl.tar.gz
mkdir -p "$release"
tar -czf "$release/$archive" -C "$(dirname "$regfix")" regfix
# A checkout of the action with the checksum of the release.
pinned=$scratch/_actions/owner/regfix/v1
mkdir -p "$pinned/action"
cp "$root/Cargo.toml" "$pinned"
(cd "$release" && sha256sum "$archive" >"$pinned/action/SHA256SUMS")
: >"$scratch/server"
python3 -u -m http.server --bind 127.0.0.1 --directory "$scratch/site" 0 >"$scratch/server" 2>&1 &
server=$!
trap 'kill "$server"; rm -rf "$scratch"' EXIT
for _ in {1..50}; do
    port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$scratch/server")
    [[ -z $port ]] || break
    sleep 0.1
done
[[ -n $port ]] || failed "no server: $(<"$scratch/server")"
export GITHUB_SERVER_URL=http://127.0.0.1:$port REGFIX_REPOSITORY=owner/regfix GITHUB_ACTION_PATH=$pinned

install() { (fresh && REGFIX_VERSION=$1 bash "$root/action/install.sh") >"$told" 2>&1; }
for wanted in "" "$version" "v$version"; do
    rm -rf "$RUNNER_TEMP/regfix"
    install "$wanted" || failed "install: $(<"$told")"
    cmp "$regfix" "$(output regfix)"
    contains "$(<"$told")" "regfix $version"
done
passed "a released binary is fetched"
rm -rf "$RUNNER_TEMP/regfix"
REGFIX_REPOSITORY=''
install "" || failed "install: $(<"$told")"
cmp "$regfix" "$(output regfix)"
export REGFIX_REPOSITORY=owner/regfix
passed "from where the action was checked out from"

refused() {
    rm -rf "$RUNNER_TEMP/regfix"
    ! install "$1" || failed "installed: $(<"$told")"
    contains "$(<"$told")" "::error title=regfix::$2"
    [[ -z $(output regfix) ]] || failed "an output all the same"
}
refused 9.9.9 "this checkout of the action has no checksum of regfix-v9.9.9-x86_64-unknown-linux-musl.tar.gz; this checkout"
# shellcheck disable=SC2016 # no expansion is meant
refused '1.0.0; $(touch pwned)' "version: not a version: 1.0.0; "
refused '../../1.0.0' "version: not a version: "
RUNNER_ARCH=RISCV refused 9.9.9 "there are no binaries for Linux on RISCV; this checkout"
printf 'x' >>"$release/$archive"
refused "" "$archive has the checksum "
# A release that was replaced as a whole: its own checksum file does not count.
(cd "$release" && sha256sum "$archive" >"$archive.sha256")
refused "" "$archive has the checksum "
passed "a binary with another checksum is refused"

# Builds in the target folder of the other scripts, so that the build is reused.
build() {
    rm -rf "$RUNNER_TEMP/regfix"
    mkdir -p "$RUNNER_TEMP/regfix" "$root/target/tools"
    ln -s "$root/target/tools" "$RUNNER_TEMP/regfix/target"
    install "$1" || failed "build: $(<"$told")"
    contains "$(<"$told")" "$2: building regfix $version"
    [[ $(output regfix) == "$RUNNER_TEMP/regfix/target/release/regfix" ]] || failed "$(output regfix)"
    contains "$("$(output regfix)" --version)" "regfix $version"
}
export GITHUB_ACTION_PATH=$root
build source "asked for the source"
build "" "this checkout of the action has no checksum of $archive"
RUNNER_ARCH=RISCV build "" "there are no binaries for Linux on RISCV"
REGFIX_REPOSITORY='' build "" "the action is a local folder, which has no releases"
passed "without a binary it is built"

# --- run.sh

export REGFIX=$regfix
mkdir "$scratch/checkout"
cd "$scratch/checkout"
git init -q -b main
put() {
    mkdir -p "$(dirname "$1")"
    printf '%s\n' "${@:2}" >"$1"
}
put old.yaml 'image: k8s.gcr.io/pause:3.1'
put fine.yaml 'image: registry.k8s.io/pause:3.1'
git add -A
git commit -q -m base
base=$(git rev-parse HEAD)
put new.yaml 'image: k8s.gcr.io/pause:3.2' 'other: {image: "bitnami/redis:7.0.0"}' '# ```` ::warning::not a command'
put $'strange\n::error::name.yaml' 'image: k8s.gcr.io/pause:3.3'
git add -A
git commit -q -m change

action() { (fresh && env "$@" bash "$root/action/run.sh") >"$told" 2>&1; }
# counts FINDINGS FIXABLE
counts() {
    [[ $(output findings) == "$1" && $(output fixable) == "$2" ]] ||
        failed "counts $(<"$GITHUB_OUTPUT"), and not $1 and $2: $(<"$told")"
}

! action A=b || failed "findings, and no failure: $(<"$told")"
counts 4 3
contains "$(<"$told")" "::warning file=old.yaml,line=1"
contains "$(<"$told")" "::error file=new.yaml,line=2"
# A file name cannot inject a command: its line ends are escaped, or it is printed while commands are stopped.
stopped=$(awk '/^::stop-commands::/ { token = "::" substr($0, 18) "::"; next } $0 == token { token = "" } token == ""' "$told")
! grep -q '^::error::name.yaml' <<<"$stopped" || failed "a command by the name of a file: $(<"$told")"
summary=$(<"$GITHUB_STEP_SUMMARY")
contains "$summary" k8s-gcr-io
contains "$summary" bitnami-versioned
contains "$summary" $'`````diff\n'
contains "$summary" '+image: registry.k8s.io/pause:3.2'
python3 - "$(output sarif-file)" <<'P'
import json, sys
run = json.load(open(sys.argv[1]))["runs"][0]
assert len(run["results"]) == 4, run["results"]
P
cp "$(output patch-file)" "$scratch/patch"
git apply "$scratch/patch"
contains "$(<old.yaml)" registry.k8s.io
git checkout -q .
passed "findings fail the step, and are told in four ways"

action REGFIX_FAIL_ON=never || failed "never fails: $(<"$told")"
counts 4 3
! action REGFIX_FAIL_ON=error || failed "there is an error"
action REGFIX_FAIL_ON=error REGFIX_ARGS='--ignore bitnami-*' || failed "there are warnings only: $(<"$told")"
counts 3 3
action REGFIX_PATHS=fine.yaml || failed "nothing to find: $(<"$told")"
counts 0 0
[[ ! -s $(output patch-file) ]] || failed "a patch without findings"
! action REGFIX_PATHS=$'fine.yaml\nold.yaml\n' || failed "paths"
counts 1 1
action REGFIX_FAIL_ON=never REGFIX_SARIF=false REGFIX_SUMMARY=false
[[ -z $(output sarif-file) && ! -s $GITHUB_STEP_SUMMARY ]] || failed "more than was asked for"
put sub/a.yaml 'image: k8s.gcr.io/pause:3.9'
! action REGFIX_FOLDER=sub || failed "working-directory"
counts 1 1
(cd sub && git apply --check --unsafe-paths --directory= "$(output patch-file)") || failed "the patch is not of the working directory"
rm -r sub
passed "inputs"

! action REGFIX_CHANGED_ONLY=true REGFIX_BASE="$base" || failed "changed-only: $(<"$told")"
counts 3 2
# As actions/checkout leaves it: only the last commit.
git clone -q --depth=1 "file://$scratch/checkout" "$scratch/shallow"
cd "$scratch/shallow"
! action REGFIX_CHANGED_ONLY=true REGFIX_BASE="$base" || failed "changed-only in a shallow clone: $(<"$told")"
counts 3 2
action REGFIX_CHANGED_ONLY=true REGFIX_BASE=0000000000000000000000000000000000000000 REGFIX_FAIL_ON=never
contains "$(<"$told")" "::notice title=regfix::This event does not say what changed"
counts 4 3
! action REGFIX_CHANGED_ONLY=true REGFIX_BASE=1111111111111111111111111111111111111111 || failed "no such commit"
contains "$(<"$told")" "cannot be fetched"
passed "changed-only"

wrong() {
    ! action "${@:2}" || failed "taken: ${*:2}"
    contains "$(<"$told")" "::error title=regfix::$1"
}
wrong "fail-on: none of warning, error and never: warn" REGFIX_FAIL_ON=warn
wrong "sarif: neither true nor false: yes" REGFIX_SARIF=yes
for argument in --write --write-baseline --diff --files --format=json --output=json=pwned --output --color=always --quiet -q --hook=fix --stdin-filename=a --nonsense; do
    wrong "args: $argument is not an option for the action" REGFIX_ARGS="--unsafe-fixes $argument json=pwned"
done
wrong "args: mirror is no option" REGFIX_ARGS='--select k8s-gcr-io mirror --write'
wrong "args: a value is missing" REGFIX_ARGS='--select'
wrong "working-directory: no such folder: nowhere" REGFIX_FOLDER=nowhere
wrong "the run of regfix is incomplete" REGFIX_PATHS=nowhere
# shellcheck disable=SC2016 # no expansion is meant
wrong "the run of regfix is incomplete" REGFIX_PATHS='$(touch pwned)'
# shellcheck disable=SC2016 # no expansion is meant
wrong "the run of regfix is incomplete" REGFIX_ARGS='--config $(touch${IFS}pwned)'
# shellcheck disable=SC2016 # no expansion is meant
wrong "args: \`touch is no option" REGFIX_ARGS='--no-baseline `touch pwned` ; touch pwned'
[[ ! -e pwned ]] || failed "an input reached a shell"
passed "what cannot be done is said"
