#!/usr/bin/env python3
"""Writes the activations that transformers computes for a checkpoint, for comparison with spikesink-parity.

Usage: reference_activations.py MODEL OUT.safetensors [--tokens FILE.json | --sequences N --length T]
       [--dtype float32|float64] [--patterns] [--adapter FOLDER]
       (needs torch, transformers; for .gguf also gguf, accelerate; for --adapter peft; for quantised weights their package)

MODEL is a Hugging Face folder or a .gguf file. Tensors have the names of spikesink's hook points: the residual stream before every layer,
the logits if the model has an unembedding, and with --patterns every attention matrix. Without --tokens the ids are drawn at random, so
that no tokenizer is needed. A LoRA adapter is merged by peft; quantised weights are dequantised to float32 by transformers.
"""
import argparse
import contextlib
import copy
import json
import sys
from pathlib import Path

import torch
import transformers
from float64 import float64
from safetensors.torch import save_file

DTYPES = {"float32": torch.float32, "float64": torch.float64}
WITHOUT_FINAL_NORM = ("bert", "openai-gpt", "roberta")
DEQUANTISED_ON_LOADING = ("compressed-tensors", "fbgemm_fp8", "fp8", "mxfp4")


def class_for(config, gguf):
    named = (config.architectures or [""])[0]
    wrapper = "text_config" in config.sub_configs and type(config) in transformers.MODEL_FOR_CAUSAL_LM_MAPPING
    if named.endswith("ForMaskedLM"):
        return transformers.AutoModelForMaskedLM
    if "ForCausalLM" in named or "LMHead" in named or gguf or wrapper and "ForConditionalGeneration" in named:
        return transformers.AutoModelForCausalLM
    return transformers.AutoModel


def quantisation(config):
    """Returns the method of quantised weights, or None."""
    found = getattr(config, "quantization_config", None)
    return found and (found.get("quant_method") or "unknown")


def read_weights(folder, config, dtype, **source):
    """Fails on absent weights, for which transformers takes random ones. Returns the model and the names of unread tensors, too."""
    model, report = class_for(config, source).from_pretrained(
        folder, config=config, dtype=dtype, attn_implementation="eager", experts_implementation="eager", output_loading_info=True,
        **source)
    absent = [str(name) for kind in ("missing_keys", "mismatched_keys") for name in sorted(report[kind]) if "pooler." not in str(name)]
    if absent:
        sys.exit(f"{folder} has no weights of the right shape for {', '.join(absent[:4])}{', ...' if absent[4:] else ''}")
    return model.eval(), sorted(report["unexpected_keys"])


def cut_last_blocks(block):
    """transformers 5.24 stretches the blocks of FP8 scales instead; its function for single weights does not."""
    from transformers.integrations import finegrained_fp8 as fp8
    fp8.Fp8Dequantize._dequantize_one = lambda self, codes, scale, output_dtype=None: fp8._dequantize_fp8_weight(
        codes, scale, block, torch.float32)


def widen_scales():
    """compressed_tensors rounds weights to the type of their scales."""
    from transformers.integrations.compressed_tensors import CompressedTensorsDequantize as Operation
    convert = Operation.convert
    def wide(tensor):
        return [wide(part) for part in tensor] if isinstance(tensor, list) else tensor.float()
    def with_wide(self, tensors, *args, **kwargs):
        return convert(self, {name: wide(value) if name.endswith("weight_scale") else value for name, value in tensors.items()},
                       *args, **kwargs)
    Operation.convert = with_wide


def dequantise_bitsandbytes(model):
    """4 bits by its portable code: the fast one for CPUs rounds, and begins a block at every row."""
    import bitsandbytes
    from bitsandbytes.backends.default.ops import _dequantize_4bit_compute as compute
    from bitsandbytes.functional import dequantize_blockwise
    linear = [module for module in model.modules() if isinstance(module, bitsandbytes.nn.Linear4bit)]
    for module in linear:
        state = module.weight.quant_state
        scales = dequantize_blockwise(state.absmax, state.state2) + state.offset if state.nested else state.absmax
        dense = compute(module.weight.data.flatten(), scales, state.code, state.blocksize, state.shape, torch.float32)
        module.weight = torch.nn.Parameter(dense, requires_grad=False)
    return model if linear else model.dequantize(torch.float32)


def dequantise(folder, config, method):
    if method in DEQUANTISED_ON_LOADING:
        config.quantization_config["dequantize"] = True
    if method == "fp8" and config.quantization_config.get("weight_block_size"):
        cut_last_blocks(config.quantization_config["weight_block_size"])
    if method == "compressed-tensors":
        widen_scales()
    model, unread = read_weights(folder, config, torch.float32)
    unread = [name for name in unread if not name.endswith("input_scale")]  # activations are not quantised
    if unread:
        raise ValueError(f"it does not read {unread[0]}")
    return dequantise_bitsandbytes(model) if method == "bitsandbytes" else model


