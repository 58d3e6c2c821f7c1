#!/usr/bin/env python3
"""A shared library shows its public headers and hides the rest.

    tests/package/symbols_test.py LIBRARY REPOSITORY
"""

import pathlib
import re
import subprocess
import sys

OTHERS = ("fmt::", "gloo::", "nlohmann::", "pcre2", "spdlog::", "Spectra::", "Eigen::", "spikesink_")
OF_A_TYPE = re.compile(r"^(vtable|typeinfo|typeinfo name|VTT|guard variable) for ")
DETAIL_BLOCK = re.compile(r"^namespace detail \{\n(.*?)^\}", re.M | re.S)
PUBLIC = ("load_model(", "load_tokenizer(", "run(", "Report::write(", "HookRegistry::", "Trainer::", "hook_names::layer_hook_name")


def shown(library):
    """What a program can link to, demangled: of templates the arguments are left out, they are another's."""
    lines = subprocess.run(["nm", "--dynamic", "--defined-only", "--demangle", library], check=True, capture_output=True, encoding="utf-8").stdout
    names = (line.split(" ", 2)[2] for line in lines.splitlines())
    return sorted({OF_A_TYPE.sub("", name) for name in names})


def headers(root):
    return [path.read_text(encoding="utf-8") for path in sorted((root / "include").rglob("*.h"))]


def problems(names, texts):
    declared = {name for text in texts for block in DETAIL_BLOCK.findall(text) for name in re.findall(r"^(?:struct|class) (\w+)", block, re.M)}
    for name in names:
        inside = re.match(r"spikesink::detail::(\w+)", name)
        if name.startswith(OTHERS) or inside and inside[1] not in declared:
            yield f"shown, but in no public header: {name}"
    for name in PUBLIC:
        if not any(shown.startswith("spikesink::" + name) for shown in names):
            yield f"not shown: spikesink::{name}"
    for text in texts:
        if re.search("^namespace spikesink", text, re.M):
            yield f"a public header that is not marked as shown:\n{text[:300]}"


if __name__ == "__main__":
    found = list(problems(shown(sys.argv[1]), headers(pathlib.Path(sys.argv[2]))))
    print("\n".join(found) or "no problems")
    sys.exit(bool(found))
