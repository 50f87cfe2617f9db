#!/usr/bin/env bash
# The table of faults: each row of tests/kernel_faults/rows.txt on each backend, and the counters of tests/age/counters.txt.
#
#   cmake/faults.sh            what became of each in the last ctest run (build/test, and build/windows if it is there)
#   cmake/faults.sh --markdown [--write]   the tests' names; --write: into tests/kernel_faults/README.md
#   cmake/faults.sh --check    names exist, each row has a test or a reason, README.md is up to date: what the tests run
#
# Ends with 1 if a name is no test's, a cell is empty, or a test of a row failed.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
form=${1:---results}
rows=tests/kernel_faults/rows.txt counters=tests/age/counters.txt readme=tests/kernel_faults/README.md
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Every case that a source has, and every name that ctest may be given.
find tests -name '*.cpp' -print0 | xargs -0 awk '
    /^TEST(_P|_F)?\(/ { text = $0; while (text !~ /\)/ && (getline more) > 0) text = text more
        sub(/^[^(]*\(/, "", text); sub(/\).*/, "", text); gsub(/[ \t\n]/, "", text); sub(/,/, ".", text); print text }' |
    sort -u >"$scratch/cases"
{
    grep -rhoE '(berth_test|berth_daemon_test|berth_add_run)\([a-z0-9_.]+' --include=CMakeLists.txt tests bench | sed 's/.*(//'
    grep -rhoE 'kernel_fault\([a-z0-9_]+' --include=CMakeLists.txt tests | sed 's/.*(/kernel_faults./'
    grep -rhoE 'berth_fuzz\([a-z0-9_]+' --include=CMakeLists.txt tests | sed 's/.*(/fuzz./'
    for server in tcp_echo udp_echo http_keep_alive; do printf "example.$server.%s\n" eperm enosys switched_off; done
} | sort -u >"$scratch/names"
sed 's/$/.nightly/' "$scratch/names" >>"$scratch/names.nightly"
cat "$scratch/names.nightly" >>"$scratch/names"

# column, case or ctest name, what became of it: of the last run of ctest.
results_of() {
    local log=$2/Testing/Temporary/LastTest.log
    [[ -e $log ]] || return 0
    tr -d '\r' <"$log" | awk -v where="$1" '
        /^[0-9]+\/[0-9]+ Testing: / { name = $3 }
        /^Test Passed\.$/ { print where "|ctest:" name "|passed" }
        /^Test Failed\.$|^Test timeout/ { print where "|ctest:" name "|failed" }
        /^Test Skipped|\*\*\*Skipped|^skipped:/ { print where "|ctest:" name "|skipped" }
        /^\[       OK \] |^\[  FAILED  \] .* \(|^\[  SKIPPED \] .* \(/ {
            what = /OK/ ? "passed" : /FAILED/ ? "failed" : "skipped"
            one = $0; sub(/^\[[^]]*\] /, "", one); sub(/[ ,].*/, "", one)
            n = split(one, part, "/"); place = 1; while (place <= n && part[place] !~ /\./) ++place
            param = part[place + 1]
            column = where != "linux" ? where : param == "io_uring" ? "io_uring" : param == "asio" ? "epoll" : "linux"
            print column "|" part[place] "|" what
        }'
}
{ results_of linux build/test; results_of windows build/windows; } >"$scratch/results"

table() {
    awk -F'|' -v form="$form" -v scratch="$scratch" '
    function known(name) { return (name ~ /^ctest:/) ? (substr(name, 7) in names) : (name in cases) }
    function worse(a, b) { return a == "failed" || b == "failed" ? "failed" : a == "passed" || b == "passed" ? "passed" : a != "" ? a : b }
    function outcome(name, column) {
        if (column == "windows") return result["windows", name]
        return worse(result[column, name], result["linux", name])
    }
    function cell(text, column, parts, n, i, state, all, said) {
        gsub(/^ +| +$/, "", text)
        if (text == "") { print "row " $1 ": nothing for " column > "/dev/stderr"; ++bad; return "?" }
        if (text ~ /^-/) { sub(/^- */, "", text); ++reasons; return form == "--results" ? "cannot be" : "*" text "*" }
        n = split(text, parts, " "); all = ""; said = ""
        for (i = 1; i <= n; ++i) {
            if (!known(parts[i])) { print "row " $1 ": no test is called " parts[i] > "/dev/stderr"; ++bad }
            state = outcome(parts[i], column)
            if (state == "failed") { print "row " $1 ", " column ": " parts[i] " failed" > "/dev/stderr"; ++failed }
            all = worse(all, state)
            said = said (i > 1 ? "<br>" : "") "`" parts[i] "`"
        }
        ++tested
        return form == "--results" ? (all == "" ? "not run" : all) : said
    }
    FILENAME ~ /cases$/ { cases[$0]; next }
    FILENAME ~ /names$/ { names[$0]; next }
    FILENAME ~ /results$/ { result[$1, $2] = worse(result[$1, $2], $3); next }
    /^#/ || NF == 0 { next }
    FILENAME ~ /rows.txt$/ {
        if (!heads++) {
            if (form == "--results") printf "%-28s %-11s %-11s %-11s\n", "fault", "io_uring", "epoll", "Windows"
            else print "| fault | on io_uring | on epoll | on Windows |\n|---|---|---|---|"
        }
        if (NF != 5) { print "row " $1 ": " NF " fields, 5 are wanted" > "/dev/stderr"; ++bad }
        epoll = $4 == "=" ? $3 : $4; windows = $5 == "=" ? $3 : $5; ++all_rows
        a = cell($3, "io_uring"); b = cell(epoll, "epoll"); c = cell(windows, "windows")
        if (form == "--results") printf "%-28s %-11s %-11s %-11s\n", $1, a, b, c
        else printf "| **%s**: %s | %s | %s | %s |\n", $1, $2, a, $4 == "=" && form != "--results" ? "the same" : b, c
        next
    }
    {
        if (!ages++) {
            if (form == "--results") printf "\n%-28s %-11s\n", "counter", "Linux"
            else print "\n| counter | bits | shown by |\n|---|---|---|"
        }
        if (NF != 4) { print "counter " $1 ": " NF " fields, 4 are wanted" > "/dev/stderr"; ++bad }
        a = $4 ~ /^ *-/ ? cell($4, "linux") : cell($4, "io_uring")
        if (form == "--results") printf "%-28s %-11s\n", $1, a
        else printf "| **%s**: %s | %s | %s |\n", $1, $2, $3, a
    }
    END {
        if (form == "--results") printf "\n%d rows, %d counters: %d cells with tests, %d with a reason; %d failed, %d wrong\n", all_rows, ages, tested, reasons, failed, bad
        exit bad + failed > 0
    }' "$scratch/cases" "$scratch/names" "$scratch/results" "$rows" "$counters"
}

page() {
    printf '# Faults and age\n\nMade by `cmake/faults.sh --markdown --write` of `rows.txt` and `../age/counters.txt`; `cmake/faults.sh` says what became of each in the last run.\n\n'
    table
}

case $form in
    --results) table ;;
    --markdown)
        if [[ ${2:-} == --write ]]; then page >"$scratch/page" && cp "$scratch/page" "$readme"; else page; fi ;;
    --check)
        : >"$scratch/results"
        form=--markdown
        page >"$scratch/page"
        cmp -s "$scratch/page" "$readme" || { echo "$readme is not what cmake/faults.sh --markdown says: --write it"; exit 1; }
        echo "$(grep -cv '^#' "$rows") rows and $(grep -cv '^#' "$counters") counters have a test or a reason each" ;;
    *) echo "cmake/faults.sh [--markdown [--write] | --check]"; exit 2 ;;
esac
