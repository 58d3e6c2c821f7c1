#!/usr/bin/env python3
"""Writes docs/models.md's table and tests/goldens/hook_names.json from what the golden models say of themselves.

Usage: describe_models.py [--check] DESCRIBE_MODELS   (the program that the build makes)

With --check nothing is written, and a difference is an error.
"""
import difflib
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "models.md"
HOOKS = ROOT / "tests" / "goldens" / "hook_names.json"
BEGIN, END = "<!-- the table is written by scripts/describe_models.py -->\n", "<!-- end -->\n"
REAL = {"llama": "SmolLM2-135M", "gemma3_text": "Gemma 3 270M", "bert": "MiniLM-L6"}


def either(values):
    return ", ".join(sorted({str(value) for value in values}))


def feed_forward(model):
    gate = "gated " if model["gated"] else ""
    return gate + model["activation"] + (", experts" if model["experts"] else "")


def attention(model):
    parts = []
    if not model["causal"]:
        parts.append("bidirectional")
    if model["n_key_value_heads"] < model["n_heads"]:
        parts.append("grouped")
    if model["windows"]:
        parts.append("windows")
    if model["attention_softcap"]:
        parts.append("soft-cap")
    if model["sink_logits"]:
        parts.append("sink logits")
    return parts


def table(described):
    families = {}
    for name, entry in described.items():
        families.setdefault(entry["model"]["model_type"], []).append((name, entry["model"]))
    lines = ["| model_type | norm | placement | residual | positions | QK-norm | attention | feed-forward | checked |",
             "|---|---|---|---|---|---|---|---|---|"]
    for family, variants in sorted(families.items()):
        models = [model for _, model in variants]
        ggufs = sum(name.endswith("_gguf") for name, _ in variants)
        checked = f"{len(variants) - ggufs} configurations"
        checked += f", {ggufs} GGUF" if ggufs else ""
        checked += f", {REAL[family]}" if family in REAL else ""
        seen = sorted({part for model in models for part in attention(model)})
        cells = [f"`{family}`", *(either(model[key] for model in models) for key in (
            "norm", "norm_placement", "residual", "positions", "qk_norm")), ", ".join(seen) or "full",
            either(map(feed_forward, models)), checked]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def hook_names(described):
    return json.dumps({name: entry["hooks"] for name, entry in described.items()}, separators=(",", ":")).replace(
        '},"', '},\n"') + "\n"


def main(*arguments):
    check = "--check" in arguments
    described = json.loads(subprocess.run([arguments[-1]], check=True, capture_output=True, text=True).stdout)
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    wanted = {PAGE: before + BEGIN + table(described) + END + rest.split(END)[1], HOOKS: hook_names(described)}
    for file, text in wanted.items():
        if not check:
            file.write_text(text)
        elif file.read_text() != text:
            sys.stdout.writelines(difflib.unified_diff(file.read_text().splitlines(True), text.splitlines(True),
                                                       str(file), "what the models say"))
            sys.exit(f"{file} is out of date: run scripts/describe_models.py {arguments[-1]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
