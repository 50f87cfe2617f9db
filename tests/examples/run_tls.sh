#!/usr/bin/env bash
# The TLS example serves OpenSSL's own client: short messages in both versions, and a megabyte.
#   run_tls.sh PROGRAM [ARGS]...
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/server.sh"
command -v openssl >/dev/null || { echo "skipped: no openssl"; exit 77; }
start_server "$@"

# echoed FILE OPTIONS...: what is in the file comes back; then the client takes leave.
echoed() {
    local file=$1 size client to
    shift
    size=$(wc -c <"$file")
    rm -f way heard
    mkfifo way
    timeout 20 openssl s_client -connect "127.0.0.1:$port" -quiet -no_ign_eof "$@" <way >heard 2>client_says &
    client=$!
    exec {to}>way
    cat "$file" >&"$to"
    for _ in {1..300}; do
        [[ $(wc -c <heard) -lt $size ]] || break
        sleep 0.05
    done
    exec {to}>&-
    wait "$client" || fail "the client ended with $?: $(cat client_says)"
    cmp "$file" heard || fail "it came back changed $*"
}

echo "a message" >short
echoed short -tls1_2
echoed short -tls1_3
head -c 524288 /dev/urandom | od -An -v -tx1 -w32 | tr -d ' ' >long  # no letter that is a command of the client's
echoed long
exec {stranger}<>"/dev/tcp/127.0.0.1/$port"
printf 'GET / HTTP/1.0\r\n\r\n' >&"$stranger"
timeout 10 cat <&"$stranger" >/dev/null 2>&1 || (($? == 1)) || fail "somebody without TLS is not sent away"  # 1: reset
exec {stranger}>&-
echoed short
end_server
