"""The tiny models of architectures.py: for every model type its variants, each an architecture of transformers, its
config and what is special about its folder.
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
    rewrite: list = field(default_factory=list)  # functions that change the folder after save_pretrained
    padded: bool = False
    vocabulary: int = 41                         # token ids are smaller than this
    gguf: bool = False                           # also writes a GGUF file with the same weights
    experts_type: str = "F32"                    # type of the experts in the GGUF file; their weights are rounded to it in all files


def named(architecture, shards="1GB", rewrite=(), padded=False, vocabulary=41, gguf=False, experts_type="F32",
          **options):
    """For families with other names of config keys."""
    return Variant(architecture, TOKENS | options, shards, list(rewrite), padded, vocabulary, gguf, experts_type)


def tiny(architecture, **options):
    return named(architecture, **TINY | options)


def rope(theta=100.0, **options):
    return dict(rope_parameters=dict(rope_type="default", rope_theta=theta) | options)


def two_ropes(sliding, full, **options):
    """A theta for the sliding layers; a theta, and options, for the full ones."""
    default = dict(rope_type="default")
    return dict(rope_parameters=dict(sliding_attention=default | dict(rope_theta=sliding),
                                     full_attention=default | dict(rope_theta=full) | options))


LINEAR = dict(rope_type="linear", factor=8.0)


def v4(folder):
    """config.json in the format of transformers 4, as in most checkpoints on the hub."""
    file = folder / "config.json"
    config = json.loads(file.read_text())
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.51.0"
    text = config.get("text_config", config)
    rotary = text.pop("rope_parameters")
    if "full_attention" in rotary:
        text["rope_local_base_freq"] = rotary["sliding_attention"]["rope_theta"]
        rotary = rotary["full_attention"]
    for name in ("rope_theta", "partial_rotary_factor"):
        if name in rotary:
            text[name] = rotary.pop(name)
    text["rope_scaling"] = None if rotary["rope_type"] == "default" else rotary
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
        save_file({name: tensor.contiguous() for name, tensor in change(load_file(file)).items()}, file,
                  {"format": "pt"})
    return rewrite


def hub_gpt2(weights):
    """No prefix, and with the causal buffers of the original checkpoint."""
    bare = without_prefix("transformer.")(weights)
    return bare | {f"h.{n}.attn.bias": torch.ones(1, 1, 16, 16).tril() for n in range(2)}


def without_prefix(prefix):
    return lambda weights: {name.removeprefix(prefix): tensor for name, tensor in weights.items()}


def hub_gpt1(weights):
    bare = without_prefix("transformer.")(weights)
    return bare | {f"h.{n}.attn.bias": torch.ones(1, 1, 16, 16).tril() for n in range(2)}


def hub_gemma3(folder):
    """The text config's keys that equal its type's defaults are left out, and so are those of the outer config."""
    file = folder / "config.json"
    config = json.loads(file.read_text())
    kept = ("hidden_size", "intermediate_size", "model_type", "num_hidden_layers", "num_attention_heads",
            "num_key_value_heads", "head_dim", "query_pre_attn_scalar", "rope_scaling", "sliding_window", "vocab_size")
    config["text_config"] = {name: config["text_config"][name] for name in kept}
    config.pop("tie_word_embeddings")
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def hub_phi3(folder):
    """"type" in the scaling, and the original length beside it."""
    file = folder / "config.json"
    config = json.loads(file.read_text())
    scaling = {name: config["rope_scaling"][name] for name in ("short_factor", "long_factor")}
    file.write_text(json.dumps(config | dict(rope_scaling=scaling | dict(type="longrope")), indent=2,
                               sort_keys=True) + "\n")


def hub_deepseek(folder):
    """"type" in the scaling, and keys that only the published code reads."""
    file = folder / "config.json"
    config = json.loads(file.read_text())
    scaling = config["rope_scaling"]
    scaling["type"] = scaling.pop("rope_type")
    config |= dict(moe_layer_freq=1, scoring_func="softmax" if config["model_type"] == "deepseek_v2" else "sigmoid")
    config.setdefault("topk_method", "noaux_tc")
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def prediction_layer(weights):
    """One layer more, which predicts a further token."""
    return weights | {"model.layers.2.eh_proj.weight": torch.ones(2, 4), "model.layers.2.enorm.weight": torch.ones(4)}


def hub_minilm(weights):
    return weights | {"embeddings.position_ids": torch.arange(16)[None]}


LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=2.0, beta_slow=0.5)
GPT2 = dict(n_positions=16, n_embd=12, n_layer=2, n_head=4)
BERT = dict(hidden_size=12, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24,
            max_position_embeddings=16, pad_token_id=0)
NEOX = dict(hidden_size=12, intermediate_size=24, num_hidden_layers=2, num_attention_heads=3,
            max_position_embeddings=32)
OPT = dict(hidden_size=16, ffn_dim=24, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=16)
GEMMA = dict(hidden_size=12, num_hidden_layers=2, head_dim=6, sliding_window=4, hidden_activation="gelu_pytorch_tanh")
DEEP = GEMMA | dict(num_hidden_layers=3)
OPENAI = dict(n_positions=16, n_embd=12, n_layer=2, n_head=4)
ROBERTA = BERT | dict(type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1)
FALCON = dict(hidden_size=12, num_hidden_layers=2, max_position_embeddings=32)
PHI = dict(hidden_size=16, num_attention_heads=2, num_key_value_heads=2)
LONGROPE = dict(rope_type="longrope", short_factor=[1.0, 1.1, 1.3, 1.7], long_factor=[1.5, 2.5, 4.0, 6.5])
GPT_OSS = dict(hidden_size=12, intermediate_size=12, head_dim=8, num_local_experts=4, num_experts_per_tok=2,
               sliding_window=4, tie_word_embeddings=False,
               **rope(150.0, rope_type="yarn", factor=32.0, beta_fast=4.0, beta_slow=0.5, truncate=False,
                      original_max_position_embeddings=64))
QWEN2_MOE = dict(hidden_size=12, num_attention_heads=2, moe_intermediate_size=8, shared_expert_intermediate_size=12,
                 num_experts=4, num_experts_per_tok=2, tie_word_embeddings=False, **rope(1e4))
QWEN3_MOE = dict(hidden_size=12, moe_intermediate_size=8, num_experts=5, num_experts_per_tok=3, head_dim=6,
                 tie_word_embeddings=False, **rope(1e4))
AFMOE = dict(hidden_size=12, num_attention_heads=2, num_key_value_heads=1, head_dim=8, moe_intermediate_size=6, num_experts=4,
             num_experts_per_tok=2, num_shared_experts=2, route_scale=1.7, sliding_window=4)
HYBRID = dict(hidden_size=12, num_attention_heads=2, num_key_value_heads=1, head_dim=8, linear_num_key_heads=2,
              linear_num_value_heads=4, linear_key_head_dim=4, linear_value_head_dim=6, linear_conv_kernel_dim=3,
              layer_types=["linear_attention", "full_attention"])
HYBRID_MOE = HYBRID | dict(moe_intermediate_size=8, shared_expert_intermediate_size=10, num_experts=4, num_experts_per_tok=2)
HYBRID_ROPE = rope(100.0, partial_rotary_factor=0.5, mrope_section=[1, 1, 0], mrope_interleaved=True)
HYBRID_VISION = dict(hidden_size=8, intermediate_size=4, depth=1, num_heads=1, out_hidden_size=12, num_position_embeddings=4,
                     patch_size=2)
VISION = dict(hidden_size=4, intermediate_size=4, num_hidden_layers=1, num_attention_heads=1, image_size=8,
              patch_size=4)

OLMOE = dict(hidden_size=12, intermediate_size=8, num_attention_heads=2, num_experts=5, num_experts_per_tok=3,
             tie_word_embeddings=False)
GRANITE_MOE = dict(hidden_size=12, intermediate_size=8, num_attention_heads=2, num_key_value_heads=1,
                   num_local_experts=5, num_experts_per_tok=3, embedding_multiplier=3.0, attention_multiplier=0.3,
                   residual_multiplier=0.4, logits_scaling=2.5)
LATENT = dict(hidden_size=12, intermediate_size=16, num_attention_heads=3, num_key_value_heads=3, kv_lora_rank=6,
              qk_rope_head_dim=4, qk_nope_head_dim=2, tie_word_embeddings=False)
DEEPSEEK = LATENT | dict(moe_intermediate_size=8, n_routed_experts=6, num_experts_per_tok=3, first_k_dense_replace=1)
MSCALE = YARN | dict(mscale=0.7, mscale_all_dim=0.7)
GLM_MOE = dict(hidden_size=12, num_attention_heads=2, num_key_value_heads=1, head_dim=8, moe_intermediate_size=8,
               n_routed_experts=4, num_experts_per_tok=2, tie_word_embeddings=False)
ERNIE_MOE = dict(hidden_size=12, num_attention_heads=2, num_key_value_heads=1, moe_intermediate_size=8,
                 moe_num_experts=4, moe_k=2)
MINIMAX = dict(hidden_size=12, intermediate_size=8, num_attention_heads=2, num_key_value_heads=1, head_dim=8,
               num_local_experts=4, num_experts_per_tok=2, tie_word_embeddings=False)
PHIMOE = dict(hidden_size=12, intermediate_size=8, num_attention_heads=2, num_key_value_heads=1, num_local_experts=5,
              tie_word_embeddings=False)
DBRX = dict(d_model=12, n_heads=2, n_layers=2, max_seq_len=32, tie_word_embeddings=False)


def multimodal(text, **options):
    text = TOKENS | TINY | text
    return named("Gemma3ForConditionalGeneration", text_config=text, vision_config=VISION, mm_tokens_per_image=4,
                 boi_token_index=38, eoi_token_index=39, image_token_index=40, vocabulary=38, **options)


def with_images(architecture, text, **options):
    """A model of text and images, run on text alone; `text` has the language model's model_type."""
    return named(architecture, text_config=TOKENS | TINY | text, **options)


