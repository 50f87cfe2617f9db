#!/usr/bin/env bash
# Makes the README's table of systems anew: what examples/what_works_here says on io_uring, on epoll and by Wine, without
# any privilege. Builds what it needs.
set -euo pipefail
cd "$(dirname "$0")/.."
source cmake/packages.sh
mkdir -p build
install_log=build/install.log
install_missing "${test_packages[@]}" "${windows_packages[@]}"

linux=build/test windows=build/windows
cmake --preset dev -B "$linux" >build/configure.log
cmake --preset windows -B "$windows" >build/configure.log
cmake --build "$linux" --parallel "$(nproc)" --target in_namespace example_what_works_here >build/facts.log
cmake --build "$windows" --parallel "$(nproc)" --target example_what_works_here >>build/facts.log
bash tests/support/in_wine.sh "$PWD/$windows/wine_prefix" --make
trap 'bash tests/support/in_wine.sh "$PWD/$windows/wine_prefix" --end' EXIT

find_program() { find "$1" -name "example_what_works_here$2" -type f | head -n 1; }
alone=("$PWD/$linux/tests/in_namespace" --unprivileged "$PWD/$(find_program "$linux" '')")
"${alone[@]}" | grep -v '^limit: ' >build/facts.1
"${alone[@]}" asio | grep -v '^limit: ' >build/facts.2
bash tests/support/in_wine.sh "$PWD/$windows/wine_prefix" "$PWD/$(find_program "$windows" .exe)" | tr -d '\r' |
    grep -v '^limit: ' >build/facts.3

{
    echo '| | io_uring (Linux) | epoll (Linux) | completion port (Windows, here Wine) |'
    echo '|---|---|---|---|'
    paste -d '|' build/facts.1 build/facts.2 build/facts.3 |
        awk -F' *[|] *' '{ print "| " $1 " | " $2 " | " $4 " | " $6 " |" }'
} >build/facts.table
awk '
    /<!-- facts -->/ { print; while ((getline line < "build/facts.table") > 0) print line; skipping = 1; next }
    skipping && /^[|]/ { next }
    { skipping = 0; print }' README.md >build/README.new
cp build/README.new README.md
cat build/facts.table
