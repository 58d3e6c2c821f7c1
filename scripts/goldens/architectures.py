#!/usr/bin/env python3
"""Writes tiny random models of every supported model type, and the tensors that transformers computes in them: OUT/<model_type>/<variant>/.

Usage: architectures.py [OUT [MODEL_TYPE...]]   (needs torch, transformers, safetensors, gguf)

OUT is tests/goldens/models. config.json and the weights are as save_pretrained writes them (or as variants.py rewrites
them). expected.safetensors has the tensors at the library's hook points in float64, from a run of transformers in which
float32 is rebound to float64 (float64.py), because transformers rounds norms, angles, softmax and routers to float32. The
folder is then loaded like any checkpoint and run in unmodified float32; the script fails if the two runs differ by more
than rounding.
"""
import copy
import sys
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file

sys.path.append(str(Path(__file__).parents[1]))
from float64 import float64
from gated_attention import add_gates, has_gates
from gguf_files import round_experts, write_gguf
from reference_activations import add_alibi_once
from variants import LENGTH, VARIANTS

SEQUENCES = 2


@dataclass
class Layout:
    """The modules of a family, as paths within the base model (`layers`, `embed`) or within a layer."""
    layers: str = "layers"
    embed: str = "embed_tokens"
    attention: str = "self_attn"   # returns the attention matrix
    attn_out: str = "self_attn"    # returns what is added to the residual stream
    mlp_out: str = "mlp"
    mlp_added: str = ""            # a second module beside `mlp_out`, whose output is added to that one's
    norms: tuple = ()              # of the two residual sums, if the norms come after the sums
    mixer: str = ""                # in place of the attention in some layers
    causal: bool = True


SANDWICH = Layout(attn_out="post_attention_layernorm", mlp_out="post_feedforward_layernorm")
BERT = Layout("encoder.layer", "embeddings.word_embeddings", "attention.self", "attention.output.dense", "output.dense",
              ("attention.output.LayerNorm", "output.LayerNorm"), causal=False)
LAYOUTS = {
    "gpt2": Layout("h", "wte", "attn", "attn"),
    "gpt_neox": Layout(embed="embed_in", attention="attention", attn_out="attention"),
    "opt": Layout("decoder.layers", "decoder.embed_tokens", mlp_out="fc2"),
    "gemma2": SANDWICH,
    "gemma3_text": SANDWICH,
    "gemma3": Layout("language_model.layers", "language_model.embed_tokens", attn_out="post_attention_layernorm",
                     mlp_out="post_feedforward_layernorm"),
    "olmo2": SANDWICH,
    "olmo3": SANDWICH,
    "bert": BERT,
    "roberta": BERT,
    "openai-gpt": Layout("h", "tokens_embed", "attn", "attn", norms=("ln_1", "ln_2")),
    "falcon": Layout("h", "word_embeddings", "self_attention", "self_attention"),
    "granitemoe": Layout(mlp_out="block_sparse_moe"),
    "granitemoeshared": Layout(mlp_out="block_sparse_moe", mlp_added="shared_mlp"),
    "flex_olmo": SANDWICH,
    "dbrx": Layout("blocks", "wte", "norm_attn_norm.attn", "norm_attn_norm.attn", "ffn"),
    "mpt": Layout("blocks", "wte", "attn", "attn", "ffn.down_proj"),
    "qwen3_5": Layout("language_model.layers", "language_model.embed_tokens"),
    "qwen3_5_moe": Layout("language_model.layers", "language_model.embed_tokens"),
    "afmoe": Layout(attn_out="post_attention_layernorm", mlp_out="post_mlp_layernorm"),
    "bloom": Layout("h", "word_embeddings", "self_attention", "self_attention.dense", "mlp.dense_4h_to_h"),
    "glm4": Layout(attn_out="post_self_attn_layernorm", mlp_out="post_mlp_layernorm"),
    "exaone4": SANDWICH,
    "gptj": Layout("h", "wte", "attn", "attn"),
    "codegen": Layout("h", "wte", "attn", "attn"),
    "gpt_bigcode": Layout("h", "wte", "attn", "attn"),
    "gpt_neo": Layout("h", "wte", "attn", "attn"),
    "biogpt": Layout(mlp_out="fc2"),
    "xglm": Layout(mlp_out="fc2"),
    **dict.fromkeys(("llava", "mistral3", "qwen2_vl", "qwen2_5_vl", "qwen3_vl"),
                    Layout("language_model.layers", "language_model.embed_tokens")),
}


