#!/usr/bin/env bash
# run.sh PROGRAM CORPUS OUT: runs a fuzz target for FLUME_FUZZ_SECONDS (30) from the seeds in CORPUS. New inputs go to OUT/inputs, where
# the next run goes on from; an input that fails is left as OUT/crash-* (copy it into CORPUS with the fix).
set -euo pipefail
mkdir -p "$3/inputs"
exec "$1" -max_total_time="${FLUME_FUZZ_SECONDS:-30}" -timeout=10 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
  -artifact_prefix="$3/" "$3/inputs" "$2"
