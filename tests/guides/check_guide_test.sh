#!/usr/bin/env bash
# The checker's own test: a true guide passes, and every rule is broken once and must be found.
set -euo pipefail
checker=$(cd "$(dirname "$0")" && pwd)/check_guide.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/sources/src" "$tree/built"
printf '%s\n' 'int main() {' '    take();' '    serve();' '    give_back();' '}' >"$tree/sources/src/program.cpp"
printf '#!/bin/sh\necho port $1\n' >"$tree/built/program" && chmod +x "$tree/built/program"
failures=0

# try TEXT: sets output and code.
try() {
    printf '%b' "$1" >"$tree/guide.md"
    code=0
    output=$(bash "$checker" "$tree/guide.md" "$tree/sources" "$tree/built" 2>&1) || code=$?
    [[ $code != 77 || ${2:-} == skipped ]] || { printf '%s\n' "$output"; exit 77; }
}
expect_true() {
    try "$1"
    if [[ $code != 0 ]] || ! grep -qF "$2" <<<"$output"; then
        printf 'not taken for true (%s): %b\n%s\n' "$code" "$1" "$output"
        failures=$((failures + 1))
    fi
}
expect_fault() {
    try "$1"
    if [[ $code != 1 ]] || ! grep -qF "$2" <<<"$output"; then
        printf 'not found (%s), "%s": %b\n%s\n' "$code" "$2" "$1" "$output"
        failures=$((failures + 1))
    fi
}

run='```console\n'
cpp='<!-- from: src/program.cpp -->\n```cpp\n'
end='\n```\n'
expect_true "# A guide\n\n$run\$ ./program 7\nport 7\n\$ name=8; ./program 9 >said\n\$ cat said; echo \$name\nport …\n8$end" "3 commands"
expect_true "$run\$ ./program \\\\\n    7\nport 7\n\$ for i in 1 2 3; do\n> ./program \$i\n> done\nport 1\n…\nport 3$end" "2 commands"
expect_true "${cpp}take();\nserve();$end" "1 pieces"
expect_true "${cpp}int main() {\n    // …\n    give_back();\n}$end" "2 pieces"
expect_true "${cpp}take();$end\n<!-- not run: it is the reader's own -->\n\`\`\`ini\nx$end" "1 pieces"

expect_fault "$run\$ ./program 7\nport 8$end" "prints something else"
expect_fault "$run\$ ./program 7\nport 7\nport 8$end" "prints something else"
expect_fault "$run\$ ./program 7; ./program 8\nport 7$end" "prints something else"
expect_fault "$run\$ ./program 7\npart …$end" "prints something else"
expect_fault "$run\$ ./program 7; ./program 8\n…\nport 9$end" "prints something else"
expect_fault "$run\$ ./program 7$end" "prints something else"
expect_fault "$run\$ false$end" "ended with 1"
expect_fault "$run\$ sleep 20 &$end" "still runs"
expect_fault "${run}port 7$end" "begins with a command"
expect_fault "${cpp}take();\ngive_back();$end" "does not stand in src/program.cpp"
expect_fault "${cpp}give_back();\n…\ntake();$end" "does not stand in src/program.cpp"
expect_fault "<!-- from: src/gone.cpp -->\n\`\`\`cpp\nx$end" "there is no src/gone.cpp"
expect_fault "\`\`\`cpp\ntake();$end" "neither run"
expect_fault "$cpp${cpp}take();$end" "does not stand"
expect_fault "${cpp}take();$end\n\`\`\`sh\ntake$end" "neither run"
expect_fault "<!-- not run: for another block -->\nwords\n\`\`\`sh\ntake$end" "neither run"
expect_fault "$run\$ true\n" "does not end"
expect_fault "# A guide without anything\n" "nothing in it is shown"
expect_fault "" "nothing in it is shown"
expect_fault "[gone](gone.md)\n${cpp}take();$end" "a link to gone.md"

for what in no_such_command /no/such/file; do
    try "<!-- needs: $what -->\n$run\$ true$end" skipped
    if [[ $code != 77 ]]; then
        printf 'not skipped without %s: %s\n' "$what" "$output"
        failures=$((failures + 1))
    fi
done
exit $((failures > 0))
