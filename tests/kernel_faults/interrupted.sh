#!/usr/bin/env bash
# System calls of a running program fail from outside: strace makes each n-th call an error, the program goes on.
#   interrupted.sh CALL=ERROR[:when] PROGRAM [ARGS...]
# Without strace, or where it may not trace, it is skipped, and says so.
set -euo pipefail
injected=$1
shift
command -v strace >/dev/null || { echo "skipped: no strace (Debian: strace)"; exit 77; }
strace -qq -o /dev/null true 2>strace.log || { echo "skipped: strace may not trace here: $(<strace.log)"; exit 77; }
call=${injected%%=*} error=${injected#*=}
status=0
timeout -k 5 90 strace -f -qq -o trace.log -e "trace=$call" -e "inject=$call:error=${error%%:*}:when=${error#*:}" "$@" >out.log 2>&1 || status=$?
times=$(grep -c INJECTED trace.log || true)
if grep -q 'io_uring is refused\|SKIPPED.*tests, listed' out.log && ! grep -q 'PASSED  \] [1-9]' out.log; then
    echo "skipped: no case of the program runs here"
    exit 77
fi
((status == 0)) || { tail -n 40 out.log; echo "$injected, $times times: the program ended with $status"; exit 1; }
((times > 0)) || { echo "$call was never called: this shows nothing"; exit 1; }
echo "$call failed with ${error%%:*} $times times: $(grep -E '^\[  PASSED' out.log)"
