"""Writes the tiny models as GGUF files, with the metadata and tensor transforms of llama.cpp's converter, without tokenizer; in
F32, or with experts in a quantised type."""
import math

import gguf
import numpy as np
import torch
from gguf.quants import dequantize, quantize

ARCHITECTURES = {
    "llama": gguf.MODEL_ARCH.LLAMA,
    "mistral": gguf.MODEL_ARCH.LLAMA,
    "qwen2": gguf.MODEL_ARCH.QWEN2,
    "qwen3": gguf.MODEL_ARCH.QWEN3,
    "gemma2": gguf.MODEL_ARCH.GEMMA2,
    "gemma3_text": gguf.MODEL_ARCH.GEMMA3,
    "gpt2": gguf.MODEL_ARCH.GPT2,
    "phi3": gguf.MODEL_ARCH.PHI3,
    "gpt_oss": gguf.MODEL_ARCH.GPT_OSS,
    "falcon": gguf.MODEL_ARCH.FALCON,
    "olmoe": gguf.MODEL_ARCH.OLMOE,
    "glm4_moe": gguf.MODEL_ARCH.GLM4_MOE,
    "ernie4_5_moe": gguf.MODEL_ARCH.ERNIE4_5_MOE,
    "minimax_m2": gguf.MODEL_ARCH.MINIMAXM2,
    "dbrx": gguf.MODEL_ARCH.DBRX,
    "deepseek_v2": gguf.MODEL_ARCH.DEEPSEEK2,
    "deepseek_v3": gguf.MODEL_ARCH.DEEPSEEK2,
    "gemma": gguf.MODEL_ARCH.GEMMA,
    "starcoder2": gguf.MODEL_ARCH.STARCODER2,
    "glm": gguf.MODEL_ARCH.CHATGLM,
    "glm4": gguf.MODEL_ARCH.GLM4,
    "cohere": gguf.MODEL_ARCH.COMMAND_R,
    "cohere2": gguf.MODEL_ARCH.COHERE2,
    "nemotron": gguf.MODEL_ARCH.NEMOTRON,
    "arcee": gguf.MODEL_ARCH.ARCEE,
    "seed_oss": gguf.MODEL_ARCH.SEED_OSS,
    "exaone4": gguf.MODEL_ARCH.EXAONE4,
    "ernie4_5": gguf.MODEL_ARCH.ERNIE4_5,
    "hunyuan_v1_dense": gguf.MODEL_ARCH.HUNYUAN_DENSE,
}


def is_expert(name):
    return ".experts." in name and not name.endswith("bias")


def round_experts(model, experts_type):
    """Rounds the weights of gpt-oss' experts to a quantised type, whose blocks are along the input dimension."""
    kind = gguf.GGMLQuantizationType[experts_type]
    for name, parameter in model.named_parameters():
        if kind != gguf.GGMLQuantizationType.F32 and is_expert(name):
            rows = parameter.data.transpose(-1, -2).contiguous().numpy()
            parameter.data = torch.from_numpy(dequantize(quantize(rows, kind), kind)).transpose(-1, -2).contiguous()


def write_gguf(model, file, experts_type="F32"):
    config = model.config
    kind = config.model_type
    architecture = ARCHITECTURES[kind]
    writer = gguf.GGUFWriter(file, gguf.MODEL_ARCH_NAMES[architecture])
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(f"tiny {kind}")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    METADATA.get(kind, common)(writer, config)

    names = gguf.get_tensor_name_map(architecture, config.num_hidden_layers)
    weights = model.state_dict()
    if config.tie_word_embeddings:
        del weights["lm_head.weight"]
    for name, tensor in rope_tensors(config):
        writer.add_tensor(name, np.array(tensor, np.float32))
    for name, tensor in weights.items():
        for part, changed in TRANSFORMS.get(kind, unchanged)(name, tensor, config):
            stored = gguf.GGMLQuantizationType[experts_type if is_expert(part) else "F32"]
            writer.add_tensor(names.get_name(part, try_suffixes=(".weight", ".bias")),
                              quantize(changed.contiguous().numpy(), stored), raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def sizes(writer, config):
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_head_count(config.num_attention_heads)


def global_rope(config):
    return config.rope_parameters.get("full_attention", config.rope_parameters)


def common(writer, config):
    sizes(writer, config)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    rope_of(writer, config)
    if getattr(config, "head_dim", None) is not None:
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)


