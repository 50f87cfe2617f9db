#!/usr/bin/env bash
# `berth top --once` beside what a game server's /metrics say, while matches have come and gone and when it has ended.
# README's frame has the form of the real one: it differs from it in figures alone.
#   run_top.sh BERTH GAME_SERVER GAME_BOTS README
# BERTH_SLOWER: how many times slower the programs are, because a sanitizer is in them; 1 if it is not said.
set -euo pipefail
berth=$1 program=$2 bots=$3 readme=$4
slower=${BERTH_SLOWER:-1}
scratch=$(mktemp -d)
log=$scratch/log
fail() { printf '%s\n' "$*" >&2; cat "$scratch"/* >&2; exit 1; }

"$program" --lobby 127.0.0.1:0 --metrics 127.0.0.1:0 --shards 2 --ports 1024 --grow-by 0 --cool-down 0.1 \
    --matches-per-address 1000 2>"$log" &
server=$!
trap 'kill -KILL "$server" 2>/dev/null || true; rm -rf "$scratch"' EXIT
for _ in {1..200}; do
    if grep -qs event=lobby_open "$log"; then break; fi
    sleep 0.05
done
lobby=$(sed -nE 's/.*event=lobby_open at=([^ ]+).*/\1/p' "$log")
at=$(sed -nE 's/.*event=metrics_listening at=([^ ]+).*/\1/p' "$log")
[[ -n $lobby && -n $at ]] || fail "it does not say where it is"

scrape() {
    exec {door}<>"/dev/tcp/${at%:*}/${at##*:}"
    printf 'GET /metrics HTTP/1.0\r\n\r\n' >&"$door"
    cat <&"$door" >"$scratch/metrics"
    exec {door}>&-
}
metric() { sed -nE "s/^$1 ([0-9.e+-]+)\r?\$/\1/p" "$scratch/metrics"; }
# shown TITLE: what the frame has in that column of the block's row
shown() {
    awk -v title="$1" '$1 == "BLOCK" { for (i = 1; i <= NF; i++) if ($i == title) at = i }
                       $1 == "matches" { print $at }' "$scratch/frame"
}
state() { metric "berth_ports\\{block=\"matches\",state=\"$1\"\\}"; }
expect() { [[ $2 == "$3" ]] || fail "$1: the frame says '$2', the endpoint '$3'"; }

timeout 120 "$bots" --lobby "$lobby" --matches "$((2000 / slower))" --at-once 128 >"$scratch/said" || fail "the bots ended with $?"
for _ in {1..200}; do
    scrape
    [[ $(state open) == 0 ]] && break
    sleep 0.05
done
"$berth" top --once --width 100 "$at" >"$scratch/frame" || fail "it ended with $?"
expect PORTS "$(shown PORTS)" 1024
expect AVAIL "$(shown AVAIL)" "$(state available)"
expect OPEN "$(shown OPEN)" "$(state open)"
expect COOL "$(shown COOL)" "$(state cooling)"
expect COND "$(shown COND)" "$(state condemned)"
expect EXHAUSTED "$(shown EXHAUSTED)" "$(metric 'berth_exhausted_total\{block="matches"\}')"
expect TAKES/S "$(shown TAKES/S)" -
backend=$(sed -nE 's/^berth_shards\{backend="([a-z_]+)".*/\1/p' "$scratch/metrics")
grep -Fx "$at  $backend, 2 shards" "$scratch/frame" >/dev/null || fail "the frame does not say which backend"
if (($(metric 'berth_take_seconds_count\{block="matches"\}') > 0)); then
    [[ $(shown P50) =~ ^[0-9.]+$ && $(shown P99) != - ]] || fail "no latency, and there are samples"
else
    expect P50 "$(shown P50)" -
fi
! grep -q $'\x1b' "$scratch/frame" || fail "an escape sequence"
! grep -qE '^.{101}' "$scratch/frame" || fail "a line is wider than was asked for"

form_of() { sed -E "s/ -( |$)/ 0\\1/g; s/ -( |$)/ 0\\1/g; s/[0-9.:]+( [num]?s)?/N/g; s/ +/ /g; s/io_uring|asio/BACKEND/"; }
diff -u <(awk '/^<!-- frame: berth top/ { found = 1; next } found && /^```/ { if (inside) exit; inside = 1; next }
               inside { print }' "$readme" | form_of) <(form_of <"$scratch/frame") >"$scratch/difference" ||
    fail "README shows another frame"

# Two readings: a rate, 0 since nobody plays.
"$berth" top --once --interval 0.2 "$at" >"$scratch/frame" || fail "it ended with $?"
expect TAKES/S "$(shown TAKES/S)" 0
! "$berth" top "$at" >"$scratch/refused" 2>&1 || fail "a live view without a terminal"
grep -q -- --once "$scratch/refused" || fail "it does not say what to do"

kill -TERM "$server"
wait "$server" || fail "the server ended with $?"
code=0
"$berth" top --once "$at" >"$scratch/frame" || code=$?
[[ $code == 1 ]] || fail "it ended with $code, expected 1"
grep -q "^$at  no answer since " "$scratch/frame" || fail "it does not say that the server is not there"
echo "berth top shows what the endpoint says"
