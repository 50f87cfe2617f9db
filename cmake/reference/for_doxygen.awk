# One public header on its way to Doxygen (FILTER_PATTERNS): the same lines, as it understands them.
#
# - The opening comment becomes the file's documentation; a piece of code in it is indented as Markdown has it.
#   Its beginning is also that of the class that the file is named after, if that has no words of its own.
# - `namespace berth::inline v0_1` becomes `namespace berth`: a reader does not write the version.
# - `struct std::x<...>`, a specialisation, is put into namespace std, else 1.9.4 makes a class of berth's named std::x.
# - Others' forward declarations and namespaces of details are blanked, but for what is public in the three headers that
#   sockets and pools stand on.
# - Outside code `<` and `#` in a comment are what they are, and so is `@`, unless one of the commands below follows.
# - `berth::x` becomes a link, so that a name that is no longer there is a warning.
#
# Invariant: no line comes or goes, so that a warning's line is the source's.

# The line at which the file's own class begins, and the first paragraph of the opening comment.
function look_ahead(file,    line, number, base, begins, has_words, is_first) {
    base = file
    sub(/.*\//, "", base)
    file_name = base
    sub(/\.hpp$/, "", base)
    is_first = 1
    while ((getline line < file) > 0) {
        number++
        if (is_first && line ~ /^\/\/ ./) beginning = beginning substr(line, 3)
        else is_first = 0
        if (line ~ /^template </ && begins == 0) begins = number
        if (line ~ "^(class|struct) (BERTH_DECL )?(basic_)?" base "( |$)" && line !~ /;$/ && !has_words && !own_class_at) {
            own_class_at = begins ? begins : number
        }
        if (line !~ /^template </ && line !~ /^ /) {
            begins = 0
            has_words = line ~ /^\/\/\//
        }
    }
    close(file)
}

BEGIN {
    command_count = split("param tparam return throws see ref copydoc since deprecated", commands, " ")
    look_ahead(ARGV[1])
}

function as_prose(text,    i) {
    gsub(/[<>#\\@]/, "\\\\&", text)
    for (i = 1; i <= command_count; i++) gsub("\\\\@" commands[i] " ", "@" commands[i] " ", text)
    gsub(/berth::[a-z][a-z0-9_:]*[a-z0-9_]/, "@ref & \"&\"", text)
    return text
}

function as_words(text,    out, parts, i, count) {
    count = split(text, parts, "`")
    out = ""
    for (i = 1; i <= count; i++) {
        if (i % 2 == 1) parts[i] = as_prose(parts[i])
        out = out (i > 1 ? "`" : "") parts[i]
    }
    return out
}

FNR == 1 {
    is_opening = 1
    shown = FILENAME ~ /detail\/(socket_core|basic_io_socket|socket_pool)\.hpp$/
}
is_opening && /^\/\// {
    text = substr($0, 3)
    if (text ~ /^   /) print "///    " text
    else print "///" as_words(text)
    next
}
is_opening && /^#pragma once/ { is_opening = 0; print "/// @file"; next }
{ is_opening = 0 }

!shown && /^namespace (berth::)?detail \{/ { is_hidden = 1 }
/^namespace (asio::ip|CLI) \{/ { is_hidden = 1 }
is_hidden { print ""; if (/^}$|^}  \/\/ namespace/) is_hidden = 0; next }

shown && /^protected:/ { is_hidden_part = 1 }
/^};/ { is_hidden_part = 0 }
is_hidden_part { print ""; next }

FNR == own_class_at { $0 = "/** " as_words(beginning) " More of it: " file_name ". */ " $0 }
/^namespace berth::inline / { print "namespace berth {"; next }
/^template <>$/ { held = $0; next }
held != "" {
    if (/^struct std::/) {
        sub(/std::/, "")
        $0 = $0 " }"
        held = "namespace std { " held
    }
    print held
    held = ""
}

match($0, /\/\/\/<?/) {
    at = RSTART + RLENGTH
    print substr($0, 1, at - 1) as_words(substr($0, at))
    next
}
{ print }
