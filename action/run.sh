#!/usr/bin/env bash
# Runs regfix for the action: annotations, the job's summary, SARIF, a patch, the outputs, and whether the step fails.
#
# Everything comes in by the environment. Names of files are what a stranger's pull request says they are: nothing of
# them reaches a shell, and none of the output that is not meant for the runner is taken for commands to it.
set -euo pipefail

: "${REGFIX:?}" "${RUNNER_TEMP:?}" "${GITHUB_OUTPUT:?}" "${GITHUB_STEP_SUMMARY:?}"
fail_on=${REGFIX_FAIL_ON:-warning}
folder=$RUNNER_TEMP/regfix/out
mkdir -p "$folder"
report=$folder/report.json
patch=$folder/regfix.patch
sarif=
# A summary is a MiB at most, or is not shown at all.
room=900000

fail() {
    printf '::error title=regfix::%s\n' "$1"
    exit 1
}
is_word() {
    [[ $2 == true || $2 == false ]] || fail "$1: neither true nor false: $2"
}

# The runner takes lines of the output for commands; not those that are shown here.
shown() {
    local token
    token=$(od -An -N 16 -t x1 /dev/urandom | tr -d ' \n')
    printf '::stop-commands::%s\n' "$token"
    cat
    printf '::%s::\n' "$token"
}

is_word changed-only "${REGFIX_CHANGED_ONLY:=false}"
is_word sarif "${REGFIX_SARIF:=true}"
is_word summary "${REGFIX_SUMMARY:=true}"
[[ $fail_on =~ ^(warning|error|never)$ ]] || fail "fail-on: none of warning, error and never: $fail_on"
cd -- "${REGFIX_FOLDER:-.}" || fail "working-directory: no such folder: ${REGFIX_FOLDER:-.}"

# Split at blanks, and nothing else: no globs, no quotes, no substitution.
read -r -d '' -a arguments <<<"${REGFIX_ARGS:-}" || true
# Only what decides what is reported. Nothing that writes, names a place to write to, or is a command of its own.
is_value=false
for argument in "${arguments[@]}"; do
    if [[ $is_value == true ]]; then
        is_value=false
        continue
    fi
    case $argument in
    --select | --ignore | --exclude | --config | --config-from | --as-of | --since | --jobs) is_value=true ;;
    --select=* | --ignore=* | --exclude=* | --config=* | --config-from=* | --as-of=* | --since=* | --jobs=*) ;;
    --unsafe-fixes | --related | --all-text | --force-exclude | --no-hidden | --no-config | --no-baseline | --verbose | -v) ;;
    -*) fail "args: $argument is not an option for the action; to write what it finds, apply its patch-file" ;;
    *) fail "args: $argument is no option; files and folders go into the input \`paths\`" ;;
    esac
done
[[ $is_value == false ]] || fail "args: a value is missing at the end"
paths=()
while IFS= read -r path; do
    [[ -z $path ]] || paths+=("$path")
done <<<"${REGFIX_PATHS:-.}"

if [[ $REGFIX_CHANGED_ONLY == true ]]; then
    base=${REGFIX_BASE:-}
    if [[ ! $base =~ ^[0-9a-f]{40,64}$ || $base =~ ^0+$ ]]; then
        printf '::notice title=regfix::This event does not say what changed: everything is checked.\n'
    else
        # A checkout has one commit by default. More is not needed to compare files.
        git cat-file -e "$base^{commit}" 2>/dev/null ||
            git fetch --quiet --no-tags --depth=1 origin "$base" ||
            fail "the commit $base, from which the change starts, cannot be fetched"
        arguments+=(--since "$base")
    fi
fi

outputs=(--output "github=$folder/annotations" --output "markdown=$folder/report.md")
if [[ $REGFIX_SARIF == true ]]; then
    sarif=$folder/regfix.sarif
    outputs+=(--output "sarif=$sarif")
fi
code=0
"$REGFIX" "${arguments[@]}" "${outputs[@]}" --format json -- "${paths[@]}" >"$report" 2>"$folder/errors" || code=$?
shown <"$folder/errors"
((code <= 1)) || fail "the run of regfix is incomplete; the errors are above"
"$REGFIX" "${arguments[@]}" --diff -- "${paths[@]}" >"$patch" 2>/dev/null || (($? == 1))

# count FIELD: of the summary, which ends the report. Inside of strings a quote is escaped.
count() {
    tr -d '[:space:]' <"$report" | grep -o '[^\\]"summary":{.*' | tail -n 1 | grep -o "\"$1\":[0-9]*" | head -n 1 | cut -d : -f 2
}
errors=$(count errors)
findings=$((errors + $(count warnings)))
fixable=$(count fixable)

cat "$folder/annotations"
{
    printf 'findings=%s\n' "$findings"
    printf 'fixable=%s\n' "$fixable"
    printf 'sarif-file=%s\n' "$sarif"
    printf 'patch-file=%s\n' "$patch"
} >>"$GITHUB_OUTPUT"

# fence FILE: more backticks than the file has in a row.
fence() {
    local longest
    longest=$( (grep -o '``*' "$1" || true) | sort -r | head -n 1)
    [[ ${#longest} -ge 3 ]] || longest='``'
    printf '%s`' "$longest"
}
if [[ $REGFIX_SUMMARY == true ]]; then
    {
        head -c "$((room / 2))" "$folder/report.md"
        (($(wc -c <"$folder/report.md") <= room / 2)) || printf '\n\n</details>\n\nThe report is cut off here; the log has all of it.\n'
        if [[ -s $patch ]]; then
            ticks=$(fence "$patch")
            printf '\n<details><summary>What <code>regfix --write</code> would change</summary>\n\n%sdiff\n' "$ticks"
            head -c "$((room / 2))" "$patch"
            printf '\n%s\n' "$ticks"
            (($(wc -c <"$patch") <= room / 2)) || printf '\nThe diff is cut off here; the file of the output patch-file has all of it.\n'
            printf '\n</details>\n'
        fi
    } >>"$GITHUB_STEP_SUMMARY"
fi

printf '%s findings, %s of them can be fixed with regfix --write\n' "$findings" "$fixable"
case $fail_on in
warning) ((findings == 0)) ;;
error) ((errors == 0)) ;;
never) ;;
esac
