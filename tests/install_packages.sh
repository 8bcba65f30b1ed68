#!/usr/bin/env bash
# install_packages.sh PART...: installs the named parts of conf/debian-packages.txt that are not there yet. Needs root (or sudo)
# only when something is missing.
set -euo pipefail
list="$(dirname "$0")/../conf/debian-packages.txt"
wanted=()
for part in "$@"; do
  while read -r name; do wanted+=("$name"); done < <(
    awk -v part="[$part]" '/^#/ || NF == 0 {next} /^\[/ {on = ($0 == part); next} on' "$list")
done
missing=()
for name in "${wanted[@]}"; do
  dpkg-query -W -f='${db:Status-Abbrev}' "$name" 2>/dev/null | grep -q '^ii' || missing+=("$name")
done
[ ${#missing[@]} -eq 0 ] && exit 0
echo "installing ${#missing[@]} packages: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "error: not root and no sudo; install these packages first: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
