#!/bin/bash
# Compares SECURITY.md with the tests: each that it names is there, and each of its promises names one.
#
# Prints every fault, exits 1 if there is one. Argument: the project's root, else found from this file's place.
set -u
root=${1:-$(cd "$(dirname "$0")/../.." && pwd)}
note=$root/SECURITY.md
[ -r "$note" ] || { echo "check_security: cannot read $note"; exit 1; }
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
faults=0
fault() { echo "check_security: $*"; faults=1; }

find "$root/tests" \( -name '*.cpp' -o -name '*.hpp' \) -exec sed 's://.*$::' {} + | tr '\n' ' ' |
    grep -oE '\b(TYPED_)?TEST(_F|_P)?\( *[A-Za-z0-9_]+ *, *[A-Za-z0-9_]+ *\)' |
    sed -E 's/^[A-Z_]+\( *//; s/ *, */./; s/ *\)$//' | sort -u > "$scratch/exist"
grep -oE '`[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*`' "$note" | tr -d '`' | grep -vE '\.(hpp|cpp|md|sh|limits)$' | sort -u > "$scratch/named"
[ -s "$scratch/named" ] || fault "it names no test at all"
while read -r name; do fault "named, but not a test: $name"; done < <(comm -23 "$scratch/named" "$scratch/exist")

# A row of a table under "Promised" without a test's name promises what nobody shows.
while read -r line; do fault "a promise without a test: ${line:0:80}"; done < <(
    sed -n '/^## Promised/,/^## Not promised/p' "$note" | grep '^| ' | grep -vE '^\| (promise|---)' |
        grep -vE '`[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*`')

[ $faults -eq 0 ] && echo "check_security: $(wc -l < "$scratch/named") tests named, all there"
exit $faults
