#!/usr/bin/env bash
# The extension for Visual Studio Code: it builds and passes its linter, its tests pass with the real server, and it can be
# packaged.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
if ! has npm; then
    without npm
    exit 0
fi
if ! "$regfix" lsp --help >/dev/null 2>&1; then
    without "regfix with the feature lsp"
    exit 0
fi
# A copy, so that no build output stays in the sources.
cp -r "$root/editors/vscode" "$scratch/extension"
cd "$scratch/extension"
rm -rf node_modules dist out
! grep -q '"resolved"' package-lock.json || failed "package-lock.json says where packages were downloaded"
if ! npm ci --ignore-scripts >"$scratch/log" 2>&1; then
    without "what the extension is built with ($(tail -n 1 "$scratch/log"))"
    exit 0
fi
for step in build check lint package; do
    npm run --silent "$step" >"$scratch/log" 2>&1 || failed "npm run $step: $(cat "$scratch/log")"
done
[[ -s dist/regfix.vsix ]] || failed "there is no package"
passed "the extension builds, its linter is quiet, and it is packaged"
REGFIX=$regfix npm test >"$scratch/log" 2>&1 || failed "npm test: $(cat "$scratch/log")"
contains "$(cat "$scratch/log")" "# fail 0"
passed "the extension finds the server, and they understand each other"
