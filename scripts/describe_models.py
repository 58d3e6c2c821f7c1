#!/usr/bin/env python3
"""Writes the tables of docs/models.md and docs/hooks.md, and tests/goldens/hook_names.json, from the configurations and hook points
of the golden models. Shapes and meanings of hook points come from the comments of hook_names.h.

Usage: describe_models.py [--check] DESCRIBE_MODELS   (a program of the build)

With --check, writes nothing; a difference is an error.
"""
import collections
import difflib
import json
import pathlib
import re
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "models.md"
HOOK_PAGE = ROOT / "docs" / "hooks.md"
HOOK_HEADER = ROOT / "include" / "spikesink" / "hooks" / "hook_names.h"
HOOKS = ROOT / "tests" / "goldens" / "hook_names.json"
BEGIN, END = "<!-- the table is written by scripts/describe_models.py -->\n", "<!-- end -->\n"
COLUMNS = 100  # of the text
LONGEST_LIST = 60  # characters; longer lists of models are written once, below the tables
REAL = {"llama": "SmolLM2-135M", "gemma3_text": "Gemma 3 270M", "bert": "MiniLM-L6"}


def either(values):
    return "; ".join(sorted({str(value) for value in values}))


def feed_forward(model):
    gate = "gated " if model["gated"] else ""
    return gate + model["activation"] + (", experts" if model["experts"] else "")


def attention(model):
    parts = []
    if not model["causal"]:
        parts.append("bidirectional")
    if model["kv_rank"]:
        parts.append("latent")
    if model["n_key_value_heads"] < model["n_heads"]:
        parts.append("grouped")
    if model["windows"]:
        parts.append("windows")
    if model["attention_softcap"]:
        parts.append("soft-cap")
    if model["sink_logits"]:
        parts.append("sink logits")
    if model["attention_gate"] != "none":
        parts.append(f"gates per {model['attention_gate_width']}")
    if len(model["attention_layers"]) < model["n_layers"]:
        parts.append("gated DeltaNet in some layers")
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


CONSTANT = re.compile(r'^// (\[[^\n]*)\ninline constexpr std::string_view k\w+ = "([^"]+)";', re.M)


def generic(name):
    """Returns the name with N for its layer and E for its expert."""
    return re.sub(r"\.experts\.\d+\.", ".experts.E.", re.sub(r"^blocks\.\d+\.", "blocks.N.", name))


def hook_groups():
    """Returns the groups of the header: the comment above each, and its points with their comments."""
    for paragraph in HOOK_HEADER.read_text().split("\n\n"):
        if "string_view k" not in paragraph:
            continue
        points = [(point, comment) for comment, point in CONSTANT.findall(paragraph)]
        if len(points) != paragraph.count("string_view k"):
            sys.exit(f"{HOOK_HEADER}: expected a comment with the shape above each point of: {paragraph}")
        title = paragraph.split("//\n")[0]
        yield " ".join(line.removeprefix("// ") for line in title.splitlines()), points


def count_configurations(described):
    """Returns for each name (layers as N, experts as E) how many of a model type's configurations have it in some layer, and in all."""
    counts = {}
    for entry in described.values():
        kinds = [{generic(f"blocks.0.{point}") for point in kind["points"]} for kind in entry["hooks"]["blocks"]]
        everywhere = set.intersection(*kinds) | set(entry["hooks"]["root"])
        for name in everywhere | set.union(*kinds):
            some, every = counts.setdefault(name, (collections.Counter(), collections.Counter()))
            some[entry["model"]["model_type"]] += 1
            every[entry["model"]["model_type"]] += name in everywhere
    return counts


def shape_and_meaning(name, comment):
    """Returns shape and meaning of a point from its comment in the header, for its name in a model."""
    shape, what = re.fullmatch(r"(\[[^]]*\])(?:,? (.*))?", comment).groups()
    if ".experts." in name or ".shared." in name:
        shape = shape.replace("B, T", "n")
    for latent in ("q", "kv"):
        if f"{latent}_latent_norm." in name:
            shape = shape.replace("d_model", f"{latent}_rank")
    if "q_norm." in name or "k_norm." in name:  # per head, or over all heads
        heads = "H" if "q_norm." in name else "K"
        shape = (f"[B, T, {heads}, 1] or [B, T, 1]" if name.endswith("hook_scale") else
                 f"[B, T, {heads}, d_head] or [B, T, {heads} d_head]")
    if name.endswith("attn.hook_gate"):  # a factor for each channel, head or token
        shape += " or [B, T, H, 1] or [B, T, 1, 1]"
    if "delta.norm." in name:
        shape = "[B, T, value heads, 1]" if name.endswith("hook_scale") else "[B, T, value heads, value width]"
    return shape, what or ""


