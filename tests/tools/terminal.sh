#!/usr/bin/env bash
# The output on a terminal, which `script` provides: the progress bar, and the width of lists.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
if ! has script; then
    without script
    exit 0
fi
cd "$scratch"
export TERM=xterm
unset CI
# Too many files for any machine to check in half a second.
mkdir many few
for ((at = 0; at < 4000; at++)); do
    printf -- '- image: k8s.gcr.io/pause:3.2\n- image: k8s.gcr.io/pause:3.3\n- image: k8s.gcr.io/pause:3.4\n' >"many/$at.yaml"
done
cp many/1.yaml few/

# on_terminal COMMAND: prints what the command sends to a terminal; redirected output is not included
on_terminal() { script -qec "$1" /dev/null </dev/null || true; }
line='files checked'
contains "$(on_terminal "'$regfix' --format concise many >found")" "$line"
"$regfix" --format concise many >expected || true
cmp expected found
both=$(on_terminal "'$regfix' --format concise many")
contains "$both" "$line"
contains "$both" "12000 warnings in 4000 files"
passed "a long run tells how far it is, on standard error alone"

never() {
    [[ $(on_terminal "$1") != *"$line"* ]] || failed "a progress bar: $1"
}
never "'$regfix' --format concise few"
never "'$regfix' --format concise --quiet many"
never "'$regfix' --format json many"
never "'$regfix' --format concise many 2>errors"
never "TERM=dumb '$regfix' --format concise many"
never "PRE_COMMIT=1 '$regfix' --format concise many"
never "CI=true '$regfix' --format concise many"
passed "and nobody else is bothered with it"

# widest LINES: the length of the longest line in characters, without colours
widest() {
    local LC_ALL=C.UTF-8 line most=0
    while read -r line; do
        ((${#line} <= most)) || most=${#line}
    done < <(sed -e 's/\x1b\[[0-9;]*m//g' -e 's/\r$//' <<<"$1")
    echo "$most"
}
for columns in 40 80 120; do
    listed=$(on_terminal "stty rows 24 cols $columns; '$regfix' rules")
    contains "$listed" k8s-gcr-io
    (($(widest "$listed") <= columns)) || failed "regfix rules: $(widest "$listed") of $columns columns"
done
"$regfix" rules >listed
[[ $(<listed) != *…* ]] || failed "regfix rules cuts what goes into a pipe"
passed "the list of rules is as wide as the terminal, and whole in a pipe"
