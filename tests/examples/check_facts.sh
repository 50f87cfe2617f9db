#!/usr/bin/env bash
# check_facts.sh README COLUMN command...: each fact that the program states is in that column of the README's table, and
# the table has no row that the program does not state.
set -euo pipefail
readme=$1 column=$2
shift 2
said=$("$@" | tr -d '\r')
facts=$(grep -v '^limit: ' <<<"$said")
limits=$(grep -c '^limit: ' <<<"$said")
((limits > 0)) || { echo "no limit at all is stated"; exit 1; }
written=$(awk -F' *[|] *' -v column="$column" '
    /<!-- facts -->/ { on = 1; next }
    on && !/^[|]/ { exit }
    on && $2 != "" && $2 !~ /^-/ { print $2 " | " $(column + 1) }' "$readme")
if ! diff <(printf '%s\n' "$facts") <(printf '%s\n' "$written"); then
    echo "README.md's table of systems (>) is not what the program says (<); cmake/facts.sh makes it anew"
    exit 1
fi
