#!/usr/bin/env bash
# Which branches of the claim, of tokens, of the parsers and of the store no test takes.
#
#   cmake/coverage.sh [--all]
#
# Builds the preset `coverage` in build/coverage, runs the tests that are meant to reach these sources (as root both with
# and without privilege), and prints a table of branches and each one that was not taken. tests/coverage/exceptions.txt
# lists those that may be: the source, the text of its line, and why. The status is 1 if another one is left, or if one
# that is listed is taken by now. --all: the whole suite instead of some of it, and a page for each source in
# build/coverage/report.
set -euo pipefail
cd "$(dirname "$0")/.."
source cmake/packages.sh
mkdir -p build
install_log=build/install.log
folder=build/coverage
tests='^(claim_set|interrupted_claim|many_drawers|port_bitmap|port_queue|draw_source|tuple_sets|reservation|documents|message|store|block_service|keeper|ledger'
tests+='|port_list|relay|outbound_protocol)_test(\.unprivileged)?$|^other_process_test$|^process_end_test$'
sources='framework/src/claim/|framework/src/token_table|framework/src/persistent/(message|share_message|wire|block_check)'
sources+='|framework/daemon/(block_store|block_store_rows|stored_blocks|statement|keeper_message|port_list|platform/ledger)\.'
sources+='|examples/relay/stun_message|examples/outbound_proxy/protocol/'
everything=false
pages=()
if [[ ${1-} == --all ]]; then everything=true tests='.' pages=(gcovr); fi
install_missing "${test_packages[@]}" "${pages[@]}"

say "Building (coverage, $folder)"
launcher=()
if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
cmake --preset coverage "${launcher[@]}" >build/configure.log
if $everything; then
    cmake --build "$folder" --parallel "$(nproc)"
else
    mapfile -t targets < <(ctest --test-dir "$folder" -N -R "$tests" | sed -nE 's/^ *Test *#[0-9]+: ([a-z_]+).*/\1/p' | sort -u)
    cmake --build "$folder" --parallel "$(nproc)" --target in_namespace "${targets[@]}"
fi

say "Testing"
find "$folder" -name '*.gcda' -delete
# Another uid writes its counts as well.
find "$folder" -type d -exec chmod a+rwx {} +
(umask 0 && ctest --test-dir "$folder" --parallel 2 --output-on-failure --no-tests=error -R "$tests" --label-exclude '^(nightly|style|docs|package|headers|bench)$')

say "Branches"
if $everything; then
    mkdir -p "$folder/report"
    gcovr --root . --filter "($sources)" --exclude-throw-branches --exclude-unreachable-branches --branches \
        --gcov-ignore-parse-errors --html-details "$folder/report/index.html" "$folder" 2>"$folder/report/gcovr.log" ||
        { tail -n 5 "$folder/report/gcovr.log" && exit 1; }
fi
python3 tests/coverage/compare.py "$folder" "$sources" tests/coverage/exceptions.txt
