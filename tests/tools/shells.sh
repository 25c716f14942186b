#!/usr/bin/env bash
# Completions in the shells themselves, the manual page in man, the plugin in kubectl.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"
ln -s "$regfix" regfix
export PATH="$scratch:$PATH"

for shell in bash fish nushell powershell zsh; do
    regfix completions "$shell" >"completions.$shell"
done

bash -c '
    . completions.bash
    COMP_WORDS=(regfix --unsa) COMP_CWORD=1
    _regfix regfix --unsa regfix
    [[ ${COMPREPLY[*]} == --unsafe-fixes ]]
    COMP_WORDS=(regfix rules --format j) COMP_CWORD=3
    _regfix regfix j --format
    [[ ${COMPREPLY[*]} == json ]]
    COMP_WORDS=(regfix explain k8s-gcr-) COMP_CWORD=2
    _regfix regfix k8s-gcr- explain
    [[ ${COMPREPLY[*]} == k8s-gcr-io ]]
    COMP_WORDS=(regfix images --ignore k8s-gcr-) COMP_CWORD=3
    _regfix regfix k8s-gcr- --ignore
    [[ ${COMPREPLY[*]} == k8s-gcr-io ]]
    # Only where somebody types is there a space to leave out.
    compopt() { [[ $* == "-o nospace" ]] && spaceless=1; }
    COMP_WORDS=(regfix --output sa) COMP_CWORD=2
    _regfix regfix sa --output
    [[ ${COMPREPLY[*]} == sarif= && $spaceless == 1 ]]
' || failed "completions for bash"
passed "completions for bash"

if has fish; then
    contains "$(fish --no-config -c 'source completions.fish; complete -C "regfix --unsa"')" --unsafe-fixes
    contains "$(fish --no-config -c 'source completions.fish; complete -C "regfix exp"')" explain
    contains "$(fish --no-config -c 'source completions.fish; complete -C "regfix --select=k8s-gcr-"')" k8s-gcr-io
    contains "$(fish --no-config -c 'source completions.fish; complete -C "regfix --output=sa"')" sarif=
    passed "completions for fish"
else
    without fish
fi

if has zsh; then
    mkdir -p functions
    cp completions.zsh functions/_regfix
    # Its completion system works only where somebody types: what it would insert is read off a pseudo-terminal.
    cat >typed.zsh <<'Z'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; fpath=($PWD/functions \$fpath); autoload -Uz compinit; compinit -u -d $PWD/dump"
zpty -w shell "echo rea''dy"
zpty -r -m shell seen '*ready*'
zpty -w -n shell $'regfix --unsa\t'
zpty -r -m shell seen '*--unsafe-fixes*' || exit 1
print -r -- "$seen"
Z
    contains "$(timeout 30 zsh -f typed.zsh)" --unsafe-fixes
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
