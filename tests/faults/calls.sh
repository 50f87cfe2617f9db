#!/usr/bin/env bash
# calls.sh libberth.a injected_calls.cpp …: every function of libc's and liburing's that the library asks
# its linker for either fails once in the tests here, or is one of those below, which ask the kernel for nothing that
# could be refused, or say nothing that a program could act on.
set -euo pipefail
export LC_ALL=C

cannot_fail='
 close munmap: the number or the memory is gone whatever they say
 io_uring_queue_exit freeaddrinfo: give back
 abort exit __assert_fail: end the program
 free: gives back
 aligned_alloc: memory, which fails by itself
 clock_gettime getpid geteuid sysconf: the process about itself, from memory that it has
 nanosleep usleep pause sched_yield: waits
 pthread_atfork pthread_cond_broadcast pthread_cond_clockwait pthread_cond_destroy pthread_cond_init pthread_cond_signal: threads
 pthread_cond_timedwait pthread_cond_wait pthread_condattr_destroy pthread_condattr_init pthread_condattr_setclock: threads
 pthread_detach pthread_join pthread_mutex_destroy pthread_mutex_init pthread_mutex_lock pthread_mutex_trylock: threads
 pthread_mutex_unlock pthread_self pthread_setname_np pthread_sigmask sigfillset: threads
 dlerror dlsym secure_getenv: of this process
 fprintf snprintf sprintf stderr strerror strerror_r inet_ntop strcat strlen memchr memcmp memcpy memmove memset: words
 sockatmark: a look at a mark, through ioctl
 '
stubs=$(sed 's/:.*//' <<<"$cannot_fail" | tr -s ' \n' '\n')
library=$1
shift
injected=$(cat "$@" | grep -oE '(BERTH_TURN|BERTH_RING_TURN)\([a-z_0-9]+' | sed 's/.*(//')
findings=0
while read -r name; do
    grep -qxF "$name" <<<"$stubs" && continue
    grep -qxF "$name" <<<"$injected" && continue
    printf '%s: neither fails in the tests of faults nor has a reason not to\n' "$name"
    findings=$((findings + 1))
done < <(nm -u "$library" | awk '/ [Uw] /{print $2}' | grep -E '^[a-z]' | grep -v '^_' | sort -u)
((findings == 0)) || exit 1
printf '%s calls fail once\n' "$(sort -u <<<"$injected" | wc -l)"
