#include "model/weight_names.h"

#include "detail/fail.h"

namespace spikesink::detail {
namespace {

const std::vector<WeightName> kLlamaSafetensors = {
    {"embed", "model.embed_tokens.weight"},
    {"blocks.{}.ln1.weight", "model.layers.{}.input_layernorm.weight"},
    {"blocks.{}.attn.q.weight", "model.layers.{}.self_attn.q_proj.weight"},
    {"blocks.{}.attn.k.weight", "model.layers.{}.self_attn.k_proj.weight"},
    {"blocks.{}.attn.v.weight", "model.layers.{}.self_attn.v_proj.weight"},
    {"blocks.{}.attn.o.weight", "model.layers.{}.self_attn.o_proj.weight"},
    {"blocks.{}.attn.q.bias", "model.layers.{}.self_attn.q_proj.bias"},
    {"blocks.{}.attn.k.bias", "model.layers.{}.self_attn.k_proj.bias"},
    {"blocks.{}.attn.v.bias", "model.layers.{}.self_attn.v_proj.bias"},
    {"blocks.{}.attn.o.bias", "model.layers.{}.self_attn.o_proj.bias"},
    {"blocks.{}.ln2.weight", "model.layers.{}.post_attention_layernorm.weight"},
    {"blocks.{}.mlp.gate.weight", "model.layers.{}.mlp.gate_proj.weight"},
    {"blocks.{}.mlp.up.weight", "model.layers.{}.mlp.up_proj.weight"},
    {"blocks.{}.mlp.down.weight", "model.layers.{}.mlp.down_proj.weight"},
    {"blocks.{}.mlp.gate.bias", "model.layers.{}.mlp.gate_proj.bias"},
    {"blocks.{}.mlp.up.bias", "model.layers.{}.mlp.up_proj.bias"},
    {"blocks.{}.mlp.down.bias", "model.layers.{}.mlp.down_proj.bias"},
    {"ln_final.weight", "model.norm.weight"},
    {"unembed", "lm_head.weight"},
};

const std::vector<WeightName> kLlamaGguf = {
    {"embed", "token_embd.weight"},
    {"blocks.{}.ln1.weight", "blk.{}.attn_norm.weight"},
    {"blocks.{}.attn.q.weight", "blk.{}.attn_q.weight", StoredAs::kQueryRowsInterleaved},
    {"blocks.{}.attn.k.weight", "blk.{}.attn_k.weight", StoredAs::kKeyRowsInterleaved},
    {"blocks.{}.attn.v.weight", "blk.{}.attn_v.weight"},
    {"blocks.{}.attn.o.weight", "blk.{}.attn_output.weight"},
    {"blocks.{}.attn.q.bias", "blk.{}.attn_q.bias", StoredAs::kQueryRowsInterleaved},
    {"blocks.{}.attn.k.bias", "blk.{}.attn_k.bias", StoredAs::kKeyRowsInterleaved},
    {"blocks.{}.attn.v.bias", "blk.{}.attn_v.bias"},
    {"blocks.{}.attn.o.bias", "blk.{}.attn_output.bias"},
    {"blocks.{}.ln2.weight", "blk.{}.ffn_norm.weight"},
    {"blocks.{}.mlp.gate.weight", "blk.{}.ffn_gate.weight"},
    {"blocks.{}.mlp.up.weight", "blk.{}.ffn_up.weight"},
    {"blocks.{}.mlp.down.weight", "blk.{}.ffn_down.weight"},
    {"blocks.{}.mlp.gate.bias", "blk.{}.ffn_gate.bias"},
    {"blocks.{}.mlp.up.bias", "blk.{}.ffn_up.bias"},
    {"blocks.{}.mlp.down.bias", "blk.{}.ffn_down.bias"},
    {"ln_final.weight", "output_norm.weight"},
    {"unembed", "output.weight"},
};

}  // namespace

const std::vector<WeightName>& weight_names(const std::string& model_type, WeightFormat format) {
  if (model_type != "llama")
    fail_argument("[load_model] model_type: got '{}', expected llama", model_type);
  return format == WeightFormat::kGguf ? kLlamaGguf : kLlamaSafetensors;
}

bool is_superfluous(const std::string& tensor, WeightFormat format, bool tied_embeddings) {
  if (format == WeightFormat::kGguf) return tensor == "rope_freqs.weight";
  return tensor.ends_with(".rotary_emb.inv_freq") ||
         (tied_embeddings && tensor == "lm_head.weight");
}

}  // namespace spikesink::detail
