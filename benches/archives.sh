#!/usr/bin/env bash
# Measures what reading packaged charts adds to a run, compared with `tar` unpacking the same archives to /dev/null. One
# archive in twenty has a legacy default, or each of them with `all` as the third argument.
# Usage: benches/archives.sh path/to/regfix [CHARTS] [all]      needs hyperfine, jq
set -euo pipefail
regfix=$(realpath "$1")
charts=${2:-200}
step=20
[ "${3:-}" != all ] || step=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sub=$work/sub
mkdir -p "$sub/templates" "$sub/crds"
printf 'apiVersion: v2\nname: sub\nversion: 1.0.0\n' >"$sub/Chart.yaml"
for ((i = 0; i < 300; i++)); do
  printf 'component%d:\n  # how many\n  replicas: %d\n  image:\n    repository: registry.example.com/team/component%d\n    tag: v%d\n' "$i" "$i" "$i" "$i"
done >"$sub/values.yaml"
for ((i = 0; i < 20; i++)); do
  for ((j = 0; j < 60; j++)); do
    printf 'key%d: {{ .Values.component%d.replicas | quote }}\n' "$j" "$j"
  done >"$sub/templates/part$i.yaml"
done
for ((i = 0; i < 4000; i++)); do
  printf '  property%d: {type: string, description: what it is for %d}\n' "$i" "$RANDOM"
done >"$sub/crds/things.yaml"
for registry in registry.example.com k8s.gcr.io; do
  printf 'image:\n  repository: %s/pause\n  tag: "3.2"\n' "$registry" >>"$sub/values.yaml"
  tar -czf "$work/$registry.tgz" -C "$work" sub
done

for ((i = 0; i < charts; i++)); do
  for tree in with without; do
    chart=$work/$tree/app$i
    mkdir -p "$chart/charts"
    printf 'apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n- name: sub\n  version: 1.x\n  repository: https://charts.example.com\n' >"$chart/Chart.yaml"
  done
  registry=registry.example.com
  [ $((i % step)) -ne 0 ] || registry=k8s.gcr.io
  cp "$work/$registry.tgz" "$work/with/app$i/charts/sub-1.0.0.tgz"
done

cd "$work"
hyperfine -N -i --warmup 2 --runs 15 --export-json times.json \
  "$regfix --quiet --diff with" "$regfix --quiet --diff without" \
  "find with -name *.tgz -exec tar -xzOf {} ;" >/dev/null 2>&1
jq -r '[.results[] | {wall: .median, cpu: (.user + .system)}] as [$with, $without, $tar]
  | "wall: \(1000 * ($with.wall - $without.wall) | round) ms against \(1000 * $tar.wall | round) ms, ratio \(100 * ($with.wall - $without.wall) / $tar.wall | round / 100)",
    "cpu:  \(1000 * ($with.cpu - $without.cpu) | round) ms against \(1000 * $tar.cpu | round) ms, ratio \(100 * ($with.cpu - $without.cpu) / $tar.cpu | round / 100)"' times.json
