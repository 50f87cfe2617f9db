#!/usr/bin/env bash
# The game server as a process, and bots as others: run_game.sh CASE SERVER BOTS
# BERTH_SLOWER: how many times slower the programs are, because a sanitizer is in them; 1 if it is not said.
set -euo pipefail
case=$1 program=$2 bots=$3
slower=${BERTH_SLOWER:-1}
scratch=$(mktemp -d)
log=$scratch/log
fail() { printf '%s\n' "$*" >&2; cat "$log" >&2; exit 1; }

# serve OPTIONS...: starts the server; sets server (its process), lobby and metrics (where they are).
serve() {
    : >"$log"  # of an earlier one; the shell that starts this one gets to it a moment later
    "$program" --lobby 127.0.0.1:0 --metrics 127.0.0.1:0 --shards 2 "$@" 2>"$log" &
    server=$!
    trap 'kill -KILL "$server" 2>/dev/null || true; rm -rf "$scratch"' EXIT
    for _ in {1..200}; do
        if grep -q event=lobby_open "$log"; then break; fi
        sleep 0.05
    done
    lobby=$(sed -nE 's/.*event=lobby_open at=([^ ]+).*/\1/p' "$log")
    metrics=$(sed -nE 's/.*event=metrics_listening at=([^ ]+).*/\1/p' "$log")
    [[ -n $lobby && -n $metrics ]] || fail "it does not say where it is"
}
play() { timeout 60 "$bots" --lobby "$lobby" "$@"; }
# metric NAME: its value now
metric() {
    exec {door}<>"/dev/tcp/${metrics%:*}/${metrics##*:}"
    printf 'GET /metrics HTTP/1.0\r\n\r\n' >&"$door"
    sed -nE "s/^$1 ([0-9.e+-]+)\r?\$/\1/p" <&"$door"
    exec {door}>&-
}
expect() { [[ $(metric "$1") == "$2" ]] || fail "$1 is '$(metric "$1")', expected '$2'"; }
# ended CODE WORDS: the server ends by itself with this code, and its log says so.
ended() {
    local code=0
    for _ in {1..300}; do kill -0 "$server" 2>/dev/null || break; sleep 0.05; done
    kill -0 "$server" 2>/dev/null && fail "still there after fifteen seconds"
    wait "$server" || code=$?
    [[ $code == "$1" ]] || fail "it ended with $code, expected $1"
    grep -q "$2" "$log" || fail "its log does not say '$2'"
}

matches_come_and_go() {
    serve --cool-down 0.1 --matches-per-address 1000
    local matches=$((2000 / slower))
    play --matches "$matches" --at-once 128
    for _ in {1..100}; do [[ $(metric game_matches_open) == 0 ]] && break; sleep 0.05; done
    expect game_matches_opened_total "$matches"
    expect 'game_matches_ended_total\{why="left"\}' "$matches"
    expect game_players 0
    expect 'berth_ports\{block="matches",state="open"\}' 0
    expect berth_draining 0
    kill -TERM "$server"
    ended 0 "event=drain_ended how=clean"
}

loss_and_duplicates() {
    serve
    play --matches 20 --players 4 --inputs 20 --loss 0.25 --duplicates 0.25
    expect game_matches_opened_total 20
    kill -TERM "$server"
    ended 0 "how=clean"
}

# One port: who stalks the match that has ended there is not heard by the next one, and without a rest he is.
late_packets() {
    serve --ports 1 --grow-by 0 --cool-down 1.5
    play --stalk 600 &
    stalker=$!
    for _ in {1..100}; do [[ $(metric 'game_matches_ended_total\{why="left"\}') == 1 ]] && break; sleep 0.02; done
    play --first-match 2 --retry 5000 --hold 100
    wait "$stalker"
    expect game_matches_opened_total 2
    expect 'game_datagrams_dropped_total\{why="stranger"\}' 0
    kill -TERM "$server"
    ended 0 "how=clean"
    serve --ports 1 --grow-by 0 --cool-down 0
    play --stalk 1500 &
    stalker=$!
    for _ in {1..100}; do [[ $(metric 'game_matches_ended_total\{why="left"\}') == 1 ]] && break; sleep 0.02; done
    play --first-match 2 --retry 5000 --hold 300
    wait "$stalker"
    (($(metric 'game_datagrams_dropped_total\{why="stranger"\}') > 0)) || fail "nobody was stalked"
    kill -TERM "$server"
    ended 0 "how=clean"
}

drain() {
    serve --drain-time 20
    play --matches 10 --hold "$((1500 * slower))" --at-once 10 &
    playing=$!
    for _ in {1..100}; do [[ $(metric game_matches_open) == 10 ]] && break; sleep 0.02; done
    kill -TERM "$server"
    for _ in {1..100}; do grep -q event=lobby_refuses "$log" && break; sleep 0.02; done
    expect berth_draining 1
    play --first-match 100 --may-be-refused | grep "refused 1 " || fail "a new match was opened"
    wait "$playing" || fail "who played was cut"
    ended 0 "how=clean"
}

drain_is_over() {
    serve --drain-time 1
    play --matches 5 --hold 30000 --at-once 5 --may-end-early > "$scratch/said" &
    playing=$!
    for _ in {1..100}; do [[ $(metric game_matches_open) == 5 ]] && break; sleep 0.02; done
    kill -TERM "$server"
    ended 3 "how=cut"
    wait "$playing"
    grep "ended_early 5 " "$scratch/said" || fail "they were not told"
}

options() {
    serve --idle-time 0.3 --advertise 192.0.2.7 --matches-per-address 2 --max-players 1
    { play --patience 300 || true; } | grep "last place 192.0.2.7:" || fail "the address was not advertised"
    { play --first-match 10 --matches 3 --at-once 3 --patience 300 --may-be-refused || true; } | grep "refused [12] " || fail "no quota"
    ! "$program" --lobby "$lobby" 2>"$scratch/second" || fail "two at one port"
    grep -qi "in use" "$scratch/second" || fail "$(cat "$scratch/second")"
    ! "$program" --metrics "$metrics" --lobby 127.0.0.1:0 2>"$scratch/second" || fail "two at one port"
    grep -q "$metrics" "$scratch/second" || fail "$(cat "$scratch/second")"
    ! "$program" --lobby nowhere 2>"$scratch/second" || fail "a lobby nowhere"
    grep -q "'nowhere' is not ADDRESS:PORT" "$scratch/second" || fail "$(cat "$scratch/second")"
    kill -TERM "$server"
    ended 0 "how=clean"
    serve --idle-time 0.3 --max-players 2
    play --players 3 --hold 300 --may-be-refused | grep "played 2 .*refused 1 " || fail "three in a match for two"
    kill -INT "$server"
    ended 0 "why=SIGINT"
    "$program" --bench --ports 64 | grep -E "90 % +open a match, ready to receive +p50 +[0-9]+ ns" || fail "no figures"
}

"$case"
