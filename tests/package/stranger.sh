#!/usr/bin/env bash
# The way of somebody who has never seen berth: a fresh Debian 12 with g++ and cmake, README's commands, the packages.
#
#   stranger.sh [root]     root: of a debootstrap made before (it is copied); without it one is made
#
# In one copy of the root: cmake/demo.sh, cmake/test.sh, cmake/package.sh. In another, which has none of what the first
# installed: the packages, README's program by pkg-config and by CMake, upgrade, removal, purge; see stranger_steps.sh.
# BERTH_STRANGER_LABEL: cmake/test.sh with that label alone, to try this out; BERTH_STRANGER_STEPS: some of "demo test
# package use" (use takes the packages that are in build/package, if package is left out); BERTH_STRANGER_CCACHE: a folder
# of ccache's, for the builds, again to try this out.
# Needs root, debootstrap and a way to a Debian mirror, the one of the machine's apt; ends with 77 and the reason without.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$here/../.." && pwd)
steps=${BERTH_STRANGER_STEPS:-demo test package use}

cannot() { echo "skipped: $*" && exit 77; }
say() { printf '\n######## %s (%s)\n' "$*" "$(date +%T)"; }

if [[ ! ${BERTH_STRANGER_INSIDE:-} ]]; then
    ((EUID == 0)) || cannot "it needs root: for a root of its own"
    for program in unshare chroot apt-get; do command -v $program >/dev/null || cannot "there is no $program"; done
    [[ ${1:-} ]] || command -v debootstrap >/dev/null || cannot "there is no debootstrap"
    unshare --mount --pid --fork true 2>/dev/null || cannot "this system refuses namespaces"
    sources=$(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' |
        grep ' bookworm' | sort -u) || cannot "apt here knows no mirror of Debian 12"
    place=$(mktemp -d)
    export BERTH_STRANGER_INSIDE=$place BERTH_STRANGER_SOURCES=$sources
    # Mounts and processes are in namespaces: whatever becomes of this, they end with it.
    unshare --mount --propagation private --pid --fork --kill-child "$BASH" "$here/stranger.sh" "$@" &
    inside=$!
    trap 'kill -KILL $inside 2>/dev/null || true; wait $inside 2>/dev/null || true; rm -rf --one-file-system "$place"' EXIT
    trap 'exit 1' INT TERM HUP
    status=0
    wait $inside || status=$?
    exit $status
fi

place=$BERTH_STRANGER_INSIDE
bare=${1:-$place/bare}
if [[ ! ${1:-} ]]; then
    say "A fresh Debian 12"
    read -r _ mirror _ < <(grep ' bookworm ' <<<"$BERTH_STRANGER_SOURCES")
    debootstrap --variant=minbase bookworm "$bare" "$mirror" >"$place/debootstrap.log" 2>&1 || {
        tail -n 5 "$place/debootstrap.log"
        cannot "debootstrap had no success"
    }
fi

quick=()
if [[ ${BERTH_STRANGER_CCACHE:-} ]]; then
    quick=(CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_DIR=/ccache CCACHE_BASEDIR=/berth CCACHE_NOHASHDIR=1
        CCACHE_SLOPPINESS=pch_defines,time_macros,locale)
fi

enter() {  # root, command...: with the variables that a login has, and no others
    local root=$1
    shift
    env -i HOME=/root TERM=dumb LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        BERTH_STRANGER_LABEL="${BERTH_STRANGER_LABEL:-}" "${quick[@]}" chroot "$root" "$@"
}

make_root() {  # name, packages...
    local root=$place/$1
    shift
    say "A root with $*"
    cp -a "$bare" "$root"
    printf '%s\n' "$BERTH_STRANGER_SOURCES" >"$root/etc/apt/sources.list"
    apt-config dump | grep -E '^Acquire::(http|https|Check-|Retries|Proxy)' >"$root/etc/apt/apt.conf.d/00machine" || true
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" && chmod +x "$root/usr/sbin/policy-rc.d"
    mount -t proc proc "$root/proc"
    mount -t sysfs sysfs "$root/sys"
    mount --bind /dev "$root/dev"
    mount -t devpts devpts "$root/dev/pts"
    mount -t tmpfs tmpfs "$root/dev/shm"
    enter "$root" apt-get -q update >"$root/apt.log"
    enter "$root" env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "$@" >>"$root/apt.log" 2>&1 || {
        tail -n 20 "$root/apt.log"
        exit 1
    }
    mkdir -p "$root/berth"
    tar -C "$tree" --exclude=./build --exclude='./build-*' --exclude=./.git -c . | tar -C "$root/berth" --no-same-owner -x
}

if [[ $steps =~ demo|test|package ]]; then
    make_root builder g++ cmake ${BERTH_STRANGER_CCACHE:+ccache}
    if [[ ${BERTH_STRANGER_CCACHE:-} ]]; then
        mkdir "$place/builder/ccache"
        mount --bind "$BERTH_STRANGER_CCACHE" "$place/builder/ccache"
    fi
    for step in demo test package; do
        if [[ " $steps " == *" $step "* ]]; then
            say "$step"
            enter "$place/builder" bash /berth/tests/package/stranger_steps.sh $step
        fi
    done
fi
if [[ " $steps " == *" use "* ]]; then
    make_root user g++ cmake make pkg-config
    mkdir "$place/user/packages"
    from=$tree
    if [[ " $steps " == *" package "* ]]; then from=$place/builder/berth; fi
    cp "$from"/build/package/*.deb "$place/user/packages/"
    quick=()
    say "use"
    enter "$place/user" bash /berth/tests/package/stranger_steps.sh use
fi
say "The stranger has come through: $steps"