def layout_of(config):
    layout = LAYOUTS.get(config.model_type, Layout())
    if config.get_text_config().model_type.startswith(("qwen3_next", "qwen3_5")):
        layout = replace(layout, mixer="linear_attn")
    if config.model_type == "opt" and not config.do_layer_norm_before:
        layout = replace(layout, norms=("self_attn_layer_norm", "final_layer_norm"))
    return layout


def build(variant):
    kind = getattr(transformers, variant.architecture)
    config = kind.config_class(**copy.deepcopy(variant.config))
    config._attn_implementation = "eager"
    config._experts_implementation = "eager"
    model = kind(config)
    if has_gates(config):
        add_gates(model)
    return model.eval()


def load(folder, variant, **options):
    """Returns the model in a folder, as transformers loads it if it can."""
    kind = getattr(transformers, variant.architecture)
    if not has_gates(kind.config_class(**copy.deepcopy(variant.config))):
        config = kind.config_class.from_pretrained(folder)
        config._experts_implementation = "eager"
        config.model_type = kind.config_class.model_type  # a file can have the name of the hub's own code
        loaded, report = kind.from_pretrained(folder, config=config, output_loading_info=True, **options)
        assert not report["missing_keys"] and not report["mismatched_keys"], report
        return loaded.eval()
    model = build(variant)
    model.load_state_dict(load_file(folder / "model.safetensors"), strict=not model.config.tie_word_embeddings)
    return model


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for path, module in model.named_modules():
        kind = type(module).__name__
        for name, parameter in module.named_parameters(recurse=False):
            noise = torch.randn(parameter.shape, generator=generator)
            if name.endswith("bias"):
                value = 0.2 * noise
            elif "Norm" in kind and kind.startswith(("Gemma", "Nemotron")):  # the scale is 1 + weight
                value = (0.3 * noise * 2 ** 20).round() / 2 ** 20  # so that GGUF's 1 + weight is exact
            elif kind.startswith("Qwen3_5") and kind.endswith("RMSNorm") or kind == "Qwen3NextRMSNorm":
                value = 0.3 * noise
            elif name == "A_log":
                value = 0.5 * noise
            elif "Norm" in kind:
                value = 1 + 0.3 * noise
            elif name == "sinks":
                value = 0.5 + noise
            elif "Embedding" in kind:
                value = 0.6 * noise
            else:
                # experts of gpt_oss and Conv1D store transposed weights
                inputs = parameter.shape[-2] if kind in ("Conv1D", "GptOssExperts") else parameter.shape[-1]
                value = noise * (1.2 / inputs ** 0.5)
            parameter.data = value
        for name, buffer in module.named_buffers(recurse=False):
            if name == "e_score_correction_bias":
                buffer.copy_(0.2 * torch.randn(buffer.shape, generator=generator))
    model.tie_weights()


def embedding_multiplier(config):
    if config.model_type == "afmoe" and config.mup_enabled:
        return config.hidden_size ** 0.5
    return getattr(config, "embedding_multiplier", 1)


def branch_multiplier(config):
    if config.model_type == "minicpm3":
        return config.scale_depth / config.num_hidden_layers ** 0.5
    return getattr(config, "residual_multiplier", 1)


@contextmanager
def sorted_topk():
    """Chosen experts in the order of their scores, as in the library; routers leave the order open."""
    topk = torch.topk
    torch.topk = lambda *args, **options: topk(*args, **options | dict(sorted=True))
    try:
        yield
    finally:
        torch.topk = topk


