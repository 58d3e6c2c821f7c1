#!/usr/bin/env python3
"""Writes tests/goldens/quantised: tiny Llamas quantised as in published checkpoints, and their dequantised weights.

Usage: /path/to/python scripts/goldens/quantised.py [NAME...]   (all formats without NAME; on a CPU)

Each folder has config.json, model.safetensors (names, types and layouts as published) and expected.safetensors: the float32 weight
of every quantised module under its plain name. float32 arithmetic on the stored numbers; no rounding to the model's type.

Needs torch 2.15.0, safetensors 0.8.0, numpy 2.4.6, transformers 5.24.0, accelerate 1.15.0, compressed-tensors 0.20.1 with loguru,
bitsandbytes 0.50.2, mlx[cpu] 0.32.4. Who dequantises:
  gptq*, awq*  the formulas below; equal to the layers of auto-gptq 0.7.1 and to autoawq 0.2.7's dequantize_gemm
  fp8*         transformers.integrations.finegrained_fp8
  ct_*         compressed_tensors; the order of columns by `weight_g_idx` (removed from 0.20) as in 0.9.4
  bnb_*        bitsandbytes
  mlx_*        mlx.core.dequantize
"""

import json
import pathlib
import sys

import bitsandbytes.functional as bnb
import mlx.core as mx
import numpy as np
import torch
from bitsandbytes.backends.default.ops import _dequantize_4bit_compute
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32, unpack_from_int32
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from compressed_tensors.quantization.utils import calculate_qparams
from safetensors.torch import save_file
from transformers.integrations.finegrained_fp8 import Fp8Dequantize, _dequantize_fp8_weight

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "quantised"
FORMATS = {}
HIDDEN, HEADS, KV_HEADS, VOCAB = 64, 4, 2, 32
E4M3_MAX = 448.0


