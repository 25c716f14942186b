#!/usr/bin/env bash
# krew.sh URL FOLDER: prints the krew manifest of the release whose archives and checksums are in the folder. URL is that of
# the repository.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
url=$1
folder=$2
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$here/../Cargo.toml" | head -n 1)
filled=$(<"$here/krew.yaml.in")
filled=${filled//@URL@/$url}
filled=${filled//@VERSION@/$version}
while [[ $filled =~ @SHA256:([a-z0-9_-]+)@ ]]; do
    target=${BASH_REMATCH[1]}
    sum=$(cut -d ' ' -f 1 "$folder/regfix-v$version-$target.tar.gz.sha256")
    filled=${filled//"@SHA256:$target@"/$sum}
done
printf '%s\n' "$filled"
