#!/usr/bin/env bash
# The checker's own test: a clean tree has no findings, and every rule is broken once and must be found.
set -euo pipefail
checker=$(cd "$(dirname "$0")" && pwd)/check_style.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

write() {  # path, text: with its folders, an opening comment for sources, and a place in the list of sources
    mkdir -p "$tree/$(dirname "$1")"
    printf '%b\n' "$2" >"$tree/$1"
    if [[ $1 == framework/*.cpp ]]; then printf '%s\n' "${1#framework/}" >>"$tree/framework/CMakeLists.txt"; fi
}

clean_tree() {
    rm -rf "$tree" && mkdir -p "$tree"
    write CMakeLists.txt 'project(berth VERSION 3.2.1)'
    write framework/include/berth/claim.hpp '// What it is.\nnamespace berth::inline v3_2 {\n}'
    write framework/src/claim.cpp '// What it is.\n#include "claim.hpp"\nint operand(int);  // not rand()'
    write framework/src/claim.hpp '// What it is.'
    write framework/src/platform/linux/bind.cpp '// What it is.\n#include <sys/socket.h>'
    write README.md "$page"
    write docs/MAP.md '## Words\n\n[back](../README.md#two-words--more) [here](#words) [there](../docs)'
    write docs/run.sh 'exit'
    write cmake/run.sh 'exit'
    write cmake/run_this.sh 'exit'
    write cmake/CMakeLists.txt 'sh("${here}/run.sh")\nsh("${run}_this.sh")'
}

page='# Two `words`, & more\n## Again\n## Again\n[map](docs/MAP.md#words) [2](#again-1) [web](https://x.example/y) `[no](x)` docs/run.sh'
page+='\n```\n[neither](nowhere.md)\n```\n<a id="own"></a>[own](#own)'

expect_finding() {  # rule, path, text
    clean_tree
    write "$2" "$3"
    local output
    if output=$(bash "$checker" "$tree" 2>&1) || ! grep -qF "$1: $2" <<<"$output"; then
        printf 'not found: %s in %s:\n%s\n' "$1" "$2" "$output"
        failures=$((failures + 1))
    fi
}

clean_tree
if ! output=$(bash "$checker" "$tree" 2>&1); then
    printf 'findings in a clean tree:\n%s\n' "$output"
    failures=1
fi

top='// What it is.\n'
expect_finding length framework/src/long.cpp "$top$(printf '\\n%.0s' {1..500})"
expect_finding opening framework/src/bare.cpp 'int x;'
expect_finding opening framework/src/wordy.cpp "$(printf '// again\\n%.0s' {1..16})"
expect_finding name framework/src/socket_helper.cpp "$top"
expect_finding name framework/src/common.cpp "$top"
expect_finding name framework/src/PortBlock.cpp "$top"
expect_finding platform framework/src/includes.cpp "$top#include <sys/socket.h>"
expect_finding platform framework/src/asks.cpp "$top#ifdef __linux__\n#endif"
expect_finding platform examples/asks.cpp "$top#if defined(_WIN32)\n#endif"
for call in rand strcpy sprintf atoi; do
    expect_finding banned framework/src/calls.cpp "${top}int x = $call(y);"
done
expect_finding path framework/src/path.cpp "${top}auto x = \"/ho""me/somebody/x\";"
expect_finding version framework/include/berth/old.hpp "${top}namespace berth::inline v3_1 {\n}"
expect_finding version framework/src/none.cpp "${top}namespace berth {\n}"
expect_finding dead framework/src/nobody_includes.hpp "$top"
expect_finding dead tests/unlisted.cpp "$top"
expect_finding opening framework/compat/include/bare.h 'int x;'
expect_finding dead framework/compat/include/unlisted.h "$top"
expect_finding dead cmake/nobody.sh ''
expect_finding dead cmake/nobody.awk ''
expect_finding dead docs/NOBODY.md '# Nothing'
expect_finding dead tests/run.sh ''  # others of that name are named
expect_finding link NOTES.md 'NOTES.md [gone](docs/GONE.md)'
expect_finding link docs/MAP.md '## Words\n[root](README.md)'
expect_finding link docs/MAP.md '## Words\n[out](../../README.md)'
expect_finding link README.md "$page\n[no heading](docs/MAP.md#verbs)"
expect_finding link README.md "$page\n[no heading](#again-2)"
expect_finding link README.md "$page\n[by name][x]\n\n[x]: docs/GONE.md"

# Options that are shown and that nobody knows.
options=${checker%/*}/check_shown_options.sh
write cmake/serve.sh 'case $1 in --often) ;; esac'
write tests/style/none.sh ''
write build/framework/none ''
write README.md 'By `cmake/serve.sh --often`.'
if ! output=$(bash "$options" "$tree" "$tree/build" 2>&1); then
    printf 'a finding among options that are known:\n%s\n' "$output"
    failures=$((failures + 1))
fi
write README.md 'So:\n\n    cmake/serve.sh --often \\\n        --never | sort --reverse'
if output=$(bash "$options" "$tree" "$tree/build" 2>&1) || [[ $output != *'serve.sh has no --never' ]]; then
    printf 'not found: an option that nobody knows:\n%s\n' "$output"
    failures=$((failures + 1))
fi

exit $((failures > 0))
