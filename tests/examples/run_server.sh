#!/usr/bin/env bash
# A server example does what it is there to show, to clients that are not berth's.
#   run_server.sh sharded_server|graceful_stop|overload PROGRAM
set -euo pipefail
example=$1 program=$2
fail() { printf '%s\n' "$*" >&2; exit 1; }

exec {server_says}< <(exec "$program")
server=$!
trap 'kill -KILL "$server" 2>/dev/null || true' EXIT
trap '' PIPE  # a client that is reset goes on; the server, which was started before, has its own way
read -r -t 20 -u "$server_says" line
echo "$line"
port=$(sed -E 's/.*port ([0-9]+).*/\1/' <<<"$line")
open() { exec {client}<>"/dev/tcp/127.0.0.1/$port"; }
hear() { read -r -t 10 -u "$1" heard || fail "nothing heard: '${heard-}'"; }

ask_shards() {
    local i
    for i in 1 2 3 4 5 6 7 8; do
        open
        printf 'line %d\n' "$i" >&"$client"
        hear "$client"
        [[ $heard =~ ^shard\ [0-9]+:\ line\ $i$ ]] || fail "heard '$heard'"
        exec {client}>&-
    done
    kill -TERM "$server"
}

stop_in_the_middle() {
    local busy idle
    open; busy=$client
    open; idle=$client
    printf 'request\n' >&"$busy"
    sleep 0.2
    kill -TERM "$server"
    hear "$busy"
    [[ $heard == "done: request" ]] || fail "heard '$heard'"
    hear "$busy"
    [[ $heard == "good bye" ]] || fail "heard '$heard'"
    if read -r -t 10 -u "$idle" heard; then fail "the idle one heard '$heard'"; fi
}

overload() {
    local i silent=() served
    for i in 1 2 3; do open; silent+=("$client"); done
    open; served=$client
    printf '\n' >&"$served"
    [[ $(head -c 1000000 <&"$served" | wc -c) == 1000000 ]] || fail "not all of the answer"
    open  # the fifth of this address
    if read -r -t 5 -u "$client" heard 2>/dev/null; then fail "the fifth of an address was served"; fi
    for i in "${silent[@]}"; do
        if read -r -t 5 -u "$i" heard; then fail "who said nothing heard '$heard'"; fi
        exec {i}>&-
    done
    sleep 0.5  # a client may see its end a moment before the server has counted it
    open  # there is room again; this one asks for more than it reads
    for i in {1..200}; do printf '\n'; done >&"$client" || true
    for i in {1..200}; do  # until it is ended, a second later or a busy machine's seconds
        printf '\n' 2>/dev/null >&"$client" || break
        sleep 0.1
    done
    printf '\n' >&"$served" || true
    kill -TERM "$server"
}

case $example in
    sharded_server) ask_shards ;;
    graceful_stop) stop_in_the_middle ;;
    overload) overload ;;
    *) fail "no example $example" ;;
esac

said=$(timeout 15 cat <&"$server_says") || fail "still there after fifteen seconds"
echo "$said"
for expected in \
    "sharded_server:shard 0 served [0-9]+" \
    "graceful_stop:stopping, 2 connections" "graceful_stop:all ended: 2 connections, 0 cut" \
    "overload:accepted 5" "overload:refused for their address 1" "overload:said nothing 3" "overload:did not read 1"; do
    if [[ $expected == "$example":* ]]; then
        grep -qE "^${expected#*:}" <<<"$said" || fail "it did not say '${expected#*:}'"
    fi
done
trap - EXIT
