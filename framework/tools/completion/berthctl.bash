# Completion of berthctl for bash.

_berthctl() {
    local word=${COMP_WORDS[COMP_CWORD]} command='' at=1
    while ((at < COMP_CWORD)); do
        case ${COMP_WORDS[at]} in
            --socket) at=$((at + 1)) ;;
            -*) ;;
            *) command=${COMP_WORDS[at]} && break ;;
        esac
        at=$((at + 1))
    done
    local words='--socket --json --help'
    case $command in
        '') words+=' --version create delete list lookup status drain' ;;
        create) words+=' --use tcp udp' ;;
        drain) words+=' --undo tcp udp' ;;
        delete | lookup) words+=' tcp udp' ;;
        status) words+=' --prometheus' ;;
    esac
    case ${COMP_WORDS[COMP_CWORD - 1]} in
        --socket) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        --use) mapfile -t COMPREPLY < <(compgen -W 'listen connect' -- "$word") ;;
        *) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word") ;;
    esac
}
complete -F _berthctl berthctl
