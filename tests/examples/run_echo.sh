#!/usr/bin/env bash
# An echo example serves a client that is not berth's, and ends by itself when it is asked to.
#   run_echo.sh tcp|udp PROGRAM
set -euo pipefail
transport=$1 program=$2

exec {server_says}< <(exec "$program")
server=$!
trap 'kill -KILL "$server" 2>/dev/null || true' EXIT
read -r -t 20 -u "$server_says" line
port=$(sed -E 's/.*port ([0-9]+).*/\1/' <<<"$line")
echo "$line"

for i in 1 2 3; do
    exec {client}<>"/dev/$transport/127.0.0.1/$port"
    printf 'message %d\n' "$i" >&"$client"
    read -r -t 10 -u "$client" answer
    [[ $answer == "message $i" ]] || { echo "heard '$answer' and not 'message $i'" >&2; exit 1; }
    exec {client}>&-
done

kill -TERM "$server"
for _ in {1..100}; do
    kill -0 "$server" 2>/dev/null || { echo "ended when asked"; trap - EXIT; exit 0; }
    sleep 0.1
done
echo "still there ten seconds after SIGTERM" >&2
exit 1
