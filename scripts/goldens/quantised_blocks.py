#!/usr/bin/env python3
"""Writes tests/goldens/gguf: small GGUF files and the tensors that the reference reads from them.

quantised.gguf has one tensor of random blocks for each quantised type; plain.gguf has one tensor of each plain type and metadata
of each kind; split-*.gguf are three parts with the tensors of plain.gguf; expected.safetensors has every tensor as read by `gguf`
(0.19.0; pip install gguf safetensors torch). `gguf` does not read Q8_K; its values are computed here, by ggml's formula.
"""

import pathlib

import gguf
import numpy as np
import torch
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as Type
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "gguf"
ROWS, BLOCKS_A_ROW = 3, 2

# Offsets of the half-precision scales in a block. All other bytes are random, with EXTREMES among those of one-byte scales.
SCALES = {
    Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0],
    Type.Q2_K: [80, 82], Type.Q3_K: [108], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
    Type.TQ1_0: [52], Type.TQ2_0: [64], Type.IQ4_NL: [0], Type.IQ4_XS: [0], Type.MXFP4: [], Type.NVFP4: [],
    Type.IQ1_S: [0], Type.IQ1_M: [], Type.IQ2_XXS: [0], Type.IQ2_XS: [0], Type.IQ2_S: [0], Type.IQ3_XXS: [0], Type.IQ3_S: [0],
    Type.Q8_K: [],
}
EXTREMES = {Type.MXFP4: (0, 1, 2, 254, 255), Type.NVFP4: (0, 1, 7, 8, 0x7e, 0x7f, 0x80, 0xff)}
DENORMALS_AND_ZEROS = np.array([5.9604645e-08, -5.9604645e-08, 3.0e-05, -6.0975552e-05, 0.0, -0.0], np.float16)


def random_halves(random: np.random.Generator, count: int) -> np.ndarray:
    halves = (random.standard_normal(count) * 2.0 ** random.integers(-12, 6, count)).astype(np.float16)
    special = random.random(count) < 0.25
    halves[special] = random.choice(DENORMALS_AND_ZEROS, special.sum())
    return halves


def random_blocks(random: np.random.Generator, kind: Type) -> np.ndarray:
    size = GGML_QUANT_SIZES[kind][1]
    blocks = random.integers(0, 256, (ROWS * BLOCKS_A_ROW, size), np.uint8)
    for place in SCALES[kind]:
        blocks[:, place:place + 2] = random_halves(random, len(blocks)).reshape(-1, 1).view(np.uint8)
    if kind in EXTREMES:
        scales = blocks[:, :size - GGML_QUANT_SIZES[kind][0] // 2]
        scales.flat[:len(EXTREMES[kind])] = EXTREMES[kind]
    if kind == Type.IQ1_M:
        put_nibbles(blocks[:, 48:].view(np.uint16), random_halves(random, len(blocks)))
    if kind == Type.Q8_K:
        blocks[:, :4] = random_halves(random, len(blocks)).astype(np.float32).reshape(-1, 1).view(np.uint8)
    return blocks.reshape(ROWS, BLOCKS_A_ROW * size)


def put_nibbles(words: np.ndarray, halves: np.ndarray) -> None:
    """Sets the upper four bits of each four words to a half."""
    nibbles = halves.view(np.uint16).reshape(-1, 1) >> np.arange(0, 16, 4, dtype=np.uint16) & np.uint16(15)
    words[:] = words & np.uint16(0x0fff) | nibbles << np.uint16(12)


def dequantised(blocks: np.ndarray, kind: Type) -> np.ndarray:
    if kind != Type.Q8_K:
        return gguf.quants.dequantize(blocks, kind)
    whole = blocks.reshape(-1, GGML_QUANT_SIZES[kind][1])
    values = whole[:, :4].copy().view(np.float32) * whole[:, 4:260].view(np.int8).astype(np.float32)
    return values.reshape(len(blocks), -1)


def write(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_quantised(random: np.random.Generator) -> dict[str, torch.Tensor]:
    writer = gguf.GGUFWriter(FOLDER / "quantised.gguf", "llama")
    expected = {}
    for kind in SCALES:
        blocks = random_blocks(random, kind)
        writer.add_tensor(kind.name, blocks, raw_dtype=kind)
        expected[kind.name] = torch.from_numpy(dequantised(blocks, kind))
    write(writer)
    return expected


def add_plain(writer: gguf.GGUFWriter, tensors: dict[str, torch.Tensor]) -> None:
    for name, tensor in tensors.items():
        if name == "BF16":
            writer.add_tensor(name, tensor.view(torch.int16).numpy().view(np.uint8), raw_dtype=Type.BF16)
        else:
            writer.add_tensor(name, tensor.numpy())


def write_plain(random: np.random.Generator) -> dict[str, torch.Tensor]:
    writer = gguf.GGUFWriter(FOLDER / "plain.gguf", "llama")
    writer.add_custom_alignment(64)
    writer.add_uint8("kind.uint8", 255)
    writer.add_int8("kind.int8", -128)
    writer.add_uint16("kind.uint16", 65535)
    writer.add_int16("kind.int16", -32768)
    writer.add_uint32("kind.uint32", 4294967295)
    writer.add_int32("kind.int32", -2147483648)
    writer.add_uint64("kind.uint64", 2**63 - 1)
    writer.add_int64("kind.int64", -(2**63))
    writer.add_float32("kind.float32", 0.1)
    writer.add_float64("kind.float64", 0.1)
    writer.add_bool("kind.bool", True)
    writer.add_string("kind.string", "spike → sink")
    writer.add_array("list.bool", [True, False, True])
    writer.add_array("list.int32", [-1, 0, 1])
    writer.add_array("list.float32", [0.5, -0.25])
    writer.add_array("list.string", ["", "a", "é"])
    numbers = random.standard_normal((2, 3, 5))
    arrays = {
        "F32": numbers.astype(np.float32), "F16": numbers.astype(np.float16), "F64": numbers,
        "I8": np.array([-128, 127], np.int8), "I16": np.array([-32768, 32767], np.int16),
        "I32": np.array([-(2**31), 2**31 - 1], np.int32), "I64": np.array([-(2**63), 2**63 - 1], np.int64),
    }
    expected = {name: torch.from_numpy(array) for name, array in arrays.items()}
    expected["BF16"] = torch.from_numpy(numbers).to(torch.bfloat16)
    add_plain(writer, expected)
    write(writer)
    return expected


def write_split(tensors: dict[str, torch.Tensor]) -> None:
    writer = gguf.GGUFWriter(FOLDER / "split.gguf", "llama", split_max_tensors=3)
    writer.add_string("general.name", "three parts")
    add_plain(writer, tensors)
    write(writer)


def main() -> None:
    random = np.random.default_rng(20240229)
    FOLDER.mkdir(parents=True, exist_ok=True)
    quantised, plain = write_quantised(random), write_plain(random)
    write_split(plain)
    save_file(quantised | plain, FOLDER / "expected.safetensors", {"written_by": "scripts/goldens/quantised_blocks.py"})


if __name__ == "__main__":
    main()
