#!/usr/bin/env bash
# Builds flume, starts a master, an agent and a collector on this machine, moves real logs and a generated access log through them,
# changes one flow while another goes on, and checks what arrived. --keep leaves it all running; --megabytes N sets the size of the
# generated log (200). Exit code 0 only if everything that it shows was true.
set -euo pipefail
cd "$(dirname "$0")"
case "${1:-}" in -h | --help) sed -n '2,4s/^# //p' "$0"; exit 0 ;; esac

tests/install_packages.sh build
mkdir -p build/release
echo "building (the log is build/release/build.log)"
if ! { cmake --preset release && cmake --build --preset release; } >build/release/build.log 2>&1; then
  tail -n 40 build/release/build.log
  exit 1
fi
exec python3 tests/e2e/demo.py "$@"
