#!/usr/bin/env bash
# Completions in real shells, the manual page in man, and the kubectl plugin.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"
ln -s "$regfix" regfix
export PATH="$scratch:$PATH"

for shell in bash fish nushell powershell zsh; do
    regfix completions "$shell" >"completions.$shell"
done

# Input lines, and the expected completion of each.
mkdir deploys
cat >typed <<'T'
regfix --unsa|--unsafe-fixes
regfix deploys/ --unsa|--unsafe-fixes
regfix expla|explain
regfix depl|deploys/
regfix rules --changed-s|--changed-since
regfix explain k8s-gcr-|k8s-gcr-io
regfix images --ignore k8s-gcr-|k8s-gcr-io
regfix --select=k8s-gcr-|k8s-gcr-io
regfix --select k8s-gcr-|k8s-gcr-io
regfix --output sa|sarif=
regfix --output=sa|sarif=
regfix completions nus|nushell
T

cat >typed.bash <<'B'
# `compopt` fails outside of interactive completion, so a function replaces it.
compopt() { [[ $* == "-o nospace" ]] && spaceless=1; }
. completions.bash
while IFS="|" read -r line wanted; do
    # readline makes the equals sign a separate word.
    read -r -a COMP_WORDS <<<"${line/=/ = }"
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) spaceless=0
    _regfix regfix "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    # Without a completion, bash offers files.
    [[ ${#COMPREPLY[@]} -gt 0 ]] || mapfile -t COMPREPLY < <(compgen -f -S / -- "${COMP_WORDS[COMP_CWORD]}")
    if [[ ${COMPREPLY[*]} != "$wanted" || $wanted == *= && $spaceless == 0 ]]; then
        printf '%s: offers %s\n' "$line" "${COMPREPLY[*]}"
        exit 1
    fi
done <typed
B
said=$(bash typed.bash) || failed "completions for bash: $said"
passed "completions for bash"

if has fish; then
    cat >typed.fish <<'F'
source completions.fish
while read -d '|' line wanted
    # fish completes an option and its value as one word.
    set -l offered (complete -C $line | string split -f 1 \t | string replace -r '^--[a-z]+=' '')
    test "$offered" = $wanted; or begin; echo "$line: offers $offered"; exit 1; end
end <typed
F
    said=$(fish --no-config typed.fish) || failed "completions for fish: $said"
    passed "completions for fish"
else
    without fish
fi

if has zsh; then
    mkdir -p functions
    cp completions.zsh functions/_regfix
    # zsh completes only interactively, so the script types into a pseudo-terminal, reads the inserted text, and then
    # discards the line. After `sarif=` nothing is inserted, otherwise a space or a slash.
    cat >typed.zsh <<'Z'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; fpath=($PWD/functions \$fpath); autoload -Uz compinit; compinit -u -d $PWD/dump"
zpty -w shell "echo rea''dy"
zpty -r -m shell seen '*ready*'
while IFS="|" read -r line wanted; do
    print -r -- "$line"
    zpty -w -n shell "$line"$'\t'
    text=
    # It beeps before the inserted text if there are other kinds of matches.
    while [[ ${text//$'\a'/} != *"${line%${line##*[ =]}}${wanted%/}"* ]]; do
        zpty -r -m shell seen '?*' || exit 1
        text+=$seen
    done
    zpty -w -n shell $'\C-u'
done <typed
print every line
Z
    said=$(timeout 60 zsh -f typed.zsh) || true
    [[ $said == *"every line" ]] || failed "completions for zsh: ${said##*$'\n'}"
    passed "completions for zsh"
else
    without zsh
fi

if has nu; then
    nu --no-config-file -c 'source completions.nushell; help regfix' | grep -q -- --unsafe-fixes
    passed "completions for Nushell"
else
    without nu
fi

if has pwsh; then
    # shellcheck disable=SC2016 # it is PowerShell that expands
    offered=$(pwsh -NoProfile -Command '. ./completions.powershell
        $typed = "regfix --unsa"
        (TabExpansion2 -inputScript $typed -cursorColumn $typed.Length).CompletionMatches.CompletionText')
    contains "$offered" --unsafe-fixes
    passed "completions for PowerShell"
else
    without pwsh
fi

if has man; then
    regfix man >regfix.1
    contains "$(MANWIDTH=80 MANPAGER=cat man --warnings -l regfix.1 2>warnings)" "SYNOPSIS"
    [[ ! -s warnings ]] || failed "the manual page: $(<warnings)"
    MANWIDTH=80 MANPAGER=cat man -l regfix.1 | grep -qE '^ +concise +one finding per line$' ||
        failed "the manual page has the formats in a heap"
    passed "the manual page"
else
    without man
fi

ln -s "$regfix" kubectl-regfix
if has kubectl; then
    contains "$(kubectl regfix --help)" "Usage: kubectl regfix"
    contains "$(kubectl plugin list 2>&1)" kubectl-regfix
    printf 'image: k8s.gcr.io/pause:3.2\n' >pod.yaml
    code=0
    kubectl regfix --format concise pod.yaml >report || code=$?
    [[ $code == 1 ]] || failed "kubectl regfix exits with $code"
    contains "$(<report)" "pod.yaml:1:8"
    passed "the plugin of kubectl"
else
    without kubectl
fi
