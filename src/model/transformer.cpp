#include "spikesink/model/transformer.h"

#include <torch/nn/modules/container/modulelist.h>

#include "detail/fail.h"
#include "model/linear_product.h"
#include "model/recompute.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

ModelConfig validated(ModelConfig config) {
  config.validate();
  return config;
}

}  // namespace

using namespace hook_names;

// Hook points are created in the order of the forward pass.
TransformerImpl::TransformerImpl(ModelConfig config) : config_(validated(std::move(config))) {
  make_embedding();
  auto blocks = register_module("blocks", torch::nn::ModuleList());
  for (int64_t layer = 0; layer < config_.n_layers; ++layer) {
    layers.emplace_back(config_, hooks_, layer);
    blocks->push_back(layers.back());
  }
  make_head();
}

void TransformerImpl::make_embedding() {
  const int64_t width = config_.embedding_width();
  const auto table = [&](const char* name, int64_t rows, int64_t columns) {
    return register_parameter(name, torch::empty({rows, columns}));
  };
  embedding = table("embed", config_.d_vocabulary, width);
  hook_embed_ = hooks_.add_point(std::string(kEmbed));
  if (width != config_.d_model)
    project_in = register_module("project_in", Linear(width, config_.d_model, false));
  if (config_.learned_positions) {
    position_embedding =
        table("pos_embed", config_.context + config_.position_offset, config_.d_model);
    hook_pos_embed_ = hooks_.add_point(std::string(kPosEmbed));
  }
  if (config_.n_token_types > 0) {
    token_type_embedding = table("token_type_embed", config_.n_token_types, config_.d_model);
    hook_token_type_embed_ = hooks_.add_point(std::string(kTokenTypeEmbed));
  }
  embedding_norm = register_module(
      "embed_ln", Norm(config_.embedding_norm, config_.d_model, hooks_, "embed.ln"));
  if (config_.embedding_norm.kind != NormKind::kNone)
    hook_full_embed_ = hooks_.add_point(std::string(kFullEmbed));
}

void TransformerImpl::make_head() {
  const int64_t width = config_.embedding_width();
  ln_final =
      register_module("ln_final", Norm(config_.final_norm, config_.d_model, hooks_, "ln_final"));
  if (width != config_.d_model)
    project_out = register_module("project_out", Linear(config_.d_model, width, false));
  if (config_.head == OutputHead::kNone) return;
  if (config_.head == OutputHead::kMaskedLm) {
    mlm_dense = register_module("mlm_dense", Linear(width, width, true));
    mlm_norm = register_module("mlm_ln", Norm(config_.norm, width, hooks_, "mlm_head.ln"));
  }
  hook_unembed_in_ = hooks_.add_point(std::string(kUnembedIn));
  if (!config_.tied_embeddings) {
    unembedding = register_parameter("unembed", torch::empty({config_.d_vocabulary, width}));
  }
  if (config_.unembedding_bias)
    unembedding_bias = register_parameter("unembed_bias", torch::empty({config_.d_vocabulary}));
  hook_unembed_out_ = hooks_.add_point(std::string(kUnembedOut));
}

torch::Tensor TransformerImpl::forward(const torch::Tensor& tokens, const ForwardOptions& options) {
  if (options.stop_after) return run_until(tokens, options);
  if (options.cache != nullptr) return run_cached(tokens, options);
  return run(tokens, options);
}

torch::Tensor TransformerImpl::run(const torch::Tensor& tokens, const ForwardOptions& options) {
  ForwardPass pass(*this, tokens, options);
  for (int64_t layer = 0; layer < config_.n_layers; ++layer) pass.run_layer(layer);
  return pass.run_head();
}

torch::Tensor TransformerImpl::run_cached(const torch::Tensor& tokens,
                                          const ForwardOptions& options) {
  check(tokens, *options.cache);
  const auto before = *options.cache;
  try {
    auto result = run(tokens, options);
    options.cache->add_appended(tokens.size(1));
    return result;
  } catch (...) {
    *options.cache = before;
    throw;
  }
}

torch::Tensor TransformerImpl::run_until(const torch::Tensor& tokens,
                                         const ForwardOptions& options) {
  const Block last = *options.stop_after;
  check_block(last);
  if (options.cache != nullptr)
    detail::fail_argument(
        "[Transformer] stop_after: got a cache too, which would miss the later layers; expected "
        "one of the two");
  torch::Tensor state;
  const auto scope =
      hooks_.add(hidden_state_hook_name(last), [&](const torch::Tensor& value) { state = value; });
  ForwardPass pass(*this, tokens, options);
  for (int64_t layer = 0; layer <= last.layer(); ++layer) pass.run_layer(layer);
  return state;
}

torch::Tensor TransformerImpl::unembed(const torch::Tensor& states) const {
  return unembed(states, 0, config_.d_vocabulary);
}

