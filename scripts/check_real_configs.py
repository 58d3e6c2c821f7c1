#!/usr/bin/env python3
"""Compares spikesink with transformers in float64 on small models that have the configurations of published ones.

Usage: check_real_configs.py CONFIGS PROGRAMS [--only NAME...]   (needs torch, transformers)

CONFIGS is a folder of config.json files of any names, PROGRAMS the one of spikesink-parity. Every configuration of a supported type keeps
its keys and values; only sizes become small, and with them what counts in sizes: windows, tables of positions, ids. Its weights are random.
A quantization_config is taken out: the stored formats have tests of their own.

Prints a line for each file. Exits with 1 if logits (hidden states, if there are none) differ by more than LIMIT of their largest
magnitude, or if only one of the two reads a configuration.
"""
import argparse
import json
import re
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import torch
import transformers
from reference_activations import load, reference
from safetensors.torch import save_file

LIMIT = 1e-8
LENGTHS = (12, 40)
WINDOW, POSITIONS, ORIGINAL, VOCABULARY, LAYERS = 9, 64, 20, 67, 4
BY_LENGTH = ("dynamic", "longrope", "su")  # RoPE that differs beyond ORIGINAL positions
WIDTHS = {"intermediate_size": 48, "n_inner": 48, "ffn_dim": 48, "ffn_hidden_size": 48, "moe_intermediate_size": 20,
          "shared_expert_intermediate_size": 28, "q_lora_rank": 20, "kv_lora_rank": 24, "vocab_size": VOCABULARY}
HIDDEN = ("hidden_size", "n_embd", "n_embed", "d_model", "word_embed_proj_dim")
DEPTH = ("num_hidden_layers", "n_layer", "n_layers")
HEADS = ("num_attention_heads", "n_head", "n_heads")
KEY_HEADS = ("num_key_value_heads", "num_kv_heads")
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
CHOSEN = ("num_experts_per_tok", "experts_per_token", "moe_k", "moe_top_k")
TABLES = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")


def supported_types():
    source = Path(__file__).parents[1] / "src" / "model" / "architectures" / "architectures.cpp"
    listed = re.search(r"kHuggingFace\[\] = \{(.*?)\n\};", source.read_text(), re.DOTALL)[1]
    return set(re.findall(r'\{"([^"]+)"', listed)) & set(transformers.CONFIG_MAPPING)


def first(config, names, default=None):
    return next((config[name] for name in names if config.get(name) is not None), default)


def replace(config, names, value):
    config.update({name: value for name in names if config.get(name) is not None})


def rope_of(config):
    return config.get("rope_scaling") or config.get("rope_parameters") or {}


def rope_type(config):
    rope = rope_of(config)
    return rope.get("rope_type", rope.get("type"))


def lengths(config):
    return LENGTHS if rope_type(config) in BY_LENGTH else LENGTHS[1:]


def rotated_share(config, published):
    if config.get("rotary_dim"):
        return Fraction(config["rotary_dim"], published)
    return Fraction(first({**config, **rope_of(config)}, ("partial_rotary_factor", "rotary_pct"), 1)).limit_denominator(100)


def head_size(config, published):
    """A small size of heads of which the same share is rotated; scaling factors for each angle need the published one."""
    rope = rope_of(config)
    if "long_factor" in rope:
        return published
    share = rotated_share(config, published)
    return next((size for size in range(8, published, 4) if share * size % 2 == 0), published)


