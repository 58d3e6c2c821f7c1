#include "report/report_sections.h"

#include <fmt/format.h>
#include <set>

#include <cmath>

namespace spikesink::detail {
namespace {

using nlohmann::json;

constexpr size_t kMostTokens = 200;  // rows of the token table; the rest are rare

// JSON has no NaN: what was not measured is null.
json number(double value) {
  return std::isfinite(value) ? json(value) : json(nullptr);
}

json entry_of(const Block& block) {
  return {{"block", block.number}, {"layer", block.layer()}, {"kind", block.kind_name()}};
}

json section(const StateSummary& state) {
  json top = json::array();
  for (const auto& peak : state.top) {
    top.push_back({{"channel", peak.channel},
                   {"magnitude", peak.magnitude},
                   {"sequence", peak.sequence},
                   {"position", peak.position}});
  }
  return {{"top", top}, {"median", number(state.median)}, {"not_finite", state.not_finite}};
}

json courses(const LifeCycleResult& result) {
  json courses = json::array();
  for (const int64_t channel : result.spike_channels) {
    json hidden_state = {result.embedding.channel_max[channel]}, output = json::array();
    for (const auto& block : result.blocks) {
      hidden_state.push_back(block.hidden_state.channel_max[channel]);
      output.push_back(block.output.channel_max[channel]);
    }
    courses.push_back({{"channel", channel}, {"hidden_state", hidden_state}, {"output", output}});
  }
  return courses;
}

json mean_or_null(const RunningMean& values) {
  return values.count == 0 ? json(nullptr) : json(values.mean);
}

json section(const MassiveChannel& channel) {
  return {{"channel", channel.channel},
          {"mean", channel.all.mean},
          {"count", channel.all.count},
          {"standard_deviation", channel.all.standard_deviation()},
          {"largest", channel.largest},
          {"mean_at_start", mean_or_null(channel.at_start)},
          {"count_at_start", channel.at_start.count},
          {"mean_elsewhere", mean_or_null(channel.elsewhere)},
          {"count_elsewhere", channel.elsewhere.count}};
}

json token_entry(int64_t id, const Tokenizer* tokenizer) {
  json entry = {{"id", id}};
  if (!tokenizer) return entry;
  try {
    entry["text"] = tokenizer->token_text(id);
    if (tokenizer->is_special(id)) entry["special"] = true;
  } catch (const std::invalid_argument&) {  // embeddings may have rows that no token uses
  }
  return entry;
}

json section(const MassiveBlock& block, const Tokenizer* tokenizer) {
  json entry = entry_of(block.block);
  entry["token_count"] = block.token_count;
  for (const auto& channel : block.channels) entry["channels"].push_back(section(channel));
  for (size_t index = 0; index < std::min(block.tokens.size(), kMostTokens); ++index) {
    const auto& token = block.tokens[index];
    auto row = token_entry(token.id, tokenizer);
    row["at_start"] = token.at_start;
    row["count"] = token.count;
    entry["tokens"].push_back(row);
  }
  for (const auto& [position, count] : block.positions) {
    entry["positions"].push_back({{"position", position}, {"count", count}});
  }
  entry["ratios"] = json::array();
  for (const auto& ratio : block.ratios) {
    entry["ratios"].push_back({{"channel", ratio.channel},
                               {"reference", ratio.reference},
                               {"mean", ratio.ratio.mean},
                               {"standard_deviation", ratio.ratio.standard_deviation()},
                               {"count", ratio.ratio.count}});
  }
  return entry;
}

json section(const std::vector<HeadImportance>& heads) {
  json list = json::array();
  for (const auto& head : heads) {
    list.push_back({{"layer", head.layer},
                    {"head", head.head},
                    {"key", head.key},
                    {"importance", number(head.importance)},
                    {"share_of_sequences", head.share_of_sequences}});
  }
  return list;
}

json ratios_of(const AttentionSinksResult& result, int64_t key) {
  json ratios;
  for (const auto definition : {SinkDefinition::kGu, SinkDefinition::kMeanFirst})
    ratios[to_string(definition)] = number(result.sink_ratio(definition, key));
  return ratios;
}

json section(const WatchedKey& watched, const AttentionSinksResult& result,
             const Tokenizer* tokenizer) {
  json tokens = json::array();
  for (size_t index = 0; index < std::min(watched.tokens.size(), kMostTokens); ++index) {
    auto entry = token_entry(watched.tokens[index].first, tokenizer);
    entry["count"] = watched.tokens[index].second;
    tokens.push_back(entry);
  }
  return {{"key", watched.key},
          {"sequences", watched.sequences},
          {"tokens", tokens},
          {"ratios", ratios_of(result, watched.key)},
          {"sink_heads", result.sink_heads(watched.key).size()}};
}

json section(const std::vector<LearnedSink>& learned) {
  json list = json::array();
  for (const auto& head : learned)
    list.push_back({{"layer", head.layer}, {"head", head.head}, {"mass", number(head.mass)}});
  return list;
}

}  // namespace

json section(const ModelConfig& config) {
  std::set<int64_t> windows;
  for (const auto& layer : config.layers) {
    if (layer.window > 0) windows.insert(layer.window);
  }
  return {{"model_type", config.model_type},
          {"n_layers", config.n_layers},
          {"d_model", config.d_model},
          {"d_mlp", config.d_mlp},
          {"n_heads", config.n_heads},
          {"n_key_value_heads", config.n_key_value_heads},
          {"d_head", config.d_head},
          {"d_vocabulary", config.d_vocabulary},
          {"context", config.context},
          {"causal", config.causal},
          {"norm", to_string(config.norm.kind)},
          {"norm_epsilon", config.norm.epsilon},
          {"norm_placement", to_string(config.norm_placement)},
          {"residual", to_string(config.residual)},
          {"qk_norm", to_string(config.qk_norm)},
          {"positions", config.positions()},
          {"activation", to_string(config.activation.kind)},
          {"gated", config.gated},
          {"experts", config.experts.count},
          {"sink_logits", config.sink_logits},
          {"attention_softcap", config.attention_softcap},
          {"windows", windows},
          {"tied_embeddings", config.tied_embeddings}};
}

json section(const LifeCycleResult& result, const LifeCycleOptions& options) {
  json blocks = json::array();
  for (const auto& block : result.blocks) {
    auto entry = entry_of(block.block);
    entry["hidden_state"] = section(block.hidden_state);
    entry["output"] = section(block.output);
    blocks.push_back(entry);
  }
  return {{"definition",
           "Magnitudes are the largest |x| of a channel over all tokens; top lists different "
           "channels. The hidden state of a block is the stream after it. A spike channel exceeds "
           "least_magnitude and least_ratio medians of |h| in some hidden state. A block is "
           "step-up when it raises the maximum M of a spike channel by at least step_share of M, "
           "where M exceeds least_magnitude and step_ratio medians; step-down likewise (arXiv "
           "2603.05498, figure 1; threshold: arXiv 2402.17762)."},
          {"options",
           {{"least_magnitude", options.least_magnitude},
            {"least_ratio", options.least_ratio},
            {"step_share", options.step_share},
            {"step_ratio", options.step_ratio}}},
          {"embedding", section(result.embedding)},
          {"blocks", blocks},
          {"step_up", result.step_up},
          {"step_down", result.step_down},
          {"spike_channels", result.spike_channels},
          {"courses", courses(result)}};
}

json section(const MassiveActivationsResult& result, const MassiveActivationsOptions& options,
             const Tokenizer* tokenizer) {
  json blocks = json::array();
  for (const auto& block : result.blocks) blocks.push_back(section(block, tokenizer));
  return {{"definition",
           "|x| > least_magnitude and |x| >= least_ratio x the median of |h| over the hidden state "
           "of the same sequence, spike tokens included; the median is the lower middle element "
           "(arXiv 2402.17762). Means are signed."},
          {"options",
           {{"least_magnitude", options.least_magnitude}, {"least_ratio", options.least_ratio}}},
          {"channels", result.channels()},
          {"blocks", blocks}};
}

json section(const AttentionSinksResult& result, int64_t key, const Tokenizer* tokenizer) {
  std::vector<HeadImportance> heads;
  for (const auto& head : result.heads) {
    if (head.key == key) heads.push_back(head);
  }
  json section_of_key = {
      {"definition", to_string(SinkDefinition::kGu)},
      {"definitions",
       {{"importance",
         "mean of A[i, key] over the queries i that may see the key: those from it on, or all of "
         "them in an encoder; importance of a head is its mean over sequences"},
        {"gu", "share of (sequence, layer, head) with importance > epsilon (arXiv 2410.10781)"},
        {"mean-first",
         "share of (layer, head) whose importance, averaged over sequences, is > epsilon; also "
         "sink_heads"}}},
      {"epsilon", result.epsilon},
      {"key", key},
      {"sequences", result.sequences},
      {"sink_ratio_percent", number(result.sink_ratio(SinkDefinition::kGu, key))},
      {"ratios", ratios_of(result, key)},
      {"heads", section(heads)},
      {"sink_heads", section(result.sink_heads(key))},
      {"keys", json::array()}};
  for (const auto& watched : result.keys) {
    if (watched.sequences > 0)
      section_of_key["keys"].push_back(section(watched, result, tokenizer));
  }
  if (!result.learned.empty()) section_of_key["learned"] = section(result.learned);
  return section_of_key;
}

json section(const PerplexityResult& result) {
  return {{"definition",
           "exp of the mean cross-entropy, in nats, of every token but the first of its sequence"},
          {"mean_loss", number(result.mean_loss)},
          {"perplexity", number(result.perplexity)},
          {"tokens", result.tokens}};
}

json section(const StatePicture& picture, const Tokenizer* tokenizer) {
  auto entry = entry_of(picture.block);
  entry["sequence"] = picture.sequence;
  for (size_t row = 0; row < picture.tokens.size(); ++row) {
    auto token = token_entry(picture.tokens[row], tokenizer);
    token["position"] = picture.first_position + static_cast<int64_t>(row);
    entry["tokens"].push_back(token);
  }
  for (const auto& [first, last] : picture.channels) entry["channels"].push_back({first, last});
  // Four digits are more than a picture shows; the exact peaks are in life_cycle.
  for (const auto& row : picture.magnitudes) {
    json drawn = json::array();
    for (const float value : row) drawn.push_back(number(std::stod(fmt::format("{:.4g}", value))));
    entry["magnitudes"].push_back(drawn);
  }
  return entry;
}

json section(const std::vector<NotFiniteValues>& points) {
  json list = json::array();
  for (const auto& point : points) {
    list.push_back({{"point", point.point},
                    {"nan", point.nan},
                    {"infinite", point.infinite},
                    {"sequence", point.sequence ? json(*point.sequence) : json()},
                    {"index", point.index}});
  }
  return {{"definition",
           "Hook points that showed NaN or infinite values, in the order of the forward pass; "
           "sequence and index are the first place (inside experts there is none)"},
          {"points", list}};
}

json section(const std::vector<TensorParity>& points, const ParityOptions& options) {
  json list = json::array();
  for (const auto& point : points) {
    list.push_back({{"point", point.point},
                    {"shape", point.shape},
                    {"outside", point.outside},
                    {"error", number(point.error)},
                    {"largest_difference", number(point.largest_difference)},
                    {"scale", number(point.scale)},
                    {"worst", point.worst},
                    {"got", number(point.got)},
                    {"expected", number(point.expected)}});
  }
  return {{"definition",
           "A value agrees when |got - expected| <= absolute + relative x |expected|; outside "
           "counts those that do not. error is the largest |got - expected| over what is allowed, "
           "worst is where; scale is the root mean square of the reference"},
          {"options", {{"absolute", options.absolute}, {"relative", options.relative}}},
          {"points", list}};
}

json section(const std::vector<TensorInfo>& activations) {
  json list = json::array();
  for (const auto& tensor : activations) {
    list.push_back({{"name", tensor.name}, {"shape", tensor.shape}, {"dtype", tensor.dtype}});
  }
  return list;
}

}  // namespace spikesink::detail