def rope_of(writer, config):
    rope = global_rope(config)
    writer.add_rope_freq_base(rope["rope_theta"])
    if "sliding_attention" in config.rope_parameters:
        writer.add_rope_freq_base_swa(config.rope_parameters["sliding_attention"]["rope_theta"])
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    elif rope["rope_type"] == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        writer.add_rope_scaling_yarn_beta_fast(rope["beta_fast"])
        writer.add_rope_scaling_yarn_beta_slow(rope["beta_slow"])


def llama(writer, config):
    common(writer, config)
    writer.add_vocab_size(config.vocab_size)
    writer.add_rope_dimension_count(config.head_dim)


def gemma2(writer, config):
    sizes(writer, config)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
    writer.add_final_logit_softcapping(config.final_logit_softcapping)
    writer.add_sliding_window(config.sliding_window)


def gemma3(writer, config):
    common(writer, config)
    writer.add_sliding_window(config.sliding_window)


def gpt2(writer, config):
    sizes(writer, config)
    writer.add_feed_forward_length(4 * config.n_embd)
    writer.add_layer_norm_eps(config.layer_norm_epsilon)


def phi3(writer, config):
    rope = config.rope_parameters
    original = rope["original_max_position_embeddings"]
    sizes(writer, config)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    rotated = int(rope["partial_rotary_factor"] * config.hidden_size) // config.num_attention_heads
    writer.add_rope_dimension_count(rotated)
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_rope_scaling_orig_ctx_len(original)
    scale = config.max_position_embeddings / original
    writer.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(scale) / math.log(original)))
    writer.add_sliding_window(config.sliding_window or 0)


def gpt_oss(writer, config):
    common(writer, config)
    writer.add_sliding_window(config.sliding_window)
    writer.add_expert_feed_forward_length(config.intermediate_size)
    writer.add_expert_count(config.num_local_experts)
    writer.add_expert_used_count(config.num_experts_per_tok)


def falcon(writer, config):
    writer.add_context_length(2048)  # ignores config.json
    writer.add_tensor_data_layout("jploski")
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(4 * config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(falcon_key_heads(config))
    writer.add_layer_norm_eps(config.layer_norm_epsilon)


def experts(writer, config):
    common(writer, config)
    writer.add_expert_count(config.num_local_experts if hasattr(config, "num_local_experts") else config.num_experts)
    writer.add_expert_used_count(config.num_experts_per_tok)


def minimax(writer, config):
    experts(writer, config)
    writer.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)
    writer.add_expert_feed_forward_length(config.intermediate_size)
    writer.add_rope_dimension_count(int(config.head_dim * config.rope_parameters["partial_rotary_factor"]))


def ernie(writer, config):
    experts(writer, config)
    writer.add_interleave_moe_layer_step(config.moe_layer_interval)
    writer.add_leading_dense_block_count(config.moe_layer_start_index)
    writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    writer.add_expert_shared_count(config.moe_num_shared_experts)
    writer.add_expert_shared_feed_forward_length(config.moe_intermediate_size * config.moe_num_shared_experts)


def grouped_experts(writer, config):
    if config.n_group is not None:
        writer.add_expert_group_count(config.n_group)
        writer.add_expert_group_used_count(config.topk_group)
    writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    writer.add_expert_shared_count(config.n_shared_experts)
    writer.add_leading_dense_block_count(config.first_k_dense_replace)
    writer.add_expert_weights_scale(config.routed_scaling_factor)
    if config.norm_topk_prob:
        writer.add_expert_weights_norm(True)


def glm4_moe(writer, config):
    experts(writer, config)
    grouped_experts(writer, config)
    writer.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)
    writer.add_rope_dimension_count(int(config.head_dim * config.rope_parameters["partial_rotary_factor"]))


