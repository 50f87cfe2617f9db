#!/usr/bin/env bash
# An example works where the system's administrator has switched io_uring off, and says so.
#   run_switched_off.sh RUN_SCRIPT ARGS...
# The switch is the whole system's, also that of programs that have nothing to do with this test: it is touched only
# where BERTH_MAY_SWITCH_OFF_IO_URING=1 allows it, as on a machine of the tests' own, and put back in any case.
set -euo pipefail
switch=${BERTH_IO_URING_SWITCH:-/proc/sys/kernel/io_uring_disabled}
[[ ${BERTH_MAY_SWITCH_OFF_IO_URING:-} == 1 ]] || {
    echo "skipped: it would switch io_uring off for the whole system: BERTH_MAY_SWITCH_OFF_IO_URING=1 allows it"
    exit 77
}
[[ -w $switch ]] || { echo "skipped: $switch is not to be written to"; exit 77; }
before=$(<"$switch")
trap 'echo "$before" >"$switch"' EXIT
trap 'exit 1' INT TERM HUP
echo 2 >"$switch"
BERTH_EXPECT='backend asio \(io_uring is switched off on this system' bash "$@"
