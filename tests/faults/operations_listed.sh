#!/usr/bin/env bash
# operations_listed.sh root: operations.txt names exactly the public operations of the headers; each scenario that it
# names is one of the tests', and whatever has none says why.
set -euo pipefail
export LC_ALL=C
here=$(dirname "$0")
include=$1/framework/include/berth
findings=0
fail() { printf '%s\n' "$1"; findings=$((findings + 1)); }

declared=$("$BASH" "$here/operations.sh" "$include"/*.hpp "$include"/detail/{socket_core,basic_io_socket,socket_pool}.hpp)
listed=$(grep -v '^#' "$here/operations.txt" | cut -d' ' -f1 | sort)
while read -r name; do fail "$name: not in tests/faults/operations.txt: name its scenario, or after - why it has none"; done \
    < <(comm -23 <(printf '%s\n' "$declared") <(printf '%s\n' "$listed") | grep . || true)
while read -r name; do fail "$name: in tests/faults/operations.txt, and in no header"; done \
    < <(comm -13 <(printf '%s\n' "$declared") <(printf '%s\n' "$listed") | grep . || true)
while read -r name scenario why; do
    if [[ $scenario == - ]]; then
        [[ -n $why ]] || fail "$name: has no scenario, and no reason"
    else
        grep -qF "\"$scenario" "$here"/*_test.cpp || fail "$name: no scenario begins with \"$scenario"
    fi
done < <(grep -v '^#' "$here/operations.txt")
((findings == 0)) || exit 1
printf '%s operations, %s in scenarios\n' "$(wc -l <<<"$listed")" "$(grep -vcE '^#| - ' "$here/operations.txt")"
