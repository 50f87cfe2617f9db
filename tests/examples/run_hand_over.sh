#!/usr/bin/env bash
# The example is started twice: clients of the first stay with it, new ones are the second's, and none is refused.
#   run_hand_over.sh PROGRAM
set -euo pipefail
program=$1 address="$PWD/hand_over.socket"
fail() { printf '%s\n' "$*" >&2; exit 1; }
hear() {
    read -r -t 10 -u "$1" heard && return
    (($? > 128)) && fail "nothing heard from $1 in ten seconds"
    fail "$1 was closed"
}
ask() { printf '%s\n' "$2" >&"$1"; hear "$1"; [[ $heard == "$3: $2" ]] || fail "heard '$heard', not '$3: $2'"; }

exec {blue_says}< <(exec "$program" blue "$address"); blue=$!
trap 'kill -KILL "$blue" ${green-} 2>/dev/null || true' EXIT
hear "$blue_says"; echo "$heard"
port=${heard##* }
exec {old}<>"/dev/tcp/127.0.0.1/$port"
ask "$old" one blue

exec {green_says}< <(exec {old}>&-; exec "$program" green "$address"); green=$!  # without a copy of the client
hear "$green_says"; echo "$heard"
[[ $heard == "green listens on port $port" ]] || fail "another port"
hear "$blue_says"; echo "$heard"
[[ $heard == "blue is replaced" ]] || fail "not replaced"
exec {new}<>"/dev/tcp/127.0.0.1/$port"
ask "$new" two green
ask "$old" three blue
exec {old}>&-
hear "$blue_says"; echo "$heard"
[[ $heard == "blue served 1 connections" ]] || fail "blue served others"
ask "$new" four green
kill -TERM "$green"
[[ -z $(timeout 10 cat <&"$green_says") ]] || fail "green has something to say"
for process in "$blue" "$green"; do
    for _ in {1..100}; do kill -0 "$process" 2>/dev/null || continue 2; sleep 0.1; done
    fail "$process is still there"
done
trap - EXIT
