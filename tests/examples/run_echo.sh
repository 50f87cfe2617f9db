#!/usr/bin/env bash
# An echo example serves a client that is not berth's, and ends by itself when it is asked to.
#   run_echo.sh tcp|udp PROGRAM [ARGS]...
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/server.sh"
transport=$1
shift
start_server "$@"

for i in 1 2 3; do
    exec {client}<>"/dev/$transport/127.0.0.1/$port"
    printf 'message %d\n' "$i" >&"$client"
    answer=$(timeout 10 dd bs=64 count=1 status=none <&"$client")  # read takes byte by byte: not from a datagram
    [[ $answer == "message $i" ]] || fail "heard '$answer' and not 'message $i'"
    exec {client}>&-
done
end_server
