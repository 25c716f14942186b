#!/usr/bin/env bash
# The chart of `packaging`: helm finds no fault with it, regfix finds nothing legacy in it, and its role is the one that is documented.
# With REGFIX_KUBECONFIG an API server takes it, too.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"

if ! has helm; then
    without helm
    exit 0
fi
chart=$root/packaging/chart
image=(--set image.repository=registry.example.com/regfix-cluster)
helm lint --strict "$chart" "${image[@]}" >linted 2>&1 || failed "helm lint: $(cat linted)"
# Without an image it says what is missing.
helm template test "$chart" > /dev/null 2> why && failed "a chart without an image is rendered"
contains "$(cat why)" "packaging/Dockerfile.cluster"
helm template test "$chart" --namespace audit "${image[@]}" > usual.yaml
cat > values.yaml << 'YAML'
image: {digest: "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
imagePullSecrets: [{name: pull}]
timeZone: Europe/Berlin
format: json
extraArgs: ["--select=bitnami-*"]
rbac: {extraRules: [{apiGroups: [example.com], resources: [widgets], verbs: [get, list]}]}
podLabels: {team: platform}
podAnnotations: {a: b}
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{operator: Exists}]
affinity: {nodeAffinity: {}}
YAML
helm template test "$chart" --namespace audit "${image[@]}" --values values.yaml > all.yaml
contains "$(cat all.yaml)" 'image: "registry.example.com/regfix-cluster@sha256:aaaa'
contains "$(cat usual.yaml)" 'image: "registry.example.com/regfix-cluster:'
passed "helm lints and renders the chart"

"$regfix" --no-config --quiet "$chart" || failed "regfix finds something in the chart"
"$regfix" --no-config --quiet usual.yaml all.yaml || failed "regfix finds something in what the chart renders"
"$regfix" cluster --no-config --all --from usual.yaml > listed
contains "$(cat listed)" "CronJob/test-regfix-cluster"
passed "regfix finds the chart clean"

rules() { sed -n '/^rules:/,/^---/p' "$1" | grep -v '^ *#' | grep -v '^---'; }
sed -n '/^kind: ClusterRole$/,/^---/p' usual.yaml > role
[ "$(rules role)" = "$(rules "$root/packaging/cluster-reader.yaml")" ] || failed "the role is not that of packaging/cluster-reader.yaml"
passed "its role is that of packaging/cluster-reader.yaml"

needs_server "the chart on an API server"
for file in usual.yaml all.yaml; do
    sed 's/namespace: audit/namespace: default/' "$file" | kubectl apply --dry-run=server -f - > /dev/null || failed "$file is refused"
done
passed "an API server takes it"
# What the pod would run.
mapfile -t arguments < <(sed -n '/args:/,/env:/s/^ *- //p' usual.yaml | sed '/^name: /d')
status=0
"$regfix" "${arguments[@]}" > report || status=$?
[[ $status -le 1 && -s report ]] || failed "regfix ${arguments[*]}: exit code $status"
passed "regfix ${arguments[*]}: exit code $status"
