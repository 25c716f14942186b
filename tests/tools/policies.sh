#!/usr/bin/env bash
# Admission policies, run by their engines: gator, the kyverno command, and a real API server. For all vectors of `regfix
# policy test`, they must refuse, warn and replace as the rules do. REGFIX_KUBECONFIG names a server that may be changed;
# without it, or without kubectl, that part is not tested, which is reported.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"

# Gatekeeper's own evaluator needs no server.
if has gator; then
    "$regfix" policy test --no-config --engine gatekeeper > said 2>&1 || failed "$(tail -n 20 said)"
    passed "Gatekeeper: $(tail -n 1 said)"
else
    without gator
fi

# Kyverno's command takes minutes for all rules, so it runs one rule unless REGFIX_ALL_VECTORS is set.
if has kyverno; then
    select=(--select "${REGFIX_ALL_VECTORS:+*}")
    [[ -n ${REGFIX_ALL_VECTORS:-} ]] || select=(--select k8s-gcr-io)
    for engine in vap kyverno map kyverno-mutate; do
        "$regfix" policy test --no-config --engine "$engine" "${select[@]}" > said 2>&1 || failed "$engine: $(tail -n 20 said)"
        passed "the kyverno command, $engine: $(tail -n 1 said)"
    done
else
    without kyverno
fi

needs_server "policies on an API server"
own_namespace regfix-policies deny.yaml map.yaml
on_server() { kubectl --namespace "$namespace" "$@"; }
pod() { printf -- '---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec: {containers: [{name: c, image: "%s"}]}\n' "$1" "$2"; }

# Created before there is a policy.
on_server create deployment old --image k8s.gcr.io/pause:3.1 > /dev/null
"$regfix" policy --no-config --engine vap --action deny > deny.yaml
kubectl apply -f deny.yaml > /dev/null
for _ in $(seq 60); do
    pod probe k8s.gcr.io/pause:3.1 | on_server apply --dry-run=server -f - > /dev/null 2>&1 || break
    sleep 1
done

# All vectors: a stand-in for the kyverno command asks this server how it treats each object, without creating any.
mkdir bin
cat > bin/kyverno << 'PYTHON'
#!/usr/bin/env python3
import concurrent.futures, json, os, re, subprocess, sys
arguments = sys.argv[1:]
assert arguments[0] == "apply" and arguments[2] == "--resource", arguments
objects = open(arguments[3]).read().split("\n---\n")
def ask(part):
    command = ["kubectl", "create", "--dry-run=server", "--validate=false", "--output=json", "--filename=-"]
    done = subprocess.run(command, input="\n".join(part), capture_output=True, text=True)
    return done.stdout, done.stderr
parts = [objects[start::4] for start in range(4)]
with concurrent.futures.ThreadPoolExecutor() as pool:
    answers = list(pool.map(ask, parts))
made, denied, odd = {}, set(), []
for out, said in answers:
    decoder, at = json.JSONDecoder(), 0
    while at < len(out.rstrip()):
        value, at = decoder.raw_decode(out, at)
        at += len(out[at:]) - len(out[at:].lstrip())
        for one in value["items"] if value["kind"] == "List" else [value]:
            made[one["metadata"]["name"]] = one
    for line in said.splitlines():
        found = re.search(r'"(vector-\d+)" is (?:forbidden|invalid): .*denied request: ', line)
        denied |= {found.group(1)} if found else set()
        odd += [] if found or line.startswith("Warning: ") else [line]
if odd:
    sys.exit("\n".join(odd[:5]))
if "--output" in arguments:
    folder = arguments[arguments.index("--output") + 1]
    for name, one in made.items():
        json.dump(one, open(os.path.join(folder, name + "-mutated.yaml"), "w"))
else:
    results = [{"result": "pass", "resources": [{"name": name}]} for name in made]
    results += [{"result": "fail", "resources": [{"name": name}]} for name in denied]
    print(json.dumps({"results": results}))
PYTHON
chmod +x bin/kyverno
# by_server ENGINE: checks that the server does what the rules demand
by_server() {
    PATH=$scratch/bin:$PATH "$regfix" policy test --no-config --engine "$1" > said 2>&1 || failed "$1: $(tail -n 20 said)"
    passed "the API server, $1: $(tail -n 1 said)"
}
by_server vap

