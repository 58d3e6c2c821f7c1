#!/usr/bin/env python3
"""Writes reference measurements by transformers of Gemma-3 270M on 8 windows of 64 tokens, with and without <bos>:
tests/goldens/gemma3_270m.json.

Usage: gemma3_270m.py MODEL.gguf TEXT OUT.json   (needs torch, transformers, gguf, accelerate)

Both runs have the format and the definitions of smollm2.py. A window with <bos> is <bos> and the first 63 tokens of the window without
it. The output of a block is taken after the block's second norm. transformers loads the weights itself; the script checks that each of
the 236 tensors equals the result of `gguf` (norm weights minus the 1 that GGUF adds to them).
"""
import json
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from smollm2 import EPSILON, LENGTH, massive, summary
from transformers import AutoModelForCausalLM, AutoTokenizer

SEQUENCES = 8
NAMES = {
    "token_embd": "embed_tokens", "output_norm": "norm", "blk": "layers",
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm", "attn_norm": "input_layernorm",
    "post_attention_norm": "post_attention_layernorm", "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}


def check_weights(model, path):
    parameters = dict(model.model.named_parameters())
    for tensor in gguf.GGUFReader(path).tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if "norm" in tensor.name:
            values = values - 1
        name = ".".join(NAMES.get(part, part) for part in tensor.name.split("."))
        assert torch.equal(parameters.pop(name), torch.from_numpy(values)), tensor.name
    assert not parameters, parameters.keys()


def watch(model, states):
    def keep(name, tensor):
        states[name] = tensor.detach()
    for n, layer in enumerate(model.model.layers):
        layer.post_attention_layernorm.register_forward_hook(lambda m, i, o, n=n: keep(f"output{2 * n + 1}", o))
        layer.pre_feedforward_layernorm.register_forward_pre_hook(lambda m, i, n=n: keep(f"state{2 * n + 1}", i[0]))
        layer.post_feedforward_layernorm.register_forward_hook(lambda m, i, o, n=n: keep(f"output{2 * n + 2}", o))
        layer.register_forward_hook(lambda m, i, o, n=n: keep(f"state{2 * n + 2}", o))


def measure(model, states, tokens):
    with torch.no_grad():
        result = model(tokens, output_attentions=True)
    received = torch.stack([a[..., 0].mean(-1) for a in result.attentions])  # [layers, sequences, heads]
    loss = torch.nn.functional.cross_entropy(result.logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    return {
        "tokens": tokens.tolist(),
        "blocks": [{"block": b, "hidden_state": summary(states[f"state{b}"]), "output": summary(states[f"output{b}"]),
                    "massive": massive(states[f"state{b}"])} for b in range(1, len(states) // 2 + 1)],
        "importance": received.mean(1).tolist(),
        "gu_percent": 100 * (received > EPSILON).double().mean().item(),
        "mean_loss": loss.item(),
    }


def main(path, text, out):
    path = Path(path)
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    model = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation="eager").eval()
    check_weights(model, path)
    ids = tokenizer(Path(text).read_text(), add_special_tokens=False)["input_ids"][: SEQUENCES * LENGTH]
    tokens = torch.tensor(ids).view(SEQUENCES, LENGTH)
    begin = torch.full((SEQUENCES, 1), tokenizer.bos_token_id)

    states = {}
    watch(model, states)
    json.dump({
        "with_bos": measure(model, states, torch.cat([begin, tokens[:, :-1]], 1)),
        "without_bos": measure(model, states, tokens),
    }, open(out, "w"))


if __name__ == "__main__":
    main(*sys.argv[1:])
