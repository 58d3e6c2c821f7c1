#include "interventions/build_edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "interventions/edit_sites.h"

namespace examples {
namespace {

using namespace spikesink;
using Edit = std::shared_ptr<const Intervention>;

// Whether "to" is an object with one key: {"clamp": 20}.
bool has_single_value(const JsonObject& edit) {
  return edit.has("to") && edit["to"].is_object() && edit["to"].size() == 1;
}

Edit edit_channels(const JsonObject& edit, const SpikesAndSinks& found) {
  const auto channels = channels_of(edit, found);
  const EditSites sites{.layers = layers_of(edit, found), .tokens = tokens_of(edit)};
  const auto set = [&](ChannelEdit value) {
    return std::make_shared<EditChannels>(channels, std::move(value), sites);
  };
  if (edit.equals("to", "mean")) {
    if (!sites.layers || sites.layers->size() != 1)
      edit.refuse("layers", "one layer, whose means are used");
    return set(channel_means(found.massive, sites.layers->front(), channels));
  }
  if (!has_single_value(edit))
    edit.refuse("to", R"("mean", {"set": x}, {"scale": x} or {"clamp": x})");
  const JsonObject to(edit["to"], edit.location("to"), {"set", "scale", "clamp"});
  if (to.has("set")) return set(SetTo{to.number("set")});
  if (to.has("scale")) return set(Scale{to.number("scale")});
  return set(Clamp{to.number("clamp")});
}

Edit edit_sinks(const JsonObject& edit, const SpikesAndSinks& found) {
  SinkRemovalSites sites{.heads = heads_of(edit, found)};
  if (edit.has("keys")) sites.keys = edit.integers("keys");
  const auto remove = [&](SinkRemoval removal) {
    return std::make_shared<RemoveSinks>(removal, sites);
  };
  if (edit.equals("to", "mask")) return remove(MaskSink{});
  if (edit.equals("to", "drop-value")) return remove(DropSinkValue{});
  if (!has_single_value(edit))
    edit.refuse("to", R"("mask", "drop-value", {"cap": x} or {"logit": x})");
  const JsonObject to(edit["to"], edit.location("to"), {"cap", "logit"});
  if (to.has("cap")) return remove(CapSink{to.number("cap")});
  return remove(AddSinkLogit{to.number("logit")});
}

Edit edit_heads(const JsonObject& edit, const SpikesAndSinks& found) {
  if (!edit.has("to")) edit.refuse("to", R"({"scale": x})");
  const JsonObject to(edit["to"], edit.location("to"), {"scale"});
  return std::make_shared<EditHeads>(heads_of(edit, found), Scale{to.number("scale")});
}

Edit edit_norms(const JsonObject& edit, const SpikesAndSinks& found, Experiment& experiment) {
  static const std::map<std::string, NormChange> changes = {
      {"pre", SetNormPlacement{NormPlacement::kPre}},
      {"post", SetNormPlacement{NormPlacement::kPost}},
      {"sandwich", SetNormPlacement{NormPlacement::kSandwich}},
      {"output", SetNormPlacement{NormPlacement::kOutput}},
      {"dynamic-tanh", UseDynamicTanh{}},
      {"qk-norm", SetQkNorm{true}},
      {"no-qk-norm", SetQkNorm{false}}};
  const auto change = changes.find(edit.string("to"));
  if (change == changes.end())
    edit.refuse("to", "pre, post, sandwich, output, dynamic-tanh, qk-norm or no-qk-norm");
  return std::make_shared<ChangeNorms>(fit_norms(experiment.model, experiment.batches.front(),
                                                 change->second, blocks_of(edit, found)));
}

// BOS, or EOS if the tokenizer has no BOS.
int64_t start_token(const Experiment& experiment) {
  if (!experiment.tokenizer) throw NothingToEdit("BOS is not known without a tokenizer");
  const auto& tokenizer = *experiment.tokenizer;
  const auto id = tokenizer.bos_id() ? tokenizer.bos_id() : tokenizer.eos_id();
  if (!id) throw NothingToEdit("the tokenizer has neither BOS nor EOS");
  return *id;
}

torch::Tensor mean_embedding(const Experiment& experiment) {
  const auto& model = experiment.model;
  const auto pinned = model->pin_weights(WeightGroup::embedding());
  return model->embedding.mean(0, /*keepdim=*/true, torch::kFloat) *
         model->config().embedding_multiplier;
}

std::shared_ptr<const AddPrefix> build_prefix(const JsonObject& edit,
                                              const Experiment& experiment) {
  if (edit.has("tokens") == edit.has("registers"))
    edit.refuse("tokens", "either tokens or registers");
  if (edit.equals("tokens", "bos"))
    return std::make_shared<AddPrefix>(std::vector<int64_t>{start_token(experiment)});
  if (edit.has("tokens")) return std::make_shared<AddPrefix>(edit.integers("tokens"));
  if (!edit["registers"].is_number_unsigned()) edit.refuse("registers", "the number of registers");
  return std::make_shared<AddPrefix>(
      mean_embedding(experiment).repeat({edit["registers"].get<int64_t>(), 1}));
}

Edit add_prefix(const JsonObject& edit, const Experiment& experiment) {
  auto prefix = build_prefix(edit, experiment);
  const auto length = experiment.longest() + static_cast<int64_t>(prefix->prefix_tokens().size());
  const auto context = experiment.model->config().context;
  if (length > context)
    throw std::invalid_argument(fmt::format(
        "with the prefix a sequence has {} tokens, expected at most the model's context of {}",
        length, context));
  return prefix;
}

}  // namespace

Edit build_edit(const Json& json, const std::string& location, const SpikesAndSinks& found,
                Experiment& experiment) {
  const JsonObject any(
      json, location,
      {"change", "to", "channels", "layers", "tokens", "heads", "keys", "blocks", "registers"});
  const auto change = any.string("change");
  const auto with_keys = [&](std::initializer_list<const char*> keys) {
    return JsonObject(json, location, keys);
  };
  if (change == "channels")
    return edit_channels(with_keys({"change", "to", "channels", "layers", "tokens"}), found);
  if (change == "sinks") return edit_sinks(with_keys({"change", "to", "heads", "keys"}), found);
  if (change == "heads") return edit_heads(with_keys({"change", "to", "heads"}), found);
  if (change == "norms")
    return edit_norms(with_keys({"change", "to", "blocks"}), found, experiment);
  if (change == "prefix")
    return add_prefix(with_keys({"change", "tokens", "registers"}), experiment);
  any.refuse("change", "channels, sinks, heads, norms or prefix");
}

}  // namespace examples
