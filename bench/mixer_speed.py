#!/usr/bin/env python3
"""Compares a forward pass through each kind of mixer with transformers' own on the same random weights and token ids.

    bench/mixer_speed.py BUILD --scratch FOLDER [--lengths 64,512,2048] [--tokens 4096] [--rounds 3]

BUILD is the build folder (with bench/peer_work). Needs torch and transformers. Each run is a separate process; the runs alternate.
Prints seconds as median (minimum-maximum), without logits, and transformers' seconds over this library's.
"""

import argparse
import json
import pathlib
import random
import statistics
import subprocess
import sys

WIDTH = {"hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 4, "vocab_size": 1000, "max_position_embeddings": 8192}
HEADS = {"num_attention_heads": 16, "num_key_value_heads": 4, "head_dim": 64}
# Of each kind: the class of transformers, and what its configuration has besides.
KINDS = {
    "attention": ("Qwen3ForCausalLM", HEADS),
    "gated attention": ("Qwen3_5ForCausalLM", HEADS | {"layer_types": ["full_attention"] * 4}),
    "gated DeltaNet": ("Qwen3_5ForCausalLM", HEADS | {
        "layer_types": ["linear_attention"] * 3 + ["full_attention"], "linear_num_key_heads": 8, "linear_num_value_heads": 16,
        "linear_key_head_dim": 64, "linear_value_head_dim": 64,
    }),
}
TIME = """
import json, sys, time, torch, transformers
model = transformers.AutoModel.from_pretrained(sys.argv[1], dtype=torch.float32)
ids = torch.tensor(json.load(open(sys.argv[2])))
with torch.no_grad():
    model(ids[:1, :16], use_cache=False)
    start = time.perf_counter()
    model(ids, use_cache=False)
    print(json.dumps({"seconds": time.perf_counter() - start}))
"""


def write_model(folder, architecture, options):
    import torch
    import transformers

    torch.manual_seed(0)
    kind = getattr(transformers, architecture)
    kind(kind.config_class(**WIDTH | options)).save_pretrained(folder)


def write_tokens(path, tokens, length):
    draw = random.Random(0)
    rows = [[draw.randrange(WIDTH["vocab_size"]) for _ in range(length)] for _ in range(max(1, tokens // length))]
    path.write_text(json.dumps(rows))


def seconds(command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])["seconds"]


def course(values):
    return f"{statistics.median(values):.3f} ({min(values):.3f}-{max(values):.3f})"


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--lengths", default="64,512,2048")
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print("| mixer | length | this library, s | transformers, s | ratio |\n|---|---|---|---|---|")
    for kind, (architecture, more) in KINDS.items():
        model = options.scratch / kind.replace(" ", "-")
        if not model.exists():
            write_model(model, architecture, more)
        for length in map(int, options.lengths.split(",")):
            tokens = options.scratch / f"tokens-{length}.json"
            write_tokens(tokens, options.tokens, length)
            ours, theirs = [], []
            for _ in range(options.rounds):
                ours.append(seconds([options.build / "bench/peer_work", model, tokens, "float32", "bare"]))
                theirs.append(seconds([sys.executable, "-c", TIME, model, tokens]))
            ratio = statistics.median(theirs) / statistics.median(ours)
            print(f"| {kind} | {length} | {course(ours)} | {course(theirs)} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
