#!/usr/bin/env python3
"""Checks what no compiler does: that includes point only to the left and down, also inside measure/ and in its tests; that public
headers show only the standard library, torch and this project and include all they use; that spikesink.h includes all of them; and
that the library neither prints nor ends the program.

    tests/check_sources.py REPOSITORY
"""

import pathlib
import re
import sys

# An area may include itself and those before it.
ORDER = ["error", "printable", "version", "detail", "log", "weights", "text", "hooks", "model", "distributed", "measure", "intervene", "train", "report",
         "spikesink"]
# A folder of measure/ may include itself and these.
MEASURE = {
    "core": set(),
    "spikes": {"core"},
    "sinks": {"core", "spikes"},
    "weights": {"core", "spikes"},
    "practice": {"core", "spikes", "sinks", "weights"},
}
MEASURE_INCLUDE = re.compile(r'^#include "(?:spikesink/)?measure/(\w+)/', re.M)
INCLUDE = re.compile(r'^#include ([<"])([^>"]+)[>"]', re.M)
ENDS_OR_PRINTS = re.compile(r"\bstd::(cout|cerr|exit|abort|terminate|quick_exit)\b|\b(printf|puts|fputs|exit|abort)\(|fmt::print\(")

# Where the words of public headers are from, apart from this project.
FROM = {
    "algorithm": r"std::(lower_bound|max|min|sort|find_if)\b",
    "array": r"std::array\b",
    "cstddef": r"std::size_t\b",
    "cstdint": r"\bu?int(8|16|32|64)_t\b",
    "filesystem": r"std::filesystem\b",
    "functional": r"std::(function|less)\b",
    "map": r"std::map\b",
    "memory": r"std::(make_)?(shared|unique)(_ptr)?\b",
    "optional": r"std::(optional|nullopt)\b",
    "span": r"std::span\b",
    "stdexcept": r"std::(runtime_error|logic_error|invalid_argument)\b",
    "string": r"std::(string|to_string)\b",
    "string_view": r"std::string_view\b",
    "torch": r"\b(torch|at|c10)::",
    "tuple": r"std::(tie|tuple)\b",
    "type_traits": r"std::(is_\w+_v|enable_if_t|decay_t)\b",
    "unordered_map": r"std::unordered_map\b",
    "utility": r"std::(pair|move|exchange)\b",
    "variant": r"std::(variant|visit)\b",
    "vector": r"std::vector\b",
}
WORD_OF_STD = re.compile(r"std::\w+")


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


def measure_problems(root):
    """The order of the folders inside measure/."""
    for base in ("include/spikesink/measure", "src/measure", "tests/measure"):
        for path in sorted((root / base).glob("*/*")):
            own = path.parent.name
            if own not in MEASURE:
                yield f"{path.relative_to(root)}: measure/ has no folder {own}, expected one of {', '.join(MEASURE)}"
                continue
            for other in sorted(set(MEASURE_INCLUDE.findall(path.read_text())) - MEASURE[own] - {own}):
                yield f"{path.relative_to(root)}: measure/{own} must not include measure/{other}"


def umbrella_problems(root):
    """spikesink.h is the whole library."""
    umbrella = (root / "include/spikesink/spikesink.h").read_text()
    for path in sorted((root / "include/spikesink").rglob("*.h")):
        name = str(path.relative_to(root / "include"))
        if path.name != "spikesink.h" and f'"{name}"' not in umbrella:
            yield f"include/spikesink/spikesink.h: does not include {name}"


def included_by(path, include_root):
    """What a header includes, itself or through others of this project: <torch/...> as "torch"."""
    found, own = set(), {path}
    while own:
        for mark, name in INCLUDE.findall(own.pop().read_text()):
            if name not in found and mark == '"':
                own.add(include_root / name)
            found.add(name.split("/")[0] if mark == "<" else name)
    return found


def missing_includes(root):
    """That each public header compiles alone."""
    for path in sorted((root / "include").rglob("*.h")):
        text, included = re.sub(r"//.*", "", path.read_text()), included_by(path, root / "include")
        for header, words in FROM.items():
            if re.search(words, text) and header not in included:
                yield f"{path.relative_to(root)}: uses {re.search(words, text)[0]} without <{header}>"
        for word in sorted(set(WORD_OF_STD.findall(text))):
            if not any(re.search(words, word) for words in FROM.values()):
                yield f"{path.relative_to(root)}: {word} is not in this script's table FROM"


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1])
    problems = [*problems_of(root), *measure_problems(root), *umbrella_problems(root), *missing_includes(root)]
    print("\n".join(problems) or "no problems")
    sys.exit(bool(problems))
