#!/usr/bin/env python3
"""Times training steps of spikesink and of eager PyTorch alternately: seconds, tokens/s, and the ratio of each round.

Usage: training_speed.py PROGRAM [CONFIG.json...] [--rounds N] [--steps N] [--threads N]   (needs torch, transformers)

PROGRAM is build/release/bench/training_speed. CONFIG.json is a TrainConfig of a plain llama. The default is two
configurations: "nano", and one that spends most of its time in matrix products. The PyTorch side is LlamaForCausalLM with sdpa
attention, cross-entropy, clip_grad_norm_ and AdamW(fused=True); sizes, batch, length, dtype and
threads are the same. Each round runs --steps steps of spikesink in a separate process, then the same number of PyTorch, each after two
warm-up steps.
"""
import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import LlamaConfig, LlamaForCausalLM

WARM_UP = 2
MEASURE_EVERY = 200  # the default of TrainConfig
PRODUCTS = dict(
    name="4 layers of 512", sequences=8, length=256,
    model=dict(n_layers=4, d_model=512, d_mlp=1408, d_vocabulary=4096, context=256, n_heads=8, n_key_value_heads=8, d_head=64,
               ropes=[dict(theta=10000.0)]))


def run_ours(program, options, arguments):
    command = [program, *options, "--steps", str(arguments.steps), "--warm-up", str(WARM_UP), "--threads", str(arguments.threads)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    head, *steps, measured = map(json.loads, lines)
    return head, [step["step_seconds"] for step in steps], measured["measure_seconds"]


class Theirs:
    def __init__(self, head):
        self.config, model = head["config"], head["config"]["model"]
        self.model = LlamaForCausalLM(LlamaConfig(
            vocab_size=model["d_vocabulary"], hidden_size=model["d_model"], intermediate_size=model["d_mlp"],
            num_hidden_layers=model["n_layers"], num_attention_heads=model["n_heads"],
            num_key_value_heads=model["n_key_value_heads"], head_dim=model["d_head"], max_position_embeddings=model["context"],
            pad_token_id=None, bos_token_id=None, eos_token_id=None, use_cache=False, attn_implementation="sdpa",
            tie_word_embeddings=model["tied_embeddings"]))
        parameters = list(self.model.parameters())
        count = sum(parameter.numel() for parameter in parameters)
        assert count == head["parameters"], f"not the same model: {head['parameters']} parameters, {count} in transformers' llama"
        options = self.config["optimizer"]
        self.optimizer = torch.optim.AdamW(parameters, weight_decay=options["weight_decay"], lr=options["learning_rate"], betas=(options["beta1"], options["beta2"]),
                                           eps=options["epsilon"], fused=True)

    def step(self):
        config = self.config
        ids = torch.randint(config["model"]["d_vocabulary"], (config["sequences"], config["length"] + 1))
        with torch.autocast("cpu", torch.bfloat16, enabled=config.get("bfloat16", False)):
            logits = self.model(ids[:, :-1]).logits
        loss = F.cross_entropy(logits.flatten(0, 1).float(), ids[:, 1:].flatten())
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config["optimizer"]["clip"])
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.item(), norm.item()

    def run(self, steps):
        def seconds():
            start = time.perf_counter()
            self.step()
            return time.perf_counter() - start
        return [seconds() for _ in range(WARM_UP + steps)][WARM_UP:]


def spread(values, unit=""):
    return f"{statistics.median(values):.4g}{unit} ({min(values):.4g}-{max(values):.4g})"


def compare(program, options, arguments):
    theirs, rounds, costs = None, [], []
    for _ in range(arguments.rounds):
        head, ours, measured = run_ours(program, options, arguments)
        if theirs is None:
            arguments.threads = head["threads"]
            torch.set_num_threads(arguments.threads)
            theirs = Theirs(head)
        rounds.append((ours, theirs.run(arguments.steps)))
        costs.append(measured / (MEASURE_EVERY * statistics.median(ours)))
    config = head["config"]
    tokens = config["sequences"] * config["length"]
    print(f"{config['name']}: {config['sequences']} x {config['length']} tokens, {head['parameters']} parameters, "
          f"{head['threads']} threads, {arguments.rounds} rounds of {arguments.steps} steps; medians (and ranges)")
    for who, index in (("ours", 0), ("theirs", 1)):
        seconds = [second for both in rounds for second in both[index]]
        print(f"  {who:<7} {spread(seconds, ' s')} a step, {tokens / statistics.median(seconds):.0f} tokens/s")
    medians = [statistics.median(ours) / statistics.median(other) for ours, other in rounds]
    fastest = min(min(ours) for ours, _ in rounds) / min(min(other) for _, other in rounds)
    print(f"  ours / theirs, a round's medians: {spread(medians)}; of the fastest steps {fastest:.3f}")
    print(f"  measuring every {MEASURE_EVERY} steps: {spread([100 * cost for cost in costs], ' %')} more", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("configs", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0, help="0: as many as spikesink uses")
    arguments = parser.parse_intermixed_args()
    with tempfile.TemporaryDirectory() as folder:
        products = Path(folder) / "products.json"
        products.write_text(json.dumps(PRODUCTS))
        cases = [["--config", file] for file in arguments.configs] or [["--row", "baseline", "--scale", "nano"], ["--config", products]]
        for options in cases:
            compare(arguments.program, options, arguments)


if __name__ == "__main__":
    main()
