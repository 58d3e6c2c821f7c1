#!/usr/bin/env python3
"""Writes the Unicode tables of src/text from Python's `unicodedata`, adjusted to the behaviour of `tokenizers`.

unicode_forms_tables.inc: decompositions and combining classes, without those that `tokenizers` does not have.
unicode_properties_tables.inc: lower case, marks, punctuation and the characters that BERT's cleaning removes, as in `tokenizers`.
unicode_late_marks.inc: characters that extend a grapheme cluster in `tokenizers` and are not assigned in Unicode 14.
unicode_late_categories.inc: general categories, from the regexes of `tokenizers`, of characters that are not assigned in
Unicode 14 (PCRE2 10.40 to 10.42, Python 3.11).

Needs Python 3.11 and `pip install tokenizers` (0.23.3).
"""

import pathlib
import unicodedata

from tokenizers import Regex
from tokenizers.normalizers import NFC, NFD, NFKD, BertNormalizer, Lowercase, Precompiled, StripAccents
from tokenizers.pre_tokenizers import Punctuation, Split

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


def compatibility_decompositions() -> list[str]:
    """Returns full decompositions that differ from the canonical ones; the last character of a row increases with the character."""
    wholes = {}
    for c in CODE_POINTS:
        text = NFKD().normalize_str(chr(c))
        if text != NFD().normalize_str(chr(c)):
            wholes[c] = (text[:-1], ord(text[-1]) - c)
    return ['{%#x, %#x, U"%s"}' % (first, last, "".join(r"\x%x" % ord(c) for c in head + chr(first + step)))
            for first, last, (head, step) in ranges(wholes)]


def moves(mark: str) -> bool:
    """Whether `tokenizers` sorts the mark before one of a higher class or after one of a lower class."""
    neighbours = ("\u0345", "\u0334")  # the highest and the lowest class
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


def lower_cases() -> list[str]:
    """Returns ranges of characters (each one or every second one) with the same distance to their lower case."""
    runs = []
    for c in CODE_POINTS:
        lower = Lowercase().normalize_str(chr(c))
        if lower == chr(c) or len(lower) > 1:
            continue
        distance = ord(lower) - c
        step = c - runs[-1][1] if runs else 0
        if runs and runs[-1][3] == distance and step in ((1, 2) if runs[-1][0] == runs[-1][1] else (runs[-1][2],)):
            runs[-1][1:3] = c, step
        else:
            runs.append([c, c, 1, distance])
    return ["{%#x, %#x, %d, %d}" % tuple(run) for run in runs]


def members(belongs) -> list[str]:
    return ["{%#x, %#x}" % row[:2] for row in ranges({c: True for c in CODE_POINTS if belongs(chr(c))})]


def properties() -> dict[str, list[str]]:
    cleaned = BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    accents = BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
    everything = "".join(map(chr, CODE_POINTS))
    not_punctuation = {c for piece, _ in Punctuation("removed").pre_tokenize_str(everything) for c in piece}
    return {
        "LowerCase kLowerCases[]": lower_cases(),
        "CodePoints kMarks[]": members(lambda c: not StripAccents().normalize_str(c)),
        "CodePoints kNonspacingMarks[]": members(lambda c: not accents.normalize_str(c)),
        "CodePoints kPunctuation[]": members(lambda c: c not in not_punctuation),
        "CodePoints kOther[]": members(lambda c: not cleaned.normalize_str(c)),
    }


def late_marks() -> list[str]:
    """Returns the unassigned characters that extend a grapheme cluster. The test: a map that removes 'A' also removes a short cluster
    that starts with 'A'."""
    units = [0] * 512
    units[0] = 256 << 10
    units[256 ^ ord("A")] = (321 ^ 322) << 10 | 1 << 8 | ord("A")  # 322 holds its value, which is 0
    normalizer = Precompiled(b"".join(unit.to_bytes(4, "little") for unit in [4 * len(units)] + units) + b"\0")
    unassigned = [c for c in CODE_POINTS if unicodedata.category(chr(c)) == "Cn"]
    return ["{%#x, %#x}" % row[:2] for row in ranges({c: True for c in unassigned if not normalizer.normalize_str("A" + chr(c))})]


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
    write("unicode_forms_tables.inc", {
        "Decomposition kDecompositions[]": decompositions(),
        "CompatibilityDecomposition kCompatibilityDecompositions[]": compatibility_decompositions(),
        "CombiningClass kCombiningClasses[]": combining_classes(),
    })
    write("unicode_properties_tables.inc", properties())
    write("unicode_late_marks.inc", {"CodePoints kLateMarks[]": late_marks()})
    write("unicode_late_categories.inc", {"LateCategory kLateCategories[]": late_categories()})


if __name__ == "__main__":
    main()
