#!/usr/bin/env bash
# The TLS example serves OpenSSL's own client: short messages in both versions, and a megabyte.
#   run_tls.sh PROGRAM [ARGS]...
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/server.sh"
command -v openssl >/dev/null || { echo "skipped: no openssl"; exit 77; }
start_server "$@"

# client OPTIONS...: standard input goes there, what comes back is standard output.
client() { timeout 20 openssl s_client -connect "127.0.0.1:$port" -quiet -no_ign_eof "$@" 2>/dev/null; }

for version in tls1_2 tls1_3; do
    answer=$( (echo "message by $version"; sleep 0.3) | client "-$version")
    [[ $answer == "message by $version" ]] || fail "heard '$answer' by $version"
done
head -c 524288 /dev/urandom | od -An -v -tx1 -w32 | tr -d ' ' >sent  # no letter that is a command of the client's
(cat sent; sleep 0.5) | client >heard
cmp sent heard || fail "a megabyte came back changed"
exec {stranger}<>"/dev/tcp/127.0.0.1/$port"
printf 'GET / HTTP/1.0\r\n\r\n' >&"$stranger"
timeout 10 cat <&"$stranger" >/dev/null || fail "somebody without TLS is not sent away"
exec {stranger}>&-
answer=$( (echo still there; sleep 0.3) | client)
[[ $answer == "still there" ]] || fail "heard '$answer' afterwards"
end_server