def first(output):
    return output[0] if isinstance(output, (tuple, list)) else output


def keep_dbrx_choice(feed_forward, p, tokens, keep):
    """DBRX has no module that returns the chosen experts."""
    choose = feed_forward.route_tokens_to_experts
    def chosen(logits):
        weights, indices = choose(logits)
        keep(p + "mlp.hook_expert_weights", weights.view(*tokens.shape, -1))
        keep(p + "mlp.hook_expert_indices", indices.view(*tokens.shape, -1))
        return weights, indices
    feed_forward.route_tokens_to_experts = chosen


def record(model, tokens, mask):
    """Returns the tensors at the hook points of one run, by the library's names."""
    add_alibi_once(model)
    config, layout, seen = model.config, layout_of(model.config), {}
    text = config.get_text_config()
    base = model.base_model
    def keep(name, tensor):
        seen[name] = tensor.detach().clone().contiguous()
    def entering(module, name):
        module.register_forward_pre_hook(lambda m, args: keep(name, args[0]))
    def leaving(module, name, view=first, scale=1):
        module.register_forward_hook(lambda m, args, output: keep(name, view(output) * scale))

    leaving(base.get_submodule(layout.embed), "hook_embed", scale=embedding_multiplier(text))
    branch = branch_multiplier(text)
    layers = base.get_submodule(layout.layers)
    for n, layer in enumerate(layers):
        p = f"blocks.{n}."
        layer.register_forward_pre_hook(lambda m, args, kwargs, p=p: keep(
            p + "hook_resid_pre", args[0] if args else kwargs["hidden_states"]), with_kwargs=True)
        mixes = layout.mixer and hasattr(layer, layout.mixer)
        leaving(layer.get_submodule(layout.mixer if mixes else layout.attn_out), p + "hook_attn_out", scale=branch)
        leaving(layer.get_submodule(layout.mlp_out), p + "hook_mlp_out", scale=branch,
                view=lambda output: first(output).view(*tokens.shape, -1))
        if layout.mlp_added:
            leaving(layer.get_submodule(layout.mlp_added), p + "mlp_added", scale=branch)
        if not mixes:
            leaving(layer.get_submodule(layout.attention), p + "attn.hook_pattern", view=lambda output: output[1])
        for name, norm in zip(("mid", "post"), layout.norms):
            entering(layer.get_submodule(norm), f"{p}hook_resid_{name}")
            leaving(layer.get_submodule(norm), f"{p}hook_normalized_resid_{name}")
        leaving(layer, p + "out")
        for module in layer.modules():
            if type(module).__name__.lower().endswith(("topkrouter", "choicerouter")):
                leaving(module, p + "mlp.hook_expert_weights", view=lambda output: output[1].view(*tokens.shape, -1))
                leaving(module, p + "mlp.hook_expert_indices", view=lambda output: output[2].view(*tokens.shape, -1))
        if config.model_type == "dbrx":
            keep_dbrx_choice(layer.ffn, p, tokens, keep)
    with torch.no_grad(), sorted_topk():
        options = {} if mask is None else dict(attention_mask=mask)
        output = model(tokens, output_attentions=True, **options)
    logits = output.get("prediction_logits", output.get("logits"))
    if logits is not None:
        keep("unembed.hook_out", logits)
    for n, layer in enumerate(layers):
        if hasattr(getattr(layer, layout.attention.split(".")[0], None), "sinks"):
            keep(f"blocks.{n}.attn.sink_mass", 1 - seen[f"blocks.{n}.attn.hook_pattern"].sum(-1))
        sum_up(seen, f"blocks.{n}.", layout, tokens)
    return seen


