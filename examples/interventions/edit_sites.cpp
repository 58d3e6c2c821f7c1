#include "interventions/edit_sites.h"

#include <fmt/format.h>

#include <algorithm>

#include "interventions/build_edit.h"

namespace examples {
namespace {

using namespace spikesink;

template <typename T>
const std::vector<T>& check_found(const std::vector<T>& found, const char* what) {
  if (found.empty()) throw NothingToEdit(fmt::format("the text shows no {}", what));
  return found;
}

Block birth_block(const SpikesAndSinks& found) {
  if (!found.birth) throw NothingToEdit("the text shows no spikes");
  return *found.birth;
}

bool is_layer_and_head(const Json& pair) {
  return pair.is_array() && pair.size() == 2 && pair[0].is_number_integer() &&
         pair[1].is_number_integer();
}

}  // namespace

std::vector<int64_t> channels_of(const JsonObject& edit, const SpikesAndSinks& found) {
  if (edit.has("channels") && !edit.equals("channels", "spike")) return edit.integers("channels");
  return check_found(found.channels, "massive channels");
}

std::optional<std::vector<int64_t>> layers_of(const JsonObject& edit, const SpikesAndSinks& found) {
  if (edit.equals("layers", "all")) return {};
  if (edit.has("layers") && !edit.equals("layers", "birth")) return edit.integers("layers");
  return {{birth_block(found).layer()}};
}

TokenSelector tokens_of(const JsonObject& edit) {
  if (!edit.has("tokens") || edit.equals("tokens", "spiking")) return MassiveTokens{};
  if (edit.equals("tokens", "all")) return AllTokens{};
  if (edit.equals("tokens", "start-and-largest")) return FirstAndLargestTokens{};
  return SequencePositions{edit.integers("tokens")};
}

std::optional<std::vector<HeadIndex>> heads_of(const JsonObject& edit,
                                               const SpikesAndSinks& found) {
  if (!edit.has("heads") || edit.equals("heads", "all")) return {};
  if (edit.equals("heads", "sink")) return check_found(found.sink_heads, "sink heads");
  const auto& heads = edit["heads"];
  if (!heads.is_array() || !std::all_of(heads.begin(), heads.end(), is_layer_and_head))
    edit.refuse("heads", R"("all", "sink" or a list of [layer, head])");
  return heads.get<std::vector<HeadIndex>>();
}

std::optional<std::vector<Block>> blocks_of(const JsonObject& edit, const SpikesAndSinks& found) {
  if (!edit.has("blocks") || edit.equals("blocks", "all")) return {};
  if (edit.equals("blocks", "birth")) return {{birth_block(found)}};
  std::vector<Block> blocks;
  for (const int64_t number : edit.integers("blocks")) blocks.push_back({number});
  return blocks;
}

}  // namespace examples
