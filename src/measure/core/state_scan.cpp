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

SPIKESINK_CLONES void update_maxima(const uint32_t* magnitudes, int64_t count, uint32_t* maxima) {
  for (int64_t c = 0; c < count; ++c) maxima[c] = std::max(maxima[c], magnitudes[c]);
}

SPIKESINK_CLONES void find_bins(const uint32_t* magnitudes, int64_t count, int32_t* bins) {
  for (int64_t c = 0; c < count; ++c) bins[c] = MagnitudeHistogram::bin_of(magnitudes[c]);
}

// The statistics and the buffers of one thread.
struct ThreadScan {
  Bits channel_max;
  int64_t not_finite = 0;
  Bits magnitudes;
  std::vector<int32_t> bins;

  explicit ThreadScan(int64_t channels)
      : channel_max(channels), magnitudes(channels), bins(channels) {}

  // Returns the token's largest magnitude.
  template <typename T>
  float add_token(const T* row, uint32_t* counts) {
    const auto channels = static_cast<int64_t>(magnitudes.size());
    load_magnitudes(row, channels, magnitudes.data());
    uint32_t token_max = largest(magnitudes.data(), channels);
    if (token_max >= kInfinity) token_max = zero_not_finite(counts);
    update_maxima(magnitudes.data(), channels, channel_max.data());
    find_bins(magnitudes.data(), channels, bins.data());
    for (const int32_t bin : bins) ++counts[bin];
    return std::bit_cast<float>(token_max);
  }

  // Replaces NaN and infinite values by 0. `add_token` will count these zeros in bin 0, so bin 0 is
  // decremented here to compensate.
  uint32_t zero_not_finite(uint32_t* counts) {
    for (auto& magnitude : magnitudes) {
      if (magnitude < kInfinity) continue;
      magnitude = 0;
      --counts[0];
      ++not_finite;
    }
    return largest(magnitudes.data(), static_cast<int64_t>(magnitudes.size()));
  }
};

// Adds the histograms of the chunks of each sequence, in place: [sequences * chunks, kBins] ->
// [sequences, kBins]. Row s is free when sequence s is summed: it contains a chunk of an earlier
// sequence.
void sum_chunks(std::vector<uint32_t>& counts, int64_t sequences, int64_t chunks) {
  constexpr int64_t kBins = MagnitudeHistogram::kBins;
  if (chunks == 1) return;
  for (int64_t sequence = 0; sequence < sequences; ++sequence) {
    auto* sum = counts.data() + sequence * kBins;
    for (int64_t chunk = sequence == 0 ? 1 : 0; chunk < chunks; ++chunk) {
      const auto* counted = counts.data() + (sequence * chunks + chunk) * kBins;
      for (int64_t bin = 0; bin < kBins; ++bin)
        sum[bin] = (chunk == 0 ? 0 : sum[bin]) + counted[bin];
    }
  }
  counts.resize(sequences * kBins);
}

template <typename T>
void scan_tokens(StateScan& scan) {
  const T* data = scan.state.data_ptr<T>();
  const int64_t length = scan.length(), channels = scan.channels();
  const int64_t threads = at::get_num_threads();
  // With fewer sequences than threads, each sequence is split into chunks of tokens. Each chunk has
  // its own histogram, so that threads never write to the same counts.
  const int64_t chunks = std::min(length, scan.sequences() >= threads ? 1 : 2 * threads);
  scan.counts.assign(scan.sequences() * chunks * MagnitudeHistogram::kBins, 0);
  Bits channel_max(channels);
  std::mutex mutex;
  at::parallel_for(0, scan.sequences() * chunks, 1, [&](int64_t begin, int64_t end) {
    ThreadScan thread_scan(channels);
    for (int64_t index = begin; index < end; ++index) {
      const int64_t sequence = index / chunks, chunk = index % chunks;
      const int64_t last = sequence * length + (chunk + 1) * length / chunks;
      auto* counts = scan.counts.data() + index * MagnitudeHistogram::kBins;
      for (int64_t token = sequence * length + chunk * length / chunks; token < last; ++token) {
        scan.token_max[token] = thread_scan.add_token(data + token * channels, counts);
      }
    }
    const std::lock_guard lock(mutex);
    update_maxima(thread_scan.channel_max.data(), channels, channel_max.data());
    scan.not_finite += thread_scan.not_finite;
  });
  std::memcpy(scan.channel_max.data(), channel_max.data(), channels * sizeof(float));
  sum_chunks(scan.counts, scan.sequences(), chunks);
}

}  // namespace

float StateScan::value(int64_t sequence, int64_t position, int64_t channel) const {
  const int64_t at = (sequence * length() + position) * channels() + channel;
  return bins_are_exact() ? static_cast<float>(state.data_ptr<at::BFloat16>()[at])
                          : state.data_ptr<float>()[at];
}

void StateScan::scan(const torch::Tensor& new_state) {
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
