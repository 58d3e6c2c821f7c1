#include "spikesink/measure/state_scan.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "detail/clones.h"

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

// What one thread gathers over a run of tokens of one sequence.
struct Part {
  Bits channel_max;
  int64_t not_finite = 0;
  Bits magnitudes;
  std::vector<int32_t> bins;

  explicit Part(int64_t channels) : channel_max(channels), magnitudes(channels), bins(channels) {}

  template <typename T>
  float add_token(const T* row, uint32_t* counts) {
    const auto channels = static_cast<int64_t>(magnitudes.size());
    load_magnitudes(row, channels, magnitudes.data());
    uint32_t token_max = largest(magnitudes.data(), channels);
    int64_t dropped = 0;
    if (token_max >= kInfinity) {
      for (auto& magnitude : magnitudes) {
        if (magnitude >= kInfinity) magnitude = 0, ++dropped;
      }
      token_max = largest(magnitudes.data(), channels);
    }
    raise(magnitudes.data(), channels, channel_max.data());
    find_bins(magnitudes.data(), channels, bins.data());
    for (const int32_t bin : bins) ++counts[bin];
    counts[0] -= static_cast<uint32_t>(dropped);
    not_finite += dropped;
    return std::bit_cast<float>(token_max);
  }
};

template <typename T>
void scan_tokens(StateScan& scan) {
  const T* data = scan.state.data_ptr<T>();
  const int64_t length = scan.length();
  const int64_t channels = scan.channels();
  const int64_t threads = at::get_num_threads();
  const int64_t splits = std::min(
      length,
      scan.sequences() >= threads ? 1 : 2 * threads);  // a long sequence alone is shared out
  const int64_t units = scan.sequences() * splits;
  std::vector<Part> parts(units, Part(0));
  std::vector<uint32_t> counts(units * MagnitudeHistogram::kBins);
  at::parallel_for(0, units, 1, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      Part part(channels);
      const int64_t first = unit / splits * length + unit % splits * length / splits;
      const int64_t last = unit / splits * length + (unit % splits + 1) * length / splits;
      for (int64_t token = first; token < last; ++token) {
        scan.token_max[token] = part.add_token(data + token * channels,
                                               counts.data() + unit * MagnitudeHistogram::kBins);
      }
      parts[unit] = std::move(part);
    }
  });
  Bits channel_max(channels);
  for (const auto& part : parts) {
    raise(part.channel_max.data(), channels, channel_max.data());
    scan.not_finite += part.not_finite;
  }
  std::memcpy(scan.channel_max.data(), channel_max.data(), channels * sizeof(float));
  if (splits == 1) {
    scan.counts = std::move(counts);
    return;
  }
  scan.counts.resize(scan.sequences() * MagnitudeHistogram::kBins);
  for (int64_t unit = 0; unit < units; ++unit) {
    auto* sequence = scan.counts.data() + unit / splits * MagnitudeHistogram::kBins;
    const auto* share = counts.data() + unit * MagnitudeHistogram::kBins;
    for (int64_t bin = 0; bin < MagnitudeHistogram::kBins; ++bin) sequence[bin] += share[bin];
  }
}

}  // namespace

float StateScan::value(int64_t sequence, int64_t position, int64_t channel) const {
  const int64_t at = (sequence * length() + position) * channels() + channel;
  return at_edges() ? static_cast<float>(state.data_ptr<at::BFloat16>()[at])
                    : state.data_ptr<float>()[at];
}

StateScan scan_state(const torch::Tensor& state) {
  StateScan scan;
  const auto dtype = state.scalar_type() == torch::kBFloat16 ? torch::kBFloat16 : torch::kFloat;
  scan.state = state.detach().to(torch::kCPU, dtype).contiguous();
  scan.channel_max.resize(scan.channels());
  scan.token_max.resize(scan.sequences() * scan.length());
  if (scan.at_edges()) {
    scan_tokens<at::BFloat16>(scan);
  } else {
    scan_tokens<float>(scan);
  }
  return scan;
}

}  // namespace spikesink
