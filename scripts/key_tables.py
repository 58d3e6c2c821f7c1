"""What config_keys.py and gguf_keys.py share: the names listed in architectures.cpp, and a C++ file of tables of keys."""

import argparse
import pathlib
import re
import sys
import textwrap

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "src" / "model" / "architectures"


def listed(array: str) -> list[str]:
    """Returns the names of the architectures in an array of architectures.cpp."""
    rows = re.search(rf"{array}\[\] = \{{(.*?)\n\}};", (FOLDER / "architectures.cpp").read_text(), re.DOTALL)[1]
    return re.findall(r'\{"([^"]+)"', rows)


def as_cpp(tables: dict[str, set[str]], function: str, source: str) -> str:
    """Returns a file that defines `function`, which returns the tables. `source`: what they are written from, and by which script."""
    prefix = "k" + "".join(map(str.capitalize, function.split("_")))
    arrays, rows = "", ""
    for name, keys in sorted(tables.items()):
        constant = prefix + "".join(map(str.capitalize, re.split(r"[^a-z0-9]", name)))
        quoted = ", ".join(f'"{key}"' for key in sorted(keys))
        arrays += f"constexpr std::string_view {constant}[] = {{\n{textwrap.indent(textwrap.fill(quoted, 94), '    ')}}};\n"
        rows += f'    {{"{name}", {constant}}},\n'
    return f"""#include "model/architectures/known_keys.h"

// Written by {source}.

namespace spikesink::detail {{
namespace {{

// clang-format off
{arrays}
constexpr KeyTable {prefix}Tables[] = {{
{rows}}};
// clang-format on

}}  // namespace

std::span<const KeyTable> {function}() {{
  return {prefix}Tables;
}}

}}  // namespace spikesink::detail
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--print", action="store_true")


def finish(arguments: argparse.Namespace, tables: dict[str, set[str]], function: str, source: str) -> None:
    """Prints the tables, compares the file that defines `function` with them, or writes it."""
    script = pathlib.Path(sys.argv[0]).name
    written, text = FOLDER / f"{function}.cpp", as_cpp(tables, function, f"scripts/{script} from {source}")
    if arguments.print:
        print("\n".join(f"{name or 'all'}: {' '.join(sorted(keys))}" for name, keys in sorted(tables.items())))
    elif not arguments.check:
        written.write_text(text)
    elif written.read_text() != text:
        sys.exit(f"{written.name} differs: run {script}")
