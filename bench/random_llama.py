#!/usr/bin/env python3
"""Writes a checkpoint with random weights in the shape of a Llama, bfloat16 in sharded safetensors, to measure the cost of size:

    bench/random_llama.py FOLDER [--shape 7b|1b|tiny]

The weights are normal, with a standard deviation that keeps the size of the residual stream. They are slices at different offsets of
one pool of random numbers; the output of the model has no meaning. Also writes `tokens.json` with random ids for --tokens.
"""

import argparse
import json
import pathlib
import struct

import numpy

# The published Llama 2 7B, and smaller models of the same proportions.
SHAPES = {
    "7b": {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32, "vocab_size": 32000},
    "1b": {"hidden_size": 2048, "intermediate_size": 5504, "num_hidden_layers": 22, "num_attention_heads": 16, "vocab_size": 32000},
    "tiny": {"hidden_size": 128, "intermediate_size": 344, "num_hidden_layers": 4, "num_attention_heads": 4, "vocab_size": 1000},
}
POOL = 1 << 26  # number of random numbers
SHARD_BYTES = 4 << 30
DEVIATION = 0.02


def config_of(shape):
    return shape | {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_key_value_heads": shape["num_attention_heads"],
        "hidden_act": "silu", "max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "tie_word_embeddings": False, "torch_dtype": "bfloat16"}


def tensors_of(shape):
    width, inner, entries = shape["hidden_size"], shape["intermediate_size"], shape["vocab_size"]
    yield "model.embed_tokens.weight", (entries, width)
    for layer in range(shape["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        yield prefix + "input_layernorm.weight", (width,)
        for name in "qkvo":
            yield prefix + f"self_attn.{name}_proj.weight", (width, width)
        yield prefix + "post_attention_layernorm.weight", (width,)
        yield prefix + "mlp.gate_proj.weight", (inner, width)
        yield prefix + "mlp.up_proj.weight", (inner, width)
        yield prefix + "mlp.down_proj.weight", (width, inner)
    yield "model.norm.weight", (width,)
    yield "lm_head.weight", (entries, width)


def size_of(dimensions):
    return 2 * int(numpy.prod(dimensions))


def shards_of(tensors):
    shard, size = [], 0
    for name, dimensions in tensors:
        if shard and size + size_of(dimensions) > SHARD_BYTES:
            yield shard
            shard, size = [], 0
        shard.append((name, dimensions))
        size += size_of(dimensions)
    yield shard


def bfloat16(numbers):
    return (numbers.astype(numpy.float32).view(numpy.uint32) >> 16).astype(numpy.uint16)


class Weights:
    def __init__(self, seed):
        self.random = numpy.random.default_rng(seed)
        pool = [self.random.standard_normal(POOL >> 4, dtype=numpy.float32) for _ in range(16)]
        self.pool = bfloat16(DEVIATION * numpy.concatenate(pool))

    def write(self, dimensions, file):
        if len(dimensions) == 1:
            file.write(bfloat16(numpy.ones(dimensions)).tobytes())
            return
        left = size_of(dimensions) // 2
        while left:
            first = int(self.random.integers(POOL // 2))
            part = self.pool[first:first + left]
            file.write(part.tobytes())
            left -= len(part)


def write_shard(path, shard, weights):
    header, place = {"__metadata__": {"format": "pt"}}, 0
    for name, dimensions in shard:
        header[name] = {"dtype": "BF16", "shape": dimensions, "data_offsets": [place, place + size_of(dimensions)]}
        place += size_of(dimensions)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, dimensions in shard:
            weights.write(dimensions, file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--shape", choices=SHAPES, default="7b")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    shape, weights = SHAPES[options.shape], Weights(options.seed)
    options.folder.mkdir(parents=True, exist_ok=True)
    shards = list(shards_of(tensors_of(shape)))
    weight_map = {}
    for number, shard in enumerate(shards, 1):
        name = f"model-{number:05}-of-{len(shards):05}.safetensors"
        write_shard(options.folder / name, shard, weights)
        weight_map |= {tensor: name for tensor, _ in shard}
        print(f"{name}: {len(shard)} tensors")
    total = sum(size_of(dimensions) for _, dimensions in tensors_of(shape))
    (options.folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}))
    (options.folder / "config.json").write_text(json.dumps(config_of(shape), indent=2))
    ids = weights.random.integers(shape["vocab_size"], size=(16, 512))
    (options.folder / "tokens.json").write_text(json.dumps(ids.tolist()))
    print(f"{total / 1e9:.2f} GB in {options.folder}")


if __name__ == "__main__":
    main()
