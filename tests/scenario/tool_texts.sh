#!/usr/bin/env bash
# What the programs' help names, their man pages and the completion name too: tool_texts.sh berthd berthctl berth root
set -euo pipefail
berthd=$1 berthctl=$2 berth=$3 root=$4
faults=0
has() { grep "$@" >/dev/null; }  # reads to the end: whoever writes must not find the pipe closed
fault() { echo "tool_texts: $*" && faults=1; }
options_of() { "$@" --help | grep -oE -- '--[a-z][a-z-]+' | sort -u; }
page_of() { sed 's/\\-/-/g' "$root/framework/tools/man/$1"; }

for option in $(options_of "$berthd"); do
    page_of berthd.8 | has -e "$option" || fault "berthd.8 does not know $option"
done
source "$root/framework/tools/completion/berthctl.bash"
completes() {  # words that follow the given ones
    COMP_WORDS=(berthctl "$@" '') COMP_CWORD=$(($# + 1)) COMPREPLY=()
    _berthctl
    printf '%s\n' "${COMPREPLY[@]}"
}
for command in '' create delete list lookup status drain; do
    page_of berthctl.1 | has -w "$command" || fault "berthctl.1 does not know $command"
    [[ -z $command ]] || completes | has -x "$command" || fault "the completion does not know $command"
    for option in $(options_of "$berthctl" $command); do
        page_of berthctl.1 | has -e "$option" || fault "berthctl.1 does not know $option"
        completes $command | has -xe "$option" || fault "the completion does not know $option after '$command'"
    done
done
completes create --use | has -x connect || fault "the completion does not know what --use takes"
completes --socket x create | has -x udp || fault "the completion does not find the command behind an option"

source "$root/framework/tools/completion/berth.bash"
completes() {
    COMP_WORDS=(berth "$@" '') COMP_CWORD=$(($# + 1)) COMPREPLY=()
    _berth
    printf '%s\n' "${COMPREPLY[@]}"
}
completes | has -x top || fault "the completion does not know top"
for option in $(options_of "$berth"); do  # also of its subcommands
    page_of berth.1 | has -e "$option" || fault "berth.1 does not know $option"
done
completes | has -xe --version || fault "berth's completion does not know --version"
for option in $(options_of "$berth" top); do
    completes top | has -xe "$option" || fault "berth's completion does not know $option after 'top'"
done
completes top --interval 2 | has -x berthd || fault "the completion does not know what is looked at"
exit $faults
