#!/usr/bin/env bash
# The style rules that a machine can check: check_style.sh [root]. Each finding is one line, "rule: file: what to do".
#
# Bash, find, grep and awk alone, so that it runs wherever the tests do. check_style_test.sh breaks every rule once.
set -euo pipefail
export LC_ALL=C
cd "${1:-$(dirname "$0")/../..}"

findings=0
fail() { printf '%s\n' "$1"; findings=$((findings + 1)); }

mapfile -t all < <(find . \( -name .git -o -name 'build*' -type d \) -prune -o -type f -print | sed 's|^\./||' | sort)
code=() sources=()
for file in "${all[@]}"; do
    case "$file" in
        *.cpp | *.hpp) code+=("$file") && sources+=("$file") ;;
        framework/compat/*.h) code+=("$file") && sources+=("$file") ;;  # the documents' names
        *.sh | *.cmake | *CMakeLists.txt) code+=("$file") ;;
    esac
done

check_length() {
    local lines
    lines=$(wc -l <"$1")
    if ((lines > 500)); then
        fail "length: $1: $lines lines, at most 500: split it"
    elif ((lines > 300)); then
        printf 'warning: length: %s: %s lines, aim at 150\n' "$1" "$lines"
    fi
}

check_opening() {
    local opening
    opening=$(awk '!/^\/\// { exit } { n++ } END { print n + 0 }' "$1")
    if ((opening == 0)); then
        fail "opening: $1: open with a comment: what it is, its invariant, why"
    elif ((opening > 15)); then
        fail "opening: $1: the opening comment has $opening lines, at most 15"
    fi
}

check_name() {
    if grep -qiE '(^|[_.-])(manager|helpers?|utils?|utility|common|misc)([_.-]|$)' <<<"${1##*/}"; then
        fail "name: $1: says nothing about what is inside: name it after its subject"
    fi
    if [[ $1 == *.[ch]pp && ${1##*/} =~ [A-Z-] ]]; then fail "name: $1: lower_snake_case"; fi
}

system_headers='(sys|net|netinet|arpa|linux|asm)/|(unistd|fcntl|poll|sched|pthread|dlfcn|ifaddrs|netdb|signal|liburing'
system_headers+='|windows|winsock2|ws2tcpip|mswsock|iphlpapi)\.h'
system_macros='__linux__|__unix__|__APPLE__|__FreeBSD__|_WIN32|_WIN64|__MINGW|__ANDROID__'

# Only what every system compiles: the platform and backend folders, the documents' own interface, tests and benchmarks
# may say what they like.
check_platform_words() {
    case "$1" in
        framework/src/platform/* | framework/src/backend/* | framework/daemon/platform/* | framework/compat/* | framework/include/berth/detail/config.hpp) return ;;
        framework/* | examples/*) ;;
        *) return ;;
    esac
    local line
    while IFS= read -r line; do
        fail "platform: $1:$line: move it to framework/src/platform/"
    done < <(grep -nE "^ *# *include *<($system_headers)|^ *# *(if|elif|ifdef|ifndef).*($system_macros)" "$1" || true)
}

banned=(
    'rand' 'a <random> engine, or framework/src/claim for ports'
    'srand' 'a <random> engine'
    'strcpy' 'std::string, or std::memcpy with a size'
    'strcat' 'std::string'
    'sprintf' 'std::to_string, std::to_chars or fmt'
    'gets' 'std::getline'
    'atoi' 'std::from_chars'
    'atol' 'std::from_chars'
    'inet_ntoa' 'asio::ip::address::to_string'
    'gethostbyname' 'a resolver'
)
banned_pattern=$(for ((i = 0; i < ${#banned[@]}; i += 2)); do printf '|%s' "${banned[i]}"; done)

check_banned_calls() {
    local line i
    while IFS= read -r line; do
        for ((i = 0; i < ${#banned[@]}; i += 2)); do
            if grep -qE "\b${banned[i]} *\(" <<<"$line"; then
                fail "banned: $1:${line%%:*}: ${banned[i]}: use ${banned[i + 1]}"
            fi
        done
    done < <(sed 's|//.*||' "$1" | grep -nE "\b(${banned_pattern#|}) *\(" || true)
}

# A source is listed, relative to it, in a CMakeLists.txt above it; a private header is included by somebody.
check_dead_file() {
    local dir=${1%/*} name
    if [[ $1 == *.hpp ]]; then
        [[ $1 == framework/include/* ]] && return
        name=${1##*/}
        grep -qE "^ *# *include *\"([^\"]*/)?${name//./\\.}\"" "${sources[@]}" || fail "dead: $1: nobody includes it"
        return
    fi
    while :; do
        if [[ -f $dir/CMakeLists.txt ]]; then
            name=${1#"$dir"/}
            if grep -qE "(^|[ (\"/}])${name//./\\.}([ )\"]|$)" "$dir/CMakeLists.txt"; then return; fi
        fi
        [[ $dir == */* ]] || break
        dir=${dir%/*}
    done
    fail "dead: $1: no CMakeLists.txt lists it"
}

check_machine_paths() {
    local line
    while IFS= read -r line; do
        fail "path: $1:${line%%:*}: a path of somebody's machine"
    done < <(grep -nIE '(^|[^A-Za-z0-9_.}])/(work|home|root)/' "$1" || true)
}

for file in "${all[@]}"; do check_name "$file"; check_machine_paths "$file"; done
for file in "${code[@]}"; do check_length "$file"; done
for file in "${sources[@]}"; do
    check_opening "$file"
    check_platform_words "$file"
    check_banned_calls "$file"
    check_dead_file "$file"
done

if ((findings > 0)); then
    printf '%s findings in %s files\n' "$findings" "${#all[@]}"
    exit 1
fi
printf 'no findings in %s files\n' "${#all[@]}"
