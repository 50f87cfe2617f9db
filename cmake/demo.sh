#!/usr/bin/env bash
# From a fresh clone to the table of bind latencies: installs what is missing, builds Release, runs the harness.
set -euo pipefail
cd "$(dirname "$0")/.."
source cmake/packages.sh

mkdir -p build
install_log=build/install.log
install_missing "${demo_packages[@]}"

say "Building (Release, build/demo)"
cmake --preset release -B build/demo -DBERTH_BUILD_TESTS=OFF -DBERTH_BUILD_EXAMPLES=OFF >build/demo.log || {
    cat build/demo.log
    exit 1
}
cmake --build build/demo --target bind_latency --parallel "$(nproc)"

say "Measuring, less than a minute"
cd build/demo
bench/bind_latency/bind_latency --quick --json bind_latency.json --html bind_latency.html "$@"
printf '\nAll figures: build/demo/bind_latency.json; charts: build/demo/bind_latency.html\n'