# Ephemeral containers are admitted by a subresource.
pod running registry.k8s.io/pause:3.9 | on_server create -f - > /dev/null
debug() { printf '{"spec":{"ephemeralContainers":[{"name":"debug","image":"%s"}]}}' "$1"; }
on_server patch pod running --subresource ephemeralcontainers --patch "$(debug registry.k8s.io/pause:3.9)" --dry-run=server > /dev/null
if on_server patch pod running --subresource ephemeralcontainers --patch "$(debug k8s.gcr.io/pause:3.9)" --dry-run=server > /dev/null 2>&1; then
    failed "a legacy image in an ephemeral container is admitted"
fi
passed "ephemeral containers are checked"

# An existing deployment keeps working, but gets no other legacy image.
on_server scale deployment old --replicas 2 > /dev/null
on_server annotate deployment old a=b > /dev/null
on_server rollout restart deployment old > /dev/null
if on_server set image deployment/old pause=k8s.gcr.io/pause:3.2 > /dev/null 2>&1; then
    failed "a new legacy image in an old deployment is admitted"
fi
# The controllers can still create pods with the old image.
for _ in $(seq 30); do
    pods=$(on_server get pods --selector app=old --output 'jsonpath={.items[*].spec.containers[0].image}')
    [[ $(wc -w <<< "$pods") -ge 2 ]] && break
    sleep 1
done
[[ $(wc -w <<< "$pods") -ge 2 && $pods == *k8s.gcr.io* ]] || failed "the pods of an old deployment do not come: $pods"
on_server create job legacy --image registry.k8s.io/pause:3.9 > /dev/null
on_server delete deployment old > /dev/null
passed "what runs can be scaled, restarted and deleted, and gets no other legacy image"

# With a warning, the object is admitted and the client shows the warning.
"$regfix" policy --no-config --engine vap > warn.yaml
kubectl apply -f warn.yaml > /dev/null
for _ in $(seq 60); do
    pod probe k8s.gcr.io/pause:3.1 | on_server create --dry-run=server -f - > said 2>&1 && grep -q '^Warning: ' said && break
    sleep 1
done
"$regfix" rules --no-config --format json > rules.json
python3 - rules.json > examples << 'PYTHON'
import json, sys
for rule in json.load(open(sys.argv[1])):
    if rule.get("artifact", "image") == "image" and rule["severity"] != "info":
        print(rule["id"], rule["example"])
PYTHON
while read -r rule image; do pod "$rule" "$image"; done < examples > pods.yaml
on_server create --dry-run=server -f pods.yaml > said 2>&1 || failed "a policy that warns refuses: $(grep -v '^Warning' said | tail -n 3)"
while read -r rule image; do
    grep -q "^Warning: .*regfix ${rule}[,)]" said || failed "there is no warning of $rule about $image"
done < examples
passed "$(wc -l < examples) rules warn about their examples"
"$regfix" policy --no-config --engine vap --action audit > audit.yaml
kubectl apply -f audit.yaml > /dev/null
for _ in $(seq 60); do
    pod probe k8s.gcr.io/pause:3.1 | on_server create --dry-run=server -f - > said 2>&1 && ! grep -q '^Warning: ' said && break
    sleep 1
done
if grep -q '^Warning: ' said; then
    failed "a policy that only records warns"
fi
passed "a policy that records neither refuses nor warns"
kubectl delete -f deny.yaml > /dev/null

"$regfix" policy --no-config --engine map > map.yaml
if ! kubectl apply -f map.yaml > /dev/null 2>&1; then
    echo "not tested: MutatingAdmissionPolicy v1, which this server does not have"
    exit 0
fi
image=
for _ in $(seq 60); do
    # The deleted policy may still refuse it for a moment.
    image=$(pod made k8s.gcr.io/pause:3.1 | on_server apply --dry-run=server -o 'jsonpath={.spec.containers[0].image}' -f - 2> /dev/null || true)
    [ "$image" = registry.k8s.io/pause:3.1 ] && break
    sleep 1
done
[ "$image" = registry.k8s.io/pause:3.1 ] || failed "the image is not replaced: $image"
by_server map
