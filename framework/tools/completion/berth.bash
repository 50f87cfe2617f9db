# Completion of berth for bash.

_berth() {
    local word=${COMP_WORDS[COMP_CWORD]} command='' at
    for ((at = 1; at < COMP_CWORD; ++at)); do
        if [[ ${COMP_WORDS[at]} == top ]]; then command=top; fi
    done
    local words='--help'
    case $command in
        '') words+=' --version top' ;;
        top) words+=' --once --interval --width berthd' ;;
    esac
    case ${COMP_WORDS[COMP_CWORD - 1]} in
        --interval | --width) COMPREPLY=() ;;
        *)
            if [[ $command == top && $word == /* ]]; then
                mapfile -t COMPREPLY < <(compgen -f -- "$word")
            else
                mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
            fi
            ;;
    esac
}
complete -F _berth berth
