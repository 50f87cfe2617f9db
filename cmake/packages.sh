# The Debian packages that the build needs, and how they get there. Sourced by demo.sh and test.sh.
#
# demo: what the library and its bind-latency harness need. test: everything.

demo_packages=(
    g++ cmake ninja-build
    libasio-dev liburing-dev libmimalloc-dev
    libcli11-dev libfmt-dev nlohmann-json3-dev
)
test_packages=(
    "${demo_packages[@]}"
    libgtest-dev libgmock-dev libbenchmark-dev
    liburing-dev libuv1-dev
    relacy-dev
    g++-mingw-w64-x86-64-posix
    pkg-config
    libssl-dev openssl curl wrk
    libsqlite3-dev
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
}
