#!/usr/bin/env python3
"""Writes two tiny random Llamas and the tensors that transformers computes at every hook point: tests/goldens/tiny_llama/{plain,scaled}/.

Usage: tiny_llama.py OUT   (needs torch, transformers, safetensors, gguf)

`plain`: tied embeddings, grouped-query attention; also written as GGUF. `scaled`: Llama-3 rope scaling, an explicit head width,
biases, untied, several shards. `float64`: norms, angles and softmax are computed in float64 too (transformers would round them to
float32), so that tolerances can be small.
"""
import json
import sys
from pathlib import Path

import torch
from gguf_files import write_gguf
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama import modeling_llama

COMMON = dict(hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
              vocab_size=61, max_position_embeddings=64, rms_norm_eps=1e-5)
SCALING = dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
               original_max_position_embeddings=16)
VARIANTS = {
    "plain": dict(tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=10000.0)),
    "scaled": dict(tie_word_embeddings=False, head_dim=12, attention_bias=True, mlp_bias=True, rope_parameters=SCALING),
}
SEQUENCES, LENGTH = 2, 11


def randomise(model):
    generator = torch.Generator().manual_seed(7)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "norm" in name:
            parameter.data = 1 + 0.3 * noise
        elif name.endswith("bias"):
            parameter.data = 0.2 * noise
        else:
            parameter.data = noise * (1.2 / parameter.shape[-1] ** 0.5)
    model.tie_weights()


def hold_float64(model):
    """Computes norms and angles in float64 instead of transformers' float32."""
    def norm(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))
    def angles(self, x, position_ids):
        half = position_ids[..., None].double() * self.exact
        both = torch.cat((half, half), -1)
        return both.cos(), both.sin()
    for module in model.modules():
        if isinstance(module, modeling_llama.LlamaRMSNorm):
            module.forward = norm.__get__(module)
    rotary = model.model.rotary_emb
    rotary.exact = exact_frequencies(model.config)
    rotary.forward = angles.__get__(rotary)


def exact_frequencies(config):
    """Runs transformers' initialiser in float64."""
    keep, torch.float = torch.float, torch.float64
    tensor_float = torch.Tensor.float
    torch.Tensor.float = torch.Tensor.double
    try:
        if config.rope_parameters["rope_type"] == "default":
            width = config.head_dim
            return 1.0 / config.rope_parameters["rope_theta"] ** (torch.arange(0, width, 2, dtype=torch.float64) / width)
        return modeling_llama.ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")[0]
    finally:
        torch.float = keep
        torch.Tensor.float = tensor_float


def record(model, tokens):
    """Returns the tensor of every hook point, by the library's name."""
    config, seen, layer_of = model.config, {}, {}
    heads = lambda x: x.unflatten(-1, (-1, config.head_dim))
    def keep(name, tensor):
        seen[name] = tensor.detach().clone().contiguous()
    def norm_points(name, norm):
        def hook(module, inputs, output):
            x = inputs[0]
            wide = x if x.dtype == torch.float64 else x.float()
            scale = (wide.pow(2).mean(-1, keepdim=True) + module.variance_epsilon).sqrt()
            keep(f"{name}.hook_scale", scale)
            keep(f"{name}.hook_normalized", x / scale)
        norm.register_forward_hook(hook)
    def out(module, name, view=lambda x: x):
        module.register_forward_hook(lambda m, i, o: keep(name, view(o[0] if isinstance(o, tuple) else o)))
    def entering(module, name, view=lambda x: x):
        module.register_forward_pre_hook(lambda m, i: keep(name, view(i[0])))

    out(model.model.embed_tokens, "hook_embed")
    for n, layer in enumerate(model.model.layers):
        p, attention, mlp = f"blocks.{n}.", layer.self_attn, layer.mlp
        layer_of[id(attention)] = p
        entering(layer, p + "hook_resid_pre")
        norm_points(p + "ln1", layer.input_layernorm)
        entering(attention.q_proj, p + "attn.hook_in")
        out(attention.q_proj, p + "attn.hook_q", heads)
        out(attention.k_proj, p + "attn.hook_k", heads)
        out(attention.v_proj, p + "attn.hook_v", heads)
        entering(attention.o_proj, p + "attn.hook_z", heads)
        out(attention, p + "hook_attn_out")
        entering(layer.post_attention_layernorm, p + "hook_resid_mid")
        norm_points(p + "ln2", layer.post_attention_layernorm)
        entering(mlp.gate_proj, p + "mlp.hook_in")
        out(mlp.gate_proj, p + "mlp.hook_pre")
        out(mlp.up_proj, p + "mlp.hook_pre_linear")
        out(mlp.act_fn, p + "mlp.hook_act")
        entering(mlp.down_proj, p + "mlp.hook_post")
        out(mlp, p + "hook_mlp_out")
        out(layer, p + "hook_resid_post")
    norm_points("ln_final", model.model.norm)
    entering(model.lm_head, "unembed.hook_in")
    out(model.lm_head, "unembed.hook_out")

    eager = modeling_llama.eager_attention_forward
    def attention(module, query, key, value, mask, scaling, **rest):
        p = layer_of[id(module)]
        keep(p + "attn.hook_rot_q", query.transpose(1, 2))
        keep(p + "attn.hook_rot_k", key.transpose(1, 2))
        repeated = key.repeat_interleave(query.shape[1] // key.shape[1], 1)
        future = torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1)
        scores = (query @ repeated.transpose(-1, -2) * scaling).masked_fill(future, -torch.inf)
        keep(p + "attn.hook_attn_scores", scores)
        keep(p + "attn.hook_lse", scores.logsumexp(-1))
        causal = torch.zeros(LENGTH, LENGTH, dtype=query.dtype).masked_fill(future, -torch.inf)[None, None]
        output, pattern = eager(module, query, key, value, causal, scaling, **rest)
        if query.dtype == torch.float64:  # eager's softmax is in float32
            pattern = scores.softmax(-1)
            output = (pattern @ value.repeat_interleave(query.shape[1] // key.shape[1], 1)).transpose(1, 2)
        keep(p + "attn.hook_pattern", pattern)
        return output, pattern
    modeling_llama.ALL_ATTENTION_FUNCTIONS["recorded"] = attention
    model.config._attn_implementation = "recorded"
    with torch.no_grad():
        model(tokens, use_cache=False)
    return seen


def main(out):
    for name, options in VARIANTS.items():
        folder = Path(out) / name
        folder.mkdir(parents=True, exist_ok=True)
        config = LlamaConfig(**COMMON, **options)
        model = LlamaForCausalLM._from_config(config, attn_implementation="eager").eval()
        randomise(model)
        model.save_pretrained(folder, max_shard_size="20KB" if name == "scaled" else "1GB")
        (folder / "generation_config.json").unlink(missing_ok=True)
        if name == "plain":
            write_gguf(model, folder / "plain.gguf")
        tokens = torch.randint(0, config.vocab_size, (SEQUENCES, LENGTH), generator=torch.Generator().manual_seed(3))
        expected = record(model, tokens)
        save_file(expected | {"tokens": tokens}, folder / "expected_float32.safetensors")

        wide = LlamaForCausalLM._from_config(config, attn_implementation="eager").double().eval()
        wide.load_state_dict(model.state_dict())
        hold_float64(wide)
        save_file(record(wide, tokens) | {"tokens": tokens}, folder / "expected_float64.safetensors")


if __name__ == "__main__":
    main(sys.argv[1])
