#include "spikesink/model/generate.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "detail/fail.h"

namespace spikesink {
namespace {

void check_options(const GenerateOptions& options) {
  if (options.max_new_tokens < 0 || options.top_k < 0)
    detail::fail_argument("[generate] got max_new_tokens {} and top_k {}, expected none negative",
                          options.max_new_tokens, options.top_k);
  if (!(options.temperature >= 0) || !std::isfinite(options.temperature))
    detail::fail_argument("[generate] temperature: got {}, expected a finite number from 0",
                          options.temperature);
  if (!(options.top_p > 0 && options.top_p <= 1))
    detail::fail_argument("[generate] top_p: got {}, expected a share above 0, up to 1",
                          options.top_p);
}

int64_t sample(const torch::Tensor& probabilities, std::mt19937_64& random) {
  const auto sums = probabilities.cumsum(0).contiguous();
  const double* sum = sums.data_ptr<double>();
  const auto count = sums.numel();
  const double point = static_cast<double>(random() >> 11) * 0x1p-53 * sum[count - 1];
  return std::upper_bound(sum, sum + count, point) - sum;
}

}  // namespace

torch::Tensor next_token_probabilities(const torch::Tensor& logits,
                                       const GenerateOptions& options) {
  const auto wide = logits.to(torch::kCPU, torch::kDouble);
  if (options.temperature == 0) return torch::zeros_like(wide).index_fill_(0, wide.argmax(), 1.0);
  const auto [sorted, ids] = wide.sort(/*stable=*/true, 0, /*descending=*/true);
  auto probabilities = at::softmax(sorted / options.temperature, 0);
  if (options.top_k > 0) probabilities.slice(0, options.top_k).fill_(0);
  probabilities = probabilities / probabilities.sum();
  probabilities.masked_fill_(probabilities.cumsum(0) - probabilities >= options.top_p, 0);
  return torch::zeros_like(wide).index_copy_(0, ids, probabilities / probabilities.sum());
}

std::vector<int64_t> generate(Transformer& model, const std::vector<int64_t>& prompt,
                              const GenerateOptions& options,
                              const std::function<void(int64_t id)>& on_token) {
  const torch::NoGradGuard no_grad;
  check_options(options);
  if (!model->config().is_causal_lm())
    detail::fail_argument("[generate] a {} does not predict the next token, expected a decoder",
                          model->config().model_type);
  const auto free_positions = model->config().context - static_cast<int64_t>(prompt.size());
  const auto max_tokens =
      std::min(options.max_new_tokens, free_positions + 1);  // the last token is not run
  KvCache cache;
  std::mt19937_64 random(options.seed);
  std::vector<int64_t> generated, next = prompt;
  while (static_cast<int64_t>(generated.size()) < max_tokens) {
    const auto tokens = torch::tensor(next, torch::kLong).unsqueeze(0);
    const auto logits =
        model->forward(tokens.to(model->options().device()), {.cache = &cache})[0][-1];
    const int64_t id = sample(next_token_probabilities(logits, options), random);
    generated.push_back(id);
    if (on_token) on_token(id);
    if (std::find(options.stop_ids.begin(), options.stop_ids.end(), id) != options.stop_ids.end())
      break;
    next = {id};
  }
  return generated;
}

}  // namespace spikesink
