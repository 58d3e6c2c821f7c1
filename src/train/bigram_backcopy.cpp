#include "spikesink/train/bigram_backcopy.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "detail/fail.h"
#include "train/random.h"

namespace spikesink {
namespace {

// Uniform in [0, 1).
double uniform(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11) * 0x1p-53;
}

// Standard normal (Box-Muller). std::normal_distribution differs between standard libraries.
double normal(std::mt19937_64& random) {
  const double radius = std::sqrt(-2 * std::log(1 - uniform(random)));
  return radius * std::cos(2 * M_PI * uniform(random));
}

int64_t draw(const double* sums, int64_t count, std::mt19937_64& random) {
  const double point = uniform(random) * sums[count - 1];
  return std::min(std::upper_bound(sums, sums + count, point) - sums, count - 1);
}

}  // namespace

BigramBackcopy::BigramBackcopy(const BigramBackcopyConfig& config, uint64_t seed)
    : config_(config), seed_(seed) {
  if (config.triggers < 0 || config.tokens <= config.triggers)
    detail::fail_argument("[BigramBackcopy] got {} tokens and {} triggers, expected fewer triggers",
                          config.tokens, config.triggers);
  std::mt19937_64 random(detail::seed_of(config.seed, 0));
  sums_.reserve(config.tokens * config.tokens);
  for (int64_t row = 0; row < config.tokens; ++row) {
    double sum = 0;
    for (int64_t column = 0; column < config.tokens; ++column) {
      const double boost = column < config.triggers ? config.trigger_boost : 1;
      sum += boost * std::exp(config.spread * normal(random));
      sums_.push_back(sum);
    }
  }
}

torch::Tensor BigramBackcopy::sequences(int64_t first, int64_t count, int64_t length) const {
  auto ids = torch::empty({count, length}, torch::kLong);
  const int64_t bos = config_.tokens;
  for (int64_t row = 0; row < count; ++row) {
    std::mt19937_64 random(detail::seed_of(seed_, static_cast<uint64_t>(first + row)));
    auto* id = ids.data_ptr<int64_t>() + row * length;
    for (int64_t position = 0; position < length; ++position) {
      if (position == 0) {
        id[0] = bos;
      } else if (position == 1) {  // no trigger: there is no token to copy
        id[1] =
            config_.triggers + static_cast<int64_t>(random() % (config_.tokens - config_.triggers));
      } else {
        const int64_t last = id[position - 1];
        id[position] = last < config_.triggers
                           ? id[position - 2]
                           : draw(sums_.data() + last * config_.tokens, config_.tokens, random);
      }
    }
  }
  return ids;
}

torch::Tensor BigramBackcopy::transition_matrix() const {
  const auto sums = torch::tensor(sums_, torch::kDouble).view({config_.tokens, config_.tokens});
  const auto before = at::constant_pad_nd(sums.slice(1, 0, -1), {1, 0});
  return (sums - before) / sums.slice(1, -1);
}

}  // namespace spikesink
