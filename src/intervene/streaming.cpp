#include "spikesink/intervene/streaming.h"

#include <algorithm>

#include "detail/fail.h"
#include "measure/practice/cross_entropy.h"

namespace spikesink {

StreamingCache::StreamingCache(CachePolicy policy) : policy_(std::move(policy)) {
  if (policy_.first < 0 || policy_.window < 1 || policy_.most_kept < 0) {
    detail::fail_argument(
        "[StreamingCache] got first {}, window {}, most_kept {}, expected none negative and a "
        "window of at least 1",
        policy_.first, policy_.window, policy_.most_kept);
  }
}

torch::Tensor StreamingCache::forward(Transformer& model, const torch::Tensor& tokens) {
  if (tokens.dim() != 2 || tokens.size(0) != 1 || tokens.size(1) > policy_.window) {
    detail::fail_argument(
        "[StreamingCache] tokens: got {}, expected [1, n] with n at most the window, {}",
        c10::str(tokens.sizes()), policy_.window);
  }
  evict(tokens.size(1));
  auto result = model->forward(tokens, {.cache = &cache_});
  const auto ids = tokens.cpu();
  const auto id = ids.accessor<int64_t, 2>();
  for (int64_t index = 0; index < ids.size(1); ++index) {
    kept_.push_back(cache_.appended_tokens() - ids.size(1) + index);
    has_kept_id_.push_back(std::find(policy_.kept_ids.begin(), policy_.kept_ids.end(),
                                     id[0][index]) != policy_.kept_ids.end());
  }
  return result;
}

// The window counts the new tokens too, so only the last `window - tokens` cached ones are in it.
void StreamingCache::evict(int64_t tokens) {
  const int64_t first_of_window = cache_.appended_tokens() + tokens - policy_.window;
  std::vector<int64_t> indices;
  int64_t kept_for_id = 0;
  for (int64_t index = static_cast<int64_t>(kept_.size()) - 1; index >= 0; --index) {
    const int64_t position = kept_[index];
    const bool stays = position < policy_.first || position >= first_of_window;
    if (stays || (has_kept_id_[index] && kept_for_id++ < policy_.most_kept))
      indices.push_back(index);
  }
  std::reverse(indices.begin(), indices.end());
  cache_.keep_only(indices);
  for (size_t index = 0; index < indices.size(); ++index) {
    kept_[index] = kept_[indices[index]];
    has_kept_id_[index] = has_kept_id_[indices[index]];
  }
  kept_.resize(indices.size());
  has_kept_id_.resize(indices.size());
}

StreamingResult evaluate_streaming(Transformer& model, const torch::Tensor& ids,
                                   const CachePolicy& policy, const StreamingOptions& options,
                                   const ProgressCallback& progress) {
  if (!model->config().is_causal_lm())
    detail::fail_argument(
        "[evaluate_streaming] a {} does not predict the next token, expected a decoder",
        model->config().model_type);
  if (ids.dim() != 1 || ids.size(0) < 2)
    detail::fail_argument("[evaluate_streaming] ids: got {}, expected [N] with N of at least 2",
                          c10::str(ids.sizes()));
  if (options.step < 1 || options.step > policy.window || options.segment_length < 1)
    detail::fail_argument(
        "[evaluate_streaming] got step {} and segment {}, expected a step of 1 to the window, {}, "
        "and a "
        "segment of at least 1",
        options.step, options.segment_length, policy.window);
  const torch::NoGradGuard no_grad;
  StreamingCache cache(policy);
  StreamingResult result{options};
  const int64_t predicting = ids.size(0) - 1;  // the last one predicts nothing
  for (int64_t first = 0; first < predicting; first += options.step) {
    const int64_t last = std::min(first + options.step, predicting);
    const auto tokens = ids.slice(0, first, last).unsqueeze(0).to(model->options().device());
    detail::CrossEntropy entropy(ids.slice(0, first + 1, last + 1));
    entropy.add(cache.forward(model, tokens)[0]);
    const auto losses = entropy.losses();
    const bool whole = static_cast<int64_t>(cache.kept().size()) == last;
    for (int64_t index = 0; index < last - first; ++index) {
      const auto segment = static_cast<size_t>((first + index) / options.segment_length);
      if (segment >= result.losses.size()) result.losses.resize(segment + 1);
      result.losses[segment].add(losses[index]);
      (whole ? result.before : result.after).add(losses[index]);
    }
    result.cache_bytes = std::max(result.cache_bytes, cache.cache().bytes());
    if (progress) progress(last, predicting);
  }
  return result;
}

}  // namespace spikesink
