#!/usr/bin/env bash
# cppcheck over the library and its daemon: cmake/cppcheck.sh [regular expression of sources]
#
# Reads the sources as they are, with the private and public headers and no system's; nothing is built. A header that it
# cannot read is a finding (internalAstError), so all of each source is looked at. cmake/cppcheck.txt says what is left out,
# and why. Results are kept in build/cppcheck: only what has changed is looked at again. The status is 1 if there is a finding.
set -euo pipefail
cd "$(dirname "$0")/.."
source cmake/packages.sh
mkdir -p build/cppcheck
install_log=build/install.log
install_missing "${test_packages[@]}" cppcheck

find framework/src framework/daemon -name '*.cpp' | sort | { grep -E "${1:-.}" || true; } >build/cppcheck/sources.txt
say "Looking at $(wc -l <build/cppcheck/sources.txt) sources"
cppcheck -j "$(nproc)" --quiet --std=c++20 --language=c++ --enable=warning,performance,portability --inline-suppr \
    --suppressions-list=cmake/cppcheck.txt --template=gcc --error-exitcode=1 --cppcheck-build-dir=build/cppcheck \
    -I framework/include -I framework/src -I framework/daemon --file-list=build/cppcheck/sources.txt
say "No finding"
