#!/usr/bin/env bash
# From a fresh clone to passed tests: installs what is missing, builds everything, runs the tests.
#
#   cmake/test.sh [--windows | --preset dev|release|asan|tsan] [--label regex] [further ctest options]
#
# --windows: the same sources, cross-built for Windows and run by Wine, without a display, in a prefix of the build's;
# in a shell of MSYS2's (MINGW64) the same command builds and runs them on Windows itself.
# Without --label everything but the nightly tests. Root runs more than others: see CONTRIBUTING.md.
set -euo pipefail
cd "$(dirname "$0")/.."
source cmake/packages.sh

preset=dev
folder=build/test
packages=("${test_packages[@]}")
only=()
without=nightly
while (($# > 0)); do
    case "$1" in
        --windows) preset=windows folder=build/windows packages=("${windows_packages[@]}") && shift ;;
        --preset) preset=${2:?--preset needs a name} folder=build/test-$2 && shift 2 ;;
        --label) only=(--label-regex "^(${2:?--label needs a regular expression})\$") without=none && shift 2 ;;
        -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0" && exit ;;
        *) break ;;
    esac
done
case "$preset" in  # they say little about what is installed or how it is spelled; the model checker allocates its own way
    asan | tsan) without+="|package|headers|style|docs|model" ;;
esac

if [[ $preset == windows && $(uname -s) == MINGW* ]]; then preset=on_windows; fi

mkdir -p build
install_log=build/install.log
if [[ $preset == on_windows ]]; then
    say "Installing what is missing"
    pacman --sync --needed --noconfirm "${msys_packages[@]}"
else
    install_missing "${packages[@]}"
fi

say "Building ($preset, $folder)"
cmake --preset "$preset" -B "$folder" >build/configure.log || {
    cat build/configure.log
    exit 1
}
cmake --build "$folder" --parallel "$(nproc)"

end_wine() { ! command -v wineserver >/dev/null || WINEPREFIX=$PWD/$folder/wine_prefix wineserver --kill || true; }
if [[ $preset == windows ]]; then trap end_wine EXIT; fi  # a run that is broken off leaves it

say "Testing"
# One more than two cores: many tests wait for a time or for a disk.
ctest --test-dir "$folder" --parallel 3 --output-on-failure --no-tests=error \
    "${only[@]}" --label-exclude "^($without)\$" "$@"
