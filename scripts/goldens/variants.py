"""The tiny models of architectures.py: for every model type its variants, each an architecture of transformers, its config and
what is special about its folder. What each variant is there for stands beside it.
"""
import json
from dataclasses import dataclass, field

import torch
from safetensors.torch import load_file, save_file

LENGTH = 9
TOKENS = dict(vocab_size=41, pad_token_id=None, bos_token_id=1, eos_token_id=2)
TINY = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            max_position_embeddings=32)


@dataclass
class Variant:
    architecture: str
    config: dict
    shards: str = "1GB"
    rewrite: list = field(default_factory=list)  # functions of the folder, after save_pretrained
    padded: bool = False
    vocabulary: int = 41                         # tokens are drawn below it


def named(architecture, shards="1GB", rewrite=(), padded=False, vocabulary=41, **options):
    """For the families whose config keys have names of their own."""
    return Variant(architecture, TOKENS | options, shards, list(rewrite), padded, vocabulary)


def tiny(architecture, **options):
    return named(architecture, **TINY | options)


def rope(theta=100.0, **options):
    return dict(rope_parameters=dict(rope_type="default", rope_theta=theta) | options)


def v4(folder):
    """config.json as transformers 4 spells it, which is how nearly all of the hub has it."""
    file = folder / "config.json"
    config = json.loads(file.read_text())
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.51.0"
    nested = config.pop("rope_parameters", {})
    if "full_attention" in nested:
        config["rope_local_base_freq"] = nested["sliding_attention"]["rope_theta"]
        nested = nested["full_attention"]
    for name in ("rope_theta", "partial_rotary_factor"):
        if name in nested:
            config[name] = nested.pop(name)
    if nested.get("rope_type") == "default":
        nested = None
    config["rope_scaling"] = nested
    config.pop("layer_types", None)
    if "_sliding_window_pattern" in config:
        config["sliding_window_pattern"] = config.pop("_sliding_window_pattern")
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def edit(*dropped, **changed):
    """config.json with some keys dropped or given other values of the same meaning."""
    def rewrite(folder):
        file = folder / "config.json"
        config = {name: value for name, value in json.loads(file.read_text()).items() if name not in dropped}
        file.write_text(json.dumps(config | changed, indent=2, sort_keys=True) + "\n")
    return rewrite


def tensors(change):
    """model.safetensors with its tensors changed by a function of the dictionary."""
    def rewrite(folder):
        file = folder / "model.safetensors"
        save_file({name: tensor.contiguous() for name, tensor in change(load_file(file)).items()}, file, {"format": "pt"})
    return rewrite


def hub_gpt2(weights):
    """No prefix, and the causal buffers that the original checkpoint carries."""
    bare = {name.removeprefix("transformer."): tensor for name, tensor in weights.items()}
    positions = len(bare["wpe.weight"])
    causal = torch.ones(1, 1, positions, positions).tril()
    return bare | {f"h.{n}.attn.bias": causal.clone() for n in range(2)}


def hub_minilm(weights):
    return weights | {"embeddings.position_ids": torch.arange(16)[None]}


LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=2.0, beta_slow=0.5)
SHORT = dict(short_factor=[1.0, 1.1, 1.3, 1.7], long_factor=[1.5, 2.5, 4.0, 6.5])
GPT2 = dict(n_positions=16, n_embd=16, n_layer=2, n_head=4)
BERT = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24, max_position_embeddings=16,
            pad_token_id=0)
NEOX = dict(hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=3, max_position_embeddings=32)
OPT = dict(hidden_size=16, ffn_dim=24, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=16)
GEMMA = dict(num_hidden_layers=2, head_dim=6, sliding_window=4, hidden_activation="gelu_pytorch_tanh")
DEEP = GEMMA | dict(num_hidden_layers=3)
FALCON = dict(hidden_size=24, num_hidden_layers=2, max_position_embeddings=32)
PHI = dict(hidden_size=24, num_attention_heads=3, num_key_value_heads=3)

