#!/usr/bin/env bash
# `regfix cluster` on a real API server: 2,000 objects of 12 kinds, read with a read-only token. The result is compared with
# a count by another program. REGFIX_KUBECONFIG names a server that may be changed; without it, or without kubectl, nothing
# is tested, which is reported.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"

needs_server clusters
cp "$KUBECONFIG" admin.kubeconfig
export KUBECONFIG=$scratch/admin.kubeconfig
group=n$$.regfix.example.com
own_namespace regfix-cluster definitions.yaml role.yaml

python3 - "$namespace" "$group" "${REGFIX_OBJECTS:-2000}" << 'PYTHON'
import json, sys
namespace, group, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
images = ["k8s.gcr.io/pause:3.%d", "registry.k8s.io/pause:3.%d", "gcr.io/google_containers/pause:3.%d", "docker.io/library/busybox:1.3%d"]
image = lambda number: images[number % 4] % (number % 10)
def pod(number):
    spec = {"containers": [{"name": "app", "image": image(number)}], "terminationGracePeriodSeconds": 0}
    if number % 3 == 0:
        spec["initContainers"] = [{"name": "setup", "image": image(number + 1)}]
    if number % 5 == 0:
        spec["containers"].append({"name": "side", "image": image(number + 2)})
    return spec
def template(name, number, restart=None):
    spec = pod(number)
    if restart:
        spec["restartPolicy"] = restart
    return {"metadata": {"labels": {"app": name}}, "spec": spec}
def controller(name, number):
    # A few have pods, which belong to them and get no rows.
    replicas = 2 if number % 40 == 0 else 0
    return {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template(name, number)}
def daemon(name, number):
    spec = controller(name, number)
    del spec["replicas"]
    return spec
kinds = [
    ("v1", "Pod", lambda name, number: pod(number)),
    ("v1", "ReplicationController", lambda name, number: {"replicas": 0, "selector": {"app": name}, "template": template(name, number)}),
    ("apps/v1", "Deployment", controller),
    ("apps/v1", "ReplicaSet", lambda name, number: controller(name, number) | {"replicas": 0}),
    ("apps/v1", "StatefulSet", lambda name, number: controller(name, number) | {"serviceName": name}),
    ("apps/v1", "DaemonSet", daemon),
    ("batch/v1", "Job", lambda name, number: {"suspend": number % 2 == 0, "template": template(name, number, "Never")}),
    ("batch/v1", "CronJob", lambda name, number: {"suspend": True, "schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": template(name, number, "Never")}}}),
    (group + "/v1", "Widget", lambda name, number: {"image": image(number)}),
    (group + "/v1", "Fleet", lambda name, number: {"template": {"spec": pod(number)}}),
    (group + "/v1", "Blob", lambda name, number: {"anything": {"image": image(number)}}),
]
with open("objects.json", "w") as out:
    for number in range(count):
        version, kind, spec = kinds[number % 12] if number % 12 < 11 else ("v1", "PodTemplate", None)
        name = "%s-%d" % (kind.lower(), number)
        # A sample of each kind.
        labels = {"part": "sample" if number % 13 == 0 else "rest"}
        one = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace, "labels": labels}}
        one |= {"spec": spec(name, number)} if spec else {"template": template(name, number)}
        out.write(json.dumps(one) + "\n")
string = {"type": "string"}
container = {"type": "object", "properties": {"name": string, "image": string}}
containers = {"type": "array", "items": container}
schemas = {
    "Widget": {"type": "object", "properties": {"image": string}},
    "Fleet": {"type": "object", "properties": {"template": {"type": "object", "properties": {"spec": {"type": "object",
              "properties": {"containers": containers, "initContainers": containers, "terminationGracePeriodSeconds": {"type": "integer"}}}}}}},
    "Blob": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    # It has no field that can name an image, so it is not read.
    "Colour": {"type": "object", "properties": {"red": {"type": "integer"}}},
}
with open("definitions.yaml", "w") as out:
    for kind, schema in schemas.items():
        plural = kind.lower() + "s"
        out.write("---\n" + json.dumps({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{plural}.{group}"},
            "spec": {"group": group, "scope": "Namespaced", "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": kind + "List"},
                     "versions": [{"name": "v1", "served": True, "storage": True,
                                   "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": schema}}}}]}}) + "\n")
PYTHON
kubectl apply -f definitions.yaml > /dev/null
kubectl wait --for=condition=established --timeout=60s -f definitions.yaml > /dev/null
split -l 250 objects.json part.
# Parallel, because each client mostly waits for answers.
for part in part.*; do kubectl create -f "$part" > /dev/null & done
wait
passed "$(wc -l < objects.json) objects of 12 kinds are there"

