#!/usr/bin/env python3
"""Writes reference measurements by transformers of all-MiniLM-L6-v2 on 16 windows of 64 tokens: tests/goldens/minilm.json.

Usage: minilm.py MODEL_FOLDER TEXT OUT.json   (needs torch, transformers)

The format and the definitions are those of smollm2.py, adapted to a post-norm, bidirectional model: a window is [CLS], 62 tokens of text
and [SEP]; the state after a block is the output of its LayerNorm; the block's output is what is added to the stream before that norm;
importance is the mean over all queries, of the first key ([CLS]) and of the last one ([SEP]). There is no loss.
"""
import json
import sys
from pathlib import Path

import torch
from smollm2 import EPSILON, LENGTH, massive, summary
from transformers import AutoTokenizer, BertModel

SEQUENCES, TEXT_TOKENS = 16, LENGTH - 2


def windows(tokenizer, text):
    ids = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"][: SEQUENCES * TEXT_TOKENS]
    first, last = (torch.full((SEQUENCES, 1), id) for id in (tokenizer.cls_token_id, tokenizer.sep_token_id))
    return torch.cat([first, torch.tensor(ids).view(SEQUENCES, TEXT_TOKENS), last], 1)


def watch(model, states):
    def keep(name, tensor):
        states[name] = tensor.detach()
    for n, layer in enumerate(model.encoder.layer):
        for block, part in (2 * n + 1, layer.attention.output), (2 * n + 2, layer.output):
            part.dense.register_forward_hook(lambda m, i, o, b=block: keep(f"output{b}", o))
            part.LayerNorm.register_forward_hook(lambda m, i, o, b=block: keep(f"state{b}", o))


def main(folder, text, out):
    tokens = windows(AutoTokenizer.from_pretrained(folder), Path(text).read_text())
    model = BertModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    states = {}
    watch(model, states)
    with torch.no_grad():
        attentions = torch.stack(model(tokens, output_attentions=True).attentions)  # [layers, sequences, heads, queries, keys]
    received = attentions.mean(-2)
    json.dump({
        "tokens": tokens.tolist(),
        "blocks": [{"block": b, "hidden_state": summary(states[f"state{b}"]), "output": summary(states[f"output{b}"]),
                    "massive": massive(states[f"state{b}"])} for b in range(1, len(states) // 2 + 1)],
        "importance": received[..., 0].mean(1).tolist(),
        "importance_of_last": received[..., -1].mean(1).tolist(),
        "gu_percent": 100 * (received[..., 0] > EPSILON).double().mean().item(),
        "gu_percent_of_last": 100 * (received[..., -1] > EPSILON).double().mean().item(),
    }, open(out, "w"))


if __name__ == "__main__":
    main(*sys.argv[1:])
