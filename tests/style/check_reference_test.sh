#!/usr/bin/env bash
# Does cmake/reference.sh find what it is to find? check_reference_test.sh PROJECT
#
# A copy of the public headers gets a link to a name that is none, and words for a parameter that is none: each is a warning
# at its place. And what a reader looks for is there: a socket's page has what it inherits, a class's page the words of its file.
set -euo pipefail
project=$1
if ! command -v doxygen >/dev/null; then
    echo "skipped: no doxygen (Debian: doxygen)"
    exit 77
fi
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/framework/service" "$tree/cmake"
cp -r "$project/framework/include" "$tree/framework/include"
cp -r "$project/framework/service/include" "$tree/framework/service/include"
cp -r "$project/cmake/reference" "$project/cmake/reference.sh" "$project/cmake/packages.sh" "$tree/cmake/"
cp "$project/CMakeLists.txt" "$tree/"
failures=0

expect() {  # text, file: it is in the file
    if ! grep -qF -- "$1" "$2"; then
        printf 'not in %s: %s\n' "${2##*/}" "$1"
        failures=1
    fi
}

bash "$tree/cmake/reference.sh" --if-there >"$tree/said" || { cat "$tree/said" && failures=1; }
html=$tree/build/reference/html
expect 'local_endpoint' "$html/classberth_1_1basic__udp__socket.html"
expect 'async_stop' "$html/classberth_1_1listener__pool.html"
expect 'The held right to a block' "$html/classberth_1_1port__reservation.html"

header=$tree/framework/include/berth/port_block.hpp
cat >>"$header" <<'END'
namespace berth::inline v0_1 {
/// As berth::no_such_name has it.
/// @param other is none of them
/// @param block whose ports are counted
inline int ports_of(const port_block& block);
}  // namespace berth::v0_1
END
if bash "$tree/cmake/reference.sh" --if-there >"$tree/said"; then
    echo "a header with two mistakes passes"
    failures=1
fi
line=$(grep -n 'no_such_name' "$header" | cut -d: -f1)
expect "unable to resolve reference to 'berth::no_such_name'" "$tree/said"
expect "argument 'other' of command @param is not found" "$tree/said"
grep -qE "port_block.hpp:($((line - 1))|$line|$((line + 1))|$((line + 2))|$((line + 3))): " "$tree/said" || {
    echo "the warnings' line is not the source's:"
    cat "$tree/said"
    failures=1
}
exit $failures
