#!/usr/bin/env bash
# The nightly tier: 2,000 kills end to end (300 in each other mode), 450 with a relay between, the tail matrix
# again and again, ten minutes at full speed, 100,000 crash states, every cut and changed byte of the files that promises
# rest on. Writes a Markdown document. The programs are those of build/release, or of build/debug where that has none.
#   tests/torture/nightly.sh REPORT.md [STATES=100000] [OPTIONS OF flume torture run]
set -uo pipefail
report=${1:?name of the document to write}
states=${2:-100000}
shift $(($# < 2 ? $# : 2))
build="$(cd "$(dirname "$0")/../.." && pwd)/build"
flume="$build/release/flume"
[ -x "$flume" ] || flume="$build/debug/flume"
disk="$build/release/tests/torture/torture_disk"
[ -x "$disk" ] || disk="$build/debug/tests/torture/torture_disk"
seed=${FLUME_SEED:-$((RANDOM * 32768 + RANDOM + 1))}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

"$flume" torture run kill relay relay-direct tail tail-many --nightly --seed "$seed" --report "$work/runs.md" "$@" || status=1
# Last and by itself: nothing else may use the machine's memory and time.
"$flume" torture run soak --mode e2e --nightly --seed "$seed" --report "$work/soak.md" "$@" || status=1
FLUME_SEED=$seed FLUME_CRASH_STATES=$states "$disk" >"$work/disk.txt" 2>&1 || status=1
tail -n 4 "$work/disk.txt"
{
  printf '# Torture, nightly tier\n\n'
  printf '%s, %s, %s processors, %s. Again: `FLUME_SEED=%s tests/torture/nightly.sh REPORT.md %s %s`\n\n' \
    "$(date -u '+%F %H:%M UTC')" "$("$flume" version 2>/dev/null | head -n 1)" "$(nproc)" \
    "$([ $status = 0 ] && echo passed || echo '**failed**')" "$seed" "$states" "$*"
  printf '## Processes (%s)\n\n' "${flume#"$build/"}"
  cat "$work/runs.md" "$work/soak.md" 2>/dev/null
  printf '\n## Crash states and damage\n\n```\n'
  grep -E ' states |tests ran|PASSED|FAILED|Failure' "$work/disk.txt"
  printf '```\n'
} >"$report"
exit $status