def deepseek(writer, config):
    """Keys and values as llama.cpp keeps them: one head, the latent and the keys with RoPE."""
    sizes(writer, config)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    rope_of(writer, config)
    writer.add_expert_count(config.n_routed_experts)
    writer.add_expert_used_count(config.num_experts_per_tok)
    grouped_experts(writer, config)
    if config.model_type == "deepseek_v3":
        writer.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)
    if config.q_lora_rank is not None:
        writer.add_q_lora_rank(config.q_lora_rank)
    writer.add_kv_lora_rank(config.kv_lora_rank)
    writer.add_key_length(config.kv_lora_rank + config.qk_rope_head_dim)
    writer.add_value_length(config.kv_lora_rank)
    writer.add_key_length_mla(config.qk_nope_head_dim + config.qk_rope_head_dim)
    writer.add_value_length_mla(config.v_head_dim)
    writer.add_rope_dimension_count(config.qk_rope_head_dim)
    if "mscale_all_dim" in config.rope_parameters:
        writer.add_rope_scaling_yarn_log_mul(0.1 * config.rope_parameters["mscale_all_dim"])


def dbrx(writer, config):
    sizes(writer, config)
    writer.add_feed_forward_length(config.ffn_config.ffn_hidden_size)
    writer.add_head_count_kv(config.attn_config.kv_n_heads)
    writer.add_rope_freq_base(config.attn_config.rope_theta)
    writer.add_clamp_kqv(config.attn_config.clip_qkv)
    writer.add_expert_count(config.ffn_config.moe_num_experts)
    writer.add_expert_used_count(config.ffn_config.moe_top_k)
    writer.add_layer_norm_eps(1e-5)


def gemma(writer, config):
    sizes(writer, config)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)


def partial(writer, config):
    common(writer, config)
    writer.add_rope_dimension_count(int(config.head_dim * config.rope_parameters["partial_rotary_factor"]))


def with_layer_norm(writer, config):
    sizes(writer, config)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_eps(next(getattr(config, name) for name in ("layer_norm_eps", "norm_epsilon", "norm_eps")
                                   if hasattr(config, name)))
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])


def cohere(writer, config):
    with_layer_norm(writer, config)
    writer.add_logit_scale(config.logit_scale)
    writer.add_rope_scaling_type(gguf.RopeScalingType.NONE)


def cohere2(writer, config):
    cohere(writer, config)
    writer.add_sliding_window(config.sliding_window)
    writer.add_sliding_window_pattern([kind == "sliding_attention" for kind in config.layer_types])
    writer.add_vocab_size(config.vocab_size)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)