# A service account with the role in `packaging`, and its token.
sed "s/name: regfix-cluster-reader/name: $namespace/; s/namespace: regfix/namespace: $namespace/; s/- \"\\*\"/- \"*\"/" "$root/packaging/cluster-reader.yaml" > role.yaml
cat >> role.yaml << YAML
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: $namespace-custom}
rules: [{apiGroups: [$group], resources: [widgets, fleets], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: $namespace-custom}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: $namespace-custom}
subjects: [{kind: ServiceAccount, name: regfix, namespace: $namespace}]
YAML
kubectl apply -f role.yaml > /dev/null
kubectl --namespace "$namespace" create serviceaccount regfix > /dev/null
token=$(kubectl --namespace "$namespace" create token regfix)
cp admin.kubeconfig reader.kubeconfig
kubectl --kubeconfig reader.kubeconfig config set-credentials reader --token "$token" > /dev/null
kubectl --kubeconfig reader.kubeconfig config set-context --current --user reader > /dev/null
if kubectl --kubeconfig reader.kubeconfig --namespace "$namespace" auth can-i create pods > /dev/null; then
    failed "the token may write"
fi

kinds=pods,replicationcontrollers,podtemplates,deployments,replicasets,statefulsets,daemonsets,jobs,cronjobs
kinds=$kinds,widgets.$group,fleets.$group,blobs.$group
state() { kubectl --namespace "$namespace" get "$kinds" -o 'jsonpath={range .items[*]}{.metadata.uid} {.metadata.resourceVersion}{"\n"}{end}' | sort; }
# Waits until the controllers have created their objects.
before=$(state)
for _ in $(seq 30); do
    sleep 1
    after=$(state)
    [ "$before" = "$after" ] && break
    before=$after
done
kubectl --namespace "$namespace" get "$kinds" -o json > dump.json

# The images of the objects, counted without regfix.
cat > count.py << 'PYTHON'
import json, sys
part = "sample" if sys.argv[1] == "--sample" else None
if part:
    del sys.argv[1]
report = json.load(open(sys.argv[1]))
rows = set()
def images(spec):
    for key in ("initContainers", "containers"):
        for one in spec.get(key, []):
            yield one["name"], one["image"]
for item in json.load(open("dump.json"))["items"]:
    metadata, spec = item["metadata"], item.get("spec", {})
    if metadata.get("ownerReferences") or part and metadata["labels"]["part"] != part:
        continue
    if item["kind"] in ("Widget", "Blob"):
        field = "spec.image" if item["kind"] == "Widget" else "spec.anything.image"
        found = [(field, (spec if item["kind"] == "Widget" else spec["anything"])["image"])]
    elif item["kind"] == "Pod":
        found = images(spec)
    elif item["kind"] == "PodTemplate":
        found = images(item["template"]["spec"])
    elif item["kind"] == "CronJob":
        found = images(spec["jobTemplate"]["spec"]["template"]["spec"])
    else:
        found = images(spec["template"]["spec"])
    rows |= {(item["kind"], metadata["name"], container, image) for container, image in found}
