#!/bin/bash
# Compares tests/LEDGER.md with the tests and with error.hpp: what the ledger names exists, what exists it names.
#
# Why: a ledger that nobody compares says what was once intended. Checked: each `suite.name` is a test in tests/; each
# test of the documents_* suites is named; ids count 1, 2, 3 … per document; no cell of a row is empty; each errc has a
# row. Prints every fault, exits 1 if there is one. Argument: the project's root, else found from this file's place.
set -u
root=${1:-$(cd "$(dirname "$0")/../.." && pwd)}
ledger=$root/tests/LEDGER.md
header=$root/framework/include/berth/error.hpp
for needed in "$ledger" "$header"; do
    [ -r "$needed" ] || { echo "check_ledger: cannot read $needed"; exit 1; }
done
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
faults=0
fault() { echo "check_ledger: $*"; faults=1; }

# TEST, TEST_F, TEST_P, TYPED_TEST; the two names may be on different lines, a commented-out test is none.
find "$root/tests" \( -name '*.cpp' -o -name '*.hpp' \) -exec sed 's://.*$::' {} + | tr '\n' ' ' |
    grep -oE '\b(TYPED_)?TEST(_F|_P)?\( *[A-Za-z0-9_]+ *, *[A-Za-z0-9_]+ *\)' |
    sed -E 's/^[A-Z_]+\( *//; s/ *, */./; s/ *\)$//' | sort > "$scratch/tests"
sort -u "$scratch/tests" > "$scratch/exist"
also=$root/tests/conformance/windows/README.md  # the same rows on Windows
[ -r "$also" ] || also=
grep -ohE '`[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*`' "$ledger" ${also:+"$also"} | tr -d '`' |
    grep -vE '\.(hpp|cpp|md|sh|txt)$' | sort -u > "$scratch/named"
[ -s "$scratch/named" ] || fault "the ledger names no test at all"

while read -r name; do fault "named in the ledger, but not a test: $name"; done \
    < <(comm -23 "$scratch/named" <(sort -u "$scratch/exist"))
while read -r name; do fault "a test of the documents, but not in the ledger: $name"; done \
    < <(comm -13 "$scratch/named" <(grep '^documents_' "$scratch/exist"))
while read -r name; do fault "two tests of one name: $name"; done < <(grep '^documents_' "$scratch/tests" | uniq -d)

while read -r line; do fault "$line"; done < <(awk -F ' *[|] *' '
    /^\| [ASR]-[0-9]+ / {
        split($2, id, "-")
        if (id[2] != ++next_id[id[1]]) { print "id " $2 " where " id[1] "-" next_id[id[1]] " belongs"; next_id[id[1]] = id[2] }
        for (i = 3; i < NF; ++i) if ($i == "") print "row " $2 " has an empty cell"
        if ($(NF - 1) !~ /`[a-z_]+\.[a-z]|later: |not a requirement: |cannot /) print "row " $2 " says neither a test nor later nor a reason"
    }
    END { if (!next_id["A"] || !next_id["S"] || !next_id["R"]) print "a document has no rows" }' "$ledger")

while read -r value; do
    grep -q "^| \`$value\` |" "$ledger" || fault "errc without a row: $value"
done < <(sed -n '/^enum class errc/,/^};/p' "$header" | sed 's://.*$::' | grep -oE '^ +[a-z_]+' | tr -d ' ')

[ $faults -eq 0 ] && echo "check_ledger: $(grep -cE '^\| [ASR]-' "$ledger") rows, $(wc -l < "$scratch/named") tests named, all there"
exit $faults