torch::Tensor TransformerImpl::unembed(const torch::Tensor& states, int64_t first,
                                       int64_t end) const {
  if (config_.head == OutputHead::kNone)
    detail::fail_argument("[Transformer] a {} without unembedding has no logits",
                          config_.model_type);
  const auto pinned = pin_weights(WeightGroup::head(config_.n_layers));
  const auto& matrix = config_.tied_embeddings ? embedding : unembedding;
  const auto bias =
      unembedding_bias.defined() ? unembedding_bias.slice(0, first, end) : torch::Tensor();
  auto result = detail::linear_product(states, matrix.slice(0, first, end), bias);
  if (config_.logit_multiplier != 1) result = result * config_.logit_multiplier;
  if (config_.logit_softcap == 0) return result;
  return config_.logit_softcap * at::tanh(result / config_.logit_softcap);
}

std::string TransformerImpl::hidden_state_hook_name(Block block) const {
  const bool post_norm = config_.norm_placement == NormPlacement::kPost;
  const bool attention = block.kind() == BlockKind::kAttention;
  return layer_hook_name(block.layer(),
                         post_norm ? (attention ? kNormalizedResidMid : kNormalizedResidPost)
                                   : (attention ? kResidMid : kResidPost));
}

// `length` includes the cached tokens. The tables of the last length are stored, so that passes of
// the same length share them.
PassContext TransformerImpl::make_pass_context(int64_t length, KvCache* cache) const {
  const auto is_current = [&](const torch::TensorOptions& other) {
    return other.dtype() == options().dtype() && other.device() == options().device();
  };
  if (tables_.length != length || !is_current(tables_.options)) {
    const c10::InferenceMode no_inference_mode(false);
    Tables tables{.length = length, .options = options()};
    for (const auto& rope : config_.ropes)
      tables.context.rope_tables.push_back(
          make_rope_table(rope, config_.d_head, length, options()));
    tables.context.alibi = alibi_bias(config_, length, options());
    tables.context.query_scales = query_scales(config_, length, options());
    tables_ = std::move(tables);
  }
  auto result = tables_.context;
  result.past_length = cache ? cache->length() : 0;
  result.cache = cache;
  return result;
}

torch::Tensor TransformerImpl::embed(const torch::Tensor& tokens, PassContext& context) const {
  const auto pinned = pin_weights(WeightGroup::embedding());
  auto rows = at::embedding(embedding, tokens);  // [B, T, d_embedding]
  if (config_.embedding_multiplier != 1)
    rows = rows * torch::scalar_tensor(config_.embedding_multiplier, rows.options());
  rows = hook_embed_(rows);
  if (config_.gate.input == GateInput::kEmbedding) context.token_embeddings = rows;
  auto stream = project_in ? project_in->forward(rows) : rows;  // [B, T, d_model]
  if (position_embedding.defined())
    stream = stream + hook_pos_embed_(
                          at::embedding(position_embedding, position_rows(tokens, context.cache)));
  if (token_type_embedding.defined())
    stream = stream + hook_token_type_embed_(token_type_embedding[0].expand_as(stream));
  return hook_full_embed_(embedding_norm->forward(stream));
}

// Returns row indices of the position table, [B, T].
torch::Tensor TransformerImpl::position_rows(const torch::Tensor& tokens,
                                             const KvCache* cache) const {
  if (config_.padding_id < 0) {
    const int64_t first = config_.position_offset + (cache ? cache->appended_tokens() : 0);
    const auto rows = at::arange(first, first + tokens.size(1), tokens.options());
    return rows.expand_as(tokens);
  }
  const auto counted = (tokens != config_.padding_id).to(torch::kLong);
  return counted.cumsum(1) * counted + (config_.position_offset - 1);
}

torch::Tensor TransformerImpl::final_states(torch::Tensor stream) const {
  stream = ln_final.ptr()->forward(stream);
  if (project_out) stream = project_out.ptr()->forward(stream);
  if (mlm_dense)
    stream =
        mlm_norm.ptr()->forward(activate(config_.activation, mlm_dense.ptr()->forward(stream)));
  return hook_unembed_in_(stream);
}

void TransformerImpl::stream_weights_from(std::unique_ptr<WeightLoader> loader) {
  pins_->loader = std::move(loader);
  pins_->counts.assign(config_.n_layers + 2, 0);
}

HookScope TransformerImpl::pin_weights(WeightGroup group) const {
  if (!pins_->loader) return {};
  HookScope scope;
  const bool is_head = group == WeightGroup::head(config_.n_layers);
  if (is_head && config_.tied_embeddings) scope += pin_weights(WeightGroup::embedding());
  if (pins_->counts[group.index] == 0) pins_->loader->load(group);
  ++pins_->counts[group.index];
  scope += HookScope([pins = pins_, group] {
    if (--pins->counts[group.index] == 0) pins->loader->unload(group);
  });
  return scope;
}

