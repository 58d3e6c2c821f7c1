#include "interventions/parts.h"

#include <fmt/format.h>

#include <map>

namespace examples {
namespace {

using namespace spikesink;
using Part = std::shared_ptr<const Intervention>;

bool is_word(const Fields& fields, const char* name, const char* word) {
  return fields.has(name) && fields[name] == word;
}

template <typename T>
const T& needed(const T& found, const char* what) {
  if (found.empty()) throw NothingThere(fmt::format("the text shows no {}", what));
  return found;
}

Block birth(const Targets& targets) {
  if (!targets.birth) throw NothingThere("the text shows no spikes");
  return *targets.birth;
}

// -- where

std::vector<int64_t> channels_of(const Fields& part, const Targets& targets) {
  if (part.has("channels") && part["channels"] != "spike") return part.numbers("channels");
  return needed(targets.channels, "massive channels");
}

std::optional<std::vector<int64_t>> layers_of(const Fields& part, const Targets& targets) {
  if (is_word(part, "layers", "all")) return {};
  if (part.has("layers") && part["layers"] != "birth") return part.numbers("layers");
  return {{birth(targets).layer()}};
}

TokenChoice tokens_of(const Fields& part) {
  if (!part.has("tokens") || part["tokens"] == "spiking") return SpikingTokens{};
  if (part["tokens"] == "all") return AllTokens{};
  if (part["tokens"] == "start-and-largest") return StartAndLargest{};
  return TokensAt{part.numbers("tokens")};
}

std::optional<std::vector<HeadPlace>> heads_of(const Fields& part, const Targets& targets) {
  if (!part.has("heads") || part["heads"] == "all") return {};
  if (part["heads"] == "sink") return needed(targets.sink_heads, "sink heads");
  const auto is_place = [](const Json& place) {
    return place.is_array() && place.size() == 2 && place[0].is_number_integer() &&
           place[1].is_number_integer();
  };
  const auto& heads = part["heads"];
  if (!heads.is_array() || !std::all_of(heads.begin(), heads.end(), is_place))
    part.refuse("heads", "all, sink, or a list of [layer, head]");
  return heads.get<std::vector<HeadPlace>>();
}

std::optional<std::vector<Block>> blocks_of(const Fields& part, const Targets& targets) {
  if (!part.has("blocks") || part["blocks"] == "all") return {};
  if (part["blocks"] == "birth") return {{birth(targets)}};
  std::vector<Block> blocks;
  for (const int64_t number : part.numbers("blocks")) blocks.push_back({number});
  return blocks;
}

// -- what

Part change_channels(const Fields& part, const Targets& targets) {
  const auto channels = channels_of(part, targets);
  const EditPlaces where{layers_of(part, targets), tokens_of(part)};
  const auto edit = [&](ChannelEdit how) {
    return std::make_shared<EditChannels>(channels, std::move(how), where);
  };
  if (is_word(part, "to", "mean")) {
    if (!where.layers || where.layers->size() != 1)
      part.refuse("layers", "one layer: that of the means");
    return edit(means_after(targets.massive, where.layers->front(), channels));
  }
  if (!part.has("to") || !part["to"].is_object() || part["to"].size() != 1)
    part.refuse("to", R"(mean, {"set": x}, {"scale": x} or {"clamp": x})");
  const Fields to(part["to"], part.where("to"), {"set", "scale", "clamp"});
  if (to.has("set")) return edit(SetTo{to.number("set")});
  if (to.has("scale")) return edit(Scale{to.number("scale")});
  return edit(Clamp{to.number("clamp")});
}

Part change_sinks(const Fields& part, const Targets& targets) {
  SinkRemovalPlaces where{.heads = heads_of(part, targets)};
  if (part.has("keys")) where.keys = part.numbers("keys");
  const auto remove = [&](SinkRemoval how) { return std::make_shared<RemoveSinks>(how, where); };
  if (is_word(part, "to", "mask")) return remove(MaskSink{});
  if (is_word(part, "to", "drop-value")) return remove(DropSinkValue{});
  if (!part.has("to") || !part["to"].is_object() || part["to"].size() != 1)
    part.refuse("to", R"(mask, drop-value, {"cap": x} or {"logit": x})");
  const Fields to(part["to"], part.where("to"), {"cap", "logit"});
  if (to.has("cap")) return remove(CapSink{to.number("cap")});
  return remove(AddSinkLogit{to.number("logit")});
}

Part change_heads(const Fields& part, const Targets& targets) {
  if (!part.has("to")) part.refuse("to", R"({"scale": x})");
  const Fields to(part["to"], part.where("to"), {"scale"});
  return std::make_shared<EditHeads>(heads_of(part, targets), Scale{to.number("scale")});
}

Part change_norms(const Fields& part, const Targets& targets, Experiment& experiment) {
  static const std::map<std::string, NormChange> changes = {
      {"pre", MoveNorms{NormPlacement::kPre}},
      {"post", MoveNorms{NormPlacement::kPost}},
      {"sandwich", MoveNorms{NormPlacement::kSandwich}},
      {"output", MoveNorms{NormPlacement::kOutput}},
      {"dynamic-tanh", UseDynamicTanh{}},
      {"qk-norm", SetQkNorm{true}},
      {"no-qk-norm", SetQkNorm{false}}};
  const auto change = changes.find(part.text("to"));
  if (change == changes.end())
    part.refuse("to", "pre, post, sandwich, output, dynamic-tanh, qk-norm or no-qk-norm");
  return std::make_shared<ChangeNorms>(fit_norms(experiment.model, experiment.batches.front(),
                                                 change->second, blocks_of(part, targets)));
}

std::vector<int64_t> first_token(const Experiment& experiment) {
  if (!experiment.tokenizer) throw NothingThere("without a tokenizer there is no BOS");
  const auto id = experiment.tokenizer->bos_id() ? experiment.tokenizer->bos_id()
                                                 : experiment.tokenizer->eos_id();
  if (!id) throw NothingThere("the tokenizer has neither BOS nor EOS");
  return {*id};
}

// A prefix makes sequences longer.
Part fitting(std::shared_ptr<const AddPrefix> prefix, const Experiment& experiment) {
  const auto length = experiment.longest() + static_cast<int64_t>(prefix->prefix().size());
  const auto context = experiment.model->config().context;
  if (length > context)
    throw std::invalid_argument(fmt::format(
        "with the prefix a sequence has {} tokens, the model's context {}", length, context));
  return prefix;
}

Part change_prefix(const Fields& part, const Experiment& experiment) {
  if (part.has("tokens") == part.has("registers"))
    part.refuse("tokens", "either tokens or registers");
  if (is_word(part, "tokens", "bos"))
    return fitting(std::make_shared<AddPrefix>(first_token(experiment)), experiment);
  if (part.has("tokens"))
    return fitting(std::make_shared<AddPrefix>(part.numbers("tokens")), experiment);
  if (!part["registers"].is_number_unsigned()) part.refuse("registers", "how many");
  const auto& model = experiment.model;
  const auto held = model->hold(spikesink::ModelPart::embedding());
  const auto mean = model->embedding.mean(0, /*keepdim=*/true, torch::kFloat) *
                    model->config().embedding_multiplier;
  return fitting(std::make_shared<AddPrefix>(mean.repeat({part["registers"].get<int64_t>(), 1})),
                 experiment);
}

}  // namespace

Part make_part(const Json& part, const std::string& where, const Targets& targets,
               Experiment& experiment) {
  const auto change = Fields(part, where,
                             {"change", "to", "channels", "layers", "tokens", "heads", "keys",
                              "blocks", "registers"})
                          .text("change");
  if (change == "channels")
    return change_channels({part, where, {"change", "to", "channels", "layers", "tokens"}},
                           targets);
  if (change == "sinks")
    return change_sinks({part, where, {"change", "to", "heads", "keys"}}, targets);
  if (change == "heads") return change_heads({part, where, {"change", "to", "heads"}}, targets);
  if (change == "norms")
    return change_norms({part, where, {"change", "to", "blocks"}}, targets, experiment);
  if (change == "prefix")
    return change_prefix({part, where, {"change", "tokens", "registers"}}, experiment);
  throw FormatError(fmt::format(
      "{}.change: got '{}', expected channels, sinks, heads, norms or prefix", where, change));
}

}  // namespace examples
