#!/usr/bin/env bash
# From a fresh clone to passed tests: installs what is missing, builds everything, runs the tests.
#
#   cmake/test.sh [--preset dev|release|asan|tsan] [--label regex] [further ctest options]
#
# Without --label everything but the nightly tests. Root runs more than others: see CONTRIBUTING.md.
set -euo pipefail
cd "$(dirname "$0")/.."
source cmake/packages.sh

preset=dev
folder=build/test
select=(--label-exclude '^nightly$')
while (($# > 0)); do
    case "$1" in
        --preset) preset=${2:?--preset needs a name} folder=build/test-$2 && shift 2 ;;
        --label) select=(--label-regex "^(${2:?--label needs a regular expression})\$") && shift 2 ;;
        -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0" && exit ;;
        *) break ;;
    esac
done
case "$preset" in  # they say little about what is installed or how it is spelled; the model checker allocates its own way
    asan | tsan) select+=(--exclude-regex '^(package|headers|style)\.|_model$') ;;
esac

mkdir -p build
install_log=build/install.log
install_missing "${test_packages[@]}"

say "Building ($preset, $folder)"
cmake --preset "$preset" -B "$folder" >build/configure.log || {
    cat build/configure.log
    exit 1
}
cmake --build "$folder" --parallel "$(nproc)"

say "Testing"
exec ctest --test-dir "$folder" --parallel 2 --output-on-failure --no-tests=error "${select[@]}" "$@"
