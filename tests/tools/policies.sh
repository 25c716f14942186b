#!/usr/bin/env bash
# Admission policies on a real API server: every rule refuses its example, what runs can be scaled, and images are replaced.
# REGFIX_KUBECONFIG names a server that may be changed; without it, or without kubectl, nothing is tested, and that is said.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"

# By Gatekeeper's own evaluator, which needs no server.
if has gator; then
    "$regfix" policy test --no-config --engine gatekeeper > said 2>&1 || failed "$(tail -n 20 said)"
    passed "Gatekeeper: $(tail -n 1 said)"
else
    without gator
fi

needs_server "policies on an API server"
own_namespace regfix-policies deny.yaml map.yaml
on_server() { kubectl --namespace "$namespace" "$@"; }
pod() { printf -- '---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec: {containers: [{name: c, image: "%s"}]}\n' "$1" "$2"; }

# Made before there is a policy.
on_server create deployment old --image k8s.gcr.io/pause:3.1 > /dev/null
"$regfix" policy --no-config --engine vap --action deny > deny.yaml
kubectl apply -f deny.yaml > /dev/null
for _ in $(seq 60); do
    pod probe k8s.gcr.io/pause:3.1 | on_server apply --dry-run=server -f - > /dev/null 2>&1 || break
    sleep 1
done

# The example of every rule about images that at least warns, and an image that no rule is about.
"$regfix" rules --no-config --format json > rules.json
python3 - rules.json > examples << 'PYTHON'
import json, sys
for rule in json.load(open(sys.argv[1])):
    if rule.get("artifact", "image") == "image" and rule["severity"] != "info":
        print(rule["id"], rule["example"])
PYTHON
while read -r rule image; do pod "$rule" "$image"; done < examples > pods.yaml
on_server apply --dry-run=server -f pods.yaml > said 2>&1 || true
while read -r rule image; do
    grep -q "regfix ${rule}[,)]" said || failed "$image is not refused by $rule"
done < examples
pod clean registry.k8s.io/pause:3.9 | on_server apply --dry-run=server -f - > /dev/null
passed "$(wc -l < examples) rules refuse their examples"

# What was there goes on, and gets no other legacy image.
on_server scale deployment old --replicas 2 > /dev/null
on_server annotate deployment old a=b > /dev/null
if on_server set image deployment/old pause=k8s.gcr.io/pause:3.2 > /dev/null 2>&1; then
    failed "a new legacy image in an old deployment is admitted"
fi
passed "what runs can be scaled, and gets no other legacy image"
kubectl delete -f deny.yaml > /dev/null

"$regfix" policy --no-config --engine map > map.yaml
if ! kubectl apply -f map.yaml > /dev/null 2>&1; then
    echo "not tested: MutatingAdmissionPolicy v1, which this server does not have"
    exit 0
fi
image=
for _ in $(seq 60); do
    # The policy that was deleted may still refuse it for a moment.
    image=$(pod made k8s.gcr.io/pause:3.1 | on_server apply --dry-run=server -o 'jsonpath={.spec.containers[0].image}' -f - 2> /dev/null || true)
    [ "$image" = registry.k8s.io/pause:3.1 ] && break
    sleep 1
done
[ "$image" = registry.k8s.io/pause:3.1 ] || failed "the image is not replaced: $image"
passed "images of new pods are replaced"
