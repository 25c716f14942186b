#!/usr/bin/env bash
# Many repositories: one process, shards, one process each by xargs, Ray and all-repos give the same findings, in clones and
# in bare repositories, and `regfix merge` joins their results into one report. A real API server accepts the manifest of
# the Job that runs shards.
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
    git -C "$repository" add -A
    git -C "$repository" commit -qm first
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
# The inner shell expands it.
# shellcheck disable=SC2016
xargs -P 4 -I{} sh -c '"$0" "$1" --exit-zero --quiet --output "jsonl=each/$(echo "$1" | tr / -).jsonl"' "$regfix" {} < list
findings each/*.jsonl | cmp - one || failed "a process for each repository finds the same"
passed "a process for each repository, by xargs, finds the same as one process"

while read -r repository; do
    git clone -q --bare "$repository" "bare/${repository#clones/}.git"
done < list
sed 's/^clones/bare/; s/$/.git/' list > bare-list
"$regfix" --repositories bare-list --rev HEAD --exit-zero --quiet --output jsonl=bare.jsonl
sed 's#bare/\([^"]*\)\.git#clones/\1#g' bare.jsonl > as-clones.jsonl
findings as-clones.jsonl | cmp - one || failed "bare repositories have the same findings as clones"
passed "bare repositories, read at HEAD, have the same findings as clones"

"$regfix" merge shard-*.jsonl --exit-zero --quiet --output jsonl=merged.jsonl --output html=merged.html
findings merged.jsonl | cmp - one || failed "merged shards are the findings of one process"
"$regfix" merge each/*.jsonl --exit-zero --quiet --output jsonl=merged-each.jsonl
findings merged-each.jsonl | cmp - one || failed "merged results of each repository are the findings of one process"
[[ $(grep -c '<td>clean</td>' merged.html) -eq 0 ]] || failed "a clean repository where all have findings"
! "$regfix" merge shard-[123].jsonl --exit-zero --quiet 2> said || failed "a shard is missing"
contains "$(cat said)" "shard 4 of 4 is missing"
passed "merged shards are the findings of one process, and a missing shard is named"

if python3 -c 'import ray' 2> /dev/null; then
    REGFIX=$regfix RAY_DEDUP_LOGS=0 python3 - > ray.log 2>&1 << 'EOF_RAY' || failed "Ray: $(tail -5 ray.log)"
import os, subprocess
import ray

ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
here = os.getcwd()

@ray.remote
def check(shard):
    command = [os.environ["REGFIX"], "--repositories", "list", "--shard", f"{shard}/4", "--exit-zero", "--quiet"]
    return subprocess.run([*command, "--output", f"jsonl=ray-{shard}.jsonl"], cwd=here).returncode

assert ray.get([check.remote(shard) for shard in range(1, 5)]) == [0] * 4
EOF_RAY
    findings ray-*.jsonl | cmp - one || failed "tasks of Ray find the same"
    passed "tasks of Ray find the same as one process"
else
    without Ray
fi

if has all-repos-clone; then
    mkdir all
    awk -v here="$PWD" 'BEGIN { printf "{" } { name = $0; sub("^clones/", "", name);
        printf "%s\"%s\": \"file://%s/%s\"", (NR > 1 ? ", " : ""), name, here, $0 } END { print "}" }' list > all/repos.json
    cat > all/all-repos.json << 'EOF_ALL'
{"output_dir": "clones", "source": "all_repos.source.json_file", "source_settings": {"filename": "repos.json"},
 "push": "all_repos.push.readonly", "push_settings": {}}
EOF_ALL
    chmod 600 all/all-repos.json all/repos.json
    (cd all && all-repos-clone > log 2>&1) || failed "all-repos: $(tail -5 all/log)"
    # The inner shell expands it.
    # shellcheck disable=SC2016
    (cd all && all-repos-list-repos | sed 's#^#clones/#' | xargs -P 4 -I{} sh -c \
        '"$0" "$1" --exit-zero --quiet --output "jsonl=$(echo "$1" | tr / -).jsonl"' "$regfix" {})
    findings all/*.jsonl | cmp - one || failed "clones of all-repos have the same findings"
    passed "clones of all-repos have the same findings as one process"
else
    without all-repos
fi

needs_server "the manifest of the Job"
own_namespace regfix-repositories "$root/packaging/repositories/job.yaml"
kubectl --namespace "$namespace" apply --dry-run=server --filename "$root/packaging/repositories/job.yaml" > said
contains "$(cat said)" "job.batch/regfix-repositories created"
sed 's/backoffLimitPerIndex: 2/backoffLimitPerIndex: -2/' "$root/packaging/repositories/job.yaml" > wrong.yaml
! kubectl --namespace "$namespace" apply --dry-run=server --filename wrong.yaml > said 2>&1 || failed "the server takes anything"
passed "the API server takes the manifest of the Job"
