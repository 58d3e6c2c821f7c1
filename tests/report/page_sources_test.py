#!/usr/bin/env python3
"""Checks the modules of the report page: no undefined or unused name, and a section in each file of sections/.

    page_sources_test.py src/report/page
"""

import os
import pathlib
import re
import subprocess
import sys

# Debian's modules, also where `node` is of another origin.
ENVIRONMENT = os.environ | {"NODE_PATH": "/usr/share/nodejs"}


def undefined_and_unused(page):
    """What eslint finds; its rules are in .eslintrc.json."""
    try:
        # eslint 6 fails on a folder above the working directory.
        run = subprocess.run(["eslint", "--format", "unix", "."], cwd=page, env=ENVIRONMENT, capture_output=True, text=True)
    except FileNotFoundError:
        return ["eslint is not installed: run scripts/setup --tests"]
    found = [line for line in (run.stdout + run.stderr).splitlines() if line]
    return found or (["eslint failed"] if run.returncode else [])


def imports(text):
    """Pairs of a module's path and a name imported from it."""
    for names, path in re.findall(r"^import \{([^}]*)\} from '([^']+)';", text, re.M):
        for name in filter(None, map(str.strip, names.split(","))):
            yield path, name


def unused_exports(texts):
    used = {
        ((path.parent / module).resolve(), name) for path, text in texts.items() for module, name in imports(text)
    }
    for path, text in texts.items():
        for name in re.findall(r"^export (?:async )?(?:function|const|let|class) (\w+)", text, re.M):
            if (path.resolve(), name) not in used:
                yield f"{path}: '{name}' is exported and never imported"


def unregistered(texts):
    """Files of sections/ that do not register the section of their name."""
    for path, text in texts.items():
        if path.parent.name == "sections" and f"registerSection({{\n  key: '{path.stem}'," not in text:
            yield f"{path}: does not register the section '{path.stem}'"


def other_forms(texts):
    """Forms of import and export that the checks above do not read."""
    for path, text in texts.items():
        for line in re.findall(r"^(?:import (?!\{)|export (?!async function|function|const|let|class)).*", text, re.M):
            yield f"{path}: write `import {{name}} from '...';` or `export function`, not `{line}`"


def main():
    page = pathlib.Path(sys.argv[1])
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(page.rglob("*.js"))}
    found = undefined_and_unused(page)
    for check in (unused_exports, unregistered, other_forms):
        found += check(texts)
    print("\n".join(found) or f"{len(texts)} modules are well")
    sys.exit(bool(found) or not texts)


if __name__ == "__main__":
    main()
