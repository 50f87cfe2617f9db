#!/usr/bin/env bash
# From a fresh clone to Debian packages: installs what is missing, builds Release, leaves the packages in build/package.
#
#   cmake/package.sh [--lint] [--in folder]
#
# --lint: lintian looks at them, and the status is its own; --in: another folder than build/package.
set -euo pipefail
cd "$(dirname "$0")/.."
source cmake/packages.sh

folder=build/package
lint=
packages=("${package_packages[@]}")
while (($# > 0)); do
    case "$1" in
        --lint) lint=yes packages+=(lintian) && shift ;;
        --in) folder=${2:?--in needs a folder} && shift 2 ;;
        *) sed -n '2,6s/^# \{0,1\}//p' "$0" && exit 2 ;;
    esac
done

mkdir -p "$folder"
install_log=$folder/install.log
install_missing "${packages[@]}"

say "Building (package, $folder)"
cmake --preset package -B "$folder" >"$folder/configure.log" || {
    cat "$folder/configure.log"
    exit 1
}
cmake --build "$folder" --parallel "$(nproc)"

say "Packing"
rm -f "$folder"/*.deb
# Files get the modes that the umask leaves, and the date of the changelog: the same tree makes the same packages.
umask 022
SOURCE_DATE_EPOCH=$(date -d "$(sed -n 's/^ -- .*>  //p' cmake/packaging/deb/changelog | head -n 1)" +%s)
export SOURCE_DATE_EPOCH
(cd "$folder" && cpack -G DEB >pack.log 2>&1) || {
    cat "$folder/pack.log"
    exit 1
}
if [[ $lint ]]; then
    say "Looking at them"
    lintian --fail-on error,warning "$folder"/*.deb
fi
for package in "$folder"/*.deb; do printf '%s\n' "$package"; done
