#!/usr/bin/env bash
# Many repositories: one process, shards, and a process for each by xargs find the same. The manifest of a Job that runs shards is
# one that a real API server takes.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"

count=${REGFIX_REPOSITORIES:-24}
for number in $(seq "$count"); do
    repository=clones/team-$((number % 5))/repository-$number
    mkdir -p "$repository/deploy"
    git init -q "$repository"
    printf 'image: k8s.gcr.io/pause:3.%d\n' "$number" > "$repository/deploy/a.yaml"
    printf 'image: quay.io/k8scsi/csi-snapshotter:v2.1.1\n' > "$repository/b.yaml"
    if ((number % 3 == 0)); then printf 'exclude: [deploy/]\n' > "$repository/.regfix.yaml"; fi
    echo "$repository" >> list
done
findings() { grep -h '"type":"finding"' "$@" | sort; }

"$regfix" --repositories list --exit-zero --quiet --output jsonl=one.jsonl
findings one.jsonl > one
[[ $(wc -l < one) -gt $count ]] || failed "findings of one process: $(wc -l < one)"

for shard in 1 2 3 4; do
    "$regfix" --repositories list --shard "$shard/4" --exit-zero --quiet --output "jsonl=shard-$shard.jsonl"
done
findings shard-*.jsonl | cmp - one || failed "four shards find the same as one process"
passed "four shards find the same as one process"

for index in 0 1 2; do
    JOB_COMPLETION_INDEX=$index "$regfix" clones --shard auto/3 --exit-zero --quiet --output "jsonl=index-$index.jsonl"
done
findings index-*.jsonl | cmp - one || failed "shards by JOB_COMPLETION_INDEX find the same"
passed "shards by JOB_COMPLETION_INDEX find the same as one process"

mkdir each
# The shell that xargs starts expands it.
# shellcheck disable=SC2016
xargs -P 4 -I{} sh -c '"$0" "$1" --exit-zero --quiet --output "jsonl=each/$(echo "$1" | tr / -).jsonl"' "$regfix" {} < list
findings each/*.jsonl | cmp - one || failed "a process for each repository finds the same"
passed "a process for each repository, by xargs, finds the same as one process"

needs_server "the manifest of the Job"
own_namespace regfix-repositories "$root/packaging/repositories/job.yaml"
kubectl --namespace "$namespace" apply --dry-run=server --filename "$root/packaging/repositories/job.yaml" > said
contains "$(cat said)" "job.batch/regfix-repositories created"
sed 's/backoffLimitPerIndex: 2/backoffLimitPerIndex: -2/' "$root/packaging/repositories/job.yaml" > wrong.yaml
! kubectl --namespace "$namespace" apply --dry-run=server --filename wrong.yaml > said 2>&1 || failed "the server takes anything"
passed "the API server takes the manifest of the Job"
