#!/usr/bin/env bash
# No connection unless asked for: runs every command that is not for registries without a network, and under strace.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
apart=() watch=()
if unshare --net true 2>/dev/null; then
    apart=(unshare --net)
elif unshare --net --map-root-user true 2>/dev/null; then
    apart=(unshare --net --map-root-user)
else
    printf 'not tested: unshare cannot take the network away\n'
fi
if strace -o /dev/null true 2>/dev/null; then
    watch=(strace -f -qq -e signal=none -o "$scratch/calls" -e "trace=socket,connect,sendto,sendmsg")
else
    printf 'not tested: strace cannot watch connections\n'
fi
((${#apart[@]} + ${#watch[@]} > 0)) || exit 0

cp -r "$root/fixtures/tour" "$scratch/tour"
cd "$scratch/tour"
git init -q -b main
printf '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "image": "k8s.gcr.io/pause:3.2"}]}}' >pod.json
git add -A
git commit -q -m .
# Restores the repository, with one untracked file.
fresh() {
    git checkout -q -- .
    printf 'image: k8s.gcr.io/pause:3.2\n' >more.yaml
}

# Every command of the help that must not connect, and forms of the command without a name.
quiet=("--diff" "--format json" "--since HEAD" "--write --unsafe-fixes" "--files" "images" "images --unique --format json" "mirror --to localhost:5000 --emit crane" "hosts"
    "rules" "config" "cluster --from pod.json" "policy --engine map" "policy test --engine gatekeeper" "explain k8s-gcr-io" "completions bash" "man" "lsp" "--add-ignores" "merge none.jsonl" "--git-dir .")
# The other commands connect on purpose.
loud=("tags 192.0.2.1/a --timeout 100ms" "exporter --timeout 100ms --max-wait 0s --textfile - asked.yaml")
# A stand-in for the engine that `policy test` starts.
mkdir "$scratch/bin"
printf '#!/bin/sh\nexit 0\n' >"$scratch/bin/gator"
chmod +x "$scratch/bin/gator"
PATH=$scratch/bin:$PATH
printf 'image: 192.0.2.1/a:1\n' >asked.yaml
git add asked.yaml
git commit -q -m .

# commands NAME...: the subcommands of a command, or those of regfix itself.
commands() { "$regfix" "$@" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]\+\) .*/\1/p' | grep -vx help || true; }
all=()
while read -r command; do
    all+=("$command")
    while read -r below; do
        all+=("$command $below")
    done < <(commands "$command")
done < <(commands)
((${#all[@]} > 10)) || failed "the help lists no commands"
for command in "${all[@]}"; do
    printf '%s\n' "${quiet[@]}" "${loud[@]}" | grep -qE "^$command( |\$)" || failed "it is not tested that \`$command\` makes no connection"
done
for arguments in "${quiet[@]}"; do
    read -ra words <<<"$arguments"
    fresh
    "$regfix" "${words[@]}" >"$scratch/with" 2>/dev/null </dev/null && code=0 || code=$?
    if ((${#apart[@]} > 0)); then
        fresh
        "${apart[@]}" "$regfix" "${words[@]}" >"$scratch/without" 2>/dev/null </dev/null && got=0 || got=$?
        # Times differ in every run.
        diff <(sed 's/ ([0-9.]* m\?s)//' "$scratch/with") <(sed 's/ ([0-9.]* m\?s)//' "$scratch/without") || failed "$arguments: another output without a network"
        [[ $got == "$code" ]] || failed "$arguments: ends with $got without a network, else with $code"
    fi
    if ((${#watch[@]} > 0)); then
        fresh
        "${watch[@]}" "$regfix" "${words[@]}" >/dev/null 2>&1 </dev/null || true
        # A thread that ended while strace detached is not a call.
        sed -i '/<detached \.\.\.>$/d' "$scratch/calls"
        [[ ! -s $scratch/calls ]] || failed "$arguments: $(head -n 3 "$scratch/calls")"
    fi
done
passed "no connection by ${#quiet[@]} commands"
if ((${#watch[@]} > 0)) && [[ $("$regfix" tags x 2>&1 || true) != *"needs a build"* ]]; then
    # Checks that strace shows connections at all.
    for arguments in "${loud[@]}"; do
        read -ra words <<<"$arguments"
        "${watch[@]}" "$regfix" "${words[@]}" >/dev/null 2>&1 </dev/null || true
        [[ -s $scratch/calls ]] || failed "$arguments: a connection was not seen"
    done
fi
