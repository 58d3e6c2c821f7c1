#!/usr/bin/env python3
"""Checks that the documents can be scanned: prose wraps at 100 columns, table cells stay short, code fences close, links lead to
a file and a heading, paths and tests that they name exist, code after ```cpp file=PATH stands in that file to the letter, and
docs/README.md links every page.

    tests/check_documents.py REPOSITORY [--lengths]

With --lengths it also prints the longest line of prose, the longest line of all and the longest table cell of each document.
"""

import collections
import pathlib
import re
import sys

LONGEST_LINE, LONGEST_CELL = 100, 200
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE_SPAN = re.compile(r"`[^`\n]*`")
PATH = re.compile(r"`((?:bench|cmake|docs|examples|fuzz|include|scripts|src|tests)/[\w./-]*)")
TEST = re.compile(r"`(\w+)\.(\w+Test)`|`examples\.(\w+)`")  # names of ctest
PLACEHOLDER = re.compile(r"\b(?:NAME|FOLDER|TARGET)\b")


def documents(root):
    return [root / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted((root / "docs").glob("*.md"))


def classified(text):
    """Each line with its number and kind: "code" (fences included), "table" or "prose"; then None if the last fence is open."""
    fence = False
    for number, line in enumerate(text.splitlines(), 1):
        is_fence = line.lstrip().startswith("```")
        yield number, line, "code" if fence or is_fence else "table" if line.startswith("|") else "prose"
        fence ^= is_fence
    if fence:
        yield None, None, None


def cells(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def anchors(path):
    """The anchors that GitHub makes of the headings: a second heading of the same words ends in -1."""
    found, seen = set(), collections.Counter()
    for _, line, kind in classified(path.read_text(encoding="utf-8")):
        if kind == "prose" and (heading := re.match(r"#+ (.*)", line)):
            words = LINK.sub("]", heading[1]).lower()
            slug = re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-")
            found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
    return found


def excerpts(path):
    """Pairs of a file and the code that the document quotes from it."""
    return re.findall(r"^```\w+ file=(\S+)\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S)


def links(path):
    """The relative links of a document: line number, target, anchor."""
    for number, line, kind in classified(path.read_text(encoding="utf-8")):
        if kind in ("prose", "table"):
            for target in LINK.findall(CODE_SPAN.sub("", line)):
                if not re.match(r"\w+:", target):
                    name, _, anchor = target.partition("#")
                    yield number, (path.parent / name).resolve() if name else path.resolve(), anchor


def problems_of_layout(path):
    columns = None
    for number, line, kind in classified(path.read_text(encoding="utf-8")):
        if kind is None:
            yield "a code fence is not closed"
        elif kind == "prose" and len(line) > LONGEST_LINE and " " in line.strip():
            yield f"line {number} has {len(line)} columns: expected at most {LONGEST_LINE}"
        elif kind == "table":
            longest = max(map(len, cells(line)), default=0)
            if longest > LONGEST_CELL:
                yield f"line {number} has a table cell of {longest} characters: expected at most {LONGEST_CELL}"
            if columns not in (None, len(cells(line))):
                yield f"line {number} has {len(cells(line))} table cells: expected {columns}"
        columns = len(cells(line)) if kind == "table" else None


def problems_of_links(path):
    for number, target, anchor in links(path):
        if not target.exists():
            yield f"line {number} links to {target.name}, which does not exist"
        elif anchor and anchor not in anchors(target):
            yield f"line {number} links to {target.name}#{anchor}: it has no such heading"


def problems_of_paths(root, path):
    for number, line, kind in classified(path.read_text(encoding="utf-8")):
        for name in PATH.findall(line) if kind in ("prose", "table") else []:
            built_from = root / f"{name}.cpp"
            if not PLACEHOLDER.search(name) and not (root / name).exists() and not built_from.exists():
                yield f"line {number} names {name}, which does not exist"


def problems_of_excerpts(root, path):
    for name, code in excerpts(path):
        if not (root / name).exists():
            yield f"quotes {name}, which does not exist"
        elif code not in (root / name).read_text(encoding="utf-8"):
            yield f"the code quoted from {name} does not stand there: {code.splitlines()[0]}"


def has_suite(root, area, suite):
    return any(re.search(rf"^TEST\w*\({suite},", path.read_text(encoding="utf-8"), re.M) for path in (root / "tests" / area).rglob("*.cpp"))


def problems_of_tests(root, path):
    for number, line, kind in classified(path.read_text(encoding="utf-8")):
        for area, suite, program in TEST.findall(line) if kind in ("prose", "table") else []:
            if not (has_suite(root, area, suite) if suite else (root / f"tests/examples/{program}_test.py").exists()):
                yield f"line {number} names the test {area or 'examples'}.{suite or program}, which does not exist"


def problems(root):
    for path in documents(root):
        named = [*problems_of_paths(root, path), *problems_of_tests(root, path), *problems_of_excerpts(root, path)]
        for problem in [*problems_of_layout(path), *problems_of_links(path), *named]:
            yield f"{path.relative_to(root)}: {problem}"
    start = root / "docs/README.md"
    linked = {target for _, target, _ in links(start)} | {start.resolve()}
    for path in sorted((root / "docs").glob("*.md")):
        if path.resolve() not in linked:
            yield f"docs/README.md: it does not link to {path.name}"


def print_lengths(root):
    print(f"{'document':28}{'lines':>6}{'prose':>7}{'any':>6}{'cell':>6}")
    for path in documents(root):
        lines = [found for found in classified(path.read_text(encoding="utf-8")) if found[0]]
        prose = max((len(line) for _, line, kind in lines if kind == "prose"), default=0)
        cell = max((len(cell) for _, line, kind in lines if kind == "table" for cell in cells(line)), default=0)
        print(f"{path.relative_to(root)!s:28}{len(lines):6}{prose:7}{max(len(line) for _, line, _ in lines):6}{cell:6}")


def main(root, *options):
    root = pathlib.Path(root).resolve()
    if "--lengths" in options:
        print_lengths(root)
    found = list(problems(root))
    for problem in found:
        print(problem)
    sys.exit(f"{len(found)} problems" if found else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
