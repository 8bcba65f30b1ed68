#!/usr/bin/env bash
# Builds and runs every test: end to end, torture, browser and lint with the product (gcc -O2); unit, contract, golden, model and
# fuzz with clang's address and undefined-behaviour sanitizers, and the threaded parts with its thread sanitizer. Installs what it
# needs. Ends with the totals of one ctest run over all of them. The stages are described in CONTRIBUTING.md.
set -euo pipefail
cd "$(dirname "$0")"
started=$SECONDS
stage() { printf '\n== %s (%d s so far)\n' "$1" $((SECONDS - started)); }

stage "packages"
tests/install_packages.sh build test
export CCACHE_DIR="${CCACHE_DIR:-${HOME:-/root}/.cache/ccache}" CCACHE_MAXSIZE="${CCACHE_MAXSIZE:-10G}"
unset FLUME_CONF_DIR FLUME_FAULTS || true

for preset in release asan tsan; do
  stage "build $preset"
  mkdir -p "build/$preset"
  tests=$([ $preset = release ] && echo PROCESSES || echo ON)
  if ! { cmake --preset "$preset" -DFLUME_TESTS="$tests" && cmake --build --preset "$preset"; } >"build/$preset/build.log" 2>&1; then
    grep -nE 'error|FAILED' "build/$preset/build.log" | head -n 60
    tail -n 40 "build/$preset/build.log"
    echo "error: the build of preset $preset failed (build/$preset/build.log)"
    exit 1
  fi
done

stage "tests"
mkdir -p build/all
printf 'subdirs("../release" "../asan" "../tsan")\n' >build/all/CTestTestfile.cmake
status=0
ctest --test-dir build/all -j 2 --output-on-failure --no-tests=error >build/all/ctest.log 2>&1 || status=$?
if [ $status -ne 0 ]; then
  awk '/\*\*\*/ {on = 1} on; /^ *Start / {on = 0}' build/all/ctest.log | head -n 600 || true  # cut short: not the script's end
fi
echo "took $((SECONDS - started)) s, all output in build/all/ctest.log"
sed -n '/tests passed/,$p' build/all/ctest.log
exit $status
