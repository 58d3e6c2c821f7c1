#!/usr/bin/env python3
"""Quantised checkpoints and adapters made to do harm are refused in one sentence.

    tests/hostile/quantised_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import dataclasses
import json
import math
import re
import shutil
import struct
import sys
import unittest

from hostile_case import ESCAPES, NESTED_ARRAYS, HostileTest
from program_case import REPOSITORY
from tiny_models import Tensor, read_safetensors, write_safetensors

GOLDENS = REPOSITORY / "tests/goldens"
Q = "model.layers.0.self_attn.q_proj"
STATE = f"{Q}.weight.quant_state.bitsandbytes__nf4"


def integers(values, dtype="I32"):
    code = {"I32": "i", "I64": "q", "U8": "B"}[dtype]
    return Tensor(dtype, [len(values)], struct.pack(f"<{len(values)}{code}", *values))


def text_tensor(text):
    data = text if isinstance(text, bytes) else json.dumps(text).encode()
    return Tensor("U8", [len(data)], data)


def floats(tensor, value):
    """A tensor of this shape with one value."""
    size = {"F16": "e", "F32": "f"}.get(tensor.dtype)
    if size is None:  # bfloat16: the upper half of a float
        data = struct.pack("<f", value)[2:]
    else:
        data = struct.pack("<" + size, value)
    return Tensor(tensor.dtype, tensor.shape, data * math.prod(tensor.shape))


def without_last_row(tensor):
    return Tensor(tensor.dtype, [tensor.shape[0] - 1, *tensor.shape[1:]],
                  tensor.data[: len(tensor.data) // tensor.shape[0] * (tensor.shape[0] - 1)])


class QuantisedTest(HostileTest):
    def quantised(self, name, *, config=None, **tensors):
        """A golden model with a change of its configuration, and tensors of q_proj by their ending; None takes one out."""
        golden, folder = GOLDENS / "quantised" / name, self.new_path()
        shutil.copytree(golden, folder)
        keys = json.loads((golden / "config.json").read_text())
        for key, value in (config or {}).items():
            for settings in ("quantization_config", "quantization"):
                if settings in keys:
                    keys[settings][key] = value
        (folder / "config.json").write_text(json.dumps(keys))
        changed = read_safetensors(golden / "model.safetensors")
        for ending, change in tensors.items():
            name = f"{Q}.{ending.replace('__', '.')}"
            tensor = change(changed[name]) if callable(change) else change
            changed[name] = tensor
            if tensor is None:
                del changed[name]
        write_safetensors(folder / "model.safetensors", changed)
        return folder

    def check(self, words, model):
        self.assert_model_refused(words, model)

    def test_the_good_ones_are_read(self):
        for name in ("gptq_4bit_g32", "bnb_nf4_double"):
            self.run_tiny(self.quantised(name), "--tokens", self.tokens([[1, 2, 3]]), "--only", "life_cycle")

    def test_gptq_and_awq(self):
        fits = "does not fit"
        cases = [
            ("scales of NaN", [r"q_proj\.weight", "NaN or infinity"], self.quantised("gptq_4bit_g32", scales=lambda t: floats(t, math.nan))),
            ("infinite scales", "NaN or infinity", self.quantised("gptq_4bit_g32", scales=lambda t: floats(t, math.inf))),
            ("a group that is not there", ["group of column", "expected 0 to"], self.quantised("gptq_4bit_actorder", g_idx=lambda t: integers([9] * t.shape[0]))),
            ("a negative group", "got -7", self.quantised("gptq_4bit_actorder", g_idx=lambda t: integers([-7] * t.shape[0]))),
            ("too few groups of columns", fits, self.quantised("gptq_4bit_actorder", g_idx=integers([0, 0]))),
            ("no zeros", ["qzeros", "no such tensor"], self.quantised("gptq_4bit_g32", qzeros=None)),
            ("fewer codes", fits, self.quantised("gptq_4bit_g32", qweight=without_last_row)),
            ("scales of no output", fits, self.quantised("gptq_4bit_g32", scales=Tensor("F16", [2, 0], b""))),
            ("codes of another type", [fits, "F32"], self.quantised("gptq_4bit_g32", qweight=lambda t: dataclasses.replace(t, dtype="F32"))),
            ("another packing", "checkpoint_format: got", self.quantised("gptq_4bit_g32", config={"checkpoint_format": "marlin"})),
            ("a format in colours", "checkpoint_format", self.quantised("gptq_4bit_g32", config={"checkpoint_format": ESCAPES})),
            ("a method in colours", "quant_method", self.quantised("gptq_4bit_g32", config={"quant_method": ESCAPES})),
            ("bits of text", "bits", self.quantised("gptq_4bit_g32", config={"bits": "four"})),
            ("AWQ with other zeros", fits, self.quantised("awq_4bit", qzeros=without_last_row)),
            ("AWQ of another kind", "version: got", self.quantised("awq_4bit", config={"version": "gemv"})),
        ]
        self.for_each(cases, self.check)

    def test_scaled_and_packed(self):
        shape = "weight_shape"
        cases = [
            ("a size that overflows", "weight_packed.*bits for each element", self.quantised("ct_w4a16_g32", **{shape: integers([2**62, 2**62], "I64")})),
            ("a negative size", "bits for each element", self.quantised("ct_w4a16_g32", **{shape: integers([32, -64], "I64")})),
            ("one size", "does not fit", self.quantised("ct_w4a16_g32", **{shape: integers([32], "I64")})),
            ("no scales", "no such tensor", self.quantised("ct_w4a16_g32", weight_scale=None)),
            ("fewer zeros", "does not fit", self.quantised("ct_w4a16_asym", weight_zero_point=without_last_row)),
            ("an unknown format", "format: got", self.quantised("ct_w4a16_g32", config={"format": "marlin-24"})),
            ("not compressed", "quantization_status", self.quantised("ct_w4a16_g32", config={"quantization_status": "frozen"})),
            ("sparse", "format: got .*sparsity_config", self.quantised("ct_w4a16_g32", config={"sparsity_config": {"format": "sparse-bitmask"}})),
            ("groups of text", "config_groups", self.quantised("ct_w4a16_g32", config={"config_groups": "all"})),
            ("FP8 with fewer scales", "one scale, or those of rows", self.quantised("fp8_block", weight_scale_inv=without_last_row)),
            ("FP8 in blocks of nothing", "weight_block_size", self.quantised("fp8_block", config={"weight_block_size": [0, 128]})),
            ("FP8 in huge blocks", "one scale, or those of rows", self.quantised("fp8_block", config={"weight_block_size": [2**62, 2**62]})),
            ("FP8 of NaN", "NaN or infinity", self.quantised("fp8_block", weight=lambda t: Tensor(t.dtype, t.shape, b"\x7f" * len(t.data)))),
            ("MLX in groups of nothing", "group_size", self.quantised("mlx_4bit_g64", config={"group_size": 0})),
            ("MLX in huge groups", "does not fit", self.quantised("mlx_4bit_g64", config={"group_size": 2**62})),
            ("MLX without biases", "no such tensor", self.quantised("mlx_4bit_g64", biases=None)),
            ("MLX of another mode", "mode: got", self.quantised("mlx_4bit_g64", config={"mode": "nvfp4"})),
        ]
        self.for_each(cases, self.check)

    def state(self, **changes):
        golden = read_safetensors(GOLDENS / "quantised/bnb_nf4/model.safetensors")[STATE]
        return text_tensor(json.loads(golden.data) | changes)

    def test_bitsandbytes(self):
        state = "weight__quant_state__bitsandbytes__nf4"

        def with_state(tensor):
            folder = self.quantised("bnb_nf4")
            tensors = read_safetensors(folder / "model.safetensors") | {STATE: tensor}
            write_safetensors(folder / "model.safetensors", tensors)
            return folder

        cases = [
            ("a larger shape", "half a byte for each element", with_state(self.state(shape=[2**20, 2**20]))),
            ("a shape that overflows", "fewer elements", with_state(self.state(shape=[2**62, 2**62]))),
            ("a negative shape", "two positive integers", with_state(self.state(shape=[-1, -1]))),
            ("a shape of text", "two positive integers", with_state(self.state(shape=["1", 2]))),
            ("blocks of nothing", "blocksize", with_state(self.state(blocksize=0))),
            ("huge blocks", "does not fit", with_state(self.state(blocksize=2**62))),
            ("nested blocks of nothing", "nested_blocksize", with_state(self.state(nested_blocksize=0))),
            ("nested without its tensors", "does not fit", with_state(self.state(nested_blocksize=256))),
            ("no JSON", "not JSON", with_state(text_tensor(b"\xff\xfe"))),
            ("deep JSON", "nested deeper", with_state(text_tensor(NESTED_ARRAYS[:1000]))),
            ("a short table", "does not fit", self.quantised("bnb_nf4", weight__quant_map=Tensor("F32", [1], bytes(4)))),
            ("no scales", "no such tensor", self.quantised("bnb_nf4", weight__absmax=None)),
            ("scales of NaN", "NaN or infinity", self.quantised("bnb_nf4", weight__absmax=lambda t: floats(t, math.nan))),
            ("int8 with other scales", "does not fit", self.quantised("bnb_int8", SCB=Tensor("F32", [1], bytes(4)))),
        ]
        self.for_each(cases, self.check)


class AdaptersTest(HostileTest):
    def adapter(self, *, config=None, tensors=None):
        golden, folder = GOLDENS / "adapters/lora", self.new_path()
        shutil.copytree(golden, folder)
        keys = json.loads((golden / "adapter_config.json").read_text()) | (config or {})
        (folder / "adapter_config.json").write_text(json.dumps(keys))
        changed = read_safetensors(golden / "adapter_model.safetensors") | (tensors or {})
        write_safetensors(folder / "adapter_model.safetensors", changed)
        return folder

    def check(self, words, adapter):
        self.assert_refused([words, re.escape(str(adapter))], "--model", GOLDENS / "adapters/base", "--adapter", adapter,
                            "--tokens", self.tokens([[1, 2, 3]]))

    def test_adapters(self):
        name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
        cases = [
            ("a rank that lies", "expected rank 64", self.adapter(config={"r": 64})),
            ("rank 0", "expected rank 0", self.adapter(config={"r": 0})),
            ("a rank of text", "r .*expected an integer", self.adapter(config={"r": "four"})),
            ("another kind", "peft_type", self.adapter(config={"peft_type": ESCAPES})),
            ("a pattern that is none", "q_proj", self.adapter(config={"rank_pattern": {"q_proj(": 4}})),
            ("a matrix of another width", "A and B for a weight", self.adapter(tensors={name: Tensor("F32", [4, 1], bytes(16))})),
            ("a vector", "dimensions, expected matrices", self.adapter(tensors={name: Tensor("F32", [4], bytes(16))})),
            ("a module that is not there", "the base model does not have", self.adapter(tensors={name.replace("layers.0", "layers.77"): Tensor("F32", [4, 32], bytes(512))})),
            ("half a module", "expected both", self.adapter(tensors={name.replace("q_proj", "o_proj"): Tensor("F32", [4, 32], bytes(512))})),
            ("a tensor in colours", "not used|does not have|does not fit", self.adapter(tensors={f"base_model.model.{ESCAPES}.lora_A.weight": Tensor("F32", [4, 32], bytes(512))})),
        ]
        self.for_each(cases, self.check)

    def test_weights_of_nan(self):
        name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
        golden = read_safetensors(GOLDENS / "adapters/lora/adapter_model.safetensors")[name]
        adapter = self.adapter(tensors={name: floats(golden, math.nan)})
        self.assert_refused(["NaN or infinity"], "--model", GOLDENS / "adapters/base", "--adapter", adapter,
                            "--tokens", self.tokens([[1, 2, 3]]))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
