#include "spikesink/measure/sinks/attention_sinks.h"
#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {
namespace {

json section(const std::vector<KeyImportance>& heads) {
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

json section(const PaperSinks& paper, const AttentionSinksResult& result,
             const Tokenizer* tokenizer) {
  json heads = json::array();
  for (const auto& head : paper.heads) {
    heads.push_back({{"layer", head.layer},
                     {"head", head.head},
                     {"importance", number(head.importance)},
                     {"share_of_sequences", head.share_of_sequences}});
  }
  const auto position = [](const auto& one) {
    return json{{"position", one.first}, {"count", one.second}};
  };
  const auto token = [&](const auto& one) {
    auto entry = token_entry(one.first, tokenizer);
    entry["count"] = one.second;
    return entry;
  };
  int64_t sinks = 0;
  for (const auto& [key, count] : paper.positions) sinks += count;
  return {{"length", result.options.paper_length},
          {"sequences", paper.sequences},
          {"sinks", sinks},
          {"positions", first_of(paper.positions, kMostTokens, position)},
          {"tokens_beyond_first", first_of(paper.tokens_beyond_first, kMostTokens, token)},
          {"heads", heads}};
}

json ratios_of(const AttentionSinksResult& result, int64_t key) {
  json ratios;
  for (const auto definition :
       {SinkDefinition::kPaper, SinkDefinition::kGu, SinkDefinition::kMeanFirst,
        SinkDefinition::kSoftpick, SinkDefinition::kEntry, SinkDefinition::kFAttn})
    ratios[to_string(definition)] = number(result.sink_ratio_percent(definition, key));
  return ratios;
}

json section(const MeasuredKey& watched, const AttentionSinksResult& result,
             const Tokenizer* tokenizer) {
  const auto told = [&](const auto& token) {
    auto entry = token_entry(token.first, tokenizer);
    entry["count"] = token.second;
    return entry;
  };
  return {{"key", watched.key},
          {"sequences", watched.sequences},
          {"tokens", first_of(watched.tokens, kMostTokens, told)},
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

// The results for the first measured key.
void add_section(const AttentionSinksResult& result, ReportDocument& report) {
  const int64_t key = result.options.keys.at(0);
  const auto* tokenizer = report.tokenizer.get();
  std::vector<KeyImportance> heads;
  for (const auto& head : result.heads) {
    if (head.key == key) heads.push_back(head);
  }
  json entry_of_key = {
      {"definition", to_string(SinkDefinition::kPaper)},
      {"definitions",
       {{"paper",
         "share of (sequence, layer, head) in which some key of the first half receives more than "
         "epsilon: max over k < T/2 of sum_i A[i, k] / T, on the first T = length tokens (eqs. 27 "
         "and 28 of arXiv 2603.05498). The only one that counts sinks at other keys, such as "
         "delimiters"},
        {"importance",
         "mean of A[i, key] over the queries i that may see the key: those from it on, or all of "
         "them in an encoder; importance of a head is its mean over sequences"},
        {"gu",
         "share of (sequence, layer, head) with importance > epsilon (arXiv 2410.10781). Counts "
         "a head in each sequence of its own, at this key alone"},
        {"mean-first",
         "share of (layer, head) whose importance, averaged over sequences, is > epsilon; also "
         "sink_heads. A head that sinks in few sequences does not count"},
        {"softpick",
         "gu of each layer, then the mean of the layers (arXiv 2504.20966). Equal to gu where all "
         "layers have as many heads"},
        {"entry",
         "of the queries that may see the key, the share with A[i, key] > epsilon; the mean over "
         "(sequence, layer, head) (submarat/removing-layer-norm). Counts the queries that sink in "
         "heads that do not"},
        {"f-attn",
         "mean of A[i, key] over the queries that may see the key; the mean over (sequence, layer, "
         "head) (arXiv 2505.06708). No threshold: all attention to the key counts"}}},
      {"epsilon", result.options.epsilon},
      {"key", key},
      {"sequences", result.sequences},
      {"sink_ratio_percent", number(result.sink_ratio_percent(SinkDefinition::kPaper, key))},
      {"ratios", ratios_of(result, key)},
      {"heads", section(heads)},
      {"sink_heads", section(result.sink_heads(key))},
      {"keys", json::array()}};
  for (const auto& watched : result.keys) {
    if (watched.sequences > 0) entry_of_key["keys"].push_back(section(watched, result, tokenizer));
  }
  entry_of_key["paper"] = section(result.paper, result, tokenizer);
  if (!result.learned.empty()) entry_of_key["learned"] = section(result.learned);
  report.json["attention_sinks"] = entry_of_key;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const AttentionSinksResult&);
}  // namespace spikesink
