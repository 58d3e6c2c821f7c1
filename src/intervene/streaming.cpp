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
  make_room(tokens.size(1));
  auto result = model->forward(tokens, {.cache = &cache_});
  const auto ids = tokens.cpu();
  const auto id = ids.accessor<int64_t, 2>();
  for (int64_t index = 0; index < ids.size(1); ++index) {
    kept_.push_back(cache_.seen() - ids.size(1) + index);
    is_kind_.push_back(std::find(policy_.kept_ids.begin(), policy_.kept_ids.end(), id[0][index]) !=
                       policy_.kept_ids.end());
  }
  return result;
}

// Of the text's last `window` tokens, the new ones included, those that are there stay.
void StreamingCache::make_room(int64_t tokens) {
  const int64_t first_of_window = cache_.seen() + tokens - policy_.window;
  std::vector<int64_t> places;
  int64_t kinds = 0;
  for (int64_t place = static_cast<int64_t>(kept_.size()) - 1; place >= 0; --place) {
    const int64_t position = kept_[place];
    const bool stays = position < policy_.first || position >= first_of_window;
    if (stays || (is_kind_[place] && kinds++ < policy_.most_kept)) places.push_back(place);
  }
  std::reverse(places.begin(), places.end());
  cache_.keep(places);
  for (size_t index = 0; index < places.size(); ++index) {
    kept_[index] = kept_[places[index]];
    is_kind_[index] = is_kind_[places[index]];
  }
  kept_.resize(places.size());
  is_kind_.resize(places.size());
}

StreamResult stream(Transformer& model, const torch::Tensor& ids, const CachePolicy& policy,
                    const StreamOptions& options, const Progress& progress) {
  if (!model->config().predicts_next())
    detail::fail_argument("[stream] a {} does not predict the next token, expected a decoder",
                          model->config().model_type);
  if (ids.dim() != 1 || ids.size(0) < 2)
    detail::fail_argument("[stream] ids: got {}, expected [N] with N of at least 2",
                          c10::str(ids.sizes()));
  if (options.step < 1 || options.step > policy.window || options.stretch < 1)
    detail::fail_argument(
        "[stream] got step {} and stretch {}, expected a step of 1 to the window, {}, and a "
        "stretch of at least 1",
        options.step, options.stretch, policy.window);
  const torch::NoGradGuard no_grad;
  StreamingCache cache(policy);
  StreamResult result{options};
  const int64_t predicting = ids.size(0) - 1;  // the last one predicts nothing
  for (int64_t first = 0; first < predicting; first += options.step) {
    const int64_t last = std::min(first + options.step, predicting);
    const auto tokens = ids.slice(0, first, last).unsqueeze(0).to(model->options().device());
    detail::CrossEntropy entropy(ids.slice(0, first + 1, last + 1));
    entropy.add(cache.forward(model, tokens)[0]);
    const auto losses = entropy.losses();
    const bool whole = static_cast<int64_t>(cache.kept().size()) == last;
    for (int64_t index = 0; index < last - first; ++index) {
      const auto stretch = static_cast<size_t>((first + index) / options.stretch);
      if (stretch >= result.losses.size()) result.losses.resize(stretch + 1);
      result.losses[stretch].add(losses[index]);
      (whole ? result.before : result.after).add(losses[index]);
    }
    result.cache_bytes = std::max(result.cache_bytes, cache.cache().bytes());
    if (progress) progress(last, predicting);
  }
  return result;
}

}  // namespace spikesink
