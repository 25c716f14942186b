#!/usr/bin/env bash
# The action, the workflows and the scripts pass their linters.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
if has zizmor; then
    zizmor --offline --quiet --no-progress --strict-collection --persona=pedantic . || failed "zizmor"
    passed "zizmor finds nothing"
else
    without zizmor
fi
if has actionlint; then
    actionlint || failed "actionlint"
    passed "actionlint finds nothing"
else
    without actionlint
fi
if has shellcheck; then
    shellcheck -x .ci/run .ci/refresh .ci/tools .ci/reports .ci/sarif action/*.sh packaging/*.sh benches/*.sh tests/tools/*.sh || failed "shellcheck"
    passed "shellcheck finds nothing"
else
    without shellcheck
fi

# Checks that linters lack: each action is pinned by a commit, and the action itself uses no other.
unpinned=$(grep -hE '^ *(- )?uses:' .github/workflows/*.yml | grep -vE 'uses: (\./ |[^@]+@[0-9a-f]{40} # v[0-9.]+$)' || true)
[[ -z $unpinned ]] || failed "not pinned: $unpinned"
! grep -q 'uses:' action.yml || failed "the action uses another"
# shellcheck disable=SC2016 # no expansion is meant
! grep -nE '^ *run:.*\$\{\{' action.yml .github/workflows/*.yml || failed "an expression in a shell"
passed "actions are pinned"
