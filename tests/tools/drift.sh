#!/usr/bin/env bash
# `regfix cluster --repo` on a real API server: objects applied from files (manifests, a release by Helm, a Kustomize
# overlay) that have changed since, in the cluster or in the files. REGFIX_KUBECONFIG names a server that may be changed;
# without it, or without kubectl, nothing is tested, which is reported.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"

needs_server "files and a cluster"
own_namespace regfix-drift
on_server() { kubectl --namespace "$namespace" "$@" > /dev/null; }

mkdir -p tree/plain tree/charts/api/templates tree/base tree/overlays/production
cd tree
git init --quiet .
cat > plain/web.yaml << 'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: k8s.gcr.io/pause:3.5
        - name: side
          image: k8s.gcr.io/pause:3.6
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "@daily"
  suspend: true
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: run
              image: k8s.gcr.io/pause:3.4.1
YAML
printf 'apiVersion: v2\nname: api\nversion: 1.2.3\n' > charts/api/Chart.yaml
cat > charts/api/values.yaml << 'YAML'
image:
  repository: k8s.gcr.io/kube-state-metrics/kube-state-metrics
  tag: v2.3.0
YAML
cat > charts/api/templates/all.yaml << 'YAML'
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-api
  labels: {helm.sh/chart: "{{ .Chart.Name }}-{{ .Chart.Version }}"}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      initContainers: [{name: setup, image: "k8s.gcr.io/busybox:1.27"}]
      containers:
        - name: api
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
YAML
printf 'resources: [agent.yaml]\n' > base/kustomization.yaml
cat > base/agent.yaml << 'YAML'
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      containers:
        - name: agent
          image: k8s.gcr.io/node-problem-detector/node-problem-detector:v0.8.8
        - name: helper
          image: helper
YAML
cat > overlays/production/kustomization.yaml << 'YAML'
resources: [../../base]
namePrefix: production-
buildMetadata: [originAnnotations]
images:
  - name: helper
    newName: k8s.gcr.io/pause
    newTag: "3.2"
YAML
git add --all
git commit --quiet --message "What is applied"

on_server apply --filename plain
on_server apply --kustomize overlays/production
rows=7
if has helm; then
    helm install shop charts/api --namespace "$namespace" > /dev/null
else
    without helm
    rows=5
fi

# report NAME: compares the cluster and the files, and expects exit code 1
report() {
    local status=0
    "$regfix" cluster --no-config --namespace "$namespace" --repo . --format json > "../$1.json" || status=$?
    [ "$status" = 1 ] || failed "$1: exit code $status"
}
cat > ../joined.py << 'PYTHON'
import json, sys
def joined(name):
    report = json.load(open("../%s.json" % name))
    rows = {}
    for row in report["rows"]:
        git = row["git"]
        sites = ["%s:%d" % (site["path"], site["line"]) for site in git["sites"]]
        rows[row["kind"], row["name"], row["container"]] = (git["state"], git["sureness"], sites)
    return rows, [("%s:%d" % (one["path"], one["line"]), one["fixed_in_cluster"]) for one in report["git_only"]]
def same(found, expected):
    assert found == expected, "\n%s\n%s" % (found, expected)
PYTHON

report applied
PYTHONPATH=.. python3 - "$rows" << 'PYTHON'
import sys
from joined import joined, same
rows, only = joined("applied")
expected = {
    ("Deployment", "web", "web"): ("both", "exact", ["plain/web.yaml:11"]),
    ("Deployment", "web", "side"): ("both", "exact", ["plain/web.yaml:13"]),
    ("CronJob", "nightly", "run"): ("both", "exact", ["plain/web.yaml:28"]),
    ("DaemonSet", "production-agent", "agent"): ("both", "likely", ["base/agent.yaml:11"]),
    ("DaemonSet", "production-agent", "helper"): ("both", "likely", ["overlays/production/kustomization.yaml:6"]),
}
if sys.argv[1] == "7":
    expected |= {
        ("Deployment", "shop-api", "api"): ("both", "likely", ["charts/api/values.yaml:2"]),
        ("Deployment", "shop-api", "setup"): ("both", "likely", ["charts/api/templates/all.yaml:11"]),
    }
    same(only, [])
same(rows, expected)
PYTHON
passed "$rows containers are in the cluster and in the files that they were applied from"

# Both sides change independently; nothing is applied.
"$regfix" --no-config --write --quiet base charts overlays || true
sed -i 's#k8s.gcr.io/pause:3.6#registry.k8s.io/pause:3.6#' plain/web.yaml
on_server patch cronjob nightly --type=json --patch '[{"op": "replace", "path": "/spec/jobTemplate/spec/template/spec/containers/0/image", "value": "registry.k8s.io/pause:3.4.1"}]'
on_server create deployment orphan --image k8s.gcr.io/e2e-test-images/agnhost:2.39
printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: later}\nspec: {containers: [{name: c, image: "k8s.gcr.io/pause:3.0"}]}\n' > plain/later.yaml
report drifted
PYTHONPATH=.. python3 - "$rows" "$namespace" << 'PYTHON'
import sys
from joined import joined, same
rows, only = joined("drifted")
expected = {
    ("Deployment", "web", "web"): ("both", "exact", ["plain/web.yaml:11"]),
    ("Deployment", "web", "side"): ("fixed-in-git", "exact", ["plain/web.yaml:13"]),
    ("Deployment", "orphan", "agnhost"): ("cluster-only", None, []),
    ("DaemonSet", "production-agent", "agent"): ("fixed-in-git", "likely", ["base/agent.yaml:11"]),
    ("DaemonSet", "production-agent", "helper"): ("fixed-in-git", "likely", ["overlays/production/kustomization.yaml:6"]),
}
if sys.argv[1] == "7":
    expected |= {
        ("Deployment", "shop-api", "api"): ("fixed-in-git", "likely", ["charts/api/values.yaml:2"]),
        ("Deployment", "shop-api", "setup"): ("fixed-in-git", "likely", ["charts/api/templates/all.yaml:11"]),
    }
same(rows, expected)
same(only, [("plain/later.yaml:4", None), ("plain/web.yaml:28", sys.argv[2] + "/CronJob/nightly")])
PYTHON
"$regfix" cluster --no-config --namespace "$namespace" --repo . > full || true
for part in "fixed in git, not in the cluster: plain/web.yaml:13:18 (exact)" "IN GIT ONLY" "puts the old one back"; do
    contains "$(tr -s ' \n' ' ' < full)" "$part"
done
passed "what is fixed in the files only, in the cluster only, and what is in one of them only is named"