def sum_up(seen, p, layout, tokens):
    """Computes the residual stream between the blocks, and checks that the recorded outputs add up to the layer's output."""
    out = seen.pop(p + "out").view(*tokens.shape, -1)
    seen[p + "hook_mlp_out"] += seen.pop(p + "mlp_added", 0)
    for name in ("hook_resid_mid", "hook_resid_post", "hook_normalized_resid_mid", "hook_normalized_resid_post"):
        if p + name in seen:
            seen[p + name] = seen[p + name].view(*tokens.shape, -1)
    mid = seen[p + "hook_resid_pre"] + seen[p + "hook_attn_out"]
    post = seen.get(p + "hook_normalized_resid_mid", mid) + seen[p + "hook_mlp_out"]
    rounding = 1e-12 if out.dtype == torch.float64 else 1e-5
    def check(a, b):
        assert torch.allclose(a, b, rounding, rounding), f"{p} does not add up: {(a - b).abs().max():.3g}"
    check(seen.setdefault(p + "hook_resid_mid", mid), mid)
    check(seen.setdefault(p + "hook_resid_post", post), post)
    check(out, seen[p + "hook_normalized_resid_post" if layout.norms else p + "hook_resid_post"])
    if p + "attn.hook_pattern" not in seen:
        return
    mass = seen[p + "attn.hook_pattern"].sum(-1) + seen.get(p + "attn.sink_mass", 0)
    check(mass, torch.ones_like(mass))
    if layout.causal:
        assert not seen[p + "attn.hook_pattern"].triu(1).any(), f"{p} sees the future"


def largest_difference(exact, rounded):
    assert exact.keys() == rounded.keys()
    worst = 0.0
    for name, x in exact.items():
        y = rounded[name]
        kinds = (torch.int64, torch.int64) if name.endswith("indices") else (torch.float64, torch.float32)
        assert x.shape == y.shape and (x.dtype, y.dtype) == kinds, name
        difference = (x - y).abs()
        assert (difference <= 1e-5 + 1e-4 * x.abs()).all(), f"{name} differs by {difference.max():.3g}"
        worst = max(worst, difference.max().item())
    return worst


def check_fused(folder, kind, tokens, expected):
    """Fails unless transformers' default attention computes the same logits."""
    with torch.no_grad():
        logits = kind.from_pretrained(folder, attn_implementation="sdpa").eval()(tokens).logits
    assert torch.allclose(expected.float(), logits, 1e-4, 1e-5), (expected - logits).abs().max()


def write(folder, variant, seed):
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    model = build(variant)
    randomise(model, seed)
    round_experts(model, variant.experts_type)
    model.save_pretrained(folder, max_shard_size=variant.shards)
    (folder / "generation_config.json").unlink(missing_ok=True)
    for rewrite in variant.rewrite:
        rewrite(folder)
    if variant.gguf:
        write_gguf(model, folder / "model.gguf", variant.experts_type)

    tokens = torch.randint(3, variant.vocabulary, (SEQUENCES, LENGTH), generator=torch.Generator().manual_seed(seed))
    given, mask = {"tokens": tokens}, None
    if variant.padded:
        mask = torch.ones_like(tokens)
        mask[1, LENGTH - 3:] = 0
        tokens[mask == 0] = model.config.pad_token_id
        given["mask"] = mask
    weights = model.state_dict()
    with float64():
        wide = build(variant)
        wide.load_state_dict(weights)
        expected = record(wide, tokens, mask)
    save_file(expected | given, folder / "expected.safetensors")

    loaded = load(folder, variant, attn_implementation="eager")
    difference = largest_difference(expected, record(loaded, tokens, mask))
    if variant.config.get("alibi"):
        check_fused(folder, type(model), tokens, expected["unembed.hook_out"])
    size = sum(file.stat().st_size for file in folder.iterdir())
    largest = max(tensor.abs().max().item() for tensor in expected.values())
    print(f"{folder.parent.name}/{folder.name}: {size / 1000:.0f} kB, "
          f"largest value {largest:.3g}, float32 off by {difference:.2g}")


def main(out="tests/goldens/models", *model_types):
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for model_type in model_types or VARIANTS:
        for name, variant in VARIANTS[model_type].items():
            write(Path(out) / model_type / name, variant, zlib.crc32(f"{model_type}/{name}".encode()))


if __name__ == "__main__":
    main(*sys.argv[1:])
