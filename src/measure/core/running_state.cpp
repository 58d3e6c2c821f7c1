#include "spikesink/measure/core/running_state.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

namespace spikesink {
namespace {

// Returns the channels with the `count` largest maxima. Equal maxima are in channel order.
std::vector<int64_t> largest_channels(const std::vector<float>& maxima, int64_t count) {
  std::vector<int64_t> channels(maxima.size());
  std::iota(channels.begin(), channels.end(), 0);
  const auto middle =
      channels.begin() + std::min<int64_t>(count, static_cast<int64_t>(channels.size()));
  std::partial_sort(channels.begin(), middle, channels.end(), [&](int64_t a, int64_t b) {
    return std::pair(-maxima[a], a) < std::pair(-maxima[b], b);
  });
  channels.erase(middle, channels.end());
  return channels;
}

// Only a token whose maximum is at least the channel's maximum can contain the peak.
ChannelPeak find_peak(const StateScan& scan, int64_t channel, int64_t first_sequence) {
  const float magnitude = scan.channel_max[channel];
  for (int64_t token = 0; token < scan.sequences() * scan.length(); ++token) {
    if (scan.token_max[token] < magnitude) continue;
    const int64_t sequence = token / scan.length();
    const int64_t position = token % scan.length();
    if (std::abs(scan.value(sequence, position, channel)) == magnitude) {
      return {channel, magnitude, first_sequence + sequence, position};
    }
  }
  // Every value of the channel is NaN or infinite.
  return {channel, magnitude, first_sequence, 0};
}

}  // namespace

void RunningStateSummary::add(const StateScan& scan, int64_t first_sequence) {
  std::vector<ChannelPeak> candidates;
  for (const int64_t channel : largest_channels(scan.channel_max, top_count_)) {
    candidates.push_back(find_peak(scan, channel, first_sequence));
  }
  keep_top(std::move(candidates));
  channel_max_.resize(scan.channels());
  for (int64_t c = 0; c < scan.channels(); ++c)
    channel_max_[c] = std::max(channel_max_[c], scan.channel_max[c]);
  for (int64_t sequence = 0; sequence < scan.sequences(); ++sequence) {
    magnitudes_.add(scan.bin_counts(sequence), scan.bins_are_exact());
  }
  not_finite_ += scan.not_finite;
}

void RunningStateSummary::merge(const RunningStateSummary& other) {
  keep_top(other.top_);
  channel_max_.resize(std::max(channel_max_.size(), other.channel_max_.size()));
  for (size_t c = 0; c < other.channel_max_.size(); ++c)
    channel_max_[c] = std::max(channel_max_[c], other.channel_max_[c]);
  magnitudes_.merge(other.magnitudes_);
  not_finite_ += other.not_finite_;
}

StateSummary RunningStateSummary::summary() const {
  return {top_, magnitudes_.median(), channel_max_, not_finite_};
}

// If a channel is in the top of the whole text, it is also in the top of the batch that contains
// its peak. So the top of each batch is enough.
void RunningStateSummary::keep_top(std::vector<ChannelPeak> candidates) {
  const auto order = [](const ChannelPeak& p) {
    return std::tuple(-p.magnitude, p.channel, p.sequence, p.position);
  };
  candidates.insert(candidates.end(), top_.begin(), top_.end());
  std::sort(candidates.begin(), candidates.end(),
            [&](const auto& a, const auto& b) { return order(a) < order(b); });
  top_.clear();
  for (const auto& peak : candidates) {
    if (static_cast<int64_t>(top_.size()) == top_count_) break;
    const auto same = [&](const ChannelPeak& kept) { return kept.channel == peak.channel; };
    if (std::none_of(top_.begin(), top_.end(), same)) top_.push_back(peak);
  }
}

}  // namespace spikesink
