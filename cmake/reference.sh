#!/usr/bin/env bash
# The reference of the public headers, by Doxygen: cmake/reference.sh [folder]
#
# Writes build/reference/html (or folder/html), and fails with a single warning: a name that is linked to and is not there, a
# parameter that is none. What is no public name (detail namespaces, private members) is left out; the sockets' and pools'
# common part, which lies in detail/, is theirs. Nothing is built. --if-there: without Doxygen it is skipped, not installed.
set -euo pipefail
cd "$(dirname "$0")/.."
source cmake/packages.sh

if [[ ${1:-} == --if-there ]]; then
    shift
    if ! command -v doxygen >/dev/null; then
        echo "skipped: no doxygen (Debian: doxygen)"
        exit 77
    fi
else
    mkdir -p build
    install_log=build/install.log
    install_missing "${test_packages[@]}"
fi
folder=${1:-build/reference}
rm -rf "$folder/html"
mkdir -p "$folder"

include=framework/include/berth
mapfile -t headers < <(
    find "$include" framework/service/include -name '*.hpp' -not -path '*/detail/*'
    grep -l '^namespace berth::inline' "$include"/detail/*.hpp  # public types that a template needs
    printf "$include/detail/%s.hpp\n" socket_core basic_io_socket socket_pool
)
version=$(sed -nE 's/^project\(.* VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)
input=$(printf '%s\n' "${headers[@]}" | LC_ALL=C sort | tr '\n' ' ')
sed -e "s|@version@|$version|; s|@folder@|$folder|; s|@input@|$input|" cmake/reference/Doxyfile.in >"$folder/Doxyfile"

if ! doxygen "$folder/Doxyfile" >"$folder/doxygen.log" 2>"$folder/warnings.txt" || [[ -s $folder/warnings.txt ]]; then
    sort -u "$folder/warnings.txt"
    printf 'The reference has warnings: mend the comment, or cmake/reference/for_doxygen.awk if Doxygen misreads it\n'
    exit 1
fi
printf '%s headers, no warning: %s\n' "${#headers[@]}" "$folder/html/index.html"
