#!/usr/bin/env bash
# clang-tidy over the library, its daemon and its tools.
#
#   cmake/tidy.sh                      all of framework/, several sources to a compilation: minutes
#   cmake/tidy.sh regular expression   those sources, each by itself
#   cmake/tidy.sh --changed [commit]   the sources that differ from the commit's (HEAD's), and those of changed headers' names
#
# From the compilation database of the preset `tidy`; nothing is built. The checks, and why some are left out, are in
# .clang-tidy. The status is 1 if there is a warning.
set -euo pipefail
cd "$(dirname "$0")/.."
source cmake/packages.sh
mkdir -p build
install_log=build/install.log
install_missing "${test_packages[@]}" clang-tidy

together=OFF folder=build/tidy checks='' wanted="^$PWD/framework/.*(${1:-})"
if (($# == 0)); then
    # The files that hold several sources are beside the others; including a source is what they are for.
    together=ON folder=build/tidy_together checks=-bugprone-suspicious-include wanted="^($PWD/framework|$PWD/$folder/framework)/"
elif [[ $1 == --changed ]]; then
    mapfile -t changed < <(git diff --name-only "${2:-HEAD}" -- framework | sed -nE 's/[.](cpp|hpp)$//p' | sort -u)
    wanted="^($(printf "|$PWD/%s" nothing "${changed[@]}" | cut -c2-))[.]cpp$"
fi
cmake --preset tidy -B "$folder" -DBERTH_COMPILE_TOGETHER=$together >build/configure.log
mapfile -t sources < <(sed -nE 's/^ *"file": "(.*)",?$/\1/p' "$folder/compile_commands.json" | sort -u | { grep -E "$wanted" || true; })
say "Looking at ${#sources[@]} files"
# clang 14 does not say that it has coroutines, and Asio 1.22 asks. GCC has -Wshadow, source by source.
if ((${#sources[@]} != 0)); then
    printf '%s\0' "${sources[@]}" | xargs -0 -P "$(nproc)" -n 1 clang-tidy --quiet -p "$folder" --checks="$checks" \
        --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-shadow --extra-arg=-D__cpp_impl_coroutine=201902L \
        --extra-arg=-DASIO_HAS_CO_AWAIT=1 2>"$folder/suppressed.log"
fi
say "No warning"
