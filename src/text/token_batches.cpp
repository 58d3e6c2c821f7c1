#include "spikesink/text/token_batches.h"

#include <algorithm>

#include "detail/fail.h"

namespace spikesink {
namespace {

torch::Tensor stack(const std::vector<std::vector<int64_t>>& sequences, size_t first,
                    size_t count) {
  const auto length = sequences[first].size();
  auto ids =
      torch::empty({static_cast<int64_t>(count), static_cast<int64_t>(length)}, torch::kLong);
  for (size_t row = 0; row < count; ++row) {
    std::copy_n(sequences[first + row].begin(), length, ids.data_ptr<int64_t>() + row * length);
  }
  return ids;
}

}  // namespace

bool windows_start_with_bos(const Tokenizer& tokenizer, BosRule rule) {
  const bool wanted = rule == BosRule::kAuto ? tokenizer.adds_bos() : rule == BosRule::kYes;
  if (wanted && !tokenizer.bos_id()) {
    detail::fail_argument("[token_batches] bos: got yes, but the tokenizer has no BOS token");
  }
  return wanted;
}

bool windows_end_with_eos(const Tokenizer& tokenizer, BosRule rule) {
  return rule != BosRule::kNo && tokenizer.adds_eos() && tokenizer.eos_id();
}

std::vector<int64_t> window_prefix(const Tokenizer& tokenizer, BosRule rule) {
  if (!windows_start_with_bos(tokenizer, rule)) return {};
  if (tokenizer.adds_bos()) return tokenizer.prefix_ids();
  return {*tokenizer.bos_id()};
}

std::vector<int64_t> window_suffix(const Tokenizer& tokenizer, BosRule rule) {
  return windows_end_with_eos(tokenizer, rule) ? tokenizer.suffix_ids() : std::vector<int64_t>{};
}

TokenBatches token_batches(const Tokenizer& tokenizer, std::string_view text,
                           const BatchOptions& options) {
  const auto prefix = window_prefix(tokenizer, options.bos);
  const auto suffix = window_suffix(tokenizer, options.bos);
  const auto added = static_cast<int64_t>(prefix.size() + suffix.size());
  const int64_t least = std::max<int64_t>(2, added + 1);
  if (options.length < least)
    detail::fail_argument("[token_batches] length: got {}, expected at least {} tokens",
                          options.length, least);
  if (options.max_windows < 0)
    detail::fail_argument("[token_batches] max_windows: got {}, expected 0 or more windows",
                          options.max_windows);
  const auto ids = tokenizer.encode(text);
  const int64_t filled = static_cast<int64_t>(ids.size()) / options.length;
  if (filled == 0) {
    detail::fail_argument(
        "[token_batches] the text is too short: got {} tokens, expected at least one window of {}",
        ids.size(), options.length);
  }
  const int64_t count = options.max_windows == 0 ? filled : std::min(options.max_windows, filled);
  std::vector<std::vector<int64_t>> windows;
  for (int64_t window = 0; window < count; ++window) {
    const auto begin = ids.begin() + window * options.length;
    auto& tokens = windows.emplace_back();
    tokens = prefix;
    tokens.insert(tokens.end(), begin, begin + options.length - added);
    tokens.insert(tokens.end(), suffix.begin(), suffix.end());
  }
  return token_batches(windows, options.max_batch_tokens);
}

TokenBatches token_batches(const std::vector<std::vector<int64_t>>& sequences,
                           int64_t max_batch_tokens) {
  if (sequences.empty())
    detail::fail_argument("[token_batches] got no sequences, expected at least one");
  if (max_batch_tokens < 1)
    detail::fail_argument("[token_batches] max_batch_tokens: got {}, expected 1 or more",
                          max_batch_tokens);
  TokenBatches batches;
  for (size_t first = 0; first < sequences.size();) {
    const auto length = sequences[first].size();
    if (length == 0)
      detail::fail_argument("[token_batches] sequence {} is empty, expected at least one token",
                            first);
    const size_t most = std::max<size_t>(1, static_cast<size_t>(max_batch_tokens) / length);
    size_t count = 1;
    while (count < most && first + count < sequences.size() &&
           sequences[first + count].size() == length)
      ++count;
    batches.push_back({stack(sequences, first, count), static_cast<int64_t>(first)});
    first += count;
  }
  return batches;
}

TokenBatch with_prefix(const TokenBatch& batch, const std::vector<int64_t>& tokens) {
  const auto count = static_cast<int64_t>(tokens.size());
  const auto row = torch::tensor(tokens, torch::kLong).to(batch.ids.device());
  return {at::cat({row.expand({batch.ids.size(0), count}), batch.ids}, 1), batch.first_sequence,
          batch.prefix_length + count};
}

}  // namespace spikesink
