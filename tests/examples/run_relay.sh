#!/usr/bin/env bash
# The relay serves coturn's own client: channels and indications over UDP, TCP and TLS, with both kinds of credentials, and
# loses no message; a forbidden peer and a user's quota are told to it; SIGTERM ends it in the time that is left to allocations.
#   run_relay.sh PROGRAM
set -euo pipefail
program=$1
for tool in turnutils_uclient turnutils_peer openssl; do
    command -v "$tool" >/dev/null || { echo "skipped: no $tool (Debian: coturn, openssl)"; exit 77; }
done
fail() { printf '%s\n' "$*" >&2; cat relay.*.log >&2; exit 1; }
started=()
trap 'kill -KILL "${started[@]}" 2>/dev/null || true' EXIT

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
    -keyout key.pem -out certificate.pem 2>openssl.log || fail "$(cat openssl.log)"

# start_relay NAME OPTIONS...: sets relay (its process), port and tls_port.
start_relay() {
    local name=$1
    shift
    : >"relay.$name.log"
    "$program" --listen 127.0.0.1:0 --tls-listen 127.0.0.1:0 --certificate certificate.pem --key key.pem \
        --relay-address 127.0.0.1 --realm example.org --user user:word --rest-secret north --rfc5766-channels \
        --cool-down 100 --drain-time 1 "$@" >>"relay.$name.log" 2>&1 &
    relay=$!
    started+=("$relay")
    for _ in {1..200}; do
        (($(grep -c 'event=listening' "relay.$name.log" || true) == 2)) && break
        kill -0 "$relay" 2>/dev/null || fail "the relay has ended"
        sleep 0.05
    done
    port=$(sed -nE '/event=listening/s/.*at="?127\.0\.0\.1:([0-9]+).*/\1/p' "relay.$name.log" | sed -n 1p)
    tls_port=$(sed -nE '/event=listening/s/.*at="?127\.0\.0\.1:([0-9]+).*/\1/p' "relay.$name.log" | sed -n 2p)
    [[ -n $port && -n $tls_port ]] || fail "no ports in the log"
}

# start_peer: sets peer_port, and the one above it, neither of which anybody has. It would wait for one that is taken.
start_peer() {
    local i hex
    for i in {1..100}; do
        peer_port=$((20000 + RANDOM % 4000 * 2))
        printf -v hex ':%04X |:%04X ' "$peer_port" "$((peer_port + 1))"
        grep -qE "$hex" /proc/net/udp /proc/net/udp6 || break
    done
    turnutils_peer -L 127.0.0.1 -p "$peer_port" >peer.log 2>&1 &
    started+=("$!")
    for i in {1..100}; do
        (($(grep -cE "0100007F(${hex})" /proc/net/udp || true) == 2)) && return
        sleep 0.05
    done
    fail "turnutils_peer has not begun"
}

# The client echoes from a peer of coturn's.
echoed() {
    local name=$1
    shift
    timeout 40 turnutils_uclient -m 3 -n 30 -z 3 -l 170 "$@" 127.0.0.1 >"client.$name.log" 2>&1 &
    clients[$name]=$!
    started+=("$!")
}

start_relay all --allow-loopback-peers --ports 128
start_peer
declare -A clients=()
to_peer=(-e 127.0.0.1 -r "$peer_port")
echoed udp_channels -p "$port" -u user -w word "${to_peer[@]}"
echoed udp_indications -s -p "$port" -u user -w word "${to_peer[@]}"
echoed udp_rest -p "$port" -u somebody -W north "${to_peer[@]}"
echoed udp_both_clients -y -p "$port" -u user -w word
echoed tcp_channels -t -p "$port" -u user -w word "${to_peer[@]}"
echoed tcp_indications -t -s -p "$port" -u user -w word "${to_peer[@]}"
echoed tls_channels -t -S -p "$tls_port" -u user -w word "${to_peer[@]}"
echoed tls_rest -t -S -p "$tls_port" -u somebody -W north "${to_peer[@]}"

start_relay strict --ports 32 --quota 3
strict=$relay
timeout 20 turnutils_uclient -c -m 1 -n 1 -p "$port" -u user -w word -e 127.0.0.1 -r "$peer_port" 127.0.0.1 \
    >client.denied.log 2>&1 && fail "it was let through to a loopback peer"
grep -q '403' client.denied.log || fail "no 403: $(cat client.denied.log)"
timeout 20 turnutils_uclient -c -m 8 -n 1 -p "$port" -u user -w word -e 127.0.0.1 -r "$peer_port" 127.0.0.1 \
    >client.quota.log 2>&1 && fail "eight allocations for a quota of three"
grep -q '486' client.quota.log || fail "no 486: $(cat client.quota.log)"

for name in "${!clients[@]}"; do
    wait "${clients[$name]}" || fail "$name ended with $?: $(tail -5 "client.$name.log")"
    grep -q 'Total lost packets 0 (0' "client.$name.log" || fail "$name: $(tail -5 "client.$name.log")"
    counts=$(sed -nE 's/.*tot_send_msgs=([0-9]+), tot_recv_msgs=([0-9]+).*/\1 \2/p' "client.$name.log" | tail -1)
    read -r sent received <<<"$counts"
    ((sent >= 90 && sent == received)) || fail "$name: $sent sent, $received received"
    echo "$name: $sent sent, $received came back"
done

kill -TERM "$strict" "${started[0]}"
for process in "$strict" "${started[0]}"; do
    for _ in {1..100}; do kill -0 "$process" 2>/dev/null || continue 2; sleep 0.1; done
    fail "still there ten seconds after SIGTERM"
done
(($(grep -c 'event=allocation_created' relay.all.log) == $(grep -c 'event=allocation_ended' relay.all.log))) ||
    fail "not every allocation has ended"
echo "ended when asked"
