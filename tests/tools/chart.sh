#!/usr/bin/env bash
# The chart in `packaging`: it passes helm, regfix finds nothing legacy in it, and its role is the documented one. With
# REGFIX_KUBECONFIG, it is installed, and regfix runs as its pod does, with the token of its service account.
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
# Without an image, the error says what is missing.
helm template test "$chart" > /dev/null 2> why && failed "a chart without an image is rendered"
contains "$(cat why)" "packaging/Dockerfile"
# Metrics need a persistent report.
helm template test "$chart" "${image[@]}" --set metrics.enabled=true > /dev/null 2> why && failed "metrics without a claim are rendered"
contains "$(cat why)" "reports.claim"
helm template test "$chart" --namespace audit "${image[@]}" > usual.yaml
cat > values.yaml << 'YAML'
image: {digest: "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
imagePullSecrets: [{name: pull}]
timeZone: Europe/Berlin
format: concise
failOnFindings: false
reports: {claim: reports}
metrics: {enabled: true, interval: 1h, extraArgs: ["--per-host=2", "--timeout=2s", "--max-wait=1s"]}
extraArgs: ["--select=k8s-*"]
rbac: {extraRules: [{apiGroups: [example.com], resources: [widgets], verbs: [get, list]}]}
podLabels: {team: platform}
podAnnotations: {a: b}
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{operator: Exists}]
affinity: {nodeAffinity: {}}
YAML
helm template test "$chart" --namespace audit "${image[@]}" --values values.yaml > all.yaml
contains "$(cat all.yaml)" 'image: "registry.example.com/regfix-cluster@sha256:aaaa'
for argument in --exit-zero --all --output=json=/reports/cluster.json --cluster-report=/reports/cluster.json --interval=1h; do
    contains "$(cat all.yaml)" "- $argument"
done
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

# arguments FILE KIND: the arguments of the container of a kind
arguments() { sed -n "/^kind: $2/,/^---/p" "$1" | sed -n '/args:/,/securityContext:\|ports:/s/^ *- //p' | sed 's/^"\(.*\)"$/\1/; /^name: /d'; }
# The pods run commands that this regfix accepts, whatever their result.
mapfile -t cluster < <(arguments all.yaml CronJob)
mkdir reports
"$regfix" "${cluster[@]//\/reports/reports}" --from usual.yaml > report 2> why && failed "regfix takes --from beside --all-namespaces"
contains "$(cat why)" "cannot be used with"
mapfile -t exporter < <(arguments all.yaml Deployment)
[[ ${exporter[0]} == exporter ]] || failed "no exporter: ${exporter[*]}"
printf '{"version":1,"rows":[]}' > reports/cluster.json
# The exporter listens until it is stopped.
exporter=("${exporter[@]//\/reports/reports}")
timeout 3 "$regfix" "${exporter[@]//0.0.0.0:9877/127.0.0.1:0}" > said 2>&1 && failed "the exporter ends"
[[ $(cat said) != *error:* ]] || failed "${exporter[*]}: $(cat said)"
passed "regfix knows the arguments of the pods"

needs_server "the chart on an API server"
own_namespace regfix-chart usual.yaml
for file in usual.yaml all.yaml; do
    sed "s/namespace: audit/namespace: $namespace/" "$file" | kubectl apply --dry-run=server -f - > /dev/null || failed "$file is refused"
done
helm install test "$chart" --namespace "$namespace" "${image[@]}" --values values.yaml > /dev/null
leave_chart() {
    helm uninstall test --namespace "$namespace" > /dev/null 2>&1 || true
    leave_server
}
trap leave_chart EXIT
passed "it is installed"

# Validates against the schemas of this server, in strict mode.
if has kubeconform; then
    kubectl get --raw /openapi/v2 > openapi.json
    mkdir schemas
    python3 - << 'PYTHON'
import json
definitions = json.load(open("openapi.json"))["definitions"]
for name, one in definitions.items():
    if one.get("format") == "int-or-string":
        definitions[name] = {"type": ["integer", "string"]}
    elif "properties" in one:
        one.setdefault("additionalProperties", False)
