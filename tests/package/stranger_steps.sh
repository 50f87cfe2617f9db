#!/usr/bin/env bash
# What stranger.sh does inside a root: stranger_steps.sh demo|test|package|use. The tree is beside, nothing else is known.
set -euo pipefail
tree=$(cd "$(dirname "$0")/../.." && pwd)
cd "$tree"

fail() { echo "stranger: $*" && exit 1; }
ran() { printf '$ %s\n' "$*" && "$@"; }
install() { DEBIAN_FRONTEND=noninteractive ran apt-get -q -y install --no-install-recommends "$@" </dev/null; }

readme_output() {  # what README says the program prints
    awk '$0 == "<!-- output: examples/port_block.cpp -->" { found = 1; next }
         found && /^```/ { if (inside) exit; inside = 1; next }
         inside { print }' README.md
}

# Everything of berth's outside the tree and the packages themselves, apart from what dpkg and apt write of any package.
traces() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path "$tree" -o -path "/packages" -o -path "$scratch" \
        -o -path /var/log -o -path /var/cache/apt -o -path /var/lib/apt \) -prune -o -iname '*berth*' -print
}

run_the_daemon() {  # in a network of its own; a block is made, and the daemon is killed: its keeper has the ports
    mkdir -p /run/berth
    unshare --net berthd --group berth >"$scratch/berthd.log" 2>&1 &
    local daemon=$! tries
    for tries in {1..100}; do
        if berthctl status >/dev/null 2>&1; then break; fi
        sleep 0.1
    done
    ran berthctl create udp 5000 4 || { cat "$scratch/berthd.log" && fail "berthd does not serve"; }
    ran berthctl list
    kill -KILL "$daemon"
    wait "$daemon" 2>/dev/null || true
    keepers | grep -q . || fail "no keeper was left"
}

keepers() {
    local entry name
    for entry in /proc/[0-9]*; do
        name=$(cat "$entry/comm" 2>/dev/null) || continue
        if [[ $name == berth* ]]; then echo "${entry##*/} $name"; fi
    done
}

use_the_packages() {
    scratch=$(mktemp -d)
    [[ ! $(traces) ]] || fail "traces before it began: $(traces)"
    install /packages/*.deb
    [[ ! $(keepers) ]] || fail "something was started where no systemd runs: $(keepers)"
    ran berthctl --version
    ran berthd --version
    getent group berth || fail "there is no group berth"
    for unit in sysinit.target.wants/berthd.service sockets.target.wants/berthd.socket; do
        [[ -L /etc/systemd/system/$unit ]] || fail "not enabled: $unit"
    done
    ldconfig -p | grep -q 'libberth\.so\.0\.1' || fail "the dynamic linker does not know the library"

    readme_output >"$scratch/expected"
    [[ -s $scratch/expected ]] || fail "README shows no output"
    echo '$ g++ -std=c++20 port_block.cpp $(pkg-config --cflags --libs berth)'
    # shellcheck disable=SC2046
    g++ -std=c++20 examples/port_block.cpp -o "$scratch/by_pkg_config" $(pkg-config --cflags --libs berth)
    ran "$scratch/by_pkg_config" | tee "$scratch/output"
    tail -n +2 "$scratch/output" | diff "$scratch/expected" - || fail "README shows another output"
    ldd "$scratch/by_pkg_config" | grep -q libberth || fail "it is not linked with the shared library"

    cp examples/port_block.cpp "$scratch/main.cpp"
    printf '%s\n' 'cmake_minimum_required(VERSION 3.20)' 'project(server LANGUAGES CXX)' \
        'find_package(berth CONFIG REQUIRED COMPONENTS daemon tools compat)' 'add_executable(server main.cpp)' \
        'target_link_libraries(server PRIVATE berth::berth)' >"$scratch/CMakeLists.txt"
    ran cmake -S "$scratch" -B "$scratch/build" -DCMAKE_BUILD_TYPE=Release
    ran cmake --build "$scratch/build"
    ran "$scratch/build/server" | tail -n +2 | diff "$scratch/expected" - || fail "README shows another output"

    run_the_daemon
    install --reinstall /packages/*.deb  # the same version once more
    keepers | grep -q berth_keeper || fail "an upgrade ended the keeper"
    ran apt-get -q -y remove berth-tools libberth-dev libberth0.1
    [[ ! $(keepers) ]] || fail "a removal left: $(keepers)"
    [[ -f /var/lib/berth/blocks.db ]] || fail "a removal took the blocks' store"
    ran dpkg --purge berth-tools libberth-dev libberth0.1
    [[ ! $(traces) ]] || fail "a purge left: $(traces)"
    if dpkg -l | grep berth; then fail "dpkg still knows a package"; fi
    rm -rf "$scratch"
    echo "nothing is left but the group berth, on purpose"
}

case "${1:-}" in
    demo) ran cmake/demo.sh ;;
    test) ran cmake/test.sh ${BERTH_STRANGER_LABEL:+--label "$BERTH_STRANGER_LABEL"} ;;
    package) ran cmake/package.sh ;;
    use) use_the_packages ;;
    *) fail "demo, test, package or use" ;;
esac
