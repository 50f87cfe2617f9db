#!/usr/bin/env bash
# Whether programs that were linked with the last version still run with this one's shared library.
#
#   cmake/abi.sh [commit]     against the newest version tag before this commit, or against the commit given
#
# Both are built by the preset `abi`, the earlier one in build/abi/<name>; abidiff compares what the public headers and the
# exported symbols promise, and the report is printed. The status is 1 if something was removed or changed. Additions are
# no fault, and another minor version is another library (its own SONAME and namespace): there the report is for reading.
set -euo pipefail
cd "$(dirname "$0")/.."
source cmake/packages.sh

case "${1:-}" in -*) sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 2 ;; esac
if ! git rev-parse --verify --quiet HEAD >/dev/null; then
    echo "no history here, so no earlier version to compare with"
    exit 0
fi
before=HEAD  # what is not committed yet differs from a version that is
if git diff --quiet HEAD -- framework CMakeLists.txt; then before=HEAD^; fi
earlier=${1:-$(git describe --tags --abbrev=0 --match 'v[0-9]*' "$before" 2>/dev/null || true)}
if [[ ! $earlier ]]; then
    echo "there is no earlier version (no tag v…), so nothing to compare with"
    exit 0
fi
commit=$(git rev-parse --verify "$earlier^{commit}")

mkdir -p build/abi
install_log=build/abi/install.log
install_missing "${demo_packages[@]}" git abigail-tools

minor_of() { sed -nE 's/^project\(berth VERSION ([0-9]+\.[0-9]+)\..*/\1/p' "$1/CMakeLists.txt"; }

build_library() {  # tree, folder
    cmake --preset abi -S "$1" -B "$2" >"$2.log" 2>&1 || { cat "$2.log" && exit 1; }
    cmake --build "$2" --target berth_shared --parallel "$(nproc)"
}

old=$PWD/build/abi/${earlier//\//_}
if [[ $(cat "$old/commit" 2>/dev/null) != "$commit" ]]; then
    say "Building $earlier"
    rm -rf "$old"
    mkdir -p "$old/source"
    git archive "$commit" | tar -x -C "$old/source"
    cp CMakePresets.json "$old/source/"  # its preset `abi`, whether it had one or not
    (cd "$old/source" && build_library "$old/source" "$old/build")
    echo "$commit" >"$old/commit"
fi
say "Building this one"
build_library "$PWD" build/abi/this

say "Comparing with $earlier"
report=build/abi/report.txt
status=0
abidiff --leaf-changes-only --no-added-syms --suppressions cmake/packaging/abi.txt \
    --headers-dir1 "$old/source/framework/include" --headers-dir2 framework/include \
    "$old/build/framework/libberth.so" build/abi/this/framework/libberth.so >"$report" || status=$?
cat "$report"
if ((status == 0)); then
    echo "programs linked with $earlier run with this library"
elif (((status & 3) != 0)); then
    echo "abidiff failed ($status)"
    exit 1
elif [[ $(minor_of "$old/source") != "$(minor_of .)" ]]; then
    echo "another minor version than $earlier: it may differ"
else
    echo "programs linked with $earlier do not run with this library: see above, and build/abi/report.txt"
    exit 1
fi