def flat(folder):
    """The language model's keys beside the others, as transformers 4 wrote them."""
    file = folder / "config.json"
    config = json.loads(file.read_text())
    config = config.pop("text_config") | config
    config["rope_scaling"] = config.pop("rope_parameters") | dict(type="mrope", rope_type="mrope")
    config["rope_theta"] = config["rope_scaling"].pop("rope_theta")
    config.pop("layer_types")
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


GLM = dict(hidden_size=16, head_dim=8, pad_token_id=None)
COHERE = dict(hidden_size=16, num_attention_heads=2, num_key_value_heads=1)
XGLM = dict(d_model=12, num_layers=2, attention_heads=3, ffn_dim=24, max_position_embeddings=16, pad_token_id=1)
GPTJ = dict(n_positions=16, n_embd=16, n_layer=2, n_head=2)
QWEN_VISION = dict(depth=1, hidden_size=8, intermediate_size=8, out_hidden_size=16, num_heads=2, patch_size=2,
                   num_position_embeddings=4, deepstack_visual_indexes=[0], in_channels=1)
QWEN_IMAGES = dict(image_token_id=37, video_token_id=38, vision_start_token_id=39, vision_end_token_id=40, vocabulary=37)
MROPE = dict(mrope_section=[1, 2, 1])
MINISTRAL = dict(head_dim=6, sliding_window=None,
                 **rope(100.0, rope_type="yarn", factor=8.0, original_max_position_embeddings=4, beta_fast=2.0,
                        beta_slow=0.5, mscale=1.0, mscale_all_dim=1.0, llama_4_scaling_beta=0.3))


