#!/usr/bin/env bash
# What a guide shows is what happens: its commands are run and print what stands below them, its code stands in the
# files that it names, its links lead to files.
#   check_guide.sh GUIDE SOURCES BUILD
#
#   ```console               a line "$ COMMAND", continued after a "\" or by lines "> …"; the other lines are what it
#                            prints. In a line … stands for anything, alone for any lines. A command that fails is a fault.
#   <!-- from: FILE -->      before any other block: its lines stand in FILE, whatever their indentation, in one piece;
#                            where a line … (or a comment of it) is left out, in several, in their order
#   <!-- not run: WHY -->    before a block that is neither
#   <!-- needs: WHAT -->     a command, or the path of a file that must be writable: else the guide is skipped (77)
#
# Commands run in one shell, in a folder that looks like SOURCES/build/dev of a network of their own: so a guide may say
# port 7000, and write to /proc/sys/net.
set -euo pipefail
guide=$1
sources=$(cd "$2" && pwd)
build=$(cd "$3" && pwd)
commands_run=0 pieces_found=0 line_number=0

fault() { printf '%s:%s: %s\n' "$guide" "$line_number" "$*" >&2; exit 1; }
skip() { printf 'skipped: %s\n' "$*"; exit 77; }

if [[ ${BERTH_OWN_NAMESPACE:-} != 1 ]]; then  # the launcher makes one where it may; whoever may not, may as root of his own
    unshare --map-root-user --net true 2>/dev/null || skip "no network namespace of its own"
    BERTH_OWN_NAMESPACE=1 exec unshare --map-root-user --net "$BASH" -c 'ip link set lo up && exec "$@"' - "$BASH" "$0" "$@"
fi

