#!/usr/bin/env bash
# A program whose clocks are others: a time namespace with monotonic and boot time moved by so many seconds.
#   clock_moved.sh SECONDS PROGRAM [ARGS...]
# Nothing that berth waits for goes by the time of day; what it goes by may begin anywhere, and far along.
set -euo pipefail
seconds=$1
shift
unshare --time --fork --monotonic "$seconds" --boottime "$seconds" true 2>unshare.log || {
    echo "skipped: no time namespace is to be had: $(<unshare.log)"
    exit 77
}
exec timeout -k 5 90 unshare --time --fork --monotonic "$seconds" --boottime "$seconds" "$@"
