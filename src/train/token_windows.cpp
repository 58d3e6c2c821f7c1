#include "spikesink/train/token_windows.h"

#include "detail/fail.h"
#include "train/permutation.h"
#include "train/random.h"

namespace spikesink {

TokenWindows::TokenWindows(std::vector<TokenShard> shards, const TokenWindowsOptions& options)
    : shards_(std::move(shards)), options_(options) {}

int64_t TokenWindows::own_tokens(int64_t length) const {
  const int64_t own = length - (options_.first_token ? 1 : 0);
  if (own < 1)
    detail::fail_argument("[TokenWindows] length: got {}, expected room for a token of the shards",
                          length);
  return own;
}

int64_t TokenWindows::windows(int64_t length) const {
  int64_t count = 0;
  for (const auto& shard : shards_) count += shard.tokens.size(0) / own_tokens(length);
  return count;
}

torch::Tensor TokenWindows::window(int64_t number, int64_t tokens) const {
  auto shard = shards_.begin();
  for (int64_t windows; number >= (windows = shard->tokens.size(0) / tokens); ++shard)
    number -= windows;
  auto ids = shard->tokens.slice(0, number * tokens, (number + 1) * tokens).to(torch::kLong);
  const auto [low, high] = at::aminmax(ids);
  if (low.item<int64_t>() < 0 || high.item<int64_t>() >= options_.d_vocabulary)
    detail::fail_format("[TokenWindows] got ids from {} to {}, expected 0 to {} ({})",
                        low.item<int64_t>(), high.item<int64_t>(), options_.d_vocabulary - 1,
                        shard->name);
  return ids;
}

torch::Tensor TokenWindows::sequences(int64_t first, int64_t count, int64_t length) const {
  const int64_t tokens = own_tokens(length), all = windows(length);
  if (all == 0)
    detail::fail_argument(
        "[TokenWindows] got no shard of {} tokens, expected one that fills a "
        "window",
        tokens);
  auto ids = torch::empty({count, length}, torch::kLong);
  for (int64_t row = 0; row < count; ++row) {
    const int64_t round = (first + row) / all, index = (first + row) % all;
    const int64_t number = options_.shuffled
                               ? static_cast<int64_t>(detail::permuted(
                                     static_cast<uint64_t>(index), static_cast<uint64_t>(all),
                                     detail::seed_of(options_.seed, round)))
                               : index;
    ids[row].slice(0, length - tokens).copy_(window(number, tokens));
  }
  if (options_.first_token) ids.select(1, 0).fill_(*options_.first_token);
  return ids;
}

}  // namespace spikesink