def nemotron(writer, config):
    with_layer_norm(writer, config)
    writer.add_vocab_size(config.vocab_size)
    width = config.rope_parameters["partial_rotary_factor"] * config.hidden_size
    writer.add_rope_dimension_count(int(width) // config.num_attention_heads)
    writer.add_rope_scaling_type(gguf.RopeScalingType.NONE)


def hunyuan(writer, config):
    rope = config.rope_parameters
    gemma(writer, config)
    writer.add_rope_freq_base(rope["rope_theta"] * rope["alpha"] ** (config.head_dim / (config.head_dim - 2)))
    writer.add_rope_scaling_type(gguf.RopeScalingType.NONE)
    writer.add_rope_scaling_factor(1)


METADATA = dict(llama=llama, mistral=llama, gemma2=gemma2, gemma3_text=gemma3, gpt2=gpt2, phi3=phi3, gpt_oss=gpt_oss,
                falcon=falcon, gemma=gemma, starcoder2=with_layer_norm, glm=partial, glm4=partial, cohere=cohere,
                cohere2=cohere2, nemotron=nemotron, arcee=llama, hunyuan_v1_dense=hunyuan, olmoe=experts,
                minimax_m2=minimax, ernie4_5_moe=ernie, glm4_moe=glm4_moe, deepseek_v2=deepseek, deepseek_v3=deepseek,
                dbrx=dbrx)


def rope_tensors(config):
    """Returns the divisors of the RoPE frequencies, one per rotated pair."""
    rope = global_rope(config) if getattr(config, "rope_parameters", None) else {}
    if rope.get("rope_type") == "longrope":
        yield "rope_factors_long.weight", rope["long_factor"]
        yield "rope_factors_short.weight", rope["short_factor"]
    elif rope.get("rope_type") == "llama3":
        wavelengths = [2 * math.pi * rope["rope_theta"] ** (i / config.head_dim) for i in range(0, config.head_dim, 2)]
        yield "rope_freqs.weight", [llama3_divisor(wavelength, rope) for wavelength in wavelengths]


def llama3_divisor(wavelength, rope):
    turns, factor = rope["original_max_position_embeddings"] / wavelength, rope["factor"]
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    kept = min(max((turns - low) / (high - low), 0), 1)
    return 1 / (kept + (1 - kept) / factor)


def falcon_key_heads(config):
    return config.num_kv_heads if config.new_decoder_architecture or not config.multi_query else 1


def unchanged(name, tensor, config):
    yield name, tensor


def interleaved(name, tensor, config):
    """Reorders rows so that the two channels of a rotated pair are adjacent."""
    for part, heads in (("q_proj", config.num_attention_heads), ("k_proj", config.num_key_value_heads)):
        if part in name:
            tensor = tensor.unflatten(0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2)
    yield name, tensor


def one_added(name, tensor, config):
    yield name, tensor + 1 if name.endswith("norm.weight") else tensor


def transposed(name, tensor, config):
    yield name, tensor.T if name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")) else tensor


def split_experts(name, tensor, config):
    if name.endswith("sinks"):
        yield name + ".weight", tensor
    elif ".experts." in name:
        kind = "bias" if name.endswith("_bias") else "weight"
        tensor = tensor if kind == "bias" else tensor.transpose(-1, -2)
        stem = name.removesuffix("_bias")
        if stem.endswith("gate_up_proj"):
            rows = tensor.unflatten(1, (-1, 2))
            yield stem.replace("gate_up_proj", f"gate_proj.{kind}"), rows[:, :, 0]
            yield stem.replace("gate_up_proj", f"up_proj.{kind}"), rows[:, :, 1]
        else:
            yield f"{stem}.{kind}", tensor
    else:
        yield name, tensor


def stacked_experts(name, tensor, config):
    """Gate and up apart, and the hub's names."""
    if name.endswith("experts.gate_up_proj"):
        for part, rows in zip(("gate", "up"), tensor.chunk(2, 1)):
            yield name.replace("gate_up_proj", f"{part}_proj.weight"), rows
    elif name.endswith("experts.down_proj"):
        yield name + ".weight", tensor
    elif name.endswith("e_score_correction_bias"):
        owner = {"minimax_m2": "block_sparse_moe", "ernie4_5_moe": "mlp.moe_statics"}.get(config.model_type, "mlp.gate")
        yield f"{name[:name.index('mlp.')]}{owner}.e_score_correction.bias", tensor.flatten()
    else:
        yield name, tensor


def latent(name, tensor, config):
    """Maps of the latent to keys and to values apart, by head; the keys' transposed."""
    if name.endswith("kv_b_proj.weight"):
        heads = tensor.unflatten(0, (config.num_attention_heads, -1))
        keys, values = heads.split((config.qk_nope_head_dim, config.v_head_dim), 1)
        yield name.replace("kv_b_proj", "k_b_proj"), keys.transpose(1, 2)
        yield name.replace("kv_b_proj", "v_b_proj"), values
    else:
        yield from stacked_experts(name, tensor, config)


def dbrx_experts(name, tensor, config):
    if ".experts." in name:
        tensor = tensor.unflatten(0, (config.ffn_config.moe_num_experts, -1))
        yield name + ".weight", tensor.transpose(1, 2) if name.endswith("w2") else tensor
    else:
        yield name, tensor


def queries_first(name, tensor, config):
    """Reorders groups of (queries, key, value) to all queries, then all keys, then all values."""
    if "query_key_value" in name:
        groups = falcon_key_heads(config)
        width = config.hidden_size // config.num_attention_heads
        grouped = tensor.unflatten(0, (groups, -1, width))
        tensor = torch.cat([part.flatten(0, 2) for part in (grouped[:, :-2], grouped[:, -2:-1], grouped[:, -1:])])
    yield name, tensor


TRANSFORMS = dict(llama=interleaved, mistral=interleaved, gemma2=one_added, gemma3_text=one_added, gpt2=transposed,
                  gpt_oss=split_experts, falcon=queries_first, olmoe=stacked_experts, minimax_m2=stacked_experts,
                  ernie4_5_moe=stacked_experts, glm4_moe=stacked_experts, deepseek_v2=latent, deepseek_v3=latent,
                  dbrx=dbrx_experts, gemma=one_added, nemotron=one_added, arcee=interleaved)
