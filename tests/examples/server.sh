# Starting and ending an example that is a server. Sourced by the scripts beside it.
#
# BERTH_EXPECT: what the server must say about its backend when it starts, a regular expression.

fail() { echo "$*" >&2; exit 1; }

# start_server PROGRAM [ARGS]...: sets server (its process), port and line (what it says).
start_server() {
    exec {server_says}< <(exec "$@")
    server=$!
    trap 'kill -KILL "$server" 2>/dev/null || true' EXIT
    read -r -t 20 -u "$server_says" line || fail "it says nothing: $*"
    echo "$line"
    port=$(sed -E 's/.*port ([0-9]+).*/\1/' <<<"$line")
    [[ -z ${BERTH_EXPECT:-} || $line =~ $BERTH_EXPECT ]] || fail "expected '$BERTH_EXPECT'"
}

# end_server: it ends by itself when it is asked to.
end_server() {
    kill -"${BERTH_STOP:-TERM}" "$server"
    for _ in {1..100}; do
        kill -0 "$server" 2>/dev/null || { echo "ended when asked"; trap - EXIT; return 0; }
        sleep 0.1
    done
    fail "still there ten seconds after SIG${BERTH_STOP:-TERM}"
}
