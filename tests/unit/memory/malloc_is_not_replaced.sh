#!/usr/bin/env bash
# The dynamic linker's own word: nothing but mimalloc itself is bound to a function of mimalloc's library.
#   malloc_is_not_replaced.sh PROGRAM
set -euo pipefail
program=$1
bindings=$(mktemp -d)
trap 'rm -rf "$bindings"' EXIT

LD_DEBUG=bindings LD_DEBUG_OUTPUT="$bindings/said" "$program" --gtest_brief=1
if ! grep -qhE 'to [^ ]*libmimalloc[^ ]* .*: normal symbol' "$bindings"/said.*; then
    echo "mimalloc is not used here: nothing to compare"
    exit 77
fi
if stolen=$(grep -hE 'to [^ ]*libmimalloc[^ ]* .*: normal symbol' "$bindings"/said.* |
    grep -vE 'binding file [^ ]*libmimalloc|symbol .mi_'); then
    printf 'bound to mimalloc:\n%s\n' "$stolen" >&2
    exit 1
fi
grep -qhE 'to [^ ]*libc\.[^ ]* .*: normal symbol .malloc' "$bindings"/said.* || {
    echo "no binding of malloc was seen at all: is this still what the linker says?" >&2
    exit 1
}
echo "malloc is the program's own"