def check_shape(golden, name, shape, entry):
    """Exits if a model has the point in another shape. Sizes that are not in the report's `model` are not checked."""
    shapes, model = entry["shapes"], entry["model"]
    sizes = {"B": shapes["sequences"], "T": shapes["length"], "S": shapes["length"], "H": model["n_heads"],
             "K": model["n_key_value_heads"], "1": 1} | {key: model[key] for key in (
                 "d_head", "d_value", "q_rank", "kv_rank", "d_model", "d_vocabulary")}
    sizes |= {f"{heads} d_head": sizes[heads] * model["d_head"] for heads in "HK"}
    if ".experts." not in name and ".shared." not in name:
        sizes["d_mlp"] = model["d_mlp"]
    for point, got in shapes["points"].items():
        if generic(point) != name:
            continue
        fits = [all(sizes.get(symbol, size) == size for symbol, size in zip(symbols, got))
                for symbols in (one.strip("[]").split(", ") for one in shape.split(" or ")) if len(symbols) == len(got)]
        if not any(fits):
            sys.exit(f"{golden}: {point} is {got}, and {HOOK_PAGE} says {shape}")


def models_with(name, counts, configurations):
    some, every = counts.get(name, ({}, {}))
    named = lambda families: ", ".join(f"`{family}`" for family in sorted(families))
    partly = [family for family in some if every[family] < configurations[family]]
    whole, without = set(some) - set(partly), set(configurations) - set(some)
    if len(without) + len(partly) < len(whole):
        text = "all" + (f" but {named(without)}" if without else "")
    else:
        text = named(whole)
    return "; ".join(filter(None, [text, f"some of {named(partly)}" if partly else ""])) or "none"


def hook_table(described):
    counts = count_configurations(described)
    configurations = collections.Counter(entry["model"]["model_type"] for entry in described.values())
    groups = list(hook_groups())
    ends = [point for _, points in groups for point, _ in points]
    lines, long_lists = [], []
    for title, points in groups:
        lines += [*textwrap.wrap(title, COLUMNS, break_long_words=False, break_on_hyphens=False), "",
                  "| name | shape | what | models |", "|---|---|---|---|"]
        rows = []
        for number, (point, comment) in enumerate(points):
            names = [name for name in counts if point == max(
                (end for end in ends if f".{name}".endswith(f".{end}")), key=len)]
            if not names:
                names = [re.search(r'"(blocks\.N\.[^"]*)"', title)[1] + point]
            rows += [(len(name) - len(point), name.removesuffix(point), number, name, comment) for name in names]
        for *_, name, comment in sorted(rows):
            shape, what = shape_and_meaning(name, comment)
            for golden, entry in described.items():
                check_shape(golden, name, shape, entry)
            models = models_with(name, counts, configurations)
            if len(models) > LONGEST_LIST:
                if models not in long_lists:
                    long_lists.append(models)
                models = f"list {long_lists.index(models) + 1}"
            lines.append(f"| `{name}` | {shape} | {what} | {models} |")
        lines.append("")
    lines += ["The longer lists of models:", ""]
    for number, models in enumerate(long_lists, 1):
        lines += textwrap.wrap(f"{number}. {models}", COLUMNS, subsequent_indent="   ", break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def hook_names(described):
    return json.dumps({name: entry["hooks"] for name, entry in described.items()}, separators=(",", ":")).replace(
        '},"', '},\n"') + "\n"


def with_table(page, text):
    before, rest = page.split(BEGIN)
    return before + BEGIN + text + END + rest.split(END)[1]


def main(*arguments):
    check = "--check" in arguments
    described = json.loads(subprocess.run([arguments[-1]], check=True, capture_output=True, text=True).stdout)
    wanted = {PAGE: with_table(PAGE.read_text(), table(described)),
              HOOK_PAGE: with_table(HOOK_PAGE.read_text(), hook_table(described)), HOOKS: hook_names(described)}
    for file, text in wanted.items():
        if not check:
            file.write_text(text)
        elif file.read_text() != text:
            sys.stdout.writelines(difflib.unified_diff(file.read_text().splitlines(True), text.splitlines(True),
                                                       str(file), "from the models"))
            sys.exit(f"{file} is out of date: run scripts/describe_models.py {arguments[-1]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