VARIANTS = {
    "llama": {
        # llama3 frequencies (one band of each kind), biases, head width of its own, untied, shards
        "llama3": tiny("LlamaForCausalLM", head_dim=8, attention_bias=True, mlp_bias=True, tie_word_embeddings=False,
                       shards="6KB", **rope(**LLAMA3)),
        "linear": tiny("LlamaForCausalLM", tie_word_embeddings=True, **rope(rope_type="linear", factor=4.0)),
        "mqa": tiny("LlamaForCausalLM", num_key_value_heads=1, tie_word_embeddings=False, rms_norm_eps=1e-5, **rope(1e4)),
        "yarn": tiny("LlamaForCausalLM", head_dim=8, tie_word_embeddings=True, **rope(**YARN)),
        "yarn_mscale": tiny("LlamaForCausalLM", head_dim=8, tie_word_embeddings=True,
                            **rope(**YARN, mscale=1.0, mscale_all_dim=0.5, truncate=False)),
        "yarn_attention_factor": tiny("LlamaForCausalLM", head_dim=8, tie_word_embeddings=True,
                                      **rope(**YARN, attention_factor=1.3)),
        # longer than max_position_embeddings, so that the base grows; and not longer, so that it does not
        "dynamic": tiny("LlamaForCausalLM", head_dim=8, tie_word_embeddings=True, max_position_embeddings=6,
                        **rope(rope_type="dynamic", factor=2.0)),
        "dynamic_short": tiny("LlamaForCausalLM", head_dim=8, tie_word_embeddings=True,
                              **rope(rope_type="dynamic", factor=2.0)),
        "v4_llama3": tiny("LlamaForCausalLM", head_dim=8, tie_word_embeddings=True, rewrite=[v4], **rope(**LLAMA3)),
        # as the first checkpoints had it: "type", no head counts or widths that follow from others, no rope_theta
        "v4_old": tiny("LlamaForCausalLM", num_key_value_heads=4, tie_word_embeddings=False, **rope(1e4, rope_type="linear", factor=2.0),
                       rewrite=[v4, edit("rope_theta", "head_dim", "num_key_value_heads", "tie_word_embeddings", "attention_bias",
                                         "mlp_bias", rope_scaling=dict(type="linear", factor=2.0))]),
    },
    "mistral": {
        "sliding": tiny("MistralForCausalLM", sliding_window=4, tie_word_embeddings=False, **rope(1e4)),
        "full": tiny("MistralForCausalLM", sliding_window=None, head_dim=6, tie_word_embeddings=False, **rope(1e6)),
    },
    "qwen2": {
        "tied": tiny("Qwen2ForCausalLM", tie_word_embeddings=True, **rope(1e6)),
        # the first layer sees all, the others four keys
        "sliding": tiny("Qwen2ForCausalLM", num_hidden_layers=3, use_sliding_window=True, sliding_window=4, max_window_layers=1,
                        tie_word_embeddings=False, **rope(1e4)),
        "v4_sliding": tiny("Qwen2ForCausalLM", use_sliding_window=True, sliding_window=4, max_window_layers=1,
                           tie_word_embeddings=False, rewrite=[v4], **rope(1e4)),
        # a window is named but not used
        "v4_unused_window": tiny("Qwen2ForCausalLM", max_window_layers=1, tie_word_embeddings=True, **rope(1e6),
                                 rewrite=[v4, edit("rope_scaling", sliding_window=4, use_sliding_window=False)]),
        # long contexts as the model cards tell users to switch on
        "v4_yarn": tiny("Qwen2ForCausalLM", tie_word_embeddings=True, rewrite=[v4], **rope(**YARN)),
    },
    "qwen3": {
        "tied": tiny("Qwen3ForCausalLM", head_dim=6, tie_word_embeddings=True, **rope(1e6)),
        "untied": tiny("Qwen3ForCausalLM", head_dim=8, num_key_value_heads=1, tie_word_embeddings=False, rewrite=[v4], **rope(1e6)),
    },
    "gpt2": {
        "default": named("GPT2LMHeadModel", **GPT2, shards="6KB"),
        "inverse_layer_idx": named("GPT2LMHeadModel", **GPT2, scale_attn_by_inverse_layer_idx=True, n_inner=24,
                                   activation_function="gelu", tie_word_embeddings=False),
        "unscaled": named("GPT2LMHeadModel", **GPT2, scale_attn_weights=False, reorder_and_upcast_attn=True,
                          activation_function="relu"),
        "hub": named("GPT2LMHeadModel", **GPT2, rewrite=[tensors(hub_gpt2), edit("dtype", "tie_word_embeddings", n_ctx=16)]),
    },
    "gpt_neox": {
        "pythia": named("GPTNeoXForCausalLM", **NEOX, **rope(1e4, partial_rotary_factor=0.25), tie_word_embeddings=False),
        "sequential": named("GPTNeoXForCausalLM", **NEOX, use_parallel_residual=False, attention_bias=False,
                            hidden_act="gelu_fast", **rope(partial_rotary_factor=1.0), tie_word_embeddings=True),
        "v4": named("GPTNeoXForCausalLM", **NEOX, **rope(100.0, partial_rotary_factor=0.5), tie_word_embeddings=False,
                    rewrite=[v4, edit("rope_theta", "partial_rotary_factor", "rope_scaling", "attention_bias", rotary_pct=0.5,
                                      rotary_emb_base=100)]),
    },
    "opt": {
        "before": named("OPTForCausalLM", **OPT),
        # opt-350m
        "after": named("OPTForCausalLM", **OPT, do_layer_norm_before=False, word_embed_proj_dim=12),
        # galactica
        "no_bias": named("OPTForCausalLM", **OPT, enable_bias=False, layer_norm_elementwise_affine=False,
                         activation_function="gelu"),
    },
    "gemma2": {
        "softcaps": tiny("Gemma2ForCausalLM", **GEMMA, query_pre_attn_scalar=6, attn_logit_softcapping=1.5,
                         final_logit_softcapping=4.0, **rope(1e4)),
        "scalar": tiny("Gemma2ForCausalLM", **GEMMA, query_pre_attn_scalar=4, attn_logit_softcapping=None,
                       final_logit_softcapping=3.0, rewrite=[v4], **rope(1e4)),
    },
    "gemma3_text": {
        "linear": tiny("Gemma3ForCausalLM", **DEEP, query_pre_attn_scalar=5,
                       layer_types=["sliding_attention", "sliding_attention", "full_attention"],
                       rope_parameters=dict(full_attention=dict(rope_type="linear", factor=8.0, rope_theta=1e6),
                                            sliding_attention=dict(rope_type="default", rope_theta=1e4))),
        "plain": tiny("Gemma3ForCausalLM", **GEMMA | dict(num_key_value_heads=1), query_pre_attn_scalar=6,
                      layer_types=["full_attention", "sliding_attention"],
                      rope_parameters=dict(full_attention=dict(rope_type="default", rope_theta=1000.0),
                                           sliding_attention=dict(rope_type="default", rope_theta=10.0))),
        "v4": tiny("Gemma3ForCausalLM", **DEEP, query_pre_attn_scalar=6, sliding_window_pattern=3,
                   rope_parameters=dict(full_attention=dict(rope_type="linear", factor=8.0, rope_theta=100.0),
                                        sliding_attention=dict(rope_type="default", rope_theta=10.0)),
                   rewrite=[v4, edit("_sliding_window_pattern", sliding_window_pattern=3)]),
    },
    "olmo2": {
        "gqa": tiny("Olmo2ForCausalLM", tie_word_embeddings=False, **rope(5e5)),
        "mha": tiny("Olmo2ForCausalLM", num_key_value_heads=4, attention_bias=True, tie_word_embeddings=True, rewrite=[v4],
                    **rope(1e4)),
    },
    "bert": {
        # sentence-transformers' MiniLM
        "minilm": named("BertModel", **BERT, rewrite=[tensors(hub_minilm)]),
        "masked_lm": named("BertForMaskedLM", **BERT),
        "pretraining": named("BertForPreTraining", **BERT, hidden_act="gelu_new", layer_norm_eps=1e-5),
        "padded": named("BertForMaskedLM", **BERT, padded=True),
    },
}
