# shellcheck shell=bash
# Shared by the scripts in this folder: each runs regfix with a real tool, if that tool is installed. Sourced, never run.
# Sets `root`, `regfix` and `scratch`, a folder that is removed when the script ends.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
regfix=${REGFIX:-${CARGO_TARGET_DIR:-$root/target}/debug/regfix}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Reports that a part is not tested, which is not a failure.
without() { printf 'not tested: %s is not installed\n' "$1"; }
passed() { printf 'ok: %s\n' "$*"; }
failed() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}
has() { command -v "$1" >/dev/null; }
# contains TEXT PART
contains() { [[ $1 == *"$2"* ]] || failed "not found: $2"$'\n'"in: $1"; }
# needs_server WHAT: ends the script with a message if REGFIX_KUBECONFIG names no API server.
needs_server() {
    if [[ -z ${REGFIX_KUBECONFIG:-} ]] || ! has kubectl; then
        printf 'not tested: %s, for REGFIX_KUBECONFIG names no API server or kubectl is not here\n' "$1"
        exit 0
    fi
    export KUBECONFIG=$REGFIX_KUBECONFIG
}
# own_namespace NAME FILE...: sets `namespace`. It and the objects in the files are deleted when the script ends.
own_namespace() {
    namespace=$1-$$
    applied=("${@:2}")
    kubectl create namespace "$namespace" >/dev/null
    trap leave_server EXIT
}
leave_server() {
    kubectl delete --ignore-not-found --wait=false "${applied[@]/#/--filename=}" >/dev/null 2>&1 || true
    kubectl delete namespace "$namespace" --wait=false >/dev/null 2>&1 || true
    rm -rf "$scratch"
}
[[ -x $regfix ]] || failed "$regfix is not built"

# Release builds are not optimised here, because speed is not tested.
export CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16

# Isolates git from the configuration of whoever runs the tests.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=tests GIT_AUTHOR_EMAIL=tests@example.com
export GIT_COMMITTER_NAME=tests GIT_COMMITTER_EMAIL=tests@example.com
unset GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE PRE_COMMIT NO_COLOR
