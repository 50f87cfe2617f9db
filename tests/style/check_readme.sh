#!/usr/bin/env bash
# What README shows is what is run: its program is the example's source, its output the example's output.
#   check_readme.sh README SOURCE PROGRAM
set -euo pipefail
readme=$1 source=$2 program=$3

block() {  # the first fenced block after the line that names it
    awk -v mark="$1" '$0 == mark { found = 1; next } found && /^```/ { if (inside) exit; inside = 1; next }
                      inside { print }' "$readme"
}

diff -u <(block '<!-- program: examples/port_block.cpp -->') "$source" || {
    echo "README's program differs from $source: copy the file into the block" >&2
    exit 1
}
diff -u <(block '<!-- output: examples/port_block.cpp -->') <("$program") || {
    echo "README's output differs from what the program prints" >&2
    exit 1
}
echo "README shows what is run"
