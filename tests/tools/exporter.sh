#!/usr/bin/env bash
# The metrics of `regfix exporter`, and the alert rules and the dashboard in `packaging`, checked by promtool.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"

python3 - "$root/packaging/prometheus/dashboard.json" << 'PYTHON'
import json, sys
panels = json.load(open(sys.argv[1]))["panels"]
assert len({panel["id"] for panel in panels}) == len(panels) >= 6
PYTHON
passed "the dashboard is JSON"
if ! has promtool; then
    without promtool
    exit 0
fi
promtool check rules "$root/packaging/prometheus/alerts.yaml" > said 2>&1 || failed "$(cat said)"
cp "$root"/packaging/prometheus/*.yaml .
promtool test rules alerts_test.yaml > said 2>&1 || failed "$(cat said)"
passed "promtool takes the alert rules, and they fire when they should"

# If registries cannot be reached, the unknown images are metrics too.
printf 'image: 127.0.0.1:9/a:1\nargs: ["--image=k8s.gcr.io.invalid/pause:3.1"]\n' > images.yaml
status=0
"$regfix" exporter --no-config --max-wait 1s --timeout 2s --textfile regfix.prom images.yaml 2> said || status=$?
if grep -q 'needs a build that can connect' said; then
    echo "not tested: metrics, for this build has no network code"
    exit 0
fi
[[ $status = 0 ]] || failed "exit code $status: $(cat said)"
promtool check metrics < regfix.prom > said 2>&1 || failed "promtool: $(cat said)"
contains "$(cat regfix.prom)" 'regfix_image_undetermined{image="127.0.0.1:9/a:1",state="unreachable"} 1'
passed "promtool finds no fault with the metrics"

# The same metrics over HTTP.
"$regfix" exporter --no-config --max-wait 1s --timeout 2s --listen 0 --interval 1s images.yaml 2> served &
exporter=$!
trap 'kill "$exporter" 2> /dev/null || true; rm -rf "$scratch"' EXIT
for _ in {1..100}; do
    url=$(grep -so 'http://[0-9.:]*' served) && curl --silent --fail "$url/metrics" > served.prom && break
    sleep 0.1
done
promtool check metrics < served.prom > said 2>&1 || failed "promtool: $(cat said)"
diff <(grep -v _timestamp_ regfix.prom) <(grep -v _timestamp_ served.prom) || failed "what is served differs from the file"
[[ $(curl --silent "$url/healthz") = ok ]] || failed "/healthz"
kill "$exporter"
status=0
wait "$exporter" || status=$?
[[ $status = 0 ]] || failed "exit code $status after TERM"
passed "the same is served over HTTP, until TERM"
# The rules and the dashboard use only metrics that regfix exports.
grep -oh 'regfix_[a-z_]*' "$root"/packaging/prometheus/alerts.yaml "$root/packaging/prometheus/dashboard.json" | sort -u > used
while read -r metric; do
    grep -q "^# TYPE $metric gauge" regfix.prom || failed "there is no metric $metric"
done < used
passed "rules and dashboard use the metrics that there are"