def config_of(dtype: torch.dtype, head: int, intermediate: int) -> dict:
    return {
        "architectures": ["LlamaForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 1,
        "eos_token_id": 2, "head_dim": head, "hidden_act": "silu", "hidden_size": HIDDEN, "initializer_range": 0.02,
        "intermediate_size": intermediate, "max_position_embeddings": 128, "mlp_bias": False, "model_type": "llama",
        "num_attention_heads": HEADS, "num_hidden_layers": 1, "num_key_value_heads": KV_HEADS, "pretraining_tp": 1,
        "rms_norm_eps": 1e-05, "rope_scaling": None, "rope_theta": 10000.0, "tie_word_embeddings": False,
        "torch_dtype": str(dtype).removeprefix("torch."), "use_cache": True, "vocab_size": VOCAB,
    }


class Model:
    """Random weights of a Llama with one layer: `linear` are quantised, `plain` are kept. Some formats need heads of 16."""

    def __init__(self, name: str, dtype: torch.dtype, head: int = 16, intermediate: int = 32):
        self.random = torch.Generator().manual_seed(sum(map(ord, name)))
        self.config = config_of(dtype, head, intermediate)
        self.dtype, self.tensors, self.expected = dtype, {}, {}
        layer, rows, keys = "model.layers.0.", HEADS * head, KV_HEADS * head
        self.plain = {name: self.normal(VOCAB, HIDDEN).to(dtype) for name in ("model.embed_tokens", "lm_head")}
        self.plain |= {name: (1 + self.normal(HIDDEN)).to(dtype)
                       for name in (layer + "input_layernorm", layer + "post_attention_layernorm", "model.norm")}
        shapes = {
            "self_attn.q_proj": (rows, HIDDEN), "self_attn.k_proj": (keys, HIDDEN), "self_attn.v_proj": (keys, HIDDEN),
            "self_attn.o_proj": (HIDDEN, rows), "mlp.gate_proj": (intermediate, HIDDEN), "mlp.up_proj": (intermediate, HIDDEN),
            "mlp.down_proj": (HIDDEN, intermediate),
        }
        self.linear = {layer + name: self.uneven(*shape).to(dtype) for name, shape in shapes.items()}

    def normal(self, *shape: int) -> torch.Tensor:
        return 0.1 * torch.randn(shape, generator=self.random)

    def uneven(self, rows: int, columns: int) -> torch.Tensor:
        """Rows and groups of 8 columns differ in size and mean, so that a misplaced scale or zero point shows."""
        size = torch.exp(0.5 * torch.randn(rows, columns // 8, generator=self.random)).repeat_interleave(8, 1)
        return size * (self.normal(rows, columns) + 0.02)

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(shape, generator=self.random)

    def keep(self, *names: str) -> None:
        """Leaves modules unquantised."""
        for name in names:
            self.plain[name] = self.linear.pop(name)

    def add(self, module: str, dense: torch.Tensor, /, **tensors: torch.Tensor) -> None:
        """Adds the tensors of one quantised module and its expected weight."""
        self.tensors |= {f"{module}.{name}": tensor for name, tensor in tensors.items()}
        self.expected[f"{module}.weight"] = dense.float()

    def write(self, folder: pathlib.Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        tensors = self.tensors | {f"{name}.weight": tensor for name, tensor in self.plain.items()}
        (folder / "config.json").write_text(json.dumps(self.config, indent=2) + "\n")
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors",
                  {"format": "mlx" if "quantization" in self.config else "pt"})
        save_file({name: tensor.contiguous() for name, tensor in self.expected.items()}, folder / "expected.safetensors")


def golden(make):
    """Registers a function of one format by its name."""
    FORMATS[make.__name__] = make
    return make


# GPTQ and AWQ

def pack(values: np.ndarray, bits: int, axis: int) -> torch.Tensor:
    """Joins numbers of `bits` bits along an axis: lowest bits first, across the borders of the 32-bit words."""
    lines = np.moveaxis(values.astype(np.uint8), axis, -1)
    stream = (lines[..., None] >> np.arange(bits, dtype=np.uint8) & 1).reshape(*lines.shape[:-1], -1)
    words = np.packbits(stream, axis=-1, bitorder="little").view("<i4")
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(words, -1, axis)))


def group_parameters(model: Model, groups: int, columns: int, bits: int, sym: bool, lowest: int) -> tuple[np.ndarray, np.ndarray]:
    scales = model.uniform(0.01, 0.1, groups, columns).half().numpy()
    if sym:
        return scales, np.full((groups, columns), 2 ** (bits - 1))
    zeros = torch.randint(lowest, 2**bits, (groups, columns), generator=model.random).numpy()
    zeros.flat[:2] = lowest, 2**bits - 1
    return scales, zeros


def random_codes(model: Model, rows: int, columns: int, bits: int) -> np.ndarray:
    return torch.randint(2**bits, (rows, columns), generator=model.random).numpy()


def add_gptq(model: Model, module: str, bits: int, group: int, sym: bool, order: bool, version: int, bias: bool) -> None:
    """W[out, in] = scales[g_idx[in], out] * (q[in, out] - zero[g_idx[in], out]); version 1 stores zero - 1, version 2 zero."""
    out, inputs = model.linear[module].shape
    size = inputs if group == -1 else group
    g_idx = torch.arange(inputs, dtype=torch.int32) // size
    if order:
        g_idx = g_idx[torch.randperm(inputs, generator=model.random)]
    codes = random_codes(model, inputs, out, bits)
    scales, zeros = group_parameters(model, inputs // size, out, bits, sym, lowest=2 - version)
    weight = scales.astype(np.float32)[g_idx] * (codes - zeros[g_idx]).astype(np.float32)
    tensors = dict(qweight=pack(codes, bits, 0), qzeros=pack(zeros - (version == 1), bits, 1), scales=torch.from_numpy(scales),
                   g_idx=g_idx)
    if bias:
        tensors["bias"] = torch.zeros(out, dtype=torch.float16)
    model.add(module, torch.from_numpy(weight.T), **tensors)


def autogptq_keys(bits: int, group: int, sym: bool, order: bool) -> dict:
    return {"bits": bits, "group_size": group, "damp_percent": 0.1, "desc_act": order, "static_groups": False, "sym": sym,
            "true_sequential": True, "model_name_or_path": None, "model_file_base_name": "model", "quant_method": "gptq"}


def gptqmodel_keys(bits: int, group: int, sym: bool, order: bool, version: int) -> dict:
    meta = {"damp_auto_increment": 0.0025, "damp_percent": 0.01, "mse": 0.0, "quantizer": ["gptqmodel:1.9.0"],
            "static_groups": False, "true_sequential": True, "uri": "https://github.com/modelcloud/gptqmodel"}
    return {"bits": bits, "checkpoint_format": "gptq_v2" if version == 2 else "gptq", "desc_act": order, "dynamic": None,
            "group_size": group, "lm_head": False, "meta": meta, "pack_dtype": "int32", "quant_method": "gptq", "sym": sym}


def gptq(name: str, bits: int, group: int, sym: bool = True, order: bool = False, version: int = 1, old: bool = False) -> Model:
    """`old`: as AutoGPTQ wrote them, with its keys and with a zero bias in every module."""
    model = Model(name, torch.float16)
    model.config["quantization_config"] = (autogptq_keys(bits, group, sym, order) if old else
                                           gptqmodel_keys(bits, group, sym, order, version))
    for module in model.linear:
        add_gptq(model, module, bits, group, sym, order, version, bias=old)
    return model


FORMATS |= {
    "gptq_4bit_g32": lambda name: gptq(name, 4, 32),
    "gptq_4bit_actorder": lambda name: gptq(name, 4, 32, order=True, old=True),
    "gptq_3bit": lambda name: gptq(name, 3, 32, sym=False),
    "gptq_2bit": lambda name: gptq(name, 2, 32, sym=False),
    "gptq_8bit_g-1": lambda name: gptq(name, 8, -1),
    "gptq_v2_4bit": lambda name: gptq(name, 4, 32, sym=False, order=True, version=2),
}


AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]


def pack_awq(values: np.ndarray) -> torch.Tensor:
    """Eight columns a word; its nibble n, from the lowest, is column AWQ_ORDER[n]."""
    return pack(values.reshape(len(values), -1, 8)[..., AWQ_ORDER].reshape(values.shape), 4, 1)


@golden
def awq_4bit(name):
    """W[out, in] = scales[in / group, out] * (q[in, out] - zero[in / group, out])."""
    model, group = Model(name, torch.float16), 32
    model.config["quantization_config"] = {"bits": 4, "group_size": group, "modules_to_not_convert": None, "quant_method": "awq",
                                           "version": "gemm", "zero_point": True}
    for module, (out, inputs) in ((module, weight.shape) for module, weight in model.linear.items()):
        codes = random_codes(model, inputs, out, 4)
        scales, zeros = group_parameters(model, inputs // group, out, 4, sym=False, lowest=0)
        of_input = np.arange(inputs) // group
        weight = scales.astype(np.float32)[of_input] * (codes - zeros[of_input]).astype(np.float32)
        model.add(module, torch.from_numpy(weight.T), qweight=pack_awq(codes), qzeros=pack_awq(zeros),
                  scales=torch.from_numpy(scales))
    return model


# FP8 (e4m3)

def dequantise_fp8(weight: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    return Fp8Dequantize(None)._dequantize_one(weight, scale, torch.float32)


def fp8_tensors(weight: torch.Tensor, dims: tuple = ()) -> tuple[torch.Tensor, torch.Tensor]:
    """e4m3 weight and float32 scale, over `dims` or else over the whole tensor."""
    size = weight.float().abs()
    scale = (size.amax(dims, keepdim=True) if dims else size.max()) / E4M3_MAX
    return (weight.float() / scale).to(torch.float8_e4m3fn), scale


@golden
def fp8_block(name):
    """DeepSeek: W = weight * weight_scale_inv[row / 32, column / 32]; the last blocks are cut off (not by Fp8Dequantize)."""
    model, block = Model(name, torch.bfloat16, head=12, intermediate=40), 32
    model.config["quantization_config"] = {"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8",
                                           "weight_block_size": [block, block]}
    for module, weight in model.linear.items():
        size = torch.nn.functional.max_pool2d(weight.float().abs()[None], block, ceil_mode=True)[0]
        scale = size / E4M3_MAX
        wide = scale.repeat_interleave(block, 0).repeat_interleave(block, 1)[:weight.shape[0], :weight.shape[1]]
        codes = (weight.float() / wide).to(torch.float8_e4m3fn)
        model.add(module, _dequantize_fp8_weight(codes, scale, [block, block], torch.float32), weight=codes, weight_scale_inv=scale)
    return model


@golden
def fp8_tensor_static(name):
    """AutoFP8, vLLM: W = weight * weight_scale, scales without a dimension."""
    model = Model(name, torch.bfloat16, head=8)
    model.config["quantization_config"] = {"activation_scheme": "static", "ignored_layers": ["lm_head"], "quant_method": "fp8"}
    for module, weight in model.linear.items():
        codes, scale = fp8_tensors(weight)
        model.add(module, dequantise_fp8(codes, scale), weight=codes, weight_scale=scale, input_scale=model.uniform(0.01, 0.1))
    return model


@golden
def fp8_tensor_inv(name):
    """Ministral 3: as fp8_tensor_static, with transformers' names and bfloat16 scales."""
    model = Model(name, torch.bfloat16, head=8)
    model.config["quantization_config"] = {"activation_scheme": "static", "dequantize": False,
                                           "modules_to_not_convert": ["lm_head"], "quant_method": "fp8", "weight_block_size": None}
    for module, weight in model.linear.items():
        scale = fp8_tensors(weight)[1].bfloat16()
        codes = (weight.float() / scale.float()).clamp(-E4M3_MAX, E4M3_MAX).to(torch.float8_e4m3fn)
        model.add(module, dequantise_fp8(codes, scale), weight=codes, weight_scale_inv=scale,
                  activation_scale=model.uniform(0.01, 0.1).bfloat16())
    return model


@golden
def fp8_channel_fbgemm(name):
    """Llama 3.1 405B FP8: W = weight * weight_scale[row, 0]; attention is not quantised."""
    model = Model(name, torch.bfloat16)
    attention = [module for module in model.linear if "self_attn" in module]
    model.keep(*attention)
    model.config["quantization_config"] = {"activation_scale_ub": 1200.0, "modules_to_not_convert": attention + ["lm_head"],
                                           "quant_method": "fbgemm_fp8"}
    for module, weight in model.linear.items():
        codes, scale = fp8_tensors(weight, (1,))
        model.add(module, dequantise_fp8(codes, scale), weight=codes, weight_scale=scale)
    return model


# compressed-tensors

def argument_keys(args: QuantizationArgs | None, actorder: str | None = None) -> dict | None:
    keys = args and args.model_dump(mode="json")
    return keys and {"actorder": actorder, "block_structure": None, "observer": None if args.dynamic else "minmax",
                     "observer_kwargs": {}} | keys


def compressed_keys(scheme: QuantizationScheme, actorder: bool) -> dict:
    """The keys that llm-compressor writes."""
    group = {"format": scheme.format, "input_activations": argument_keys(scheme.input_activations), "output_activations": None,
             "targets": scheme.targets, "weights": argument_keys(scheme.weights, "group" if actorder else None)}
    return {"config_groups": {"group_0": group}, "format": scheme.format, "global_compression_ratio": None, "ignore": ["lm_head"],
            "kv_cache_scheme": None, "quant_method": "compressed-tensors", "quantization_status": "compressed",
            "sparsity_config": {}, "transform_config": {}, "version": "0.9.4" if actorder else "0.14.0"}


def range_parameters(weight: torch.Tensor, args: QuantizationArgs) -> tuple[torch.Tensor, torch.Tensor]:
    """Scale and zero point of each tensor [1], row [out, 1] or group of a row [out, groups]."""
    parts = {"tensor": weight.reshape(1, -1), "channel": weight.unsqueeze(1)}.get(args.strategy)
    if parts is None:
        parts = weight.unflatten(1, (-1, args.group_size))
    return calculate_qparams(parts.amin(-1), parts.amax(-1), args)


def reorder(packed: torch.Tensor, bits: int, shape: torch.Size, order: torch.Tensor) -> torch.Tensor:
    return pack_to_int32(unpack_from_int32(packed, bits, shape)[:, order], bits)


def add_compressed(model: Model, module: str, scheme: QuantizationScheme, actorder: bool) -> None:
    """W = (q - zero) * scale. With `weight_g_idx`, column c is stored at c and has the scale of group weight_g_idx[c]."""
    weight, args = model.linear[module], scheme.weights
    compressor = BaseCompressor.get_value_from_registry(scheme.format)
    scale, zero = range_parameters(weight, args)
    tensors = compressor.compress({"weight": weight, "weight_scale": scale, "weight_zero_point": zero}, scheme)
    dense = compressor.decompress(tensors | {"weight_scale": scale.float()}, scheme)["weight"]
    if actorder:
        order = torch.randperm(weight.shape[1], generator=model.random)
        tensors["weight_packed"] = reorder(tensors["weight_packed"], args.num_bits, weight.shape, order)
        tensors["weight_g_idx"] = (order // args.group_size).int()
        dense = dense[:, order]
    if scheme.input_activations and not scheme.input_activations.dynamic:
        tensors["input_scale"] = model.uniform(0.01, 0.1, 1).to(model.dtype)
    model.add(module, dense, **tensors)


def compressed(name: str, form: str, weights: dict, inputs: dict | None = None, actorder: bool = False) -> Model:
    model = Model(name, torch.bfloat16, head=8)
    scheme = QuantizationScheme(targets=["Linear"], weights=QuantizationArgs(**weights), format=form,
                                input_activations=inputs and QuantizationArgs(**inputs))
    model.config["quantization_config"] = compressed_keys(scheme, actorder)
    for module in model.linear:
        add_compressed(model, module, scheme, actorder)
    return model


FLOAT8, INT8, INT4 = dict(num_bits=8, type="float"), dict(num_bits=8, type="int"), dict(num_bits=4, type="int")
CHANNEL, TENSOR, GROUP = dict(strategy="channel"), dict(strategy="tensor"), dict(strategy="group", group_size=32)
TOKEN = dict(strategy="token", dynamic=True)
FORMATS |= {
    "ct_fp8_dynamic": lambda name: compressed(name, "float-quantized", FLOAT8 | CHANNEL, FLOAT8 | TOKEN),
    "ct_fp8_static": lambda name: compressed(name, "float-quantized", FLOAT8 | TENSOR, FLOAT8 | TENSOR),
    "ct_w8a8_int8": lambda name: compressed(name, "int-quantized", INT8 | CHANNEL, INT8 | TOKEN),
    "ct_w4a16_g32": lambda name: compressed(name, "pack-quantized", INT4 | GROUP),
    "ct_w4a16_asym": lambda name: compressed(name, "pack-quantized", INT4 | GROUP | dict(symmetric=False)),
    "ct_w4a16_actorder": lambda name: compressed(name, "pack-quantized", INT4 | GROUP, actorder=True),
    "ct_w8a16": lambda name: compressed(name, "pack-quantized", INT8 | CHANNEL),
}


# bitsandbytes

def bitsandbytes_keys(four: bool, kind: str, double: bool) -> dict:
    return {"_load_in_4bit": four, "_load_in_8bit": not four, "bnb_4bit_compute_dtype": "float16" if four else "float32",
            "bnb_4bit_quant_storage": "uint8", "bnb_4bit_quant_type": kind, "bnb_4bit_use_double_quant": double,
            "llm_int8_enable_fp32_cpu_offload": False, "llm_int8_has_fp16_weight": False, "llm_int8_skip_modules": None,
            "llm_int8_threshold": 6.0, "load_in_4bit": four, "load_in_8bit": not four, "quant_method": "bitsandbytes"}


def dequantise_4bit(packed: torch.Tensor, state: bnb.QuantState) -> torch.Tensor:
    """bitsandbytes' portable code: its fast one for CPUs begins a block at every row, unlike the CUDA code."""
    absmax = bnb.dequantize_blockwise(state.absmax, state.state2) + state.offset if state.nested else state.absmax
    return _dequantize_4bit_compute(packed.flatten(), absmax, state.code, state.blocksize, state.shape, torch.float32)


def bnb_4bit(name: str, kind: str, double: bool = False) -> Model:
    """W = quant_map[nibble] * absmax[element / 64], elements in row-major order, the high nibble first."""
    model = Model(name, torch.float16, head=8)
    model.config["quantization_config"] = bitsandbytes_keys(True, kind, double)
    for module, weight in model.linear.items():
        packed, state = bnb.quantize_4bit(weight, blocksize=64, compress_statistics=double, quant_type=kind)
        stored = {f"weight.{key}": tensor for key, tensor in state.as_dict(packed=True).items()}
        model.add(module, dequantise_4bit(packed, state), weight=packed, **stored)
    return model


@golden
def bnb_int8(name: str) -> Model:
    """W = weight * SCB[row] / 127."""
    model = Model(name, torch.float16, head=8)
    model.config["quantization_config"] = bitsandbytes_keys(False, "fp4", False)
    for module, weight in model.linear.items():
        codes, scale, _ = bnb.int8_vectorwise_quant(weight)
        model.add(module, bnb.int8_vectorwise_dequant(codes, scale), weight=codes, SCB=scale,
                  weight_format=torch.tensor(0, dtype=torch.uint8))
    return model


FORMATS |= {
    "bnb_nf4": lambda name: bnb_4bit(name, "nf4"),
    "bnb_nf4_double": lambda name: bnb_4bit(name, "nf4", double=True),
    "bnb_fp4": lambda name: bnb_4bit(name, "fp4"),
}


# MLX

def to_torch(array: mx.array) -> torch.Tensor:
    if array.dtype == mx.bfloat16:
        return torch.from_numpy(np.array(array.astype(mx.float32))).bfloat16()
    return torch.from_numpy(np.array(array))


def add_mlx(model: Model, module: str, weight: torch.Tensor, bits: int, group_size: int) -> None:
    """W = scales[row, group] * q + biases[row, group]; a row is a stream of bits, the lowest first, in little-endian words."""
    array = mx.array(weight.float().numpy()).astype(mx.bfloat16)
    codes, scales, biases = mx.quantize(array, group_size=group_size, bits=bits)
    dense = mx.dequantize(codes, scales.astype(mx.float32), biases.astype(mx.float32), group_size=group_size, bits=bits)
    model.add(module, to_torch(dense), weight=to_torch(codes), scales=to_torch(scales), biases=to_torch(biases))


def mlx(name: str, bits: int, group: int, embedding: bool = False, others: dict | None = None) -> Model:
    """`others`: modules with parameters of their own, or False. Like mlx-lm, skips rows that are not a multiple of the group."""
    model, others = Model(name, torch.bfloat16, head=16 if group == 64 else 8), others or {}
    model.config["quantization"] = {"group_size": group, "bits": bits} | others
    model.config["quantization_config"] = model.config["quantization"]
    for module in ("model.embed_tokens", "lm_head") if embedding else ():
        add_mlx(model, module, model.plain.pop(module), bits, group)
    for module, weight in list(model.linear.items()):
        parameters = others.get(module, {"bits": bits, "group_size": group})
        if parameters and weight.shape[1] % parameters["group_size"] == 0:
            add_mlx(model, module, weight, parameters["bits"], parameters["group_size"])
        else:
            model.keep(module)
    return model


MIXED = {
    "mode": "affine", "model.layers.0.mlp.down_proj": {"group_size": 32, "bits": 8, "mode": "affine"},
    "model.layers.0.self_attn.v_proj": {"group_size": 64, "bits": 6, "mode": "affine"}, "model.layers.0.mlp.up_proj": False,
}
FORMATS |= {
    "mlx_4bit_g64": lambda name: mlx(name, 4, 64),
    "mlx_2bit_g32": lambda name: mlx(name, 2, 32),
    "mlx_3bit": lambda name: mlx(name, 3, 32),
    "mlx_5bit": lambda name: mlx(name, 5, 32),
    "mlx_6bit": lambda name: mlx(name, 6, 32),
    "mlx_8bit": lambda name: mlx(name, 8, 64),
    "mlx_4bit_embedding": lambda name: mlx(name, 4, 64, embedding=True, others=MIXED),
}


def main(names: list[str]) -> None:
    for name in names or FORMATS:
        FORMATS[name](name).write(FOLDER / name)


if __name__ == "__main__":
    main(sys.argv[1:])
