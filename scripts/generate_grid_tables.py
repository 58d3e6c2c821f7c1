#!/usr/bin/env python3
"""Writes src/weights/gguf/grid_tables.inc, the grids of the GGUF types IQ1_S to IQ3_S, from the Python package `gguf`.

    scripts/generate_grid_tables.py [--check]

An entry of a grid is eight or four of a type's levels; it is written as their indices, two or four bits each, the first one lowest.
With --check nothing is written, and the exit status says whether the file is up to date.

Needs `pip install gguf` (0.19.0), whose grids are those of ggml (ggml-common.h).
"""

import pathlib
import sys

import numpy as np
from gguf import quants

FILE = pathlib.Path(__file__).resolve().parents[1] / "src" / "weights" / "gguf" / "grid_tables.inc"
GRIDS = {"Iq2Xxs": quants.IQ2_XXS, "Iq2Xs": quants.IQ2_XS, "Iq2S": quants.IQ2_S, "Iq3Xxs": quants.IQ3_XXS, "Iq3S": quants.IQ3_S,
         "Iq1": quants.IQ1_S}


def packed(grid: type) -> list[int]:
    grid.init_grid()
    levels = grid.grid.reshape(grid.grid_shape)
    bits = 16 // levels.shape[1]
    indices = np.searchsorted(grid.grid_map, levels)
    assert np.array_equal(np.array(grid.grid_map, np.float32)[indices], levels) and indices.max() < 1 << bits
    return (indices << bits * np.arange(levels.shape[1])).sum(axis=1).tolist()


def array(declaration: str, rows: list[str]) -> str:
    line = f"constexpr {declaration}[] = {{"
    for row in rows:
        if len(line.rsplit("\n", 1)[-1]) + len(row) > 98:
            line += "\n"
        line += row + ","
    return line.rstrip(",") + "};\n"


def tables() -> str:
    text = "// Written by scripts/generate_grid_tables.py.\n"
    for name, grid in GRIDS.items():
        text += "\n// clang-format off\n"
        text += array(f"int8_t k{name}Levels", [str(level) for level in grid.grid_map])
        text += array(f"uint16_t k{name}Entries", ["%#x" % entry for entry in packed(grid)])
        text += "// clang-format on\n"
    return text


def main() -> None:
    if "--check" not in sys.argv[1:]:
        FILE.write_text(tables())
    elif FILE.read_text() != tables():
        sys.exit(f"{FILE.name} is not up to date: run scripts/generate_grid_tables.py")


if __name__ == "__main__":
    main()
