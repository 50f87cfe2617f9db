#!/usr/bin/env bash
# The style rules that a machine can check: check_style.sh [root]. Each finding is one line, "rule: file: what to do".
#
# Bash, find, grep and awk alone, so that it runs wherever the tests do. check_style_test.sh breaks every rule once.
set -euo pipefail
export LC_ALL=C
rules=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$(dirname "$0")/../..}"

findings=0
fail() { printf '%s\n' "$1"; findings=$((findings + 1)); }

mapfile -t all < <(find . \( -name .git -o -name 'build*' -type d \) -prune -o -type f -print | sed 's|^\./||' | sort)
code=() sources=() scripts=() pages=()
for file in "${all[@]}"; do
    case "$file" in
        *.cpp | *.hpp) code+=("$file") && sources+=("$file") ;;
        framework/compat/*.h) code+=("$file") && sources+=("$file") ;;  # the documents' names
        *.sh | *.cmake | *CMakeLists.txt) code+=("$file") ;;
    esac
    case "$file" in
        *.sh | *.awk | *.py) scripts+=("$file") ;;
        *.md) pages+=("$file") ;;
    esac
done

# Each rule looks at all files in one go: a process a file takes half a minute.

# each_line RULE WHAT: "file:line:text" on stdin; a finding each.
each_line() {
    local file line
    while IFS=: read -r file line _; do fail "$1: $file:$line: $2"; done
}

check_lengths() {
    local lines file
    while read -r lines file; do
        if [[ $file == total ]]; then
            continue
        elif ((lines > 500)); then
            fail "length: $file: $lines lines, at most 500: split it"
        elif ((lines > 300)); then
            printf 'warning: length: %s: %s lines, aim at 150\n' "$file" "$lines"
        fi
    done < <(wc -l "${code[@]}")
}

check_openings() {
    local opening file
    while read -r opening file; do
        if ((opening == 0)); then
            fail "opening: $file: open with a comment: what it is, its invariant, why"
        elif ((opening > 15)); then
            fail "opening: $file: the opening comment has $opening lines, at most 15"
        fi
    done < <(awk '
        function tell() { if (name != "") print n + 0, name }
        FNR == 1 { tell(); name = FILENAME; n = 0; done = 0 }
        !done && /^\/\// { n++; next }
        { done = 1 }
        END { tell() }' "${sources[@]}")
}

check_names() {
    local file name
    shopt -s nocasematch
    for file in "${all[@]}"; do
        if [[ ${file##*/} =~ (^|[_.-])(manager|helpers?|utils?|utility|common|misc)([_.-]|$) ]]; then
            fail "name: $file: says nothing about what is inside: name it after its subject"
        fi
    done
    shopt -u nocasematch
    for file in "${sources[@]}"; do
        name=${file##*/}
        if [[ $name =~ [A-Z-] && $name != *.h ]]; then fail "name: $file: lower_snake_case"; fi
    done
}

system_headers='(sys|net|netinet|arpa|linux|asm)/|(unistd|fcntl|poll|sched|pthread|dlfcn|ifaddrs|netdb|signal|liburing'
system_headers+='|windows|winsock2|ws2tcpip|mswsock|iphlpapi)\.h'
system_macros='__linux__|__unix__|__APPLE__|__FreeBSD__|_WIN32|_WIN64|__MINGW|__ANDROID__'