def shrink_heads(config, default):
    """Keeps the ratios of hidden size, heads, and heads of keys. `default` reads what the file leaves out."""
    heads, keys, hidden = first(config, HEADS, default(HEADS)), first(config, KEY_HEADS), first(config, HIDDEN, default(HIDDEN))
    published = config.get("head_dim") or hidden // heads
    size, group = head_size(config, published), heads // keys if keys else heads
    small_keys = 1 if keys == 1 else 2
    small = min(heads, small_keys * group if keys else 4)
    if small != heads or size != published:
        width = Fraction(hidden, heads * published) * small * size
        replace(config, HIDDEN, max(8, round(width / 4) * 4))
        replace(config, HEADS, small)
        replace(config, KEY_HEADS, small_keys if keys else None)
        replace(config, ("rotary_dim",), int(rotated_share(config, published) * size))
        replace(config, ("head_dim",), size)
        if "mrope_section" in rope_of(config):  # pairs of channels for time, height and width
            pairs = int(rotated_share(config, size) * size) // 2
            rope_of(config)["mrope_section"] = [pairs - 2 * (pairs // 3), pairs // 3, pairs // 3]


def shrink_layers(config):
    """As many as show the pattern of windows: a listed pattern up to its first full layer after a window."""
    published = first(config, DEPTH)
    kinds = config.get("layer_types") or config.get("no_rope_layers")
    interval = config.get("sliding_window_pattern") or config.get("no_rope_layer_interval") or 1
    small = max(LAYERS, interval)
    if kinds:
        small = max(LAYERS, next((n + 1 for n, kind in enumerate(kinds) if kind != kinds[0]), 0))
    small = min(published, small) if published else None
    for name in ("layer_types", "no_rope_layers"):
        if config.get(name):
            config[name] = config[name][:small]
    if published and config.get("max_window_layers"):
        config["max_window_layers"] = round(config["max_window_layers"] * small / published)
    replace(config, DEPTH, small)


def shrink_positions(config):
    rope, original = rope_type(config), config.get("original_max_position_embeddings")
    if rope in BY_LENGTH and original:
        config["max_position_embeddings"] = config["max_position_embeddings"] * ORIGINAL // original
        config["original_max_position_embeddings"] = ORIGINAL
    elif rope in BY_LENGTH:
        config["max_position_embeddings"] = ORIGINAL
    elif not rope_of(config):
        replace(config, TABLES, POSITIONS)
    if config.get("sliding_window"):
        config["sliding_window"] = WINDOW


def shrink_experts(config, default):
    if first(config, EXPERTS):
        chosen = first(config, CHOSEN) or default(CHOSEN)
        groups = config.get("n_group") or 1
        size = max(2, -(-chosen // (config.get("topk_group") or 1))) if groups > 1 else chosen + 3
        replace(config, EXPERTS, min(first(config, EXPERTS), groups * size))


def shrink_ids(config):
    """An id of the published vocabulary becomes one of the small vocabulary."""
    def small(ids):
        return [small(one) for one in ids] if isinstance(ids, list) else ids % VOCABULARY if ids is not None else None
    config.update({name: small(value) for name, value in config.items() if re.fullmatch(r"\w+_token_(id|index)", name)})


def shrink_vision(config):
    config.update(hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2, image_size=56)


def shrink(config):
    config = json.loads(json.dumps(config))
    config.pop("quantization_config", None)
    config.pop("quantization", None)
    if "vision_config" in config:
        shrink_vision(config["vision_config"])
        config["mm_tokens_per_image"] = 4
    text = config.get("text_config", config)
    defaults = transformers.CONFIG_MAPPING[text["model_type"]]()
    def default(names):
        return next((getattr(defaults, name) for name in names if hasattr(defaults, name)), None)
    shrink_heads(text, default)
    shrink_experts(text, default)
    shrink_layers(text)
    shrink_positions(text)
    shrink_ids(text)
    if "ffn_config" in text:  # DBRX
        shrink_experts(text["ffn_config"], default)
        replace(text["ffn_config"], ("ffn_hidden_size",), WIDTHS["ffn_hidden_size"])
        text["attn_config"]["kv_n_heads"] = 1
        text["rope_theta"] = text["attn_config"]["rope_theta"]  # transformers 5.24 does not look inside
    for name, width in WIDTHS.items():
        if text.get(name):
            text[name] = min(text[name], width)
    return config


def randomise(model):
    """The weights of a fresh model are small and its biases zero, which would hide a difference."""
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        scale = 0.3 if parameter.dim() == 1 else parameter.shape[-1] ** -0.5
        value = parameter.data.double() * (parameter.dim() == 1) + scale * noise
        parameter.data = value.float().double()  # transformers keeps some routers in float32
    model.tie_weights()


def write_model(config, folder):
    """Writes a random model, with the configuration as given instead of transformers' own version of it."""
    text = json.dumps(config, indent=2) + "\n"
    (folder / "config.json").write_text(text)
    read = transformers.AutoConfig.from_pretrained(folder)
    kind = getattr(transformers, config["architectures"][0], None)  # absent: a name of the hub's own code
    kind = kind or transformers.MODEL_FOR_CAUSAL_LM_MAPPING[type(read)]
    model = kind._from_config(read, attn_implementation="eager", experts_implementation="eager")
    randomise(model)
    model.save_pretrained(folder)
    (folder / "config.json").write_text(text)


def compute(folder, config):
    """Writes a reference for each length, and returns the largest magnitude of what is compared."""
    model, largest = load(folder, torch.float64), 0
    for length in lengths(config):
        tokens = torch.randint(4, VOCABULARY, (2, length), generator=torch.Generator().manual_seed(length))
        tensors = reference(model, tokens, torch.float64)
        save_file({"tokens": tokens} | tensors, folder / f"{length}.reference")
        largest = max(largest, list(tensors.values())[-1].abs().max().item())
    return largest


def compare(program, folder, length):
    """Returns the largest difference, and the ignored keys. Raises what the program says if it writes no report."""
    run = subprocess.run([program, "--model", folder, "--reference", folder / f"{length}.reference", "--dtype", "float64", "--threads",
                          "1", "--out", folder / f"{length}.out", "--quiet"], capture_output=True, text=True)
    file = folder / f"{length}.out" / "report.json"
    if not file.exists():
        raise RuntimeError(run.stderr.strip().removeprefix("spikesink-parity: ").replace(f"{folder}/", ""))
    report = json.loads(file.read_text())
    differences = [point["largest_difference"] for point in report["parity"]["points"]]
    return float("inf") if None in differences else max(differences), report["model"].get("ignored_keys", [])


def write_any_reference(folder):
    """For a configuration that transformers refuses: enough to see whether spikesink refuses it, too."""
    save_file({"tokens": torch.zeros(1, 4, dtype=torch.long), "unembed.hook_out": torch.zeros(1, 4, 1)}, folder / f"{LENGTHS[1]}.reference")


def refused_by_transformers(program, folder, error):
    write_any_reference(folder)
    said = f"transformers refuses: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    try:
        compare(program, folder, LENGTHS[1])
    except RuntimeError as own:
        return f"{said}; spikesink refuses: {own}", str(own).startswith(("[read_model_config]", "[ModelConfig]"))
    return f"{said}; spikesink reads it", False


def check(program, config, folder):
    """Returns what is said of a configuration, and whether the two agree."""
    small = shrink(config)
    try:
        write_model(small, folder)
        largest = compute(folder, small)
    except (Exception, SystemExit) as error:
        return refused_by_transformers(program, folder, error)
    try:
        results = [compare(program, folder, length) for length in lengths(small)]
    except RuntimeError as error:
        return f"refused: {error}", False
    difference, ignored = max(result[0] for result in results), results[0][1]
    said = f"{difference:.2g} of {largest:.3g}" + (f", ignored: {', '.join(ignored)}" if ignored else "")
    removed = ", without quantization_config" if "quantization_config" in config else ""
    return said + removed, difference <= LIMIT * largest


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", type=Path)
    parser.add_argument("programs", type=Path)
    parser.add_argument("--only", nargs="+", help="names of files, without .json")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)

    types, agree, differ, others = supported_types(), 0, [], 0
    for file in sorted(arguments.configs.glob("*.json")):
        if arguments.only and file.stem not in arguments.only:
            continue
        config = json.loads(file.read_text())
        if config.get("model_type") not in types:
            others += 1
            continue
        with tempfile.TemporaryDirectory() as folder:
            said, equal = check(arguments.programs / "spikesink-parity", config, Path(folder))
        print(f"{file.stem}: {said}{'' if equal else ' DIFFERS'}", flush=True)
        agree += equal
        differ += [] if equal else [file.stem]
    print(f"{agree} agree, {len(differ)} differ{': ' if differ else ''}{', '.join(differ)}; {others} of types that are not supported")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