def read_quantised(folder, config, method):
    try:
        return dequantise(folder, config, method)
    except Exception as error:
        cause = " ".join(str(error).split())
        sys.exit(f"transformers {transformers.__version__} cannot dequantise the weights of {folder} here ({method}): {cause}")


def refuse_scaled_rope(path):
    """transformers 5.24 ignores RoPE's scaling in GGUF files, except of gpt-oss."""
    from gguf import GGUFReader
    reader = GGUFReader(path)
    if reader.fields["general.architecture"].contents() == "gpt-oss":
        return
    scaled = [name for name, field in reader.fields.items() if name.endswith(".rope.scaling.type") and field.contents() != "none"]
    scaled += [tensor.name for tensor in reader.tensors if tensor.name.startswith("rope_f")]
    if scaled:
        sys.exit(f"transformers {transformers.__version__} ignores {scaled[0]} of {path}: make the reference from the Hugging Face folder")


def merge_adapter(model, folder):
    import peft
    adapted = peft.PeftModel.from_pretrained(model, folder, autocast_adapter_dtype=False)
    return adapted.to(model.dtype).merge_and_unload()


def load(path, dtype=torch.float32, adapter=None):
    """Weights of GGUF files, quantised weights and those with an adapter are computed in float32, as in spikesink."""
    path = Path(path)
    source = {"gguf_file": path.name} if path.suffix == ".gguf" else {}
    folder = path.parent if source else path
    if (folder / "adapter_config.json").exists():
        sys.exit(f"{folder} has an adapter in place, which transformers does not load: pass the plain model and --adapter")
    if source:
        refuse_scaled_rope(path)
    config = transformers.AutoConfig.from_pretrained(folder, **source)
    method = quantisation(config)
    if method:
        model = read_quantised(folder, config, method)
    else:
        model, _ = read_weights(folder, config, torch.float32 if source or adapter else dtype, **source)
    return merge_adapter(model, adapter) if adapter else model


def plain_model(kind, config, weights):
    """Each weight becomes a parameter of its own: a stored head need not be the embedding."""
    config = copy.deepcopy(config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = kind(config).eval()  # the constructor computes angles
    model.load_state_dict({name: weights[name] for name in model.state_dict()}, assign=True)
    return model


def add_alibi_once(model):
    """transformers 5.24's eager Falcon adds ALiBi to the scores and once more with the mask; its default, fused attention
    and the original model add it once."""
    def without(module, args, kwargs):
        if kwargs.get("alibi") is not None:
            kwargs["alibi"] = torch.zeros_like(kwargs["alibi"])
        return args, kwargs
    for module in model.modules():
        if type(module).__name__ == "FalconAttention":
            module.register_forward_pre_hook(without, with_kwargs=True)


def run(model, tokens, patterns):
    add_alibi_once(model)
    result = model(tokens, output_hidden_states=True, output_attentions=patterns)
    # The last hidden state is left out where it is the output of a final norm.
    *states, last = result.hidden_states
    tensors = {f"blocks.{layer}.hook_resid_pre": state for layer, state in enumerate(states)}
    if model.config.model_type in WITHOUT_FINAL_NORM:
        tensors[f"blocks.{len(states) - 1}.hook_normalized_resid_post"] = last
    if patterns:
        tensors |= {f"blocks.{layer}.attn.hook_pattern": pattern for layer, pattern in enumerate(result.attentions)}
    if getattr(result, "logits", None) is not None:
        tensors["unembed.hook_out"] = result.logits
    return {name: tensor.contiguous().clone() for name, tensor in tensors.items()}


def reference(model, tokens, dtype=torch.float32, patterns=False):
    """Returns the tensors by their hook points."""
    weights = {name: tensor.to(dtype) for name, tensor in model.state_dict().items()}
    with torch.no_grad(), float64() if dtype == torch.float64 else contextlib.nullcontext():
        return run(plain_model(type(model), model.config, weights), tokens, patterns)


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
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--patterns", action="store_true", help="also every attention matrix")
    parser.add_argument("--adapter", help="folder of a LoRA adapter, which is merged into the weights")
    arguments = parser.parse_args()

    dtype = DTYPES[arguments.dtype]
    model = load(arguments.model, dtype, arguments.adapter)
    tokens = read_tokens(arguments, model.config)
    tensors = reference(model, tokens, dtype, arguments.patterns)
    save_file({"tokens": tokens} | tensors, arguments.out, {"transformers": transformers.__version__, "torch": torch.__version__})
    print(f"{len(tensors)} tensors of {len(tokens)} x {tokens.shape[1]} tokens in {arguments.out}")


if __name__ == "__main__":
    main()
