#include "spikesink/model/transformer.h"

#include "detail/fail.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

ModelConfig validated(ModelConfig config) {
  config.validate();
  return config;
}

std::vector<Layer> make_layers(const ModelConfig& config, HookRegistry& hooks) {
  std::vector<Layer> layers;
  for (int64_t layer = 0; layer < config.n_layers; ++layer)
    layers.emplace_back(config, hooks, layer);
  return layers;
}

}  // namespace

using namespace hook_names;

TransformerImpl::TransformerImpl(ModelConfig config)
    : config_(validated(std::move(config))),
      hook_embed(hooks_.make(std::string(kEmbed))),
      layers(make_layers(config_, hooks_)),
      ln_final(config_.d_model, config_.norm_epsilon, hooks_, "ln_final"),
      hook_unembed_in(hooks_.make(std::string(kUnembedIn))),
      hook_unembed_out(hooks_.make(std::string(kUnembedOut))) {
  embedding = register_parameter("embed", torch::empty({config_.d_vocabulary, config_.d_model}));
  auto blocks = register_module("blocks", torch::nn::ModuleList());
  for (auto& layer : layers) blocks->push_back(layer);
  register_module("ln_final", ln_final);
  if (!config_.tied_embeddings) {
    unembedding =
        register_parameter("unembed", torch::empty({config_.d_vocabulary, config_.d_model}));
  }
}

torch::Tensor TransformerImpl::forward(const torch::Tensor& tokens) {
  return hook_unembed_out(logits(final_states(tokens)));
}

void TransformerImpl::observe(const torch::Tensor& tokens) {
  const auto states = final_states(tokens);
  if (hook_unembed_out.watched()) hook_unembed_out(logits(states));
}

torch::Tensor TransformerImpl::logits(const torch::Tensor& states) const {
  return logits(states, 0, config_.d_vocabulary);
}

torch::Tensor TransformerImpl::logits(const torch::Tensor& states, int64_t first,
                                      int64_t last) const {
  const auto& matrix = config_.tied_embeddings ? embedding : unembedding;
  return at::linear(states, matrix.slice(0, first, last));
}

torch::Tensor TransformerImpl::final_states(const torch::Tensor& tokens) {
  check(tokens);
  const auto rotary = rotary_table(config_, tokens.size(1), options());
  auto stream = hook_embed(at::embedding(embedding, tokens));  // [B, T, d_model]
  for (auto& layer : layers) stream = layer(stream, rotary);
  return hook_unembed_in(ln_final(stream));
}

void TransformerImpl::check(const torch::Tensor& tokens) const {
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
  model->observe(tokens);
  return cache;
}

}  // namespace spikesink
