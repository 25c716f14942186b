#!/usr/bin/env bash
# The hooks in pre-commit: built from this repository, and run in a new one.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
if ! has pre-commit; then
    without pre-commit
    exit 0
fi
export PRE_COMMIT_HOME="$scratch/home"
# pre-commit builds in a new copy each time; a shared target folder avoids building everything again.
export CARGO_TARGET_DIR="$root/target/tools"

mkdir "$scratch/project"
cd "$scratch/project"
git init -q -b main

# Files of each scanned type, and some of other types.
put() {
    mkdir -p "$(dirname "$1")"
    printf '%s\n' "${@:2}" >"$1"
}
legacy='image: k8s.gcr.io/pause:3.2'
for name in values.yaml deploy.yml sub/list.json page.yaml.j2 'with blank.yaml' Kustomization requirements.yaml \
    helmfile.yaml chart/Chart.yaml chart/templates/pod.yaml x.yaml.gotmpl x.yml.tmpl x.yaml.tpl x.yaml.jinja \
    x.yaml.jinja2 x.yaml.template x.yaml.in x.yaml.erb x.yaml.mustache x.yaml.tftpl X.YAML.Example x.json5 third_party/excluded.yaml; do
    put "$name" "$legacy"
done
put sub/list.json '{"image": "k8s.gcr.io/pause:3.2"}'
put chart/Chart.yaml 'apiVersion: v2' 'name: chart' 'version: 1.0.0' 'annotations:' '  images: k8s.gcr.io/pause:3.2'
put Kustomization 'kind: Kustomization' 'images:' '  - name: app' '    newName: k8s.gcr.io/pause'
put chart/templates/_helpers.tpl '{{- define "image" }}' "$legacy" '{{- end }}'
put README.md "$legacy"
put .regfix.yaml 'exclude: [third_party]'
git add -A
# The findings with a fix, one per line.
fixable() { "$regfix" --format concise | grep -F '[*]' || true; }
before=$(fixable | wc -l)
((before == 23)) || failed "$before to find: $(fixable)"

try() { pre-commit try-repo "$root" "$1" --color never --all-files "${@:2}" >"$scratch/told" 2>&1; }
try regfix && failed "nothing was found: $(<"$scratch/told")"
contains "$(<"$scratch/told")" "files were modified by this hook"
contains "$(<"$scratch/told")" "Fixed $before references"
git diff --quiet -- README.md third_party || failed "what is excluded was touched"
[[ -z $(fixable) ]] || failed "left behind: $(fixable)"
passed "pre-commit try-repo finds and fixes all $before"
git add -A
try regfix || failed "the second run: $(<"$scratch/told")"
passed "the second run passes"

# As configured in a repository, on staged files, and on a pseudo-terminal if there is one.
git commit -q -m .
git -C "$root" cat-file -e HEAD:.pre-commit-hooks.yaml || failed "the hooks are not committed"
put .pre-commit-config.yaml 'repos:' "  - repo: $root" "    rev: $(git -C "$root" rev-parse HEAD)" \
    '    hooks:' '      - id: regfix-check' '        stages: [manual]' '      - id: regfix' '        args: [--unsafe-fixes]'
git add -A
pre-commit install >/dev/null
git commit -q -m . 2>"$scratch/told" || failed "nothing to say: $(<"$scratch/told")"
put values.yaml "$legacy" 'image2: bitnami/redis:7.0.0'
git add -A
code=0
pre-commit run --hook-stage manual regfix-check --color always >"$scratch/told" 2>&1 || code=$?
[[ $code == 1 ]] || failed "pre-commit ends with $code: $(<"$scratch/told")"
contains "$(<"$scratch/told")" "k8s-gcr-io"
[[ $(<"$scratch/told") != *"files checked"* ]] || failed "a progress bar"
git diff --quiet || failed "regfix-check has written"
git commit -q -m . 2>"$scratch/told" && failed "the commit went through"
contains "$(<values.yaml)" "registry.k8s.io/pause:3.2"
git add -A
git commit -q -m . 2>"$scratch/told" || failed "the fixed commit: $(<"$scratch/told")"
passed "git commit is held until what was fixed is staged"

# Names that look like options are files, whatever `args` and `files` are set to.
put .pre-commit-config.yaml 'repos:' "  - repo: $root" "    rev: $(git -C "$root" rev-parse HEAD)" \
    '    hooks:' '      - id: regfix' '        args: [--unsafe-fixes, --ignore, bitnami-*]' "        files: ''"
for name in "--output=concise=$scratch/pwned.yaml" --write-baseline.yaml --write-baseline --ignore=all '--exclude=*' -q -- -; do
    put "./$name" "$legacy"
done
put values.yaml "$legacy"
git add -A
code=0
pre-commit run --color never >"$scratch/told" 2>&1 || code=$?
[[ $code == 1 ]] || failed "pre-commit ends with $code: $(<"$scratch/told")"
contains "$(<values.yaml)" registry.k8s.io/pause:3.2
contains "$(<./--output=concise="$scratch/pwned.yaml")" registry.k8s.io/pause:3.2
[[ ! -e $scratch/pwned.yaml && ! -e .regfix-baseline.json ]] || failed "the name of a file was an option: $(<"$scratch/told")"
passed "names that look like options are files"
