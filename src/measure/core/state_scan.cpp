#include "spikesink/measure/core/state_scan.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <mutex>

#include "measure/core/clones.h"

namespace spikesink {
namespace {

constexpr uint32_t kSignMask = 0x7fffffff;
constexpr uint32_t kInfinity = 0x7f800000;

// For floats without sign, the order of the bits as integers is the order of the values.
using Bits = std::vector<uint32_t>;

SPIKESINK_CLONES void load_magnitudes(const float* row, int64_t count, uint32_t* magnitudes) {
  for (int64_t c = 0; c < count; ++c) {
    uint32_t bits;
    std::memcpy(&bits, row + c, sizeof bits);
    magnitudes[c] = bits & kSignMask;
  }
}

SPIKESINK_CLONES void load_magnitudes(const at::BFloat16* row, int64_t count,
                                      uint32_t* magnitudes) {
  for (int64_t c = 0; c < count; ++c)
    magnitudes[c] = (static_cast<uint32_t>(row[c].x) << 16) & kSignMask;
}

SPIKESINK_CLONES uint32_t largest(const uint32_t* magnitudes, int64_t count) {
  uint32_t largest = 0;
  for (int64_t c = 0; c < count; ++c) largest = std::max(largest, magnitudes[c]);
  return largest;
}

SPIKESINK_CLONES void raise(const uint32_t* magnitudes, int64_t count, uint32_t* maxima) {
  for (int64_t c = 0; c < count; ++c) maxima[c] = std::max(maxima[c], magnitudes[c]);
}

SPIKESINK_CLONES void find_bins(const uint32_t* magnitudes, int64_t count, int32_t* bins) {
  for (int64_t c = 0; c < count; ++c) bins[c] = MagnitudeHistogram::bin_of(magnitudes[c]);
}

// What one thread gathers, and its room to work in.
struct Part {
  Bits channel_max;
  int64_t not_finite = 0;
  Bits magnitudes;
  std::vector<int32_t> bins;

  explicit Part(int64_t channels) : channel_max(channels), magnitudes(channels), bins(channels) {}

  // Returns the token's largest magnitude.
  template <typename T>
  float add_token(const T* row, uint32_t* counts) {
    const auto channels = static_cast<int64_t>(magnitudes.size());
    load_magnitudes(row, channels, magnitudes.data());
    uint32_t token_max = largest(magnitudes.data(), channels);
    if (token_max >= kInfinity) token_max = drop_not_finite(counts);
    raise(magnitudes.data(), channels, channel_max.data());
    find_bins(magnitudes.data(), channels, bins.data());
    for (const int32_t bin : bins) ++counts[bin];
    return std::bit_cast<float>(token_max);
  }

  // Puts zeros in their place and takes these out of the count in advance.
  uint32_t drop_not_finite(uint32_t* counts) {
    for (auto& magnitude : magnitudes) {
      if (magnitude < kInfinity) continue;
      magnitude = 0;
      --counts[0];
      ++not_finite;
    }
    return largest(magnitudes.data(), static_cast<int64_t>(magnitudes.size()));
  }
};

// Adds up the runs of each sequence, in place.
void fold(std::vector<uint32_t>& counts, int64_t sequences, int64_t runs) {
  constexpr int64_t kBins = MagnitudeHistogram::kBins;
  if (runs == 1) return;
  for (int64_t sequence = 0; sequence < sequences; ++sequence) {
    auto* sum = counts.data() + sequence * kBins;
    for (int64_t run = sequence == 0 ? 1 : 0; run < runs; ++run) {
      const auto* share = counts.data() + (sequence * runs + run) * kBins;
      for (int64_t bin = 0; bin < kBins; ++bin) sum[bin] = (run == 0 ? 0 : sum[bin]) + share[bin];
    }
  }
  counts.resize(sequences * kBins);
}

template <typename T>
void scan_tokens(StateScan& scan) {
  const T* data = scan.state.data_ptr<T>();
  const int64_t length = scan.length(), channels = scan.channels();
  const int64_t threads = at::get_num_threads();
  // A few long sequences are shared out in runs of tokens.
  const int64_t runs = std::min(length, scan.sequences() >= threads ? 1 : 2 * threads);
  scan.counts.assign(scan.sequences() * runs * MagnitudeHistogram::kBins, 0);
  Bits channel_max(channels);
  std::mutex mutex;
  at::parallel_for(0, scan.sequences() * runs, 1, [&](int64_t begin, int64_t end) {
    Part part(channels);
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t sequence = unit / runs, run = unit % runs;
      const int64_t last = sequence * length + (run + 1) * length / runs;
      auto* counts = scan.counts.data() + unit * MagnitudeHistogram::kBins;
      for (int64_t token = sequence * length + run * length / runs; token < last; ++token) {
        scan.token_max[token] = part.add_token(data + token * channels, counts);
      }
    }
    const std::lock_guard lock(mutex);
    raise(part.channel_max.data(), channels, channel_max.data());
    scan.not_finite += part.not_finite;
  });
  std::memcpy(scan.channel_max.data(), channel_max.data(), channels * sizeof(float));
  fold(scan.counts, scan.sequences(), runs);
}

}  // namespace

float StateScan::value(int64_t sequence, int64_t position, int64_t channel) const {
  const int64_t at = (sequence * length() + position) * channels() + channel;
  return bins_are_exact() ? static_cast<float>(state.data_ptr<at::BFloat16>()[at])
                          : state.data_ptr<float>()[at];
}

void StateScan::read(const torch::Tensor& new_state) {
  const auto dtype = new_state.scalar_type() == torch::kBFloat16 ? torch::kBFloat16 : torch::kFloat;
  state = new_state.detach().to(torch::kCPU, dtype).contiguous();
  not_finite = 0;
  channel_max.resize(channels());
  token_max.resize(sequences() * length());
  if (bins_are_exact()) {
    scan_tokens<at::BFloat16>(*this);
  } else {
    scan_tokens<float>(*this);
  }
}

}  // namespace spikesink