# Only what every system compiles: the platform and backend folders, the documents' own interface, tests and benchmarks
# may say what they like.
check_platform_words() {
    local file sober=()
    for file in "${sources[@]}"; do
        case "$file" in
            framework/src/platform/* | framework/src/backend/* | framework/daemon/platform/* | framework/tools/platform/* | framework/compat/* | framework/include/berth/detail/config.hpp) ;;
            framework/* | examples/*) sober+=("$file") ;;
        esac
    done
    ((${#sober[@]} > 0)) || return 0
    each_line platform "move it to framework/src/platform/" < <(
        grep -HnE "^ *# *include *<($system_headers)|^ *# *(if|elif|ifdef|ifndef).*($system_macros)" "${sober[@]}" || true)
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
    local file line text i
    while IFS=: read -r file line text; do
        for ((i = 0; i < ${#banned[@]}; i += 2)); do
            if [[ $text =~ (^|[^A-Za-z0-9_])${banned[i]}\ *\( ]]; then
                fail "banned: $file:$line: ${banned[i]}: use ${banned[i + 1]}"
            fi
        done
    done < <(awk '{ sub("//.*", ""); print FILENAME ":" FNR ":" $0 }' "${sources[@]}" |
        grep -E "\b(${banned_pattern#|}) *\(" || true)
}

# A source is listed, relative to it, in a CMakeLists.txt above it; a private header is included by somebody.
check_dead_files() {
    local file dir name
    declare -A included=() listed=()
    while read -r name; do included[$name]=1; done < <(
        sed -nE 's|^ *# *include *"([^"]*/)?([^"/]+)".*|\2|p' "${sources[@]}" | sort -u)
    while IFS=: read -r dir name; do listed[$dir:$name]=1; done < <(
        find . \( -name .git -o -name 'build*' -type d \) -prune -o -name CMakeLists.txt -print0 | sed -z 's|^\./||' |
            xargs -0r awk '{
                dir = FILENAME; sub("/?CMakeLists.txt$", "", dir)
                count = split($0, words, /[ ()"}\t;]+/)
                for (i = 1; i <= count; i++) {
                    if (words[i] ~ /\.(cpp|h)$/) print dir ":" words[i]
                    sub("^/", "", words[i])
                    if (words[i] ~ /\.(cpp|h)$/) print dir ":" words[i]
                }
            }')
    for file in "${sources[@]}"; do
        name=${file##*/}
        case "$file" in
            framework/include/*.hpp | framework/service/include/*.hpp) continue ;;
            *.hpp) [[ ${included[$name]:-} ]] || fail "dead: $file: nobody includes it" && continue ;;
        esac
        dir=${file%/*}
        while [[ ! ${listed[$dir:${file#"$dir"/}]:-} ]]; do
            if [[ $dir != */* ]]; then
                fail "dead: $file: no CMakeLists.txt lists it"
                break
            fi
            dir=${dir%/*}
        done
    done
}

# Somebody else names a script or a page, unless GitHub shows it by itself.
check_unnamed_files() {
    local file
    while read -r file; do
        case "$file" in
            README.md | CHANGELOG.md | .github/*) ;;
            *) fail "dead: $file: nobody names it" ;;
        esac
    done < <(printf '%s\0' "${all[@]}" |
        xargs -0 grep -HIoE '[}A-Za-z0-9_./-]*[A-Za-z0-9_]\.(sh|awk|py|md)\>' |
        awk -v subjects="${scripts[*]} ${pages[*]}" -f "$rules/unnamed_files.awk" || true)
}

# A link within the tree leads to a file or folder that is there, and to a heading of it if it says which.
check_links() {
    local what from to
    declare -A anchors=()
    local links=()
    ((${#pages[@]} > 0)) || return 0  # awk would wait for the terminal
    while read -r what from to; do
        if [[ $what == anchor ]]; then anchors[$from]=1; else links+=("$from $to"); fi
    done < <(awk -f "$rules/markdown_links.awk" "${pages[@]}")
    for to in ${links[@]+"${links[@]}"}; do
        from=${to%% *} to=${to#* }
        if [[ ! -e ${to%%#*} ]]; then
            fail "link: $from: there is no ${to%%#*}"
        elif [[ ${to%%#*} == *.md && $to == *#* && ! ${anchors[$to]:-} ]]; then
            fail "link: $from: no heading of ${to%%#*} is #${to#*#}"
        fi
    done
}

# The public names are of the version's namespace: a program of one minor version does not link with a library of another.
check_version_namespace() {
    local version file line text
    version=$(sed -nE 's/^project\(.* VERSION ([0-9]+)\.([0-9]+).*/v\1_\2/p' CMakeLists.txt)
    while IFS=: read -r file line text; do
        if [[ $text != "namespace berth::inline $version {" ]]; then
            fail "version: $file:$line: namespace berth::inline $version, as CMakeLists.txt has it"
        fi
    done < <(grep -HnE '^namespace berth(::inline [a-z0-9_]+)? \{' "${sources[@]}" | grep '^framework/\(include\|src\)/' || true)
}

check_machine_paths() {
    each_line path "a path of somebody's machine" < <(grep -HnIE '(^|[^A-Za-z0-9_.}])/(work|home|root)/' "${all[@]}" || true)
}

check_names
check_machine_paths
check_lengths
check_openings
check_platform_words
check_banned_calls
check_dead_files
check_unnamed_files
check_links
check_version_namespace

if ((findings > 0)); then
    printf '%s findings in %s files\n' "$findings" "${#all[@]}"
    exit 1
fi
printf 'no findings in %s files\n' "${#all[@]}"