left_out = set(sys.argv[2:])
rows = {row for row in rows if row[0] not in left_out}
listed = [(row["kind"], row["name"], row["container"], row["image"]) for row in report["rows"]]
assert len(listed) == len(set(listed)), "a row is there twice"
assert set(listed) == rows, (sorted(set(listed) ^ rows)[:5], len(listed), len(rows))
legacy = {row for row in rows if row[3].startswith(("k8s.gcr.io/", "gcr.io/google_containers/"))}
found = {(row["kind"], row["name"], row["container"], row["image"]) for row in report["rows"] if row["finding"]}
assert found == legacy, sorted(found ^ legacy)[:5]
print(len(rows), "images,", len(legacy), "of them legacy")
PYTHON
live() { "$regfix" cluster --no-config --all --format json --kubeconfig "$1" --namespace "$namespace" "${@:2}"; }
live admin.kubeconfig > admin.json || [ $? = 1 ]
passed "with a client certificate, what is listed is what the objects hold: $(python3 count.py admin.json)"
mkdir plugin
ln -s "$regfix" plugin/kubectl-regfix
PATH=$scratch/plugin:$PATH kubectl regfix cluster --no-config --all --format json --namespace "$namespace" > plugin.json || [ $? = 1 ]
cmp admin.json plugin.json || failed "as a plugin of kubectl there is another report"
passed "as a plugin of kubectl there is the same report"
live reader.kubeconfig > reader.json || [ $? = 1 ]
contains "$(cat reader.json)" "{\"resource\":\"blobs.$group\",\"why\":\"forbidden for this user\"}"
passed "with a read-only token, too, and what is forbidden is named: $(python3 count.py reader.json Blob)"
"$regfix" cluster --no-config --all --format json --from dump.json > saved.json || [ $? = 1 ]
passed "and from a saved dump: $(python3 count.py saved.json)"
"$regfix" cluster --no-config --all --format json --kubeconfig admin.kubeconfig --namespace "$namespace" --chunk-size 7 > paged.json || [ $? = 1 ]
cmp admin.json paged.json || failed "small pages give another report"
passed "pages of 7 objects give the same report"
live admin.kubeconfig --selector part=sample > selected.json || [ $? = 1 ]
passed "labels select objects: $(python3 count.py --sample selected.json)"
live admin.kubeconfig --selector part=none > none.json 2> /dev/null
! grep -q '"kind"' none.json || failed "labels that nothing has select something"
# As in a pod, without kubectl: the API server, with the token of a service account.
mkdir account
printf '%s\n' "$token" > account/token
printf '%s' "$namespace" > account/namespace
kubectl config view --raw --minify --output 'jsonpath={.clusters[0].cluster.certificate-authority-data}' | base64 -d > account/ca.crt
server=$(kubectl config view --minify --output 'jsonpath={.clusters[0].cluster.server}')
server=${server#https://}
in_pod() {
    env --ignore-environment PATH= KUBERNETES_SERVICE_HOST="${server%:*}" KUBERNETES_SERVICE_PORT="${server##*:}" \
        "$regfix" cluster --no-config --all --format json --service-account account "$@"
}
in_pod > pod.json || [ $? = 1 ]
cmp reader.json pod.json || failed "without kubectl there is another report"
in_pod --chunk-size 7 > pod.json || [ $? = 1 ]
cmp reader.json pod.json || failed "without kubectl small pages give another report"
passed "in a pod without kubectl there is the same report, also by pages of 7 objects"
[ "$(state)" = "$after" ] || failed "reading has changed something"
passed "nothing has changed: all resource versions are as before"

# The addresses that regfix and its child processes connect to.
if has strace; then
    address=${server%:*}
    [ "$address" != localhost ] || address=127.0.0.1
    expected="sin_port=htons(${server##*:}), sin_addr=inet_addr(\"$address\")"
    # only_server NAME COMMAND...
    only_server() {
        strace -f -qq -e trace=connect -o trace "${@:2}" > /dev/null || [ $? = 1 ]
        grep -q connect trace || failed "$1: no connection is seen"
        ! grep 'AF_INET' trace | grep -vF "$expected" || failed "$1: another connection"
    }
    only_server "by kubectl" "$regfix" cluster --no-config --namespace "$namespace"
    only_server "in a pod" env --ignore-environment PATH= KUBERNETES_SERVICE_HOST="${server%:*}" KUBERNETES_SERVICE_PORT="${server##*:}" \
        HTTPS_PROXY=http://127.0.0.1:9 "$regfix" cluster --no-config --service-account account
    passed "connections are made to the API server and to nobody else"
else
    without strace
fi

# The origin of objects: a release by Helm itself, and the labels and annotations that Argo CD and Flux add.
if has helm; then
    mkdir -p ksm/templates
    printf 'apiVersion: v2\nname: kube-state-metrics\nversion: 4.7.0\nappVersion: 2.3.0\n' > ksm/Chart.yaml
    cat > ksm/templates/all.yaml << 'YAML'
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels: {helm.sh/chart: "{{ .Chart.Name }}-{{ .Chart.Version }}", app.kubernetes.io/managed-by: "{{ .Release.Service }}"}
spec:
  replicas: 2
  selector: {matchLabels: {app: ksm}}
  template:
    metadata: {labels: {app: ksm}}
    spec: {containers: [{name: ksm, image: "k8s.gcr.io/kube-state-metrics/kube-state-metrics:v2.3.0"}]}
YAML
    helm install monitoring ksm --namespace "$namespace" > /dev/null
    kubectl --namespace "$namespace" create -f - > /dev/null << YAML
apiVersion: apps/v1
kind: Deployment
metadata:
  name: argo
  annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:$namespace/argo"}
spec:
  selector: {matchLabels: {app: argo}}
  template: {metadata: {labels: {app: argo}}, spec: {containers: [{name: app, image: "k8s.gcr.io/pause:3.9"}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: flux
  labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: flux-system}
spec:
  selector: {matchLabels: {app: flux}}
  template: {metadata: {labels: {app: flux}}, spec: {containers: [{name: app, image: "k8s.gcr.io/pause:3.9"}]}}
YAML
    pods() { kubectl --namespace "$namespace" get pods --selector "$1" --output name | wc -l; }
    for _ in $(seq 30); do
        [ "$(pods app=ksm) $(pods app=argo) $(pods app=flux)" = "2 1 1" ] && break
        sleep 1
    done
    in_pod > owners.json || [ $? = 1 ]
    python3 - "$namespace" << 'PYTHON'
import json, sys
namespace = sys.argv[1]
rows = [row for row in json.load(open("owners.json"))["rows"] if row["image"] == "k8s.gcr.io/kube-state-metrics/kube-state-metrics:v2.3.0"]
(row,) = rows
origin = row["origin"]
assert (row["kind"], row["pods"], row["wanted"]) == ("Deployment", 2, 2), row
assert (origin["manager"], origin["name"]) == ("helm-release", namespace + "/monitoring"), origin
assert origin["chart"] == {"name": "kube-state-metrics", "version": "4.7.0"}, origin
assert origin["first_clean"] == {"name": "kube-state-metrics", "version": "4.8.0"}, origin
for name, manager, by in ("argo", "argocd-application", "shop"), ("flux", "flux-kustomization", "flux-system/apps"):
    (row,) = [row for row in json.load(open("owners.json"))["rows"] if row["name"] == name]
    assert (row["origin"]["manager"], row["origin"]["name"], row["pods"]) == (manager, by, 1), row
PYTHON
    "$regfix" cluster --no-config --patch --namespace "$namespace" > managed.sh || [ $? = 1 ]
    contains "$(cat managed.sh)" "take chart kube-state-metrics 4.8.0 or a later one"
    ! grep -E '^kubectl patch .*/(monitoring|argo|flux)' managed.sh > /dev/null || failed "a patch for what is managed"
    passed "a release of Helm, an application of Argo CD and a Kustomization of Flux are named, and not patched"
    helm uninstall monitoring --namespace "$namespace" > /dev/null
    kubectl --namespace "$namespace" delete deployment argo flux > /dev/null
    kubectl --namespace "$namespace" wait --for=delete pods --selector 'app in (ksm,argo,flux)' --timeout=60s > /dev/null
    sleep 1
    after=$(state)
else
    without helm
fi

# Patches: applied, and refused if the object has changed. Each starts a kubectl, so only a sample is patched.
"$regfix" cluster --no-config --patch --namespace "$namespace" --selector part=sample > patch.sh || [ $? = 1 ]
[ "$(state)" = "$after" ] || failed "printing patches has changed something"
patches=$(grep -c '^kubectl patch' patch.sh)
sh patch.sh > /dev/null || failed "a patch is refused"
live admin.kubeconfig > patched.json || [ $? = 1 ]
python3 - dump.json patched.json "$patches" << 'PYTHON'
import json, sys
sample = {(one["kind"], one["metadata"]["name"]) for one in json.load(open(sys.argv[1]))["items"] if one["metadata"].get("labels", {}).get("part") == "sample"}
assert len({kind for kind, _ in sample}) == 12, sample
rows = [row for row in json.load(open(sys.argv[2]))["rows"] if row["finding"] and row["presence"] == "declared"]
left = {row["kind"] for row in rows if (row["kind"], row["name"]) in sample and row["finding"]["applicability"] == "safe"}
# The template of a Job is immutable.
assert left == {"Job"}, left
before = [row for row in json.load(open("admin.json"))["rows"] if row["finding"] and row["presence"] == "declared"]
def others(rows):
    return [row for row in rows if (row["kind"], row["name"]) not in sample]
assert others(rows) == others(before), "what was not patched has changed"
assert int(sys.argv[3]) > 50, sys.argv[3]
PYTHON
passed "$patches patches are applied, only Jobs are left of the sample, and nothing else has changed"
after=$(state)
sh patch.sh > refused 2>&1 && failed "patches are applied to objects that have changed"
[ "$(state)" = "$after" ] || failed "a patch that is refused has changed something"
passed "the same patches are refused afterwards"

# Times and memory, for information. There are no limits.
if [ -x /usr/bin/time ] && has jq; then
    measure() { /usr/bin/time -f "%e s, %M KiB: $1" bash -c "$2" > /dev/null; }
    measure "kubectl get -o json | jq" "kubectl --namespace $namespace get $kinds -o json | jq -r '.items[] | .. | .image? // empty' | sort | uniq -c" 2>&1 || true
    measure "regfix cluster, by kubectl" "'$regfix' cluster --no-config --namespace $namespace || true" 2>&1 || true
    export server regfix
    export -f in_pod
    measure "regfix cluster, in a pod" "in_pod || true" 2>&1 || true
    measure "regfix cluster --from" "'$regfix' cluster --no-config --from dump.json || true" 2>&1 || true
fi