for name, one in definitions.items():
    for kind in one.get("x-kubernetes-group-version-kind", []):
        group = kind["group"].split(".")[0]
        path = "-".join(part for part in (kind["kind"].lower(), group, kind["version"]) if part)
        json.dump({"$ref": "#/definitions/" + name, "definitions": definitions}, open(f"schemas/{path}.json", "w"))
PYTHON
    check() { kubeconform -strict -summary -schema-location 'schemas/{{ .ResourceKind }}{{ .KindSuffix }}.json' "$@"; }
    said=$(check usual.yaml all.yaml 2>&1) || failed "kubeconform: $said"
    contains "$said" "Invalid: 0, Errors: 0, Skipped: 0"
    sed 's/concurrencyPolicy:/concurrency:/' usual.yaml > wrong.yaml
    ! check wrong.yaml > /dev/null 2>&1 || failed "kubeconform takes any field"
    passed "kubeconform: $said"
else
    without kubeconform
fi

account=system:serviceaccount:$namespace:test-regfix-cluster
may() { kubectl auth can-i "$@" --all-namespaces --as "$account" > /dev/null 2>&1; }
for what in pods deployments.apps cronjobs.batch customresourcedefinitions.apiextensions.k8s.io; do
    may list "$what" || failed "$account may not list $what"
done
for what in "create pods" "patch deployments.apps" "delete jobs.batch" "get secrets" "list configmaps" "create pods --subresource=exec"; do
    # shellcheck disable=SC2086
    ! may $what || failed "$account may $what"
done
passed "its role reads workloads, and nothing else"

# As in its pod: no kubectl, the token of the service account, and reports in files.
kubectl --namespace "$namespace" create deployment old --image k8s.gcr.io/pause:3.1 > /dev/null
mkdir account
kubectl --namespace "$namespace" create token test-regfix-cluster > account/token
kubectl config view --raw --minify --output 'jsonpath={.clusters[0].cluster.certificate-authority-data}' | base64 -d > account/ca.crt
server=$(kubectl config view --minify --output 'jsonpath={.clusters[0].cluster.server}')
server=${server#https://}
printf '%s' "$namespace" > account/namespace
status=0
env --ignore-environment PATH= KUBERNETES_SERVICE_HOST="${server%:*}" KUBERNETES_SERVICE_PORT="${server##*:}" \
    "$regfix" "${cluster[@]//\/reports/reports}" --service-account account > report 2> why || status=$?
[[ $status = 0 && -z $(cat why) ]] || failed "regfix ${cluster[*]}: exit code $status: $(cat why)"
contains "$(cat report)" "$namespace/Deployment/old"
contains "$(cat report)" "Helm release $namespace/test"
contains "$(head -c 100 reports/cluster.html)" "<!DOCTYPE html>"
python3 -c 'import json; rows = json.load(open("reports/cluster.json"))["rows"]; assert any(row["finding"] for row in rows) and not all(row["finding"] for row in rows)'
passed "its service account is all that regfix needs: $(tail -n 1 report)"

# As in the pod of the metrics, with the report of the CronJob. No registry can be reached, which is a metric too.
env --ignore-environment PATH= HTTPS_PROXY=http://127.0.0.1:9 \
    "$regfix" "${exporter[@]//0.0.0.0:9877/127.0.0.1:0}" 2> served &
pod=$!
leave_exporter() {
    kill "$pod" 2> /dev/null || true
    leave_chart
}
trap leave_exporter EXIT
for _ in {1..100}; do
    url=$(grep -so 'http://[0-9.:]*' served) && curl --silent --fail "$url/metrics" > metrics && break
    sleep 0.1
done
[[ $(curl --silent "$url/healthz") = ok ]] || failed "/healthz: $(cat served)"
contains "$(cat metrics)" 'regfix_image_undetermined{image="k8s.gcr.io/pause:3.1",state="unreachable"} 1'
passed "the metrics are about the images of its report"
