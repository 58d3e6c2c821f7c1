#!/usr/bin/env python3
"""Writes a checkpoint with random weights in the shape of a Llama, in sharded safetensors, to measure the cost of size:

    bench/random_llama.py FOLDER [--shape 7b|1b|tiny] [--quantised gptq|fp8]

The weights are bfloat16; with --quantised, the matrices of the layers are GPTQ's 4 bits in groups of 128, or FP8 in blocks of 128 x 128.
Those in bfloat16 are normal, with a standard deviation that keeps the size of the residual stream. They are slices at different offsets of
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
BYTES = {"BF16": 2, "F16": 2, "F32": 4, "I32": 4, "F8_E4M3": 1}
BLOCK = 128  # inputs that share a scale
QUANTISATION = {
    "gptq": {"quant_method": "gptq", "bits": 4, "group_size": BLOCK, "desc_act": False, "sym": True},
    "fp8": {"quant_method": "fp8", "weight_block_size": [BLOCK, BLOCK], "activation_scheme": "dynamic", "fmt": "e4m3"},
}


def config_of(shape, method):
    quantised = {"quantization_config": QUANTISATION[method]} if method else {}
    return shape | quantised | {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_key_value_heads": shape["num_attention_heads"],
        "hidden_act": "silu", "max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "tie_word_embeddings": False, "torch_dtype": "bfloat16"}


def matrix(name, outputs, inputs, method):
    """The tensors of one matrix: (name, dtype, dimensions)."""
    groups = -(-inputs // BLOCK)
    if method == "gptq":
        yield name + ".qweight", "I32", (inputs // 8, outputs)
        yield name + ".qzeros", "I32", (groups, outputs // 8)
        yield name + ".scales", "F16", (groups, outputs)
    elif method == "fp8":
        yield name + ".weight", "F8_E4M3", (outputs, inputs)
        yield name + ".weight_scale_inv", "F32", (-(-outputs // BLOCK), groups)
    else:
        yield name + ".weight", "BF16", (outputs, inputs)


def tensors_of(shape, method):
    width, inner, entries = shape["hidden_size"], shape["intermediate_size"], shape["vocab_size"]
    yield "model.embed_tokens.weight", "BF16", (entries, width)
    for layer in range(shape["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        yield prefix + "input_layernorm.weight", "BF16", (width,)
        for name in "qkvo":
            yield from matrix(prefix + f"self_attn.{name}_proj", width, width, method)
        yield prefix + "post_attention_layernorm.weight", "BF16", (width,)
        yield from matrix(prefix + "mlp.gate_proj", inner, width, method)
        yield from matrix(prefix + "mlp.up_proj", inner, width, method)
        yield from matrix(prefix + "mlp.down_proj", width, inner, method)
    yield "model.norm.weight", "BF16", (width,)
    yield "lm_head.weight", "BF16", (entries, width)


def size_of(dtype, dimensions):
    return BYTES[dtype] * int(numpy.prod(dimensions))


def shards_of(tensors):
    shard, size = [], 0
    for name, dtype, dimensions in tensors:
        if shard and size + size_of(dtype, dimensions) > SHARD_BYTES:
            yield shard
            shard, size = [], 0
        shard.append((name, dtype, dimensions))
        size += size_of(dtype, dimensions)
    yield shard


def bfloat16(numbers):
    return (numbers.astype(numpy.float32).view(numpy.uint32) >> 16).astype(numpy.uint16)


class Weights:
    def __init__(self, seed):
        self.random = numpy.random.default_rng(seed)
        pool = [self.random.standard_normal(POOL >> 4, dtype=numpy.float32) for _ in range(16)]
        self.pool = bfloat16(DEVIATION * numpy.concatenate(pool))

    def write(self, dtype, dimensions, file):
        constant = {"F16": numpy.float16(DEVIATION / 8), "F32": numpy.float32(DEVIATION)}.get(dtype)
        if len(dimensions) == 1:
            file.write(bfloat16(numpy.ones(dimensions)).tobytes())
        elif constant is not None:
            file.write(numpy.full(dimensions, constant).tobytes())
        else:
            self.write_random(dtype, size_of(dtype, dimensions), file)

    def write_random(self, dtype, size, file):
        left = size // 2
        while left:
            first = int(self.random.integers(POOL // 2))
            part = self.pool[first:first + left]
            # Without the highest bit of the exponent there is no NaN in FP8.
            file.write((part & 0xBFBF if dtype == "F8_E4M3" else part).tobytes())
            left -= len(part)


def write_shard(path, shard, weights):
    header, place = {"__metadata__": {"format": "pt"}}, 0
    for name, dtype, dimensions in shard:
        size = size_of(dtype, dimensions)
        header[name] = {"dtype": dtype, "shape": dimensions, "data_offsets": [place, place + size]}
        place += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, dtype, dimensions in shard:
            weights.write(dtype, dimensions, file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--shape", choices=SHAPES, default="7b")
    parser.add_argument("--quantised", choices=QUANTISATION)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    shape, weights = SHAPES[options.shape], Weights(options.seed)
    options.folder.mkdir(parents=True, exist_ok=True)
    shards = list(shards_of(tensors_of(shape, options.quantised)))
    weight_map = {}
    for number, shard in enumerate(shards, 1):
        name = f"model-{number:05}-of-{len(shards):05}.safetensors"
        write_shard(options.folder / name, shard, weights)
        weight_map |= {tensor: name for tensor, _, _ in shard}
        print(f"{name}: {len(shard)} tensors")
    total = sum(size_of(dtype, dimensions) for _, dtype, dimensions in tensors_of(shape, options.quantised))
    (options.folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}))
    (options.folder / "config.json").write_text(json.dumps(config_of(shape, options.quantised), indent=2))
    ids = weights.random.integers(shape["vocab_size"], size=(16, 512))
    (options.folder / "tokens.json").write_text(json.dumps(ids.tolist()))
    print(f"{total / 1e9:.2f} GB in {options.folder}")


if __name__ == "__main__":
    main()
