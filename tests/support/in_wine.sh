#!/usr/bin/env bash
# Runs one Windows program, or a script that starts some, by Wine: in_wine.sh PREFIX program.exe|command [args]...
#   in_wine.sh none …           on Windows itself: without Wine
#   in_wine.sh PREFIX --make    makes the prefix, as of Windows 10, if it is not there, and lets its server wait
#   in_wine.sh PREFIX --end     ends the prefix's server and all that it runs
# The prefix is a folder of the build's own. There is no display, and Wine asks for nothing. Each run has a temporary
# directory of its own, which is also the working directory. A script finds wine in BERTH_WINE, and in BERTH_STOP the
# signal that asks a program by Wine to end: of SIGTERM it never hears, SIGINT is its Ctrl-C.
#
# One server of Wine's serves all programs of a prefix, and Wine 8's may fall by an assertion of its own when one of
# them is killed while a poll of its sockets is pending: sock_get_poll_events meets a socket that is freed. Every test
# that runs then fails with it, or waits for ever. So such a test is ended and runs once more, and says so.
set -euo pipefail
export WINEPREFIX=$1 WINEDEBUG=-all WINEARCH=win64
export WINEDLLOVERRIDES='mscoree,mshtml=;winemenubuilder.exe=d'
unset DISPLAY WAYLAND_DISPLAY
if [[ $1 == none ]]; then
    unset WINEPREFIX WINEDEBUG WINEARCH WINEDLLOVERRIDES
    BERTH_WINE=
else
    BERTH_WINE=$(command -v wine || command -v wine64) || { echo "skipped: no wine"; exit 77; }
    export BERTH_WINE BERTH_STOP=INT
fi
shift
server_log=${WINEPREFIX:+$WINEPREFIX.server.log}

make_prefix() {
    if [[ ! -e $WINEPREFIX/berth-made ]]; then
        rm -rf "$WINEPREFIX"
        wineboot --init
        wine reg add 'HKCU\Software\Wine' /v Version /d win10 /f
        wineserver --wait
        touch "$WINEPREFIX/berth-made"
    fi
    serve
}

# The server, if none runs, with its first programs: whatever starts them lends them its output for as long as they live.
serve() {
    if wineserver --persistent=30 </dev/null >>"$server_log" 2>&1; then  # seconds after its last program; 1: it runs
        "$BERTH_WINE" cmd /c exit </dev/null >>"$server_log" 2>&1
    fi
}
has_fallen() { [[ $(grep -c Assertion "$server_log" || true) != "$fallen" ]]; }

# end_below PROCESS: its children and theirs, but for this one.
end_below() {
    local child
    for child in $(pgrep -P "$1" || true); do
        [[ $child != "$BASHPID" ]] || continue
        end_below "$child"
        kill -KILL "$child" 2>/dev/null || true
    done
}

# run_watched PROGRAM [ARGS]...: 1 and no more output if the server fell meanwhile.
run_watched() {
    fallen=$(grep -c Assertion "$server_log" || true)
    (
        while sleep 2; do
            if has_fallen; then sleep 1 && end_below $$ && break; fi
        done
    ) </dev/null >/dev/null 2>&1 &
    local watch=$! result=0
    "$@" || result=$?
    kill "$watch" 2>/dev/null && wait "$watch" 2>/dev/null || true
    return "$result"
}

# What is left of a server that fell: programs that wait for its answer.
end_remains() {
    local process
    for process in /proc/[0-9]*; do
        if grep -qzxF "WINEPREFIX=$WINEPREFIX" "$process/environ" && [[ $(tr '\0' '\n' <"$process/cmdline") == *.exe* ]]; then
            kill -KILL "${process##*/}" || true
        fi
    done 2>/dev/null
}

case ${1:?a program is needed} in
    --make) make_prefix >"${WINEPREFIX%/*}/wine_prefix.log" 2>&1 || { cat "${WINEPREFIX%/*}/wine_prefix.log"; exit 1; }
            exit ;;
    --end) wineserver --kill || true  # 1: it had ended
           end_remains
           exit 0 ;;
esac

own=$(mktemp -d "${TMPDIR:-/tmp}/berth-test-XXXXXX")
trap 'rm -rf "$own"' EXIT
cd "$own"
export TMPDIR=$own
if [[ -n $BERTH_WINE ]]; then
    export TMP="Z:${own//\//\\}" TEMP="Z:${own//\//\\}"
    [[ $1 != *.exe ]] || set -- "$BERTH_WINE" "$@"
    serve
fi
status=0
if [[ -z $BERTH_WINE ]]; then
    "$@" || status=$?
else
    run_watched "$@" || status=$?
    if ((status != 0 && status != 77)) && has_fallen; then
        echo "Wine's server fell meanwhile, and this test with it (its status was $status): once more"
        serve
        status=0
        run_watched "$@" || status=$?
    fi
fi
exit "$status"
