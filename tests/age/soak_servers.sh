#!/usr/bin/env bash
# The three servers under load and abuse at once, and how large they are meanwhile:
#   soak_servers.sh GAME_SERVER GAME_BOTS RELAY RELAY_LOAD OUTBOUND_PROXY BAD_CLIENTS
#
# BERTH_SOAK_SECONDS says how long (1800 by night). Every two seconds each server's anonymous memory, descriptors, threads and
# ports that are out are noted, in soak.NAME.csv. After a third of the time, which is warm-up, the line that fits the memory
# best may rise by BERTH_SOAK_KIB a minute (64; a run of less than ten minutes shows only what is above 1024), threads stay as
# they are, and no more descriptors are open than at the warm-up's most. At the end all ports come back, and each server ends
# cleanly.
set -euo pipefail
game_server=$1 game_bots=$2 relay=$3 relay_load=$4 proxy=$5 bad_clients=$6
seconds=${BERTH_SOAK_SECONDS:-1800}
most_kib=${BERTH_SOAK_KIB:-$((seconds < 600 ? 1024 : 64))}
for tool in curl openssl; do
    command -v "$tool" >/dev/null || { echo "skipped: no $tool (Debian: curl, openssl)"; exit 77; }
done
started=()
declare -A pid metrics
finish() { kill -KILL "${started[@]}" 2>/dev/null || true; }
trap finish EXIT
fail() { printf '%s\n' "$*" >&2; tail -n 15 ./*.log >&2 || true; exit 1; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
    -keyout key.pem -out certificate.pem 2>openssl.log || fail "no certificate"
# begin NAME COMMAND...: a server; its process and where its metrics are.
begin() {
    local name=$1 i
    shift
    "$@" --metrics 127.0.0.1:0 2>"$name.log" >&2 &
    pid[$name]=$!
    started+=("$!")
    for i in {1..200}; do grep -q event=metrics_listening "$name.log" && break; sleep 0.05; done
    metrics[$name]=$(sed -nE 's/.*event=metrics_listening at=([^ ]+).*/\1/p' "$name.log")
    [[ -n ${metrics[$name]} ]] || fail "$name does not say where its metrics are"
}
begin game "$game_server" --lobby 127.0.0.1:0 --shards 2 --cool-down 0.1 --matches-per-address 1000 --ports 256
begin relay "$relay" --listen 127.0.0.1:0 --tls-listen 127.0.0.1:0 --certificate certificate.pem --key key.pem \
    --relay-address 127.0.0.1 --realm example.org --user user:word --allow-loopback-peers --ports 2000 --cool-down 100 --quota 0 \
    --max-connections-per-address 1000 --drain-time 1
begin proxy "$proxy" --listen 127.0.0.1:0 --allow loopback --http-ports 1-65535 --source '127.0.0.1:any*64' \
    --handshake-time 2 --max-clients-per-address 400
port_in() { sed -nE "s/.*event=$2 .*at=\"?127\.0\.0\.1:([0-9]+).*/\1/p; s/.*event=$2 at=\"?127\.0\.0\.1:([0-9]+).*/\1/p" "$1.log" | sed -n "${3:-1}p"; }
lobby=$(port_in game lobby_open) turn=$(port_in relay listening) turn_tls=$(port_in relay listening 2) door=$(port_in proxy listening)
[[ -n $lobby && -n $turn && -n $turn_tls && -n $door ]] || fail "not all servers say where they are"

# The loads, each again and again until the end.
over=$((SECONDS + seconds))
again() {  # NAME COMMAND...: counts what went well and what did not
    local name=$1 good=0 bad=0
    shift
    while ((SECONDS < over)); do
        if "$@" >"$name.last.log" 2>&1; then good=$((good + 1)); else bad=$((bad + 1)); cp "$name.last.log" "$name.bad.log"; fi
        echo "$good $bad" >"$name.count"
    done
}
again matches timeout 60 "$game_bots" --lobby "127.0.0.1:$lobby" --matches 200 --at-once 32 --loss 0.1 --duplicates 0.1 --retry 5000 &
loads=("$!")
page="http://${metrics[relay]}/metrics"  # something of loopback to fetch
again fetches bash -c 'for i in {1..20}; do curl -sS -m 10 -o /dev/null --proxytunnel -x "http://127.0.0.1:$0" "$1" && curl -sS -m 10 -o /dev/null --socks5 "127.0.0.1:$0" "$1" || exit 1; done' "$door" "$page" &
loads+=("$!")
"$bad_clients" "$lobby" "$turn" "$turn_tls" "$door" >bad_clients.log 2>&1 &
bad=$!
"$relay_load" "$turn" user example.org word >relay_load.log 2>&1 &
calls=$!
started+=("${loads[@]}" "$bad" "$calls")