VARIANTS = {
    "llama": {
        # llama3 frequencies (one band of each kind), biases, head width of its own, untied, shards
        "llama3": tiny("LlamaForCausalLM", gguf=True, head_dim=8, attention_bias=True, mlp_bias=True,
                       tie_word_embeddings=False, shards="6KB", **rope(**LLAMA3)),
        "linear": tiny("LlamaForCausalLM", gguf=True, tie_word_embeddings=True, **rope(rope_type="linear", factor=4.0)),
        "mqa": tiny("LlamaForCausalLM", num_key_value_heads=1, tie_word_embeddings=False, rms_norm_eps=1e-5,
                    **rope(1e4)),
        "yarn": tiny("LlamaForCausalLM", num_attention_heads=2, tie_word_embeddings=True, **rope(**YARN)),
        "yarn_mscale": tiny("LlamaForCausalLM", num_attention_heads=2, tie_word_embeddings=True,
                            **rope(**YARN, mscale=1.0, mscale_all_dim=0.5, truncate=False)),
        "yarn_attention_factor": tiny("LlamaForCausalLM", num_attention_heads=2, tie_word_embeddings=True,
                                      **rope(**YARN, attention_factor=1.3)),
        # longer than max_position_embeddings, so that the base grows; and not longer, so that it does not
        "dynamic": tiny("LlamaForCausalLM", num_attention_heads=2, tie_word_embeddings=True, max_position_embeddings=6,
                        **rope(rope_type="dynamic", factor=2.0)),
        "dynamic_short": tiny("LlamaForCausalLM", num_attention_heads=2, tie_word_embeddings=True,
                              **rope(rope_type="dynamic", factor=2.0)),
        "v4_llama3": tiny("LlamaForCausalLM", num_attention_heads=2, tie_word_embeddings=True, rewrite=[v4],
                          **rope(**LLAMA3)),
        # as in the first checkpoints: "type", no head counts or widths that follow from others, no rope_theta
        "v4_old": tiny("LlamaForCausalLM", num_key_value_heads=4, tie_word_embeddings=False,
                       **rope(1e4, rope_type="linear", factor=2.0),
                       rewrite=[v4, edit("rope_theta", "head_dim", "num_key_value_heads", "tie_word_embeddings",
                                         "attention_bias", "mlp_bias", rope_scaling=dict(type="linear", factor=2.0))]),
    },
    "mistral": {
        "sliding": tiny("MistralForCausalLM", sliding_window=4, tie_word_embeddings=False, **rope(1e4)),
        "full": tiny("MistralForCausalLM", gguf=True, sliding_window=None, head_dim=6, tie_word_embeddings=False,
                     **rope(1e6)),
    },
    "qwen2": {
        "tied": tiny("Qwen2ForCausalLM", gguf=True, tie_word_embeddings=True, **rope(1e6)),
        # the first layer has full attention, the others a window of four keys
        "sliding": tiny("Qwen2ForCausalLM", num_hidden_layers=3, hidden_size=12, num_attention_heads=2,
                        num_key_value_heads=1, use_sliding_window=True, sliding_window=4, max_window_layers=1,
                        tie_word_embeddings=False, **rope(1e4)),
        "v4_sliding": tiny("Qwen2ForCausalLM", use_sliding_window=True, sliding_window=4, max_window_layers=1,
                           tie_word_embeddings=False, rewrite=[v4, edit("layer_types")], **rope(1e4)),
        # a window is named but not used
        "v4_unused_window": tiny("Qwen2ForCausalLM", max_window_layers=1, tie_word_embeddings=True, **rope(1e6),
                                 rewrite=[v4, edit("rope_scaling", "layer_types", sliding_window=4,
                                                   use_sliding_window=False)]),
        # long contexts as the model cards tell users to switch on
        "v4_yarn": tiny("Qwen2ForCausalLM", tie_word_embeddings=True, rewrite=[v4, edit("layer_types")],
                        **rope(**YARN)),
    },
    "qwen3": {
        "tied": tiny("Qwen3ForCausalLM", gguf=True, head_dim=6, tie_word_embeddings=True, **rope(1e6)),
        "untied": tiny("Qwen3ForCausalLM", head_dim=8, num_key_value_heads=1, tie_word_embeddings=False,
                       rewrite=[v4, edit("layer_types")], **rope(1e6)),
        # arXiv 2505.06708
        "gate_per_head": tiny("Qwen3ForCausalLM", head_dim=6, tie_word_embeddings=True, headwise_attn_output_gate=True,
                              elementwise_attn_output_gate=False, rewrite=[v4, edit("layer_types")], **rope(1e4)),
        "gate_per_channel": tiny("Qwen3ForCausalLM", head_dim=4, num_key_value_heads=1, tie_word_embeddings=False,
                                 headwise_attn_output_gate=False, elementwise_attn_output_gate=True,
                                 rewrite=[v4, edit("layer_types")], **rope(1e4)),
    },
    "gpt2": {
        "default": named("GPT2LMHeadModel", gguf=True, **GPT2, shards="6KB"),
        "inverse_layer_idx": named("GPT2LMHeadModel", **GPT2, scale_attn_by_inverse_layer_idx=True, n_inner=24,
                                   activation_function="gelu", tie_word_embeddings=False),
        "unscaled": named("GPT2LMHeadModel", **GPT2, scale_attn_weights=False, reorder_and_upcast_attn=True,
                          activation_function="relu"),
        "hub": named("GPT2LMHeadModel", **GPT2,
                     rewrite=[tensors(hub_gpt2), edit("dtype", "tie_word_embeddings", n_ctx=16)]),
    },
    "gpt_neox": {
        "pythia": named("GPTNeoXForCausalLM", **NEOX | dict(hidden_size=16, num_attention_heads=2),
                        **rope(1e4, partial_rotary_factor=0.25), tie_word_embeddings=False),
        "sequential": named("GPTNeoXForCausalLM", **NEOX, use_parallel_residual=False, attention_bias=False,
                            hidden_act="gelu_fast", **rope(partial_rotary_factor=1.0), tie_word_embeddings=True),
        "v4": named("GPTNeoXForCausalLM", **NEOX, **rope(100.0, partial_rotary_factor=0.5), tie_word_embeddings=False,
                    rewrite=[v4, edit("rope_theta", "partial_rotary_factor", "rope_scaling", "attention_bias",
                                      rotary_pct=0.5, rotary_emb_base=100)]),
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
        "softcaps": tiny("Gemma2ForCausalLM", gguf=True, **GEMMA, query_pre_attn_scalar=6, attn_logit_softcapping=1.5,
                         final_logit_softcapping=4.0, **rope(1e4)),
        "scalar": tiny("Gemma2ForCausalLM", **GEMMA, query_pre_attn_scalar=4, attn_logit_softcapping=None,
                       final_logit_softcapping=3.0, rewrite=[v4, edit("layer_types")], **rope(1e4)),
    },
    "gemma3_text": {
        "linear": tiny("Gemma3ForCausalLM", **DEEP, query_pre_attn_scalar=5, **two_ropes(1e4, 1e6, **LINEAR),
                       layer_types=["sliding_attention", "sliding_attention", "full_attention"]),
        "plain": tiny("Gemma3ForCausalLM", **GEMMA | dict(num_key_value_heads=1), query_pre_attn_scalar=6,
                      layer_types=["full_attention", "sliding_attention"], **two_ropes(10.0, 1000.0)),
        # implied by GGUF: one full layer in six, head_dim^-1/2
        "one_in_six": tiny("Gemma3ForCausalLM", gguf=True, query_pre_attn_scalar=6, **two_ropes(10.0, 1000.0, **LINEAR),
                           **GEMMA | dict(hidden_size=8, intermediate_size=12, num_hidden_layers=6,
                                          num_attention_heads=2, num_key_value_heads=1)),
        "v4": tiny("Gemma3ForCausalLM", **DEEP, query_pre_attn_scalar=6, sliding_window_pattern=3,
                   **two_ropes(10.0, 100.0, **LINEAR),
                   rewrite=[v4, edit("_sliding_window_pattern", "layer_types", sliding_window_pattern=3)]),
    },
    "olmo2": {
        "gqa": tiny("Olmo2ForCausalLM", tie_word_embeddings=False, **rope(5e5)),
        "mha": tiny("Olmo2ForCausalLM", num_key_value_heads=4, attention_bias=True, tie_word_embeddings=True,
                    rewrite=[v4], **rope(1e4)),
    },
    "bert": {
        # sentence-transformers' MiniLM
        "minilm": named("BertModel", **BERT, rewrite=[tensors(hub_minilm)]),
        "masked_lm": named("BertForMaskedLM", **BERT),
        "pretraining": named("BertForPreTraining", **BERT, hidden_act="gelu_new", layer_norm_eps=1e-5),
        "padded": named("BertForMaskedLM", **BERT, padded=True),
    },
    "roberta": {
        "masked_lm": named("RobertaForMaskedLM", **ROBERTA),
        "padded": named("RobertaForMaskedLM", **ROBERTA, padded=True),
        "encoder": named("RobertaModel", **ROBERTA, hidden_act="relu"),
    },
    "gemma3": {
        "wrapper": multimodal(GEMMA | dict(query_pre_attn_scalar=6, **two_ropes(10.0, 1000.0, **LINEAR),
                                           layer_types=["sliding_attention", "full_attention"])),
        # the hub's 4b: layers and thetas follow from the defaults of the model type
        "v4": multimodal(GEMMA | dict(query_pre_attn_scalar=5, **two_ropes(1e4, 1e6, **LINEAR)),
                         rewrite=[v4, hub_gemma3]),
    },
    "olmo": {
        "plain": tiny("OlmoForCausalLM", num_key_value_heads=4, tie_word_embeddings=False, **rope(1e4)),
        "clip": tiny("OlmoForCausalLM", clip_qkv=0.7, tie_word_embeddings=True, rewrite=[v4], **rope(1e4)),
    },
    "olmo3": {
        # rotary scaling on the full layer only
        "yarn": tiny("Olmo3ForCausalLM", num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=1,
                     sliding_window=4, tie_word_embeddings=False,
                     layer_types=["sliding_attention", "sliding_attention", "full_attention"],
                     **two_ropes(100.0, 100.0, **YARN, attention_factor=1.2)),
        "plain": tiny("Olmo3ForCausalLM", sliding_window=4, layer_types=["full_attention", "sliding_attention"],
                      tie_word_embeddings=False, **two_ropes(1e4, 1e4)),
        "v4": tiny("Olmo3ForCausalLM", hidden_size=12, num_attention_heads=2, num_key_value_heads=1, sliding_window=4,
                   layer_types=["sliding_attention", "full_attention"], tie_word_embeddings=False,
                   **two_ropes(5e5, 5e5, **YARN), rewrite=[v4, edit("rope_local_base_freq")]),
    },
    "openai-gpt": {
        "default": named("OpenAIGPTLMHeadModel", **OPENAI),
        "hub": named("OpenAIGPTLMHeadModel", **OPENAI, afn="silu",
                     rewrite=[tensors(hub_gpt1), edit("dtype", "tie_word_embeddings")]),
    },
    "falcon": {
        "7b": named("FalconForCausalLM", gguf=True, **FALCON, num_attention_heads=3, num_kv_heads=3, **rope(1e4)),
        # 40b: grouped keys and values, a norm each for attention and MLP
        "two_norms": named("FalconForCausalLM", gguf=True, **FALCON, num_attention_heads=6, num_kv_heads=3,
                           new_decoder_architecture=True, **rope(1e4)),
        # 11b
        "one_norm": named("FalconForCausalLM", **FALCON, num_attention_heads=6, num_kv_heads=2,
                          new_decoder_architecture=True, num_ln_in_parallel_attn=1, ffn_hidden_size=20,
                          tie_word_embeddings=False, rewrite=[v4], **rope(100.0)),
        "rw": named("FalconForCausalLM", **FALCON, num_attention_heads=6, alibi=True, bias=True, parallel_attn=False,
                    multi_query=False, **rope(1e4)),
        "rw_power_of_two": named("FalconForCausalLM", **FALCON | dict(hidden_size=8), num_attention_heads=4,
                                 alibi=True, bias=True, parallel_attn=False, multi_query=False,
                                 activation="gelu_new", **rope(1e4)),
    },
    "phi": {
        "partial": tiny("PhiForCausalLM", **PHI, **rope(1e4, partial_rotary_factor=0.5), tie_word_embeddings=False),
        "qk_layernorm": tiny("PhiForCausalLM", **PHI, qk_layernorm=True, **rope(100.0, partial_rotary_factor=0.25),
                             tie_word_embeddings=False),
        "v4_gqa": tiny("PhiForCausalLM", **PHI | dict(num_key_value_heads=1),
                       **rope(100.0, partial_rotary_factor=0.6), tie_word_embeddings=False, rewrite=[v4]),
    },
    "phi3": {
        "sliding": tiny("Phi3ForCausalLM", sliding_window=4, tie_word_embeddings=False,
                        **rope(1e4, partial_rotary_factor=1.0)),
        "longrope_short": tiny("Phi3ForCausalLM", **PHI, original_max_position_embeddings=16, tie_word_embeddings=False,
                               **rope(100.0, partial_rotary_factor=1.0, **LONGROPE)),
        "longrope_long": tiny("Phi3ForCausalLM", gguf=True, **PHI, original_max_position_embeddings=6,
                              tie_word_embeddings=False, **rope(100.0, partial_rotary_factor=1.0, **LONGROPE)),
        # phi-4-mini
        "v4_partial": tiny("Phi3ForCausalLM", gguf=True, **PHI | dict(num_key_value_heads=1),
                           original_max_position_embeddings=6, tie_word_embeddings=True, rewrite=[v4, hub_phi3],
                           **rope(100.0, partial_rotary_factor=0.75, rope_type="longrope", short_factor=[1.0, 1.2, 1.4],
                                  long_factor=[1.5, 3.0, 5.0])),
    },
    "mpt": {
        "odd_heads": named("MptForCausalLM", d_model=12, n_heads=3, n_layers=2, max_seq_len=16),
        "clip": named("MptForCausalLM", d_model=8, n_heads=4, n_layers=2, max_seq_len=12,
                      attn_config=dict(clip_qkv=0.7, softmax_scale=0.4)),
        "six_heads": named("MptForCausalLM", d_model=12, n_heads=6, n_layers=2, max_seq_len=9),
    },
    "bloom": {
        "six_heads": named("BloomForCausalLM", hidden_size=12, n_layer=2, n_head=6),
        "four_heads": named("BloomForCausalLM", hidden_size=8, n_layer=2, n_head=4, layer_norm_epsilon=1e-3),
        "hub": named("BloomForCausalLM", hidden_size=12, n_layer=2, n_head=3,
                     rewrite=[tensors(without_prefix("transformer.")), edit("dtype", "tie_word_embeddings")]),
    },
    "stablelm": {
        "partial": tiny("StableLmForCausalLM", **PHI, use_qkv_bias=True, tie_word_embeddings=False,
                        **rope(1e4, partial_rotary_factor=0.25)),
        # stablelm-2-12b
        "parallel": tiny("StableLmForCausalLM", num_attention_heads=2, num_key_value_heads=1, qk_layernorm=True,
                         use_parallel_residual=True, tie_word_embeddings=False,
                         **rope(100.0, partial_rotary_factor=0.5)),
        "v4": tiny("StableLmForCausalLM", tie_word_embeddings=True, rewrite=[v4],
                   **rope(100.0, partial_rotary_factor=0.5)),
    },
    "granite": {
        "multipliers": tiny("GraniteForCausalLM", embedding_multiplier=3.0, attention_multiplier=0.3,
                            residual_multiplier=0.4, logits_scaling=2.5, tie_word_embeddings=True, **rope(1e4)),
        "biases": tiny("GraniteForCausalLM", embedding_multiplier=1.5, attention_multiplier=0.6,
                       residual_multiplier=0.7,
                       logits_scaling=0.5, attention_bias=True, mlp_bias=True, tie_word_embeddings=False, rewrite=[v4],
                       **rope(1e4)),
    },
    "smollm3": {
        "listed": tiny("SmolLM3ForCausalLM", num_hidden_layers=3, no_rope_layers=[1, 0, 1], tie_word_embeddings=True,
                       **rope(5e6)),
        "interval": tiny("SmolLM3ForCausalLM", no_rope_layer_interval=2, tie_word_embeddings=False,
                         rewrite=[v4, edit("no_rope_layers", "layer_types")], **rope(100.0)),
    },
    "gpt_oss": {
        "yarn": tiny("GptOssForCausalLM", gguf=True, **GPT_OSS),
        "mxfp4": tiny("GptOssForCausalLM", gguf=True, experts_type="MXFP4",
                      **GPT_OSS | dict(hidden_size=32, intermediate_size=32, num_local_experts=3)),
        "clamped": tiny("GptOssForCausalLM", **GPT_OSS, swiglu_limit=0.8, swiglu_alpha=1.3,
                        layer_types=["full_attention", "sliding_attention"]),
        "v4": tiny("GptOssForCausalLM", **GPT_OSS | dict(num_key_value_heads=1, num_experts_per_tok=3), rewrite=[v4]),
    },
    "mixtral": {
        "two_of_four": tiny("MixtralForCausalLM", hidden_size=12, num_attention_heads=2, num_key_value_heads=1,
                            num_local_experts=4, num_experts_per_tok=2, sliding_window=None,
                            tie_word_embeddings=False, intermediate_size=16, **rope(1e6)),
        "v4_sliding": tiny("MixtralForCausalLM", hidden_size=12, num_local_experts=3, num_experts_per_tok=1,
                           sliding_window=4, head_dim=6, intermediate_size=16,
                           tie_word_embeddings=False, rewrite=[v4], **rope(1e4)),
    },
    "qwen2_moe": {
        "shared": tiny("Qwen2MoeForCausalLM", **QWEN2_MOE, norm_topk_prob=False),
        "sparse_step": tiny("Qwen2MoeForCausalLM", **QWEN2_MOE, norm_topk_prob=True, decoder_sparse_step=2),
        "mlp_only": tiny("Qwen2MoeForCausalLM", **QWEN2_MOE, norm_topk_prob=True, mlp_only_layers=[1], qkv_bias=False,
                         rewrite=[v4, edit("layer_types")]),
    },
    "qwen3_moe": {
        "normalised": tiny("Qwen3MoeForCausalLM", **QWEN3_MOE, norm_topk_prob=True),
        "mlp_only": tiny("Qwen3MoeForCausalLM", **QWEN3_MOE, norm_topk_prob=False, mlp_only_layers=[0], rewrite=[v4]),
    },
    "qwen3_next": {
        "listed": tiny("Qwen3NextForCausalLM", **HYBRID_MOE, mlp_only_layers=[1], tie_word_embeddings=False,
                       **rope(100.0, partial_rotary_factor=0.5)),
        # the hub's
        "v4_interval": tiny("Qwen3NextForCausalLM", **HYBRID_MOE | dict(linear_num_key_heads=1, linear_num_value_heads=3),
                            norm_topk_prob=False, tie_word_embeddings=True, **rope(1e4, partial_rotary_factor=0.25),
                            rewrite=[v4, edit("layer_types", full_attention_interval=2)]),
    },
    "qwen3_5_text": {
        "text": tiny("Qwen3_5ForCausalLM", **HYBRID, tie_word_embeddings=True, **HYBRID_ROPE),
    },
    "qwen3_5": {
        "wrapper": with_images("Qwen3_5ForConditionalGeneration", HYBRID | HYBRID_ROPE, vision_config=HYBRID_VISION,
                               tie_word_embeddings=False, **QWEN_IMAGES),
    },
    "qwen3_5_moe_text": {
        "text": tiny("Qwen3_5MoeForCausalLM", **HYBRID_MOE, tie_word_embeddings=False, **HYBRID_ROPE),
    },
    "qwen3_5_moe": {
        "wrapper": with_images("Qwen3_5MoeForConditionalGeneration", HYBRID_MOE | HYBRID_ROPE, vision_config=HYBRID_VISION,
                               tie_word_embeddings=False, **QWEN_IMAGES),
    },
    "gemma": {
        "mqa": tiny("GemmaForCausalLM", gguf=True, head_dim=6, num_key_value_heads=1, **rope(1e4)),
        # the first files say gelu, and mean the approximation
        "v4": tiny("GemmaForCausalLM", head_dim=4, attention_bias=True, tie_word_embeddings=False,
                   rewrite=[v4, edit(hidden_act="gelu")], **rope(100.0)),
    },
    "starcoder2": {
        "sliding": tiny("Starcoder2ForCausalLM", sliding_window=4, **rope(1e5)),
        "v4": tiny("Starcoder2ForCausalLM", use_bias=False, tie_word_embeddings=False, hidden_act="gelu", rewrite=[v4],
                   **rope(100.0)),
        "full": tiny("Starcoder2ForCausalLM", gguf=True, **rope(1e5)),
    },
    "glm": {
        "partial": tiny("GlmForCausalLM", gguf=True, **GLM, **rope(1e4, partial_rotary_factor=0.5)),
        "v4": tiny("GlmForCausalLM", **GLM, attention_bias=False, tie_word_embeddings=True, rewrite=[v4],
                   **rope(100.0, partial_rotary_factor=0.25)),
    },
    "glm4": {
        "partial": tiny("Glm4ForCausalLM", gguf=True, **GLM, **rope(1e4, partial_rotary_factor=0.5)),
        "v4": tiny("Glm4ForCausalLM", **GLM, attention_bias=False, rewrite=[v4], **rope(100.0, partial_rotary_factor=1.0)),
    },
    "cohere": {
        "qk_norm": tiny("CohereForCausalLM", gguf=True, **COHERE, use_qk_norm=True, logit_scale=0.5, **rope(75e3)),
        "v4": tiny("CohereForCausalLM", **COHERE, attention_bias=True, tie_word_embeddings=False, rewrite=[v4],
                   **rope(100.0)),
    },
    "cohere2": {
        "listed": tiny("Cohere2ForCausalLM", gguf=True, **COHERE, sliding_window=4, logit_scale=0.25,
                       layer_types=["full_attention", "sliding_attention"], **rope(5e4)),
        "v4": tiny("Cohere2ForCausalLM", **COHERE, sliding_window=4, attention_bias=True, sliding_window_pattern=2,
                   rewrite=[v4, edit("layer_types", sliding_window_pattern=2)], **rope(100.0)),
    },
    "nemotron": {
        "partial": tiny("NemotronForCausalLM", gguf=True, **PHI, **rope(1e4, partial_rotary_factor=0.5)),
        "v4": tiny("NemotronForCausalLM", head_dim=8, attention_bias=True, mlp_bias=True, hidden_act="silu",
                   rewrite=[v4, edit("partial_rotary_factor")], **rope(100.0, partial_rotary_factor=0.5)),
    },
    "arcee": {
        "yarn": tiny("ArceeForCausalLM", gguf=True, head_dim=6, **rope(**YARN)),
        "v4": tiny("ArceeForCausalLM", attention_bias=True, mlp_bias=True, tie_word_embeddings=True, rewrite=[v4],
                   **rope(1e4)),
    },
    "seed_oss": {
        "biases": tiny("SeedOssForCausalLM", gguf=True, head_dim=6, **rope(1e7)),
        "v4": tiny("SeedOssForCausalLM", head_dim=4, attention_bias=False, attention_out_bias=True, mlp_bias=True,
                   tie_word_embeddings=True, rewrite=[v4], **rope(100.0)),
    },
    "exaone4": {
        "windows": tiny("Exaone4ForCausalLM", sliding_window=4, layer_types=["sliding_attention", "full_attention"],
                        **rope(1e6)),
        # the 1.2B model has no windows, so that all layers have RoPE
        "v4": tiny("Exaone4ForCausalLM", gguf=True, head_dim=6, sliding_window=None, sliding_window_pattern=None,
                   layer_types=["full_attention"] * 2, tie_word_embeddings=True, rewrite=[v4], **rope(**LLAMA3)),
    },
    "helium": {
        "plain": tiny("HeliumForCausalLM", head_dim=4, **rope(1e5)),
        "v4": tiny("HeliumForCausalLM", hidden_size=12, num_attention_heads=2, num_key_value_heads=1, head_dim=6,
                   attention_bias=True, tie_word_embeddings=True, rewrite=[v4], **rope(100.0)),
    },
    "ernie4_5": {
        "plain": tiny("Ernie4_5ForCausalLM", gguf=True, head_dim=6, **rope(5e5)),
        "v4": tiny("Ernie4_5ForCausalLM", head_dim=8, use_bias=True, tie_word_embeddings=False, rewrite=[v4],
                   **rope(100.0)),
    },
    "gptj": {
        "partial": named("GPTJForCausalLM", **GPTJ, rotary_dim=4),
        "hub": named("GPTJForCausalLM", **GPTJ, rotary_dim=8, n_inner=24, activation_function="gelu",
                     rewrite=[tensors(lambda weights: weights | {f"transformer.h.{n}.attn.masked_bias": torch.tensor(-1e9)
                                                                 for n in range(2)}),
                              edit("dtype", n_ctx=16, rotary=True, scale_attn_weights=True)]),
    },
    "codegen": {
        "partial": named("CodeGenForCausalLM", **GPTJ | dict(n_head=4), rotary_dim=2),
        "hub": named("CodeGenForCausalLM", **GPTJ | dict(n_head=4), rotary_dim=4, n_inner=24,
                     rewrite=[edit("dtype", n_ctx=16, scale_attn_weights=True)]),
    },
    "gpt_bigcode": {
        "mqa": named("GPTBigCodeForCausalLM", **GPT2),
        "mha": named("GPTBigCodeForCausalLM", **GPT2, multi_query=False, n_inner=24, scale_attn_weights=False,
                     activation_function="gelu", tie_word_embeddings=False,
                     rewrite=[edit("dtype", "num_key_value_heads", inference_runner=0, pad_key_length=True)]),
    },
    "hunyuan_v1_dense": {
        "alpha": tiny("HunYuanDenseV1ForCausalLM", gguf=True, head_dim=6, tie_word_embeddings=True,
                      **rope(1e4, rope_type="dynamic", alpha=50.0, factor=1.0, beta_fast=32, beta_slow=1, mscale=1.0,
                             mscale_all_dim=1.0)),
        "v4": tiny("HunYuanDenseV1ForCausalLM", head_dim=4, attention_bias=True, rewrite=[v4], **rope(100.0)),
    },
    "apertus": {
        "xielu": tiny("ApertusForCausalLM", **rope(**LLAMA3)),
        "v4": tiny("ApertusForCausalLM", attention_bias=True, hidden_act="relu2", tie_word_embeddings=True, rewrite=[v4],
                   **rope(500.0, rope_type="linear", factor=2.0)),
    },
    "gpt_neo": {
        "windows": named("GPTNeoForCausalLM", hidden_size=12, num_layers=2, num_heads=3, max_position_embeddings=16,
                         window_size=4, attention_types=[[["global", "local"], 1]]),
        "hub": named("GPTNeoForCausalLM", hidden_size=12, num_layers=2, num_heads=2, max_position_embeddings=16,
                     window_size=3, attention_types=[[["local"], 1], [["global"], 1]], intermediate_size=20,
                     rewrite=[edit("dtype", "tie_word_embeddings", attention_layers=["local", "global"])]),
    },
    "ministral3": {
        "scaled": tiny("Ministral3ForCausalLM", **MINISTRAL),
        "sliding": tiny("Ministral3ForCausalLM", **MINISTRAL | dict(sliding_window=4, tie_word_embeddings=True)),
    },
    "biogpt": {
        "scaled": named("BioGptForCausalLM", **BERT | dict(pad_token_id=1)),
        "hub": named("BioGptForCausalLM", **BERT | dict(pad_token_id=1), scale_embedding=False, hidden_act="relu",
                     tie_word_embeddings=False, rewrite=[edit("dtype")]),
    },
    "xglm": {
        "scaled": named("XGLMForCausalLM", **XGLM),
        "hub": named("XGLMForCausalLM", **XGLM, scale_embedding=False, activation_function="relu",
                     tie_word_embeddings=False, rewrite=[edit("dtype")]),
    },
    "llava": {
        "llama": with_images("LlavaForConditionalGeneration", dict(model_type="llama", **rope(1e4)),
                             vision_config=dict(model_type="clip_vision_model", projection_dim=4, **VISION),
                             image_token_index=40, vocabulary=40),
    },
    "mistral3": {
        "ministral3": with_images("Mistral3ForConditionalGeneration", dict(model_type="ministral3", **MINISTRAL),
                                  vision_config=dict(model_type="pixtral", head_dim=4, **VISION), image_token_index=40,
                                  tie_word_embeddings=False, vocabulary=40),
    },
    "qwen2_vl": {
        "flat": with_images("Qwen2VLForConditionalGeneration",
                            dict(hidden_size=16, num_attention_heads=2, num_key_value_heads=1, **rope(1e4, **MROPE)),
                            vision_config=dict(depth=1, embed_dim=8, hidden_size=16, num_heads=2, patch_size=2,
                                               in_channels=1), **QWEN_IMAGES, rewrite=[flat]),
    },
    "qwen2_5_vl": {
        "text": with_images("Qwen2_5_VLForConditionalGeneration",
                            dict(hidden_size=16, num_attention_heads=2, num_key_value_heads=1, **rope(1e4, **MROPE)),
                            vision_config=QWEN_VISION, **QWEN_IMAGES),
    },
    "qwen3_vl": {
        "text": with_images("Qwen3VLForConditionalGeneration",
                            dict(hidden_size=16, num_attention_heads=2, num_key_value_heads=1, head_dim=8,
                                 **rope(1e4, **MROPE)),
                            vision_config=QWEN_VISION, tie_word_embeddings=True, **QWEN_IMAGES),
    },
    "olmoe": {
        "default": tiny("OlmoeForCausalLM", gguf=True, **OLMOE, norm_topk_prob=False, **rope(1e4)),
        "v4_biases": tiny("OlmoeForCausalLM", **OLMOE | dict(num_key_value_heads=1), norm_topk_prob=True,
                          attention_bias=True, rewrite=[v4], **rope(1e4)),
    },
    "flex_olmo": {
        "default": tiny("FlexOlmoForCausalLM", **OLMOE, norm_topk_prob=False, **rope(5e5)),
        "v4": tiny("FlexOlmoForCausalLM", **OLMOE | dict(num_key_value_heads=1), norm_topk_prob=True, rewrite=[v4],
                   **rope(5e5)),
    },
    "granitemoe": {
        "biases": tiny("GraniteMoeForCausalLM", **GRANITE_MOE, attention_bias=True, tie_word_embeddings=False,
                       **rope(1e4)),
        "v4": tiny("GraniteMoeForCausalLM", **GRANITE_MOE, tie_word_embeddings=True, rewrite=[v4], **rope(1e4)),
    },
    "granitemoeshared": {
        "shared": tiny("GraniteMoeSharedForCausalLM", **GRANITE_MOE, shared_intermediate_size=10,
                       tie_word_embeddings=False, **rope(1e4)),
        "v4": tiny("GraniteMoeSharedForCausalLM", **GRANITE_MOE | dict(num_experts_per_tok=1),
                   shared_intermediate_size=6, tie_word_embeddings=True, rewrite=[v4], **rope(1e4)),
    },
    "deepseek_v2": {
        # v2: experts of the best groups, heads with narrower values
        "v4_groups": tiny("DeepseekV2ForCausalLM", **DEEPSEEK, q_lora_rank=8, v_head_dim=4, n_shared_experts=2,
                          topk_method="group_limited_greedy", n_group=3, topk_group=2, routed_scaling_factor=1.5,
                          attention_bias=True, rewrite=[v4, hub_deepseek], **rope(1e4, **MSCALE | dict(mscale=1.0))),
        # v2-lite: no latent of queries
        "lite": tiny("DeepseekV2ForCausalLM", gguf=True, **DEEPSEEK | dict(first_k_dense_replace=0), q_lora_rank=None,
                     v_head_dim=8, n_shared_experts=1, topk_method="greedy", **rope(1e4)),
    },
    "deepseek_v3": {
        "v4_groups": tiny("DeepseekV3ForCausalLM", gguf=True, **DEEPSEEK, q_lora_rank=8, v_head_dim=4, n_shared_experts=1,
                          n_group=3, topk_group=2, routed_scaling_factor=2.5,
                          rewrite=[v4, hub_deepseek, tensors(prediction_layer)], **rope(1e4, **MSCALE)),
        "halves": tiny("DeepseekV3ForCausalLM", **DEEPSEEK | dict(first_k_dense_replace=0), q_lora_rank=None,
                       v_head_dim=8, n_shared_experts=2, n_group=1, topk_group=1, norm_topk_prob=False,
                       attention_bias=True, rope_interleave=False, **rope(1e4)),
    },
    "kimi_k2": {
        "v4": tiny("DeepseekV3ForCausalLM", **DEEPSEEK, q_lora_rank=8, v_head_dim=6, n_shared_experts=1, n_group=1,
                   topk_group=1, routed_scaling_factor=2.8, rewrite=[v4, hub_deepseek, edit(model_type="kimi_k2")],
                   **rope(5e4, **YARN | dict(beta_fast=1.0, beta_slow=1.0), mscale=1.0, mscale_all_dim=1.0)),
    },
    "glm4_moe": {
        "qk_norm": tiny("Glm4MoeForCausalLM", gguf=True, **GLM_MOE, use_qk_norm=True, attention_bias=True, n_group=2,
                        topk_group=1, routed_scaling_factor=2.0, **rope(1e4, partial_rotary_factor=0.5)),
        "v4": tiny("Glm4MoeForCausalLM", **GLM_MOE, first_k_dense_replace=0, n_shared_experts=2, norm_topk_prob=False,
                   rewrite=[v4, tensors(prediction_layer)], **rope(1e4, partial_rotary_factor=0.5)),
    },
    "glm4_moe_lite": {
        "listed": tiny("Glm4MoeLiteForCausalLM", **LATENT, moe_intermediate_size=8, n_routed_experts=4,
                       num_experts_per_tok=2, q_lora_rank=8, v_head_dim=8, mlp_layer_types=["sparse", "dense"],
                       **rope(1e4)),
        "v4": tiny("Glm4MoeLiteForCausalLM", **LATENT, moe_intermediate_size=8, n_routed_experts=4,
                   num_experts_per_tok=2, q_lora_rank=None, v_head_dim=4, n_group=2, topk_group=1,
                   rewrite=[v4, edit("mlp_layer_types", first_k_dense_replace=1, topk_method="noaux_tc")],
                   **rope(1e4)),
    },
    "minicpm3": {
        "v4_longrope": tiny("MiniCPM3ForCausalLM", **LATENT | dict(tie_word_embeddings=True), q_lora_rank=8,
                            v_head_dim=4, scale_emb=3, scale_depth=0.9, dim_model_base=5,
                            rewrite=[v4, edit("v_head_dim")],
                            **rope(1e4, rope_type="longrope", short_factor=[1.0, 1.3], long_factor=[1.5, 4.0],
                                   original_max_position_embeddings=6)),
        "biases": tiny("MiniCPM3ForCausalLM", **LATENT, q_lora_rank=None, v_head_dim=8, attention_bias=True,
                       mlp_bias=True, dim_model_base=8, **rope(1e4)),
    },
    "ernie4_5_moe": {
        "shared": tiny("Ernie4_5_MoeForCausalLM", gguf=True, **ERNIE_MOE, moe_num_shared_experts=2, tie_word_embeddings=True,
                       **rope(5e5)),
        "v4_interval": tiny("Ernie4_5_MoeForCausalLM", **ERNIE_MOE | dict(num_hidden_layers=3), head_dim=4,
                            moe_num_shared_experts=0, moe_layer_interval=2, moe_layer_start_index=0,
                            moe_layer_end_index=1, tie_word_embeddings=False, rewrite=[v4], **rope(1e4)),
    },
    "minimax_m2": {
        "partial": tiny("MiniMaxM2ForCausalLM", gguf=True, **MINIMAX, **rope(5e6, partial_rotary_factor=0.25)),
        "v4": tiny("MiniMaxM2ForCausalLM", **MINIMAX, rewrite=[v4, edit("partial_rotary_factor", rotary_dim=4)],
                   **rope(5e6, partial_rotary_factor=0.5)),
    },
    "phimoe": {
        "sliding": tiny("PhimoeForCausalLM", **PHIMOE, router_jitter_noise=0.3, attention_bias=True, sliding_window=4,
                        **rope(1e4)),
        "v4_longrope": tiny("PhimoeForCausalLM", **PHIMOE, lm_head_bias=True, rewrite=[v4], **rope(
            1e4, rope_type="longrope", short_factor=[1.0, 1.1, 1.3], long_factor=[1.5, 2.5, 4.0], short_mscale=1.2,
            long_mscale=1.2, original_max_position_embeddings=16)),
    },
    "dbrx": {
        "grouped": named("DbrxForCausalLM", gguf=True, **DBRX, attn_config=dict(kv_n_heads=1, clip_qkv=0.7, rope_theta=100.0),
                         ffn_config=dict(ffn_hidden_size=8, moe_num_experts=4, moe_top_k=2), **rope(100.0)),
        "v4": named("DbrxForCausalLM", **DBRX, attn_config=dict(kv_n_heads=2, clip_qkv=8, rope_theta=1e4),
                    ffn_config=dict(ffn_hidden_size=6, moe_num_experts=3, moe_top_k=2, moe_normalize_expert_weights=None),
                    rewrite=[v4, edit("rope_theta", "rope_scaling")], **rope(1e4)),
    },
    "afmoe": {
        "mup": tiny("AfmoeForCausalLM", **AFMOE, num_dense_layers=1, mup_enabled=True, tie_word_embeddings=True,
                    layer_types=["sliding_attention", "full_attention"], **rope(1e4)),
        # the hub's, which names no layer types
        "v4": tiny("AfmoeForCausalLM", **AFMOE, num_dense_layers=0, attention_bias=True, global_attn_every_n_layers=2,
                   tie_word_embeddings=False, rewrite=[v4, edit("layer_types")], **rope(100.0)),
    },
}
