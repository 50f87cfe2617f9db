#!/usr/bin/env bash
# Rings are switched off for all (2) and for ordinary users (1): programs fall to epoll, and say why.
#   switched_off.sh PROGRAM      (examples/tcp_echo, which says its backend and the reason, and serves)
# The switch is the whole system's, also that of programs that have nothing to do with this test: it is touched only
# where BERTH_MAY_SWITCH_OFF_IO_URING=1 allows it, as on a machine of the tests' own, and put back in any case.
set -euo pipefail
program=$1
switch=/proc/sys/kernel/io_uring_disabled
[[ ${BERTH_MAY_SWITCH_OFF_IO_URING:-} == 1 ]] || {
    echo "skipped: it would switch io_uring off for the whole system: BERTH_MAY_SWITCH_OFF_IO_URING=1 allows it"
    exit 77
}
[[ -w $switch ]] || { echo "skipped: $switch is not to be written to"; exit 77; }
before=$(<"$switch")
trap 'echo "$before" >"$switch"' EXIT
trap 'exit 1' INT TERM HUP
chmod 755 . && cp "$program" ./program && chmod 755 ./program
# expect WORDS COMMAND...: a server, whose first line has them.
expect() {
    local words=$1 server
    shift
    "$@" >said.log 2>&1 &
    server=$!
    for _ in {1..200}; do
        [[ $(wc -l <said.log) == 0 ]] && kill -0 "$server" 2>/dev/null || break
        sleep 0.05
    done
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" || true
    grep -q "$words" said.log || { cat said.log; echo "it does not say: $words"; exit 1; }
}
echo 2 >"$switch"
expect 'io_uring is switched off on this system' ./program
expect 'io_uring is switched off on this system' setpriv --reuid 54321 --clear-groups --inh-caps=-all ./program
echo 1 >"$switch"
expect 'only for privileged processes' setpriv --reuid 54321 --clear-groups --inh-caps=-all ./program
expect 'backend io_uring' ./program
echo "rings were off for all, and for ordinary users: each time epoll and the reason"