out_of() {  # ports that are with workers
    curl -sS -m 5 "http://${metrics[$1]}/metrics" | awk '/^berth_ports\{.*state="(open|taken)"/ { n += $NF } END { print n + 0 }'
}
begun=$SECONDS
while ((SECONDS < over)); do
    for name in game relay proxy; do
        kill -0 "${pid[$name]}" 2>/dev/null || fail "$name has died"
        memory=$(awk '/^RssAnon:/ { print $2 }' "/proc/${pid[$name]}/status")
        threads=$(awk '/^Threads:/ { print $2 }' "/proc/${pid[$name]}/status")
        descriptors=$(find "/proc/${pid[$name]}/fd" -maxdepth 1 -type l 2>/dev/null | wc -l)
        echo "$((SECONDS - begun)),$memory,$descriptors,$threads,$(out_of "$name")" >>"soak.$name.csv"
    done
    sleep 2
done
for load in "${loads[@]}"; do wait "$load" || true; done
kill -TERM "$bad" && wait "$bad" || true
wrong=0
kill -TERM "$calls" 2>/dev/null || true
wait "$calls" || { echo "relay_load failed"; wrong=1; }
cat relay_load.log

for name in game relay proxy; do
    most_left=0
    [[ $name != relay ]] || most_left=$((20 * (seconds / 280 + 1) + 16))  # calls that hung up: theirs are for ten minutes
    for i in {1..200}; do (($(out_of "$name") <= most_left)) && break; sleep 0.1; done
    left=$(out_of "$name")
    ((left <= most_left)) || { echo "$name: $left ports are still out"; wrong=1; }
    awk -F, -v name="$name" -v most="$most_kib" '
        { t[NR] = $1; m[NR] = $2; d[NR] = $3; h[NR] = $4; o[NR] = $5; last = $1 }
        END {
            for (i = 1; i <= NR; ++i) {
                if (t[i] * 3 < last) { if (d[i] > early) early = d[i]; continue }
                ++n; x += t[i]; y += m[i]; xx += t[i] * t[i]; xy += t[i] * m[i]
                if (n == 1) { first = m[i]; fewest = most_threads = h[i] }
                if (d[i] > late) late = d[i]
                if (h[i] < fewest) fewest = h[i]
                if (h[i] > most_threads) most_threads = h[i]
                if (o[i] > out) out = o[i]
            }
            if (n < 5) { print name ": too few samples"; exit 1 }
            slope = (n * xy - x * y) / (n * xx - x * x) * 60
            printf "%-6s %5d KiB after the warm-up, %5d at the end, %+.1f KiB a minute (at most %d); descriptors at most %d, then %d; threads %d to %d; ports out at most %d; %d samples\n", name, first, m[NR], slope, most, early, late, fewest, most_threads, out, n
            bad = 0
            if (slope > most) { print name ": memory grows"; bad = 1 }
            if (late > early * 1.25 + 16) { print name ": descriptors grow"; bad = 1 }
            if (most_threads != fewest) { print name ": threads come and go"; bad = 1 }
            exit bad
        }' "soak.$name.csv" || wrong=1
done
for load in matches fetches; do
    read -r good failed <"$load.count"
    echo "$load: $good went well, $failed did not"
    ((good > 0 && failed * 20 <= good + 20)) || { cat "$load.bad.log"; wrong=1; }
done
cat bad_clients.log
for name in game relay proxy; do
    kill -TERM "${pid[$name]}"
    status=0
    wait "${pid[$name]}" || status=$?
    ((status == 0 || status == 3)) || { echo "$name ended with $status"; wrong=1; }
done
((wrong == 0)) || { [[ -z ${BERTH_SOAK_KEEP:-} ]] || cp soak.*.csv "$BERTH_SOAK_KEEP"; exit 1; }
[[ -z ${BERTH_SOAK_KEEP:-} ]] || cp soak.*.csv "$BERTH_SOAK_KEEP"
