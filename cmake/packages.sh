# The Debian packages that the build needs, and how they get there. Sourced by demo.sh, test.sh and others.
#
# demo: what the library and its bind-latency harness need. test: everything. package: what
# package.sh needs. windows: what `test.sh --windows` needs.

demo_packages=(
    g++ cmake ninja-build
    libasio-dev liburing-dev libmimalloc-dev
    libcli11-dev libfmt-dev nlohmann-json3-dev
)
test_packages=(
    "${demo_packages[@]}"
    libgtest-dev libgmock-dev libbenchmark-dev
    libuv1-dev
    relacy-dev
    pkg-config
    libssl-dev openssl curl wrk
    libsqlite3-dev
    clang libclang-rt-14-dev
    libspdlog-dev prometheus-cpp-dev
    coturn  # its client and its peer; its server is not wanted
    iproute2
    strace
    doxygen
    dpkg-dev file git
)
package_packages=(
    g++ cmake ninja-build dpkg-dev file
    libasio-dev liburing-dev libmimalloc-dev
    libcli11-dev libfmt-dev nlohmann-json3-dev libsqlite3-dev
    libspdlog-dev prometheus-cpp-dev
)
windows_packages=(
    cmake ninja-build
    libasio-dev googletest
    g++-mingw-w64-x86-64-posix wine wine64
    curl wrk
)

msys_packages=(  # of MSYS2, for a shell MINGW64
    mingw-w64-x86_64-gcc mingw-w64-x86_64-cmake mingw-w64-x86_64-ninja
    mingw-w64-x86_64-asio mingw-w64-x86_64-gtest
    curl diffutils
)

say() { printf '\n==> %s\n' "$*"; }

# install_missing package...: installs those that are not there; asks nothing, and touches nothing if all are.
install_missing() {
    local missing=() package
    if ! command -v dpkg-query >/dev/null; then
        say "Not a Debian system. This needs what Debian calls: $*"
        return
    fi
    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then return; fi

    local as_root=()
    if ((EUID != 0)); then
        if ! sudo -n true 2>/dev/null; then
            printf 'Some packages are missing, and installing them needs root. Run this once, then start again:\n\n'
            printf '    sudo apt-get install --no-install-recommends %s\n\n' "${missing[*]}"
            exit 1
        fi
        as_root=(sudo -n)
    fi
    say "Installing ${missing[*]}"
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y)
    "${apt[@]}" update >/dev/null
    "${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null >"$install_log" 2>&1 || {
        tail -n 30 "$install_log"
        printf 'apt-get failed; its output is in %s\n' "$install_log"
        exit 1
    }
    if [[ " ${missing[*]} " == *" coturn "* ]] && command -v systemctl >/dev/null; then
        "${as_root[@]}" systemctl disable --now coturn >/dev/null 2>&1 || true  # where no systemd runs, nothing was begun
    fi
}
