#!/bin/bash
# Programs written for Windows: compiled with one include folder and run to the end of their success path.
#
#   run.sh <source> <compiler> <include folder> <libraries and flags...>
#   run.sh documents <the same>      the programs printed in the documents, taken out of BERTH_DOCUMENTS unchanged
#
# Those with runtime blocks are asked for any block. The one with a persistent block runs if BERTH_SOCKET names a
# berthd and BERTH_FREE_BLOCK two words, first port and count; the others do then not.
set -euo pipefail
source=$1 compiler=$2 include=$3
shift 3

build() {  # source, program, libraries
    local from=$1 program=$2
    shift 2
    "$compiler" -I"$include" "$from" -o "$program" "$@" || { echo "$from does not compile"; exit 1; }
}
expect() {  # words, each on a line of the output
    for words in "$@"; do
        grep -qF -- "$words" output || { cat output; echo "the program did not say: $words"; exit 1; }
    done
}

if [[ $source != documents ]]; then
    build "$source" ./draw_ports "$@"
    for type in 1 2; do
        ./draw_ports $type 6 >output || { cat output; exit 1; }
        expect "count 6" "16 bytes" released
        [[ $(grep drawn output | sort -u | wc -l) -eq 6 ]] || { cat output; echo "six different ports were asked for"; exit 1; }
    done
    ./draw_ports >output && { echo "no arguments, and no complaint"; exit 1; }
    expect "usage: ./draw_ports <"
    exit 0
fi

[[ -d ${BERTH_DOCUMENTS:-} ]] || { echo "skipped: BERTH_DOCUMENTS names no folder of the documents"; exit 77; }
found=0
for document in "$BERTH_DOCUMENTS"/*; do
    # A program begins with its first directive, and ends with the first brace that stands alone at a line's beginning.
    awk '/^#ifndef UNICODE/ { on = 1 } on { sub(/\r$/, ""); print } on && /^}/ { exit }' "$document" >sample.cpp
    [[ -s sample.cpp ]] || continue
    persistent=$(grep -c CreatePersistent sample.cpp || true)
    if ((persistent > 0)) && [[ -z ${BERTH_FREE_BLOCK:-} ]]; then
        build sample.cpp ./sample "$@"
        echo "${document##*/}: compiled; it runs beside berthd, in compat_persistent_test"
        continue
    elif ((persistent > 0)); then
        build sample.cpp ./sample "$@"
        # shellcheck disable=SC2086
        ./sample $BERTH_FREE_BLOCK >output || { cat output; echo "${document##*/} failed"; exit 1; }
        cat output
        if grep -q "failed" output; then echo "a step failed"; exit 1; fi
        expect "CreatePersistentTcpPortReservation call succeeded" "Port number allocated" \
            "DeletePersistentTcpPortReservation call succeeded"
    elif [[ -z ${BERTH_FREE_BLOCK:-} ]]; then
        build sample.cpp ./sample "$@"
        for socket in "2 2 17" "2 1 6"; do
            # shellcheck disable=SC2086
            ./sample $socket 0 20 >output || { cat output; echo "${document##*/} failed"; exit 1; }
            cat output
            expect "SIO_ACQUIRE_PORT_RESERVATION) succeeded" "Number of Ports=20" "SIO_RELEASE_PORT_RESERVATION) succeeded"
            if grep -q getsockname sample.cpp; then expect "Port number allocated"; fi
            if grep -q "failed" output; then echo "a step failed"; exit 1; fi
        done
    else
        continue
    fi
    found=$((found + 1))
done
((found > 0)) || { echo "no program found in $BERTH_DOCUMENTS"; exit 1; }
echo "$found programs of the documents ran"
