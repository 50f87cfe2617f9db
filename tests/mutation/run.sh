#!/usr/bin/env bash
# Breaks the library in one place after the other, and looks whether the suite notices.
#
#   tests/mutation/run.sh [--check | --list] [--folder work] [mutant...]
#
# Each file of mutants/ is one mutant: a head, an empty line and a patch. The head says what it breaks, which promise
# that is, the tests that are to notice (a regular expression of ctest's names) and, where these are long, which of
# their cases (GTEST_FILTER), and how often (Repeat:) where it takes luck. `Survives:` is why nobody can notice.
#
# A copy of the tree is made in --folder (default build/mutation), built, and the tests asked for are run once as they
# are: they must pass, and run something. Then each mutant is applied, what its tests need is built, they run, and it is
# taken back. A test that fails or crashes has caught it; one that reaches the time limit and has found nothing by then
# decides nothing, for it may be the machine that is slow. Ends with a table; the status is 1 if one survived that should
# not, was caught that could not be, was not decided, does not apply or does not build.
# --check: only whether each applies and names tests that there are; takes less than a second.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
limit=120  # seconds
mode=run
work=$root/build/mutation
chosen=()
while (($# > 0)); do
    case "$1" in
        --check) mode=check ;;
        --list) mode=list ;;
        --folder) work=${2:?--folder needs a name} && shift ;;
        -h | --help) sed -n '2,18s/^# \{0,1\}//p' "$0" && exit ;;
        *) chosen+=("$(basename "${1%.patch}")") ;;
    esac
    shift
