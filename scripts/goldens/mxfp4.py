#!/usr/bin/env python3
"""Writes MXFP4 blocks and scales as in gpt-oss, and their values dequantised by transformers: tests/goldens/mxfp4.safetensors.

Usage: mxfp4.py OUT.safetensors   (needs torch, transformers, safetensors)

The blocks are random; each of the 256 scales occurs once. transformers' result is transposed back to [experts, rows, columns].
"""
import sys

import torch
from safetensors.torch import save_file
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

EXPERTS, ROWS, GROUPS, BYTES = 2, 16, 8, 16


def main(out):
    random = torch.Generator().manual_seed(4)
    blocks = torch.randint(256, (EXPERTS, ROWS, GROUPS, BYTES), generator=random, dtype=torch.uint8)
    scales = torch.randperm(256, generator=random).to(torch.uint8).view(EXPERTS, ROWS, GROUPS)
    values = convert_moe_packed_tensors(blocks, scales, dtype=torch.float32).transpose(1, 2).contiguous()
    save_file({"blocks": blocks, "scales": scales, "values": values}, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
