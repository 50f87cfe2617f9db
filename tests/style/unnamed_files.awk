# Which scripts and pages nobody names: awk -v subjects="PATH ..." -f unnamed_files.awk
#
# Reads "FILE:WORD" lines, WORD being anything that ends like a file's name. A subject is named by its name, if it is the only
# one of it in the tree; else together with its folder, or by a file of its folder or of one above. A CMake file may build
# the name: `${run}_server.sh` names what ends so. Prints each subject that no other file names.

function name_of(path) { sub(/.*\//, "", path); return path }
function folder_of(path) { return sub(/\/[^\/]*$/, "", path) ? path : "" }
function ends_with(text, end) { return substr(text, length(text) - length(end) + 1) == end }
function is_above(folder, other) { return folder == other || (folder != "" && index(other, folder "/") == 1) }

BEGIN {
    count = split(subjects, subject, " ")
    for (i = 1; i <= count; i++) same[name_of(subject[i])]++
}
{
    at = index($0, ":")
    by = substr($0, 1, at - 1)
    word = substr($0, at + 1)
    sub(/.*}/, "", word)
    if ((by, word) in known) next
    known[by, word] = 1
    name = name_of(word)
    folder = name_of(folder_of(word))
    is_end = name == word && word ~ /^[_-]/
    if (!is_end && !(name in same)) next
    for (i = 1; i <= count; i++) {
        if (is_named[i] || subject[i] == by) continue
        if (is_end) {
            is_named[i] = ends_with(subject[i], word) && is_above(folder_of(by), folder_of(subject[i]))
        } else if (name == name_of(subject[i])) {
            if (same[name] == 1) is_named[i] = 1
            else if (folder ~ /[A-Za-z0-9]/) is_named[i] = ends_with("/" subject[i], "/" folder "/" name)
            else is_named[i] = is_above(folder_of(by), folder_of(subject[i]))
        }
    }
}
END { for (i = 1; i <= count; i++) if (!is_named[i]) print subject[i] }
