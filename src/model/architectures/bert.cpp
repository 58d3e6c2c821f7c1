#include "model/architectures/config_reading.h"
#include "model/architectures/families.h"

namespace spikesink::detail {
namespace {

// A post-norm encoder. It has a masked-LM head if the checkpoint was saved with one.
ModelConfig read_encoder(ConfigKeys& keys) {
  ModelConfig config;
  config.model_type = keys.text("model_type");
  read_sizes(keys, config);
  config.causal = false;
  config.learned_positions = true;
  config.n_token_types = keys.integer("type_vocab_size", 2);
  config.norm = config.embedding_norm = layer_norm(keys.number("layer_norm_eps", 1e-12));
  config.norm_placement = NormPlacement::kPost;
  config.final_norm.kind = NormKind::kNone;
  config.gated = false;
  config.activation.kind = read_activation(keys, "hidden_act", "gelu");
  config.qkv_bias = config.attention_output_bias = config.mlp_bias = true;
  const bool has_head = is_saved_as(keys, "ForMaskedLM") || is_saved_as(keys, "ForPreTraining");
  config.head = has_head ? OutputHead::kMaskedLm : OutputHead::kNone;
  config.unembedding_bias = has_head;
  config.tied_embeddings = keys.flag("tie_word_embeddings", true);
  keys.expect("position_embedding_type", "absolute");
  keys.expect("is_decoder", false);
  return config;
}

// Names of norms: the current ones, and those of the first checkpoints (gamma, beta).
std::vector<WeightName> norm_names(const std::string& parameter, const std::string& tensor) {
  return {{parameter, tensor},
          {parameter + ".weight", tensor + ".gamma"},
          {parameter + ".bias", tensor + ".beta"}};
}

WeightNames encoder_names(const std::string& model) {
  return {
      .first = "embeddings.word_embeddings.weight",
      .bases = {model + ".", ""},
      .layer = "encoder.layer.{}.",
      .body =
          norm_names("embed_ln", "embeddings.LayerNorm") +
          std::vector<WeightName>{{"embed", "embeddings.word_embeddings.weight"},
                                  {"pos_embed", "embeddings.position_embeddings.weight"},
                                  {"token_type_embed", "embeddings.token_type_embeddings.weight"}},
      .in_layer = norm_names("ln1", "attention.output.LayerNorm") +
                  norm_names("ln2", "output.LayerNorm") +
                  std::vector<WeightName>{{"attn.q", "attention.self.query"},
                                          {"attn.k", "attention.self.key"},
                                          {"attn.v", "attention.self.value"},
                                          {"attn.o", "attention.output.dense"},
                                          {"mlp.up", "intermediate.dense"},
                                          {"mlp.down", "output.dense"}},
      .end = {},
      .superfluous = {"*.position_ids", "*pooler.dense.weight", "*pooler.dense.bias"},
  };
}

}  // namespace

ModelConfig read_bert(ConfigKeys& keys) {
  return read_encoder(keys);
}

// Positions start after the padding id and skip padding tokens.
ModelConfig read_roberta(ConfigKeys& keys) {
  auto config = read_encoder(keys);
  if (config.head == OutputHead::kMaskedLm && config.activation.kind != Activation::kGelu)
    keys.refuse("hidden_act", "gelu, which the masked-LM head uses");
  config.padding_id = keys.integer("pad_token_id", 1);
  if (config.padding_id < 0 || config.padding_id >= config.context - 1)
    keys.refuse("pad_token_id", "an id that leaves positions after it");
  config.position_offset = config.padding_id + 1;
  config.context -= config.position_offset;
  return config;
}

WeightNames bert_names() {
  auto names = encoder_names("bert");
  names.end = norm_names("mlm_ln", "cls.predictions.transform.LayerNorm") +
              std::vector<WeightName>{{"mlm_dense", "cls.predictions.transform.dense"},
                                      {"unembed", "cls.predictions.decoder.weight"},
                                      {"unembed_bias", "cls.predictions.bias"},
                                      {"unembed_bias", "cls.predictions.decoder.bias"}};
  names.superfluous.insert(
      names.superfluous.end(),
      {"cls.seq_relationship.*", "cls.predictions.decoder.*", "cls.predictions.bias"});
  return names;
}

WeightNames roberta_names() {
  auto names = encoder_names("roberta");
  names.end = norm_names("mlm_ln", "lm_head.layer_norm") +
              std::vector<WeightName>{{"mlm_dense", "lm_head.dense"},
                                      {"unembed", "lm_head.decoder.weight"},
                                      {"unembed_bias", "lm_head.bias"},
                                      {"unembed_bias", "lm_head.decoder.bias"}};
  names.superfluous.insert(names.superfluous.end(), {"lm_head.decoder.*", "lm_head.bias"});
  return names;
}

}  // namespace spikesink::detail
