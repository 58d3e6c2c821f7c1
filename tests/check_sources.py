#!/usr/bin/env python3
"""Checks what no compiler does: that includes point only to the left and down, that public headers show only the standard
library, torch and this project, and that the library neither prints nor ends the program.

    tests/check_sources.py REPOSITORY
"""

import pathlib
import re
import sys

# An area may include itself and those before it.
ORDER = ["error", "printable", "version", "detail", "log", "weights", "text", "hooks", "model", "distributed", "measure", "intervene", "train", "report",
         "spikesink"]
INCLUDE = re.compile(r'^#include ([<"])([^>"]+)[>"]', re.M)
ENDS_OR_PRINTS = re.compile(r"\bstd::(cout|cerr|exit|abort|terminate|quick_exit)\b|\b(printf|puts|fputs|exit|abort)\(|fmt::print\(")


def area(path):
    return path.split("/")[0].removesuffix(".h").removesuffix(".cpp")


def included_areas(text):
    for _, name in INCLUDE.findall(text):
        name = name.removeprefix("spikesink/")
        if area(name) in ORDER:
            yield area(name), name


def problems_of(root):
    headers = sorted((root / "include/spikesink").rglob("*.h"))
    sources = sorted(path for path in (root / "src").rglob("*") if path.suffix in (".h", ".cpp"))
    for path in headers + sources:
        base = root / "include/spikesink" if path in headers else root / "src"
        own, text = area(str(path.relative_to(base))), path.read_text()
        where = path.relative_to(root)
        for other, name in included_areas(text):
            if ORDER.index(other) > ORDER.index(own):
                yield f"{where}: {own} must not include {name}, which comes after it"
        for line in text.splitlines():
            if ENDS_OR_PRINTS.search(line.split("//")[0]):
                yield f"{where}: the library must not print or end the program: {line.strip()}"
    for path in headers:
        for mark, name in INCLUDE.findall(path.read_text()):
            standard = mark == "<" and "/" not in name and "." not in name
            if not (standard or name.startswith(("torch/", "spikesink/"))):
                yield f"{path.relative_to(root)}: a public header must not show <{name}>"
            if mark == "<" and name.startswith("spikesink/") or mark == '"' and not name.startswith("spikesink/"):
                yield f"{path.relative_to(root)}: write #include \"spikesink/...\" for own headers, <...> for others: {name}"


if __name__ == "__main__":
    problems = list(problems_of(pathlib.Path(sys.argv[1])))
    print("\n".join(problems) or "no problems")
    sys.exit(bool(problems))
