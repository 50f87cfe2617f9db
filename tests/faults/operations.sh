#!/usr/bin/env bash
# operations.sh headers...: the public functions of classes, and the free ones, that the headers declare, one a line and
# once each. Not: operators, ends of objects, and what is in namespace detail but for the bases of public classes.
set -euo pipefail
export LC_ALL=C

awk '
function record(text,    name, rest) {
    gsub(/template *<[^()]*>/, "", text)
    rest = text
    while (match(rest, /[A-Za-z_~][A-Za-z_0-9]*[ ]*\(/)) {
        name = substr(rest, RSTART, RLENGTH)
        sub(/[ ]*\($/, "", name)
        if (name !~ /^(requires|decltype|noexcept|alignas|explicit|static_assert|if|operator|BERTH_DECL)$/) break
        rest = substr(rest, RSTART + RLENGTH)
        name = ""
    }
    if (name == "" || name ~ /^~|_$|^void$|^socket_pool$/ || text ~ ("= .*" name "[ ]*[(]") || text ~ /operator|= delete|friend |using |static_assert|~/) return
    if (kind[depth] == "class" && within != "" && scope[depth] !~ /^(socket_core|basic_io_socket|socket_pool)$/) return
    if (kind[depth] == "class") { if (shown[depth]) print scope[depth] "::" name } else if (open && within == "") print name
}
function opens(text) {
    ++depth
    gsub(/template *<[^>]*>/, "", text)
    sub(/::inline [a-z0-9_]+/, "", text)
    if (match(text, /namespace[ ]+[a-z_:]+/)) {
        kind[depth] = "namespace"
        scope[depth] = substr(text, RSTART + 10, RLENGTH - 10)
        outside[depth] = (scope[depth] != "berth" && scope[depth] != within)
    } else if (text !~ /\(/ && match(text, /(class|struct)[ ]+(BERTH_DECL[ ]+)?[A-Za-z_0-9]+/) && text !~ /enum/) {
        kind[depth] = "class"
        scope[depth] = substr(text, RSTART, RLENGTH)
        sub(/.*[ ]/, "", scope[depth])
        shown[depth] = (text ~ /struct/)
        outside[depth] = 0
    } else {
        kind[depth] = "other"
        outside[depth] = 1
    }
    open = 1
    for (i = 1; i <= depth; ++i) if (outside[i]) open = 0
    for (i = 1; i < depth; ++i) if (kind[i] == "class" && !shown[i]) open = 0
}
function recompute() {
    open = depth > 0
    for (i = 1; i <= depth; ++i) if (outside[i]) open = 0
    for (i = 1; i < depth; ++i) if (kind[i] == "class" && !shown[i]) open = 0
}
FNR == 1 { within = FILENAME ~ /detail\// ? "berth::detail" : ""; depth = 0; pending = ""; open = 0 }
{
    sub(/\/\/.*/, "")
    gsub(/"[^"]*"/, "")
    if ($0 ~ /^ *#/) next
    line = $0 " "
    for (at = 1; at <= length(line); ++at) {
        c = substr(line, at, 1)
        if (c == "{") {
            if (open) { if (pending ~ /\(/) record(pending) }
            opens(pending)
            pending = ""
        } else if (c == "}") {
            if (depth > 0) --depth
            recompute()
            pending = ""
        } else if (c == ";") {
            if (open && pending ~ /\(/) record(pending)
            pending = ""
        } else if (c == ":" && pending ~ /(public|private|protected) *$/) {
            shown[depth] = (pending ~ /public *$/)
            pending = ""
        } else {
            pending = pending c
        }
    }
}' "$@" | sort -u
