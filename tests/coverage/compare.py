"""The branches that no test took, by gcov's counts, compared with the list of those that may be left.

compare.py folder sources exceptions.txt, from the project's root: the folder of the build whose tests have run, a regular
expression of the sources that are looked at, and the list. A line of the list is `source ## text of the line ## reason`;
the text is the line's own without the space around it, so that it stays right when the line moves. Where the reason begins
with `by chance:` the branch may be taken or not; any other that is taken by now is reported.

A branch of a template is taken if it is in any instance: the tests make some of the library's templates with types that let
them choose what happens in between. What a compiler makes of an exception that passes through is left out, and so is what it
makes of a line without a decision (an end of life, a copy): that is not the source's.
"""
import collections
import json
import os
import pathlib
import re
import subprocess
import sys

decides = re.compile(r"\b(if|while|for|switch|case)\b|[?]|&&|[|][|]")


def read_exceptions(path):
    listed = {}
    for number, line in enumerate(open(path), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split(" ## ")]
        if len(parts) != 3 or not all(parts):
            sys.exit(f"{path}:{number}: not `source ## text of the line ## reason`")
        listed[parts[0], parts[1]] = (number, parts[2].startswith("by chance:"))
    return listed


def counted(folder, root, wanted):
    """{source: {line: {(where the function begins, how many branches): [count of each]}}}"""
    found = collections.defaultdict(lambda: collections.defaultdict(dict))
    names = re.compile(wanted.pattern.replace("/", r"[/]").encode())
    for notes in sorted(pathlib.Path(folder).rglob("*.gcno")):
        data = notes.with_suffix(".gcda")
        if not data.exists() or not names.search(notes.read_bytes()):
            continue
        run = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", data.name], cwd=data.parent,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        for text in run.stdout.decode().splitlines():
            page = json.loads(text)
            for file in page["files"]:
                path = os.path.relpath(os.path.join(page["current_working_directory"], file["file"]), root)
                if wanted.match(path):
                    add(found[path], file)
    return found


def add(lines, file):
    begins = {f["name"]: (f["start_line"], f["start_column"]) for f in file["functions"]}
    for line in file["lines"]:
        branches = [b["count"] for b in line["branches"] if not b["throw"]]
        if branches:
            key = begins.get(line.get("function_name")), len(branches)
            before = lines[line["line_number"]].get(key, [0] * len(branches))
            lines[line["line_number"]][key] = [a + b for a, b in zip(before, branches)]


def main():
    folder, sources, exceptions = sys.argv[1:]
    root = os.getcwd()
    listed = read_exceptions(exceptions)
    used, left, row = set(), 0, "{:<56} {:>8} {:>8} {:>8}"
    total = [0, 0, 0]
    print(row.format("source", "branches", "taken", "excepted"))
    found = counted(folder, root, re.compile(sources))
    for source in sorted(found):
        texts = open(source).read().splitlines()
        all_of, missed_of, excepted = 0, [], 0
        for number, groups in sorted(found[source].items()):
            text = texts[number - 1].strip() if number <= len(texts) else ""
            if not decides.search(text.split("//")[0]):
                continue
            counts = [c for group in groups.values() for c in group]
            missed = counts.count(0)
            all_of += len(counts)
            if missed and (source, text) in listed:
                used.add((source, text))
                excepted += missed
            elif missed:
                missed_of.append(f"{source}:{number}: {missed} of {len(counts)} branches not taken: {text}")
        not_taken = excepted + sum(int(re.search(r": (\d+) of", m).group(1)) for m in missed_of)
        for i, n in enumerate((all_of, all_of - not_taken, excepted)):
            total[i] += n
        print(row.format(source, all_of, all_of - not_taken, excepted))
        print(*missed_of, sep="\n", end="\n" if missed_of else "")
        left += len(missed_of)
    print(row.format("all", *total))
    for (name, text), (number, by_chance) in listed.items():
        if (name, text) not in used and not by_chance:
            left += 1
            print(f"{exceptions}:{number}: all branches are taken by now, or there is no such line: {name}: {text}")
    print(f"{left} places to look at, {len(used)} listed")
    return left != 0


sys.exit(main())