done
if ((${#chosen[@]} == 0)); then
    for file in "$here"/mutants/*.patch; do chosen+=("$(basename "${file%.patch}")"); done
fi
say() { printf '%s\n' "mutation: $*"; }
die() { say "$*" && exit 1; }

declare -A head
while IFS=$'\t' read -r name key value; do head[$name.$key]=$value; done < <(
    awk 'FNR == 1 { name = FILENAME; sub(".*/", "", name); sub("[.]patch$", "", name); is_head = 1 }
         /^$/ { is_head = 0 }
         is_head { key = $1; sub(":$", "", key); sub("^[^ ]+ ", ""); print name "\t" key "\t" $0 }
         /^[+][+][+] b[/]/ { print name "\tTouches\t" substr($0, 7) }' "$here"/mutants/*.patch)
head_of() { printf '%s\n' "${head[$1.$2]-}"; }

# Which tests there are, as ctest names them: one line each.
known_tests() {
    find "$root/tests" "$root/examples" -name CMakeLists.txt -exec sed 's/#.*//' {} + | tr '\n' ' ' |
        grep -oE 'berth_(daemon_)?(test|fuzz)\( *[a-z0-9_]+' | sed -E 's/.*fuzz\( */fuzz./; s/.*\( *//' |
        awk '{ print; print $0 ".unprivileged" }'
}

# One line for each fault.
check() {
    local name key
    for name in "${chosen[@]}"; do
        [[ -r $here/mutants/$name.patch ]] || { echo "there is no mutant $name" && continue; }
        for key in Breaks Promise Tests; do
            [[ -n ${head[$name.$key]-} ]] || echo "$name: its head has no '$key:'"
        done
        git -C "$root" apply --check "$here/mutants/$name.patch" 2>&1 || echo "$name does not apply"
    done
    for name in "${chosen[@]}"; do printf '%s\t%s\n' "$name" "${head[$name.Tests]-}"; done |
        awk -F '\t' 'NR == FNR { known[$1]; next }
            { for (test in known) if (test ~ $2) next; print $1 ": no test is called " $2 }' <(known_tests) -
}
faults=$(check)
[[ -z $faults ]] || { echo "$faults" && die "a mutant that does not apply breaks nothing: bring it up to date"; }
if [[ $mode == check ]]; then
    say "${#chosen[@]} mutants apply, and name tests that there are"
    exit 0
fi
if [[ $mode == list ]]; then
    for name in "${chosen[@]}"; do printf '%-28s %s\n' "$name" "$(head_of "$name" Breaks)"; done
    exit 0
fi

tree=$work/tree log=$work/log
mkdir -p "$tree" "$log"
work=$(cd "$work" && pwd) && tree=$work/tree log=$work/log
build=$tree/build/test  # seen from there the sources are where they are in any clone: a compiler cache knows them
(cd "$root" && git ls-files -co --exclude-standard -z | grep -zv '^build/' >"$work/files")
(cd "$root" && xargs -0 cp --parents -pu -t "$tree" <"$work/files") || die "copying the tree failed"
(cd "$tree" && find . -path ./build -prune -o -type f -printf '%P\0' | sort -z | comm -z -23 - <(sort -z "$work/files") | xargs -0r rm --)
(cd "$root" && while IFS= read -rd '' file; do cmp -s "$file" "$tree/$file" || cp -p "$file" "$tree/$file"; done <"$work/files")

launcher=()
if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
(cd "$tree" && cmake --preset dev -B "$build" "${launcher[@]}" >"$log/configure" 2>&1) || die "configuring failed: $log/configure"

shorten() { find "$build" -name CTestTestfile.cmake -exec sed -i -E "s/TIMEOUT \"[0-9]+\"/TIMEOUT \"$limit\"/" {} +; }
shorten
tests_of() { (cd "$build" && ctest -N -R "$1" -E 'nightly$') | sed -n 's/^ *Test *#[0-9]*: //p'; }
targets_of() { tests_of "$1" | sed -E 's/^fuzz\./fuzz_/; s/\..*//' | sort -u; }
build_for() { xargs cmake --build "$build" --parallel "$(nproc)" --target in_namespace <<<"$(targets_of "$1" | tr '\n' ' ')"; }
run_tests() {  # tests cases times
    GTEST_FILTER=${2:-*} GTEST_REPEAT=${3:-1} GTEST_FAIL_FAST=1 ctest --test-dir "$build" -R "$1" -E 'nightly$' --stop-on-failure -V --no-tests=error
}

# The case with the first failure, also of a program that did not get as far as to name it; else the test and its end.
caught_by() {  # log
    local by
    by=$(awk '/\[ RUN +\]/ { at = $NF }
              /: Failure$/ { print at; exit }
              /\[  FAILED  \] [A-Za-z0-9_]/ { sub(/.*\[  FAILED  \] /, ""); sub(/[^A-Za-z0-9_\/.].*/, ""); print; exit }' "$1")
    [[ -n $by ]] || by=$(sed -nE 's/^[[:space:]]*[0-9]+ - ([a-z0-9_.]+) \((.*)\).*/\1: \2/p' "$1" | head -1)
    printf '%s\n' "$by"
}

say "building what the mutants' tests need"
all=$(for name in "${chosen[@]}"; do head_of "$name" Tests; done | sort -u)
targets=$(while read -r tests; do targets_of "$tests"; done <<<"$all" | sort -u | tr '\n' ' ')
cmake --build "$build" --parallel "$(nproc)" --target in_namespace $targets >"$log/build" 2>&1 || die "the build failed: $log/build"
shorten

say "running them as they are"
declare -A fails_anyway
while IFS=$'\t' read -r tests cases; do
    run_tests "$tests" "$cases" >"$log/unbroken" 2>&1 && { [[ -z $cases ]] || grep -q '\[ RUN ' "$log/unbroken"; } && continue
    fails_anyway[$tests $cases]=1
    cp "$log/unbroken" "$log/unbroken.${#fails_anyway[@]}"
    say "without a mutant $tests ${cases:+($cases) }fails, or runs nothing: $log/unbroken.${#fails_anyway[@]}"
done < <(for name in "${chosen[@]}"; do printf '%s\t%s\n' "$(head_of "$name" Tests)" "$(head_of "$name" Cases)"; done | sort -u)

# Neighbours touch the same source, which is then compiled once a mutant and not twice.
mapfile -t chosen < <(for name in "${chosen[@]}"; do printf '%s\t%s\n' "$(head_of "$name" Touches)" "$name"; done | sort | cut -f2)
applied=
patch_copy() { (cd "$tree" && GIT_CEILING_DIRECTORIES=$work git apply "$@"); }  # else it may be a folder of a repository
take_back() { [[ -z $applied ]] || patch_copy -R "$here/mutants/$applied.patch"; }
trap take_back EXIT
trap 'exit 130' INT TERM

wrong=0
: >"$work/table"
for name in "${chosen[@]}"; do
    tests=$(head_of "$name" Tests) cases=$(head_of "$name" Cases) explained=$(head_of "$name" Survives)
    began=$SECONDS
    if [[ -n ${fails_anyway[$tests $cases]-} ]]; then
        printf '%-28s %-20s         %s\n' "$name" "NOT SHOWN" "its tests fail without it" | tee -a "$work/table"
        ((++wrong))
        continue
    fi
    patch_copy "$here/mutants/$name.patch" || die "$name does not apply to the copy"
    applied=$name
    by=
    if ! build_for "$tests" >"$log/$name.build" 2>&1; then
        verdict="DOES NOT BUILD" && ((++wrong))
    elif run_tests "$tests" "$cases" "$(head_of "$name" Repeat)" >"$log/$name" 2>&1; then
        verdict=SURVIVED
        if [[ -n $explained ]]; then verdict="survives, explained"; else ((++wrong)); fi
    else
        verdict=caught
        by=$(caught_by "$log/$name")
        if [[ $by == *": Timeout" ]]; then verdict="NOT DECIDED" && ((++wrong)); fi
        if [[ -n $explained && $verdict == caught ]]; then verdict="CAUGHT, though explained" && ((++wrong)); fi
    fi
    patch_copy -R "$here/mutants/$name.patch" || die "$name cannot be taken back"
    applied=
    printf '%-28s %-20s %4d s  %s\n' "$name" "$verdict" $((SECONDS - began)) "$by" | tee -a "$work/table"
done
say "$(grep -c ' caught ' "$work/table") of ${#chosen[@]} mutants caught, $(grep -c 'survives, explained' "$work/table") explained, $wrong wrong; the outputs are in $log"
((wrong == 0))
