#!/usr/bin/env python3
"""Writes reference measurements by transformers of SmolLM2-135M-Instruct on 32 windows of 64 tokens: tests/goldens/smollm2.json.

Usage: smollm2.py MODEL.gguf TEXT OUT.json   (needs torch, transformers, gguf)

Every number is computed from its published definition, with all matrices in memory:
- states: the residual stream after each of the 2L blocks and the output of each block; per channel the largest |x|, the three largest
  channels with the first position where they occur; torch.median of |x|;
- importance of key 0 in a head and a sequence: mean over queries of A[i, 0]; gu: share above 0.3 (arXiv 2410.10781);
- massive: |x| > 100 and |x| >= 1000 x median of |h| of the sequence (arXiv 2402.17762), counted per block and channel;
- mean loss: cross-entropy of every next token;
- continuation: greedy decoding from the first window's first tokens;
- windowed: the loss of every next token of the first windows as one text, STEP tokens at a time; each token attends to
  itself and the earlier ones among the last WINDOW tokens of the text so far.
"""
import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

SEQUENCES, LENGTH, EPSILON = 32, 64, 0.3
PROMPT, CONTINUED = 16, 24
WINDOWED, WINDOW, STEP = 1024, 256, 64


def summary(state):
    magnitudes = state.abs()
    flat = magnitudes.flatten(0, 1)
    maxima, places = flat.max(0)
    top = maxima.topk(3)
    return {
        "median": magnitudes.median().item(),
        "top": [
            {"channel": c, "magnitude": m, "sequence": places[c].item() // LENGTH, "position": places[c].item() % LENGTH}
            for m, c in zip(top.values.tolist(), top.indices.tolist())
        ],
    }


def massive(state):
    magnitudes = state.abs()
    medians = torch.stack([sequence.median() for sequence in magnitudes])[:, None, None]
    mask = (magnitudes > 100) & (magnitudes >= 1000 * medians)
    return [
        {"channel": c, "count": mask[..., c].sum().item(), "mean": state[..., c][mask[..., c]].double().mean().item()}
        for c in mask.flatten(0, 1).any(0).nonzero().flatten().tolist()
    ]


@torch.no_grad()
def continuation(model, tokens):
    continued = model.generate(tokens[:1, :PROMPT], do_sample=False, max_new_tokens=CONTINUED, eos_token_id=-1)
    return continued[0, PROMPT:].tolist()


@torch.no_grad()
def windowed_losses(model, tokens):
    text = tokens.reshape(1, -1)[:, :WINDOWED]
    query, key = torch.arange(WINDOWED - 1)[:, None], torch.arange(WINDOWED - 1)
    end = ((query // STEP + 1) * STEP).clamp(max=WINDOWED - 1)
    seen = (key <= query) & (key >= end - WINDOW)
    logits = model(text[:, :-1], attention_mask=torch.where(seen, 0.0, float("-inf"))[None, None]).logits
    return torch.nn.functional.cross_entropy(logits[0], text[0, 1:], reduction="none").tolist()


def main(gguf, text, out):
    gguf = Path(gguf)
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32, attn_implementation="eager").eval()
    ids = tokenizer(Path(text).read_text(), add_special_tokens=False)["input_ids"][: SEQUENCES * LENGTH]
    tokens = torch.tensor(ids).view(SEQUENCES, LENGTH)

    continued, windowed = continuation(model, tokens), windowed_losses(model, tokens)
    states = {}
    def keep(name, tensor):
        states[name] = tensor.detach()
    for n, layer in enumerate(model.model.layers):
        layer.self_attn.register_forward_hook(lambda m, i, o, n=n: keep(f"output{2 * n + 1}", o[0]))
        layer.post_attention_layernorm.register_forward_pre_hook(lambda m, i, n=n: keep(f"state{2 * n + 1}", i[0]))
        layer.mlp.register_forward_hook(lambda m, i, o, n=n: keep(f"output{2 * n + 2}", o))
        layer.register_forward_hook(lambda m, i, o, n=n: keep(f"state{2 * n + 2}", o if torch.is_tensor(o) else o[0]))
    with torch.no_grad():
        result = model(tokens, output_attentions=True)
    received = torch.stack([a[..., 0].mean(-1) for a in result.attentions])  # [layers, sequences, heads]
    loss = torch.nn.functional.cross_entropy(result.logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())

    blocks = range(1, 2 * len(model.model.layers) + 1)
    json.dump({
        "tokens": tokens.tolist(),
        "blocks": [{"block": b, "hidden_state": summary(states[f"state{b}"]), "output": summary(states[f"output{b}"]),
                    "massive": massive(states[f"state{b}"])} for b in blocks],
        "importance": received.mean(1).tolist(),
        "gu_percent": 100 * (received > EPSILON).double().mean().item(),
        "mean_loss": loss.item(),
        "continuation": continued,
        "windowed": {"window": WINDOW, "step": STEP, "losses": windowed},
    }, open(out, "w"))


if __name__ == "__main__":
    main(*sys.argv[1:])
