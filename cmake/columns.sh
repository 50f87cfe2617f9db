#!/usr/bin/env bash
# One table of three columns: the cases of each test program on io_uring, on epoll (Linux, io_uring refused to the
# process) and on Windows' completion port (by Wine). Builds what is missing of it first.
#
#   cmake/columns.sh [regular expression of program names]
#
# Below the table: each case that is not in all columns, or not passed in one, with the reason that is known; and the
# programs that are Linux' alone. Ends with 1 if one failed, or is missing without a reason.
set -euo pipefail
cd "$(dirname "$0")/.."
source cmake/packages.sh
wanted=${1:-.}
linux=$PWD/build/test windows=$PWD/build/windows results=$PWD/build/columns
mkdir -p build
install_log=build/install.log
install_missing "${test_packages[@]}" "${windows_packages[@]}"

say "Building"
cmake --preset dev -B "$linux" >build/configure.log || { cat build/configure.log; exit 1; }
cmake --preset windows -B "$windows" >build/configure.log || { cat build/configure.log; exit 1; }
everywhere() { awk -F'|' -v wanted="$wanted" '$1 == "everywhere" && $2 ~ wanted { print $2 }' "$1/tests/programs.txt"; }
mapfile -t programs < <(everywhere "$linux")
mapfile -t windows_alone < <(everywhere "$windows" | grep -vxFf <(everywhere "$linux") || true)
((${#programs[@]} > 0)) || { echo "no program of every system is called '$wanted'"; exit 2; }
cmake --build "$linux" --parallel "$(nproc)" --target in_namespace without_io_uring "${programs[@]}" >build/columns.log ||
    { tail -n 30 build/columns.log; exit 1; }
cmake --build "$windows" --parallel "$(nproc)" --target "${programs[@]}" "${windows_alone[@]}" >build/columns.log ||
    { tail -n 30 build/columns.log; exit 1; }

say "Running ${#programs[@]} programs in each column, ${#windows_alone[@]} in one"
rm -rf "$results"
mkdir -p "$results"/{io_uring,epoll,iocp}
prefix=$windows/wine_prefix
bash tests/support/in_wine.sh "$prefix" --make
trap 'bash tests/support/in_wine.sh "$prefix" --end' EXIT
export linux windows results prefix
run() {
    local column=$1 program=$2 out=$results/$1/$2.json launcher
    case $column in
        io_uring) launcher=("$linux/tests/in_namespace" "$linux/tests/$program") ;;
        epoll) launcher=("$linux/tests/in_namespace" "$linux/tests/without_io_uring" eperm "$linux/tests/$program") ;;
        iocp) launcher=(bash tests/support/in_wine.sh "$prefix" "$windows/tests/$program.exe") out="Z:$out" ;;
    esac
    local status=0
    timeout -k 10 300 "${launcher[@]}" "--gtest_output=json:$out" >"$results/$column/$program.log" 2>&1 || status=$?
    echo "$status" >"$results/$column/$program.status"
}
export -f run
{
    for column in io_uring epoll iocp; do printf '%s\n' "${programs[@]/#/$column }"; done
    if ((${#windows_alone[@]} > 0)); then printf '%s\n' "${windows_alone[@]/#/iocp }"; fi
} | xargs -P "$(nproc)" -n 2 bash -c 'run "$@"' run

# A line for each case: program, case without its backend, column, what became of it, file.
cases_of() {
    tr -d '\r' <"$results/$2/$1.json" | sed 's|\\/|/|g' | awk -v program="$1" -v column="$2" '
        function text(line) { sub(/^[^:]*: "/, "", line); sub(/",?$/, "", line); return line }
        function tell() {
            if (name == "") return
            if (result == "SUPPRESSED") { name = ""; return }  # disabled: a role of another process
            if (name ~ /\/asio$/ && column == "io_uring" || name ~ /\/io_uring$/ && column != "io_uring") { name = ""; return }
            sub(/\/(asio|io_uring)$/, "", name)
            sub(/\/(linux|windows)_[a-z0-9_]+$/, "/(its own worlds)", name)  # a system has its own ways to hold
            print program "|" suite "." name "|" column "|" (failed ? "failed" : result == "SKIPPED" ? "skipped" : "passed") "|" file
            name = ""
        }
        /^          "name": /      { tell(); name = text($0); failed = 0; file = result = "" }
        /^          "file": /      { file = text($0) }
        /^          "result": /    { result = text($0) }
        /^          "classname": / { suite = text($0) }
        /^          "failures": /  { failed = 1 }
        END { tell() }'
}
for program in "${programs[@]}" "${windows_alone[@]}"; do
    for column in io_uring epoll iocp; do
        [[ -e $results/$column/$program.log ]] || continue
        if [[ -s $results/$column/$program.json ]]; then
            cases_of "$program" "$column"
        else
            echo "$program|(all)|$column|failed|ended with $(<"$results/$column/$program.status") before its last case"
        fi
    done
done >"$results/cases.txt"
# Why a case was skipped: the lines between the word Skipped and the end of the case.
for column in io_uring epoll iocp; do
    for program in "${programs[@]}" "${windows_alone[@]}"; do
        [[ -e $results/$column/$program.log ]] || continue
        tr -d '\r' <"$results/$column/$program.log" | awk -v program="$program" -v column="$column" '
            /^\[ RUN/ { why = ""; listens = 0 }
            /: Skipped$/ { listens = 1; next }
            /^\[  SKIPPED \].*\)$/ && why != "" {
                name = $4; sub(/\/(asio|io_uring)$/, "", name); sub(/\/(linux|windows)_[a-z0-9_]+$/, "/(its own worlds)", name); print program "|" name "|" column "|" why; why = "" }
            listens && !/^\[/ && NF { why = why (why == "" ? "" : " ") $0 }'
    done
done >"$results/skipped.txt"

awk -F'|' -v wanted="$wanted" -v windows_alone="${windows_alone[*]}" '
    BEGIN { n = split(windows_alone, names, " "); for (i = 1; i <= n; ++i) is_windows[names[i]] }
    FILENAME ~ /programs.txt$/ {
        if ($1 == "alone" && $2 ~ wanted) alone[++alones] = $2 ": " $3
        if ($1 == "also") { also[$2, $3] = $4; sources[$2] = sources[$2] " " $3 }
        next
    }
    FILENAME ~ /skipped.txt$/ { why[$1, $2, $3] = $4; next }
    {
        if (!($1 in seen)) { seen[$1]; order[++programs] = $1 }
        if (!(($1, $2) in known)) { known[$1, $2]; cases[++all] = $1 SUBSEP $2 }
        before = state[$1, $2, $3]  # of several worlds: the worst that failed, or one that passed
        if (before == "" || before == "skipped" || $4 == "failed") state[$1, $2, $3] = $4
        file[$1, $2] = $5
        ++count[$1, $3, $4]; ++total[$3, $4]
    }
    function cell(program, column) {
        return sprintf("%6d %5d %5d", count[program, column, "passed"], count[program, column, "skipped"],
                       count[program, column, "failed"])
    }
    function reason(program, where, n, i, parts) {
        n = split(sources[program], parts, " ")
        for (i = 1; i <= n; ++i)
            if (where ~ ("(^|/)" parts[i] "$")) return also[program, parts[i]]
        return ""
    }
    END {
        columns[1] = "io_uring"; columns[2] = "epoll"; columns[3] = "iocp"
        printf "%-24s | %-18s | %-18s | %-18s\n", "", "io_uring", "epoll", "completion port"
        printf "%-24s | %6s %5s %5s | %6s %5s %5s | %6s %5s %5s\n", "program", "passed", "skip", "fail", "passed", "skip",
               "fail", "passed", "skip", "fail"
        for (i = 1; i <= programs; ++i)
            printf "%-24s | %s | %s | %s\n", order[i], cell(order[i], "io_uring"), cell(order[i], "epoll"), cell(order[i], "iocp")
        for (i = 1; i <= 3; ++i)
            line = line sprintf(" | %6d %5d %5d", total[columns[i], "passed"], total[columns[i], "skipped"], total[columns[i], "failed"])
        printf "%-24s%s\n", "all", line
        bad = 0
        print "\nCases that are not in all columns, or not passed in one:"
        for (i = 1; i <= all; ++i) {
            split(cases[i], c, SUBSEP)
            for (k = 1; k <= 3; ++k) {
                s = state[c[1], c[2], columns[k]]
                if (s == "passed" || columns[k] != "iocp" && c[1] in is_windows) continue
                r = s == "skipped" ? why[c[1], c[2], columns[k]] : s == "failed" ? "see build/columns/" columns[k] "/" c[1] ".log" : reason(c[1], file[c[1], c[2]])
                if (s == "" && r != "") r = "Linux alone: " r
                if (s == "" && ((c[1], "(all)", columns[k]) in state)) r = "its program did not end"
                if (s == "failed" || r == "") ++bad
                printf "  %s %s: %s: %s%s\n", c[1], c[2], columns[k], s == "" ? "missing" : s, r == "" ? ", and nobody says why" : ": " r
            }
        }
        print "\nPrograms that are Linux alone:"
        for (i = 1; i <= alones; ++i) print "  " alone[i]
        print "\nPrograms that are Windows alone (in the last column): " windows_alone
        printf "\n%d cases in %d programs; %d failed or missing without a reason\n", all, programs, bad
        exit bad > 0
    }' "$linux/tests/programs.txt" "$results/skipped.txt" "$results/cases.txt"
