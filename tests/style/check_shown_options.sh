#!/usr/bin/env bash
# check_shown_options.sh ROOT BUILD: each option that a Markdown file shows behind one of our programs or scripts is one
# that the program's --help knows, or that stands in the script. What is shown is a line of a code block, or a code span; a command ends at | & ; or ).
#
# Where a program is not built (a package is missing) its options cannot be looked up, and it is named.
set -euo pipefail
export LC_ALL=C
root=$1 build=$2
cd "$root"

declare -A program=()
while read -r file; do
    name=${file##*/}
    program[$name]=$file
done < <(find "$build" -type f -perm -u+x \( -path "$build/framework/*" -o -path "$build/examples/*" -o -path "$build/bench/*" \) \
    ! -path '*/CMakeFiles/*' ! -name '*.so*' ! -name '*.a' | sort)
while read -r file; do program[${file##*/}]=$root/$file; done < <(find cmake tests -name '*.sh' | sort)

# "file:line:program:option", one a line.
shown() {
    find . \( -name .git -o -name 'build*' -type d \) -prune -o -name '*.md' ! -name CHANGELOG.md -print | sed 's|^\./||' | sort |
        xargs awk -v names="${!program[*]}" '
            BEGIN { count = split(names, list, " "); for (i = 1; i <= count; i++) known[list[i]] = 1 }
            function command(text, at,    words, n, i, name, word, option) {
                n = split(text, words, /[ \t]+/)
                name = ""
                for (i = 1; i <= n; i++) {
                    word = words[i]
                    gsub(/["\047\[\],]/, "", word)
                    option = word
                    sub(/.*\//, "", word)
                    if (word ~ /^(apt|apt-get|conan|man|vcpkg)$/) return  # to them the name of a program of ours is a word
                    if (name == "" && word in known) { name = word; continue }
                    if (word ~ /^[|&;]/) { name = ""; continue }
                    if (name == "" || option !~ /^--[a-z]/) continue
                    sub(/[=;).:].*/, "", option)
                    print at ":" name ":" option
                }
            }
            FNR == 1 { fenced = 0; text = "" }
            /^```/ { fenced = !fenced; next }
            {
                at = FILENAME ":" FNR
                if (fenced || /^    /) {
                    line = $0
                    if (sub(/\\$/, "", line)) { text = text line " "; next }
                    command(text line, at)
                    text = ""
                } else {
                    line = $0
                    while (match(line, /`[^`]+`/)) {
                        command(substr(line, RSTART + 1, RLENGTH - 2), at)
                        line = substr(line, RSTART + RLENGTH)
                    }
                }
            }'
}

declare -A help=()
findings=0 looked=0
while IFS=: read -r file line name option; do
    if [[ ! -v help[$name] ]]; then
        if [[ $name == *.sh ]]; then  # read, not run: one that knows no --help would do its work
            help[$name]=$(cat "${program[$name]}")
        else
            help[$name]=$(timeout 10 "${program[$name]}" --help 2>&1 </dev/null | tr -d '\0' || true)
        fi
    fi
    looked=$((looked + 1))
    if ! grep -qE -- "(^|[^a-z-])${option}([^a-z-]|\$)" <<<"${help[$name]}"; then
        printf '%s:%s: %s has no %s\n' "$file" "$line" "$name" "$option"
        findings=$((findings + 1))
    fi
done < <(shown)
((looked > 0)) || { echo "no option is shown anywhere: this check looks at nothing" && exit 1; }
((findings == 0)) || exit 1
printf '%s options are shown, and known to their programs\n' "$looked"
