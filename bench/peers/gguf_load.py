#!/usr/bin/env python3
"""Times loading a GGUF file as a float32 model, alternately with transformers (which dequantises with numpy) and this library.

    bench/peers/gguf_load.py BUILD --scratch FOLDER [--rounds 5]

BUILD is the build folder; FOLDER is that of run.py, with the peers installed. Prints medians (minimum-maximum) and the ratio.
Imports and the start of the processes are not timed. For both, the file is in the system's cache.
"""

import argparse
import json
import pathlib
import subprocess

from run import GGUF, prepare, spread, write_tokens

LOAD = """
import sys, time, transformers
start = time.perf_counter()
transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1], gguf_file=sys.argv[2], dtype="float32")
print(time.perf_counter() - start)
"""


def last_line(command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout.splitlines()[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    python, _ = prepare(options.scratch)
    tokens = options.scratch / "tokens_16.json"
    write_tokens(tokens, 16, 16)
    theirs, ours = [], []
    for _ in range(options.rounds):
        theirs.append(float(last_line([python, "-c", LOAD, GGUF.parent, GGUF.name])))
        ours.append(json.loads(last_line([options.build / "bench/peer_work", GGUF, tokens, "float32"]))["load_seconds"])
    for name, seconds in (("transformers", theirs), ("spikesink", ours)):
        print(f"{name:13}{spread(seconds, lambda x: f'{x:.2f}')} s")
    print(f"{'ratio':13}{spread([a / b for a, b in zip(theirs, ours, strict=True)], lambda x: f'{x:.1f}')}")


if __name__ == "__main__":
    main()