# line_fits EXPECTED SAID
line_fits() {
    local want=$1 left=$2 part
    if [[ $want != *…* ]]; then
        [[ $want == "$left" ]]
        return
    fi
    part=${want%%…*} want=${want#*…}
    [[ $left == "$part"* ]] || return 1
    left=${left#"$part"}
    while [[ $want == *…* ]]; do
        part=${want%%…*} want=${want#*…}
        [[ $left == *"$part"* ]] || return 1
        left=${left#*"$part"}
    done
    [[ $left == *"$want" ]]
}

# all_fit I K: the expected lines from I on are those said from K on.
all_fit() {
    local i=$1 k=$2
    for (( ; i < ${#expected[@]}; ++i, ++k)); do
        if [[ ${expected[i]} == … ]]; then
            for (( ; k <= ${#said[@]}; ++k)); do all_fit $((i + 1)) "$k" && return 0; done
            return 1
        fi
        ((k < ${#said[@]})) && line_fits "${expected[i]}" "${said[k]}" || return 1
    done
    ((k == ${#said[@]}))
}

# run_command: `command`, and what it should print, in `expected`.
run_command() {
    [[ -n $command ]] || return 0
    local status=0 said=() output="$scratch/output.$line_number.$commands_run"  # a new one each: who still runs has his
    printf '$ %s\n' "$command"
    set +euo pipefail  # as readers' shells are
    eval "$command" >"$output" 2>&1 </dev/null
    status=$?
    set -euo pipefail
    mapfile -t said <"$output"
    ((status == 0)) || { cat "$output" >&2; fault "'$command' ended with $status"; }
    if ! all_fit 0 0; then
        diff <(printf '%s\n' "${expected[@]}") "$output" >&2 || true
        fault "'$command' prints something else (>) than the guide says (<)"
    fi
    commands_run=$((commands_run + 1))
    command="" expected=()
}

# run_console: the lines of `block`.
run_console() {
    local line command="" expected=() is_continued=0
    for line in "${block[@]}"; do
        if ((is_continued)) || [[ -n $command && ${#expected[@]} == 0 && $line == '> '* ]]; then
            command+=$'\n'${line#> }
        elif [[ $line == '$ '* ]]; then
            run_command
            command=${line#\$ }
        else
            [[ -n $command ]] || fault "a console block begins with a command"
            expected+=("$line")
            continue
        fi
        is_continued=0
        if [[ $line == *\\ ]]; then is_continued=1; fi
    done
    [[ -n $command ]] || fault "a console block without a command"
    run_command
}

trimmed() { sed -E 's/^[ \t]+//; s/[ \t]+$//' "$@"; }

# find_piece FILE: the lines of `block` stand there.
find_piece() {
    local wanted=() lines=() piece=() at=0 line i
    [[ -f $sources/$1 ]] || fault "there is no $1"
    mapfile -t lines < <(trimmed "$sources/$1")
    mapfile -t wanted < <(printf '%s\n' "${block[@]}" | trimmed)
    for line in "${wanted[@]}" …; do
        if [[ ! $line =~ ^(//|#)?\ *…$ ]]; then
            piece+=("$line")
            continue
        fi
        ((${#piece[@]} > 0)) || continue
        for (( ; ; ++at)); do
            ((at + ${#piece[@]} <= ${#lines[@]})) || fault "this does not stand in $1: ${piece[0]} …"
            for ((i = 0; i < ${#piece[@]}; ++i)); do [[ ${lines[at + i]} == "${piece[i]}" ]] || continue 2; done
            break
        done
        at=$((at + ${#piece[@]})) piece=()
        pieces_found=$((pieces_found + 1))
    done
}

check_links() {
    local link
    for link in $(grep -oE '\]\([^)#]+' "$guide" | sed 's/^](//' | grep -vE '^[a-z]+:' || true); do
        [[ -e $(dirname "$guide")/$link ]] || fault "a link to $link, which is not there"
    done
}

look_for_needs() {
    local what
    while read -r what; do
        case "$what" in
            /*) { : >>"$what"; } 2>/dev/null || skip "$what is not to be written to" ;;
            *) command -v "$what" >/dev/null || skip "no $what" ;;
        esac
    done < <(sed -nE 's/^<!-- needs: (.*) -->$/\1/p' "$guide")
}

check_blocks() {
    local line language="" mark="" in_block=0 block=() lines=()
    mapfile -t lines <"$guide"
    for line in "${lines[@]}"; do
        line_number=$((line_number + 1))
        if ((in_block)) && [[ $line != '```' ]]; then
            block+=("$line")
        elif ((in_block)); then
            in_block=0
            case "$language $mark" in
                *' not run: '?*) ;;
                *' from: '?*) find_piece "${mark#from: }" ;;
                'console ') run_console ;;
                *) fault "a block of '$language' that is neither run, nor from a file, nor marked with why" ;;
            esac
            mark=""
        elif [[ $line == '```'* ]]; then
            in_block=1 language=${line#'```'} block=()
        elif [[ $line =~ ^'<!-- '(from|not run)': '(.+)' -->'$ ]]; then
            mark="${BASH_REMATCH[1]}: ${BASH_REMATCH[2]}"
        elif [[ -n $line ]]; then
            mark=""
        fi
    done
    ((!in_block)) || fault "the last block does not end"
    line_number=0
}

end_what_runs() {
    local left
    left=$(jobs -rp)
    if [[ -n $left ]]; then kill -KILL $left 2>/dev/null || true; fi
    rm -rf "$scratch"
}

guide=$(cd "$(dirname "$guide")" && pwd)/$(basename "$guide")
check_links
look_for_needs
scratch=$(mktemp -d)
trap end_what_runs EXIT
mkdir -p "$scratch/berth/build/dev"
for entry in "$sources"/*; do [[ ${entry##*/} == build ]] || ln -s "$entry" "$scratch/berth/"; done
ln -s "$build"/* "$scratch/berth/build/dev/"
cd "$scratch/berth/build/dev"
check_blocks
((commands_run + pieces_found > 0)) || fault "nothing in it is shown"
if [[ -n $(jobs -rp) ]]; then fault "what it starts still runs at its end: $(jobs -r)"; fi
printf '%s commands run, %s pieces of code found\n' "$commands_run" "$pieces_found"
