#!/usr/bin/env python3
"""Writes the activations that transformers computes for a checkpoint, for comparison with spikesink-parity.

Usage: reference_activations.py MODEL OUT.safetensors [--tokens FILE.json | --sequences N --length T]
       [--dtype float32|float64] [--patterns]          (needs torch, transformers; for .gguf also gguf, accelerate)

MODEL is a Hugging Face folder or a .gguf file. Tensors have the names of spikesink's hook points: the residual stream before every layer,
the logits if the model has an unembedding, and with --patterns every attention matrix. Without --tokens the ids are drawn at random, so
that no tokenizer is needed.
"""
import argparse
import json
from pathlib import Path

import torch
import transformers
from float64 import float64
from safetensors.torch import save_file


def run(model, tokens, patterns):
    with torch.no_grad():
        return model(tokens, output_hidden_states=True, output_attentions=patterns)


def run_in_float64(model, tokens, patterns):
    weights = model.state_dict()
    with float64():
        wide = type(model)(model.config).eval()  # a new model, because angles are computed in its constructor
        wide.load_state_dict(weights)
        return run(wide, tokens, patterns)


def load(path):
    path = Path(path)
    source = {"gguf_file": path.name} if path.suffix == ".gguf" else {}
    folder = path.parent if source else path
    config = transformers.AutoConfig.from_pretrained(folder, **source)
    named = (config.architectures or [""])[0]
    kind = "MaskedLM" if named.endswith("ForMaskedLM") else "CausalLM" if "ForCausalLM" in named or "LMHead" in named or source else ""
    family = getattr(transformers, f"AutoModelFor{kind}" if kind else "AutoModel")
    return family.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", **source).eval()


def read_tokens(arguments, config):
    if arguments.tokens:
        return torch.tensor(json.loads(Path(arguments.tokens).read_text()))
    torch.manual_seed(0)
    vocabulary = config.get_text_config().vocab_size
    return torch.randint(vocabulary, (arguments.sequences, arguments.length))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--tokens", help="JSON array of arrays of token ids, all of one length")
    parser.add_argument("--sequences", type=int, default=2)
    parser.add_argument("--length", type=int, default=32)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--patterns", action="store_true", help="also every attention matrix")
    arguments = parser.parse_args()

    model = load(arguments.model)
    tokens = read_tokens(arguments, model.config)
    result = (run_in_float64 if arguments.dtype == "float64" else run)(model, tokens, arguments.patterns)
    # The last hidden state is left out: most models show it after their final norm.
    tensors = {f"blocks.{layer}.hook_resid_pre": state for layer, state in enumerate(result.hidden_states[:-1])}
    if arguments.patterns:
        tensors |= {f"blocks.{layer}.attn.hook_pattern": pattern for layer, pattern in enumerate(result.attentions)}
    if getattr(result, "logits", None) is not None:
        tensors["unembed.hook_out"] = result.logits
    tensors = {name: tensor.contiguous().clone() for name, tensor in tensors.items()}
    save_file({"tokens": tokens} | tensors, arguments.out, {"transformers": transformers.__version__, "torch": torch.__version__})
    print(f"{len(tensors)} tensors of {len(tokens)} x {tokens.shape[1]} tokens in {arguments.out}")


if __name__ == "__main__":
    main()
