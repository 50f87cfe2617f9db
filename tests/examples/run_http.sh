#!/usr/bin/env bash
# The HTTP example answers odd requests as it should, and keeps its connections under load.
#   run_http.sh SECONDS PROGRAM [ARGS]...      of load; 0: none
# Without curl the test is skipped, without wrk the load is left out; the output says so.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/server.sh"
seconds=$1
shift
command -v curl >/dev/null || { echo "skipped: no curl"; exit 77; }
start_server "$@"
at=http://127.0.0.1:$port

# expect STATUS CURL_ARGUMENTS...
expect() {
    local status=$1 got
    shift
    got=$(curl -sS -m 10 -o /dev/null -w '%{http_code} ' "$@") || fail "curl $*: $?"
    [[ ${got% } == "$status" ]] || fail "curl $*: status $got and not $status"
}
# raw ANSWERS REQUEST: so many status lines come, then the server closes.
raw() {
    local answers
    exec {client}<>"/dev/tcp/127.0.0.1/$port"
    printf "$2" >&"$client"
    answers=$(timeout 10 cat <&"$client" | grep -acE '^HTTP/1.1 [0-9]{3} ' || true)
    exec {client}>&-
    [[ $answers == "$1" ]] || fail "$answers answers and not $1 to: $2"
}

[[ $(curl -sS -m 10 "$at/") == "Hello from a berth." ]] || fail "not the page"
expect 404 "$at/nothing"
expect 200 -I "$at/"
[[ -z $(curl -sS -m 10 -I "$at/" | sed '1,/^\r$/d') ]] || fail "HEAD has a body"
expect 501 -X PUT "$at/"
expect 413 -X POST -d body "$at/"
expect 200 -0 "$at/"
expect 200 -H 'Connection: close' "$at/"
expect 431 -H "Long: $(printf 'x%.0s' {1..9000})" "$at/"
made=$(curl -sS -m 10 -w '%{num_connects}' -o /dev/null -o /dev/null -o /dev/null "$at/" "$at/" "$at/")
[[ $made == 100 ]] || fail "three requests did not share one connection: $made"
raw 1 'nonsense\r\n\r\n'
raw 1 'GET / HTTP/1.1\r\n\r\n'                                     # no host
raw 1 'GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n'
raw 1 'GET / HTTP/2.0\r\nHost: a\r\n\r\n'
raw 1 'GET / HTTP/1.0\r\n\r\n'
raw 3 'GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'
echo "odd requests answered"

if ((seconds == 0)); then
    :
elif command -v wrk >/dev/null; then
    report=$(wrk -t1 -c16 -d"${seconds}s" "$at/")
    echo "$report"
    if grep -qE 'Socket errors|Non-2xx' <<<"$report"; then fail "errors under load"; fi
    rate=$(sed -nE 's/^Requests\/sec: *([0-9]+).*/\1/p' <<<"$report")
    ((rate > 200)) || fail "$rate requests a second"
else
    echo "left out: no wrk"
fi

end_server