void TransformerImpl::check_block(Block block) const {
  if (block.number < 1 || block.number > 2 * config_.n_layers)
    detail::fail_argument("[Transformer] block: got {}, expected 1 to {}", block.number,
                          2 * config_.n_layers);
}

void TransformerImpl::check(const torch::Tensor& tokens, const torch::Tensor& padding_mask) const {
  if (tokens.dim() != 2 || tokens.scalar_type() != torch::kLong || tokens.numel() == 0) {
    detail::fail_argument(
        "[Transformer] tokens: got {} {}, expected a non-empty [sequences, length] of int64",
        c10::str(tokens.sizes()), c10::str(tokens.dtype()));
  }
  if (tokens.size(1) > config_.context) {
    detail::fail_argument(
        "[Transformer] a sequence is longer than the model's context: got {} tokens, expected at "
        "most {}",
        tokens.size(1), config_.context);
  }
  const auto [low, high] = at::aminmax(tokens);
  if (low.item<int64_t>() < 0 || high.item<int64_t>() >= config_.d_vocabulary) {
    detail::fail_argument(
        "[Transformer] a token id is outside the vocabulary: got ids from {} to {}, expected 0 to "
        "{}",
        low.item<int64_t>(), high.item<int64_t>(), config_.d_vocabulary - 1);
  }
  if (!padding_mask.defined()) return;
  if (padding_mask.scalar_type() != torch::kBool || !padding_mask.sizes().equals(tokens.sizes())) {
    detail::fail_argument("[Transformer] padding_mask: got {} {}, expected bool {}",
                          c10::str(padding_mask.sizes()), c10::str(padding_mask.dtype()),
                          c10::str(tokens.sizes()));
  }
  const auto before = padding_mask.slice(1, 0, -1), after = padding_mask.slice(1, 1);
  if (padding_mask.select(1, 0).any().item<bool>() || (before > after).any().item<bool>())
    detail::fail_argument("[Transformer] padding is before text, expected it only at the end");
}

void TransformerImpl::check(const torch::Tensor& tokens, const KvCache& cache) const {
  if (!config_.causal)
    detail::fail_argument(
        "[Transformer] cache: got a {}, whose tokens see later ones, expected a decoder",
        config_.model_type);
  const int64_t before = config_.learned_positions ? cache.appended_tokens() : cache.length();
  if (tokens.dim() == 2 && before + tokens.size(1) > config_.context) {
    detail::fail_argument(
        "[Transformer] the tokens do not fit the model's context: got {} after {}{}, expected at "
        "most {} in all",
        tokens.size(1), before,
        config_.learned_positions ? " (learned positions count those taken out of the cache)"
                                  : " in the cache",
        config_.context);
  }
}

ForwardPass::ForwardPass(const TransformerImpl& model, const torch::Tensor& tokens,
                         const ForwardOptions& options)
    : model_(&model), logits_(options.compute_logits) {
  model.check(tokens, options.padding_mask);
  const int64_t cached = options.cache != nullptr ? options.cache->length() : 0;
  context_ = model.make_pass_context(tokens.size(1) + cached, options.cache);
  context_.padding_mask = options.padding_mask;
  hidden_states = model.embed(tokens, context_);
}

void ForwardPass::run_layer(int64_t index) {
  const auto pinned = model_->pin_weights(WeightGroup::layer(index));
  auto layer = model_->layers[index];
  const bool checkpointing = model_->gradient_checkpointing_ && torch::GradMode::is_enabled();
  hidden_states = checkpointing ? detail::run_with_checkpointing(layer, hidden_states, context_)
                                : layer(hidden_states, context_);
}

torch::Tensor ForwardPass::run_head() {
  const auto& config = model_->config_;
  const auto pinned = model_->pin_weights(WeightGroup::head(config.n_layers));
  const auto states = model_->final_states(std::move(hidden_states));
  if (config.head == OutputHead::kNone) return states;
  const auto& hook = model_->hook_unembed_out_;
  if (!logits_ && !hook.has_hooks()) return {};
  return hook(model_->unembed(states));
}

torch::Tensor run_with_hooks(Transformer& model, const torch::Tensor& tokens,
                             const std::vector<std::pair<std::string, Hook>>& hooks) {
  const torch::NoGradGuard no_grad;
  HookScope scope;
  for (const auto& [pattern, hook] : hooks) scope += model->hooks().add(pattern, hook);
  return model->forward(tokens);
}

ActivationCache run_with_cache(Transformer& model, const torch::Tensor& tokens,
                               const std::vector<std::string>& patterns) {
  const torch::NoGradGuard no_grad;
  ActivationCache cache;
  HookScope scope;
  for (const auto& pattern : patterns) scope += cache.record(model->hooks(), pattern);
  model->forward(tokens, {.compute_logits = false});
  return cache;
}

}  // namespace spikesink
