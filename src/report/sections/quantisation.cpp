#include "spikesink/measure/practice/quantisation.h"
#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {
namespace {

// Channels that are outliers in a smaller share of the sequences are left out.
constexpr double kLeastShare = 0.1;

json largest_or_null(double value) {
  return value > 0 ? number(value) : json(nullptr);
}

json errors(const LinearInputError& input, ScaleGranularity scale) {
  const auto mean = [&](HighPrecisionPart kept) { return mean_or_null(input.error(scale, kept)); };
  return {{"plain", mean(HighPrecisionPart::kNothing)},
          {"spike_tokens", mean(HighPrecisionPart::kSpikeTokens)},
          {"channels", mean(HighPrecisionPart::kOutlierChannels)},
          {"both", mean(HighPrecisionPart::kBoth)}};
}

// The keys that all lists of linear inputs have.
json location(const LinearInputError& input) {
  return {{"name", input.point},
          {"layer", input.layer >= 0 ? json(input.layer) : json(nullptr)},
          {"reads", to_string(input.reader)}};
}

json section(const LinearInputError& input) {
  auto entry = location(input);
  entry["width"] = input.width;
  entry["largest"] = {{"spike", largest_or_null(input.largest_spike)},
                      {"ordinary", largest_or_null(input.largest_ordinary)}};
  entry["errors"] = {{"per_tensor", errors(input, ScaleGranularity::kPerTensor)},
                     {"per_token", errors(input, ScaleGranularity::kPerToken)},
                     {"per_channel", errors(input, ScaleGranularity::kPerChannel)}};
  entry["channels"] = json::array();
  for (const auto& channel : input.channels) {
    if (channel.share_of_sequences < kLeastShare) break;
    entry["channels"].push_back({{"channel", channel.channel},
                                 {"share_of_sequences", channel.share_of_sequences},
                                 {"largest", number(channel.largest)}});
  }
  return entry;
}

json section(const HighPrecisionInput& kept) {
  auto entry = location(*kept.input);
  entry["gain"] = number(kept.gain);
  entry["spike_tokens"] = kept.spike_tokens;
  entry["channels"] = kept.channels;
  return entry;
}

}  // namespace

void add_section(const QuantisationResult& result, ReportDocument& report) {
  json inputs = json::array(), keep = json::array();
  for (const auto& input : result.inputs) inputs.push_back(section(input));
  for (const auto& kept : result.high_precision_inputs()) keep.push_back(section(kept));
  const json fields = {
      {"definition",
       "What linear maps read, rounded to a symmetric grid of integers, s round(x / s) with s "
       "= max |x| / (2^(bits-1) - 1), with one scale a sequence (per_tensor), token or channel "
       "of it. errors: the mean over ordinary tokens of ||x - Q(x)|| / ||x||, with nothing "
       "kept in high precision, the spike tokens, the outlier channels, or both; what is kept "
       "has no error and no part in a scale (as in arXiv 2208.07339). An outlier channel's "
       "maximum in a sequence is at least outlier_ratio medians of all channels' maxima. keep: "
       "where per_tensor errors fall by least_gain or more; its channels are those of half of "
       "the sequences or more."},
      {"options",
       {{"bits", result.options.bits},
        {"outlier_ratio", result.options.outlier_ratio},
        {"least_gain", result.options.least_gain}}},
      {"tokens", result.tokens},
      {"spike_tokens", result.spike_tokens},
      {"inputs", inputs},
      {"keep", keep}};
  report.json["quantisation"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const QuantisationResult&);
}  // namespace spikesink
