# The links of Markdown files, and what they may lead to: awk -f markdown_links.awk FILE.md...
#
# Prints "anchor PATH#NAME" for each heading and each <a id="NAME">, and "link PATH:LINE TARGET" for each link whose target is
# in this tree, TARGET being a path from its root, with #NAME if it has one. Fenced code and code in a line are no links.
# Anchors as GitHub makes them: small letters, no punctuation, a hyphen for a space, -1 for the second of a name.
#
# Byte by byte (LC_ALL=C): of other scripts' characters only dashes, quotes and their like are known as punctuation.

function anchor_of(text,    slug) {
    gsub(/\]\([^)]*\)/, "", text)
    slug = tolower(text)
    gsub(/\342\200[\200-\277]|\342\206[\220-\277]|\303\227/, "", slug)
    gsub(/[^a-z0-9_ \200-\377-]/, "", slug)
    gsub(/ /, "-", slug)
    return slug
}

# from_root(folder, path): without . and .., or "" if it leaves the tree.
function from_root(folder, path,    parts, kept, count, depth, i, out) {
    count = split((folder != "" && path !~ /^\// ? folder "/" : "") path, parts, "/")
    depth = 0
    for (i = 1; i <= count; i++) {
        if (parts[i] == "" || parts[i] == ".") continue
        if (parts[i] != "..") kept[++depth] = parts[i]
        else if (--depth < 0) return ""
    }
    out = depth > 0 ? kept[1] : "."
    for (i = 2; i <= depth; i++) out = out "/" kept[i]
    return out
}

function tell(target,    at, path, name) {
    sub(/ +"[^"]*"$/, "", target)
    gsub(/^<|>$/, "", target)
    if (target == "" || target ~ /^[a-z][a-z0-9+.-]*:/) return
    at = index(target, "#")
    path = at ? substr(target, 1, at - 1) : target
    name = at ? substr(target, at) : ""
    path = path == "" ? FILENAME : from_root(folder, path)
    print "link " FILENAME ":" FNR " " (path == "" ? "(outside)" : path) name
}

FNR == 1 {
    fence = ""
    folder = FILENAME
    if (!sub(/\/[^\/]*$/, "", folder)) folder = ""
}
match($0, /^ *(```+|~~~+)/) {
    mark = substr($0, RSTART, RLENGTH)
    gsub(/ /, "", mark)
    if (fence == "") fence = mark
    else if (index(mark, fence) == 1) fence = ""
    next
}
fence != "" || /^(    |\t)/ { next }
/^#+ / {
    text = $0
    sub(/^#+ +/, "", text)
    sub(/ +#* *$/, "", text)
    slug = anchor_of(text)
    again = seen[FILENAME, slug]++
    print "anchor " FILENAME "#" slug (again ? "-" again : "")
}
{
    rest = $0
    while (match(rest, /<a (id|name)="[^"]*"/)) {
        name = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        gsub(/^[^"]*"|"$/, "", name)
        print "anchor " FILENAME "#" name
    }
    rest = $0
    gsub(/`[^`]*`/, "", rest)
    if (match(rest, /^\[[^]]+\]: +[^ ]+/)) {
        name = substr(rest, RSTART, RLENGTH)
        sub(/^\[[^]]+\]: +/, "", name)
        tell(name)
    }
    while (match(rest, /\]\([^()]*(\([^()]*\)[^()]*)*\)/)) {
        name = substr(rest, RSTART + 2, RLENGTH - 3)
        rest = substr(rest, RSTART + RLENGTH)
        tell(name)
    }
}
