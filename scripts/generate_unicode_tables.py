#!/usr/bin/env python3
"""Writes the Unicode tables of src/text from Python's `unicodedata`, held to what `tokenizers` does.

unicode_nfc_tables.inc: canonical decompositions and combining classes, less those that `tokenizers` does not know.
unicode_late_categories.inc: general categories, by `tokenizers`' regexes, of what Unicode 14 (PCRE2 10.40 to 10.42, Python
3.11) has not assigned.

Needs Python 3.11 and `pip install tokenizers` (0.23.3).
"""

import pathlib
import unicodedata

from tokenizers import Regex
from tokenizers.normalizers import NFC
from tokenizers.pre_tokenizers import Split

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "src" / "text"
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cf".split()


def nfc(text: str) -> str:
    return NFC().normalize_str(text)


def decompositions() -> list[str]:
    rows = []
    for whole in map(chr, CODE_POINTS):
        parts = unicodedata.decomposition(whole)
        if not parts or parts.startswith("<"):
            continue
        parts = [int(part, 16) for part in parts.split()]
        text = "".join(map(chr, parts))
        composes = unicodedata.normalize("NFC", text) == whole
        if composes and nfc(text) != whole:
            continue
        rows.append("{%#x, %#x, %#x, %d}" % (ord(whole), parts[0], (parts + [0])[1], composes))
    return rows


def moves(mark: str) -> bool:
    """Whether `tokenizers` sorts the mark before one of a higher class or after one of a lower class."""
    neighbours = ("\u0345", "\u0334")  # the highest class and the lowest: no mark lies beyond both
    return any(nfc(pair) != pair for n in neighbours for pair in (n + mark, mark + n))


def ranges(keys: dict[int, object]) -> list[tuple[int, int, object]]:
    result = []
    for c, key in sorted(keys.items()):
        if result and result[-1][1] == c - 1 and result[-1][2] == key:
            result[-1] = (result[-1][0], c, key)
        else:
            result.append((c, c, key))
    return result


def combining_classes() -> list[str]:
    classes = {c: unicodedata.combining(chr(c)) for c in CODE_POINTS}
    return ["{%#x, %#x, %d}" % row for row in ranges({c: k for c, k in classes.items() if k and moves(chr(c))})]


def late_categories() -> list[str]:
    unassigned = "".join(chr(c) for c in CODE_POINTS if unicodedata.category(chr(c)) == "Cn")
    late = {}
    for category in CATEGORIES:
        others = Split(Regex(r"\p{%s}" % category), "removed", invert=True)
        late |= {ord(c): category for c, _ in others.pre_tokenize_str(unassigned)}
    return ['{%#x, %#x, "%s"}' % row for row in ranges(late)]


def write(name: str, arrays: dict[str, list[str]]) -> None:
    with open(FOLDER / name, "w") as out:
        out.write("// Written by scripts/generate_unicode_tables.py.\n")
        for declaration, rows in arrays.items():
            line = f"\n// clang-format off\nconstexpr {declaration} = {{"
            for row in rows:
                if len(line.rsplit("\n", 1)[-1]) + len(row) > 98:
                    line += "\n"
                line += row + ","
            out.write(line.rstrip(",") + "};\n// clang-format on\n")


def main() -> None:
    assert unicodedata.unidata_version == "14.0.0", unicodedata.unidata_version
    write("unicode_nfc_tables.inc", {
        "Decomposition kDecompositions[]": decompositions(),
        "CombiningClass kCombiningClasses[]": combining_classes(),
    })
    write("unicode_late_categories.inc", {"LateCategory kLateCategories[]": late_categories()})


if __name__ == "__main__":
    main()
