#include "model/open_model.h"

#include <algorithm>
#include <array>
#include <utility>

#include "detail/exists.h"
#include "detail/fail.h"
#include "model/read_config.h"
#include "model/stored_weights.h"
#include "spikesink/weights/gguf.h"
#include "weights/adapters/merge_adapter.h"
#include "weights/canonical_names.h"
#include "weights/mapped_file.h"
#include "weights/quantised/quantisation.h"

namespace spikesink::detail {
namespace {

void dequantize_weights(OpenedModel& model, const Quantisation& quantisation) {
  if (!quantisation.summary.empty() && model.names.transposed_layers)
    fail_format(
        "[load_model] quantised weights of a {} model are not read, because its matrices "
        "are stored [in, out]; use a checkpoint that is not quantised ({})",
        model.config.model_type, model.source->path().string());
  auto [source, scales] = dequantized(std::move(model.source), quantisation);
  model.source = std::move(source);
  model.config.activation_scales = std::move(scales);
}

AdapterBase adapter_base(const WeightNames& names) {
  return {
      .prefixes = names.bases,
      .transposed = names.transposed_layers ? names.layer.substr(0, names.layer.find('{')) : ""};
}

std::unique_ptr<WeightSource> open_adapter(const std::filesystem::path& folder) {
  for (const char* name : {"adapter_model.safetensors", "adapter_model.bin"}) {
    if (detail::exists(folder / name)) return with_canonical_names(open_weights(folder / name));
  }
  fail_format(
      "[load_model] no adapter in {}: expected adapter_config.json and "
      "adapter_model.safetensors of PEFT",
      folder.string());
}

// Heads that were added to a known model for another task; no hook sees them.
const std::vector<std::string> kExtraHeads{"classifier.*", "score.*",      "qa_outputs.*",
                                           "v_head.*",     "value_head.*", "cls.*"};
const std::vector<std::string> kHeadsOfModels{"cls.predictions.*", "cls.seq_relationship.*"};

void check_patterns(const WeightSource& source, const std::vector<std::string>& patterns) {
  for (const auto& pattern : patterns) {
    const auto matches = [&](const auto& info) { return matches_any(info.name, {pattern}); };
    if (std::ranges::none_of(source.tensors(), matches))
      fail_argument("[load_model] ignored_tensors: got '{}', expected a tensor of the file ({})",
                    pattern, source.path().string());
  }
}

// Hides the tensors that `ignored` names, and those of extra heads.
void hide_tensors(OpenedModel& model, const std::vector<std::string>& ignored) {
  check_patterns(*model.source, ignored);
  auto& hidden = model.config.ignored_tensors;
  for (const auto& [name, shape, dtype] : model.source->tensors()) {
    const bool is_extra = matches_any(name, kExtraHeads) && !matches_any(name, kHeadsOfModels);
    if (is_extra || matches_any(name, ignored)) hidden.push_back(name);
  }
  model.source = with_derived(std::move(model.source), {}, hidden);
}

void refuse_adapter_of_gguf(const WeightSource& source, const LoadOptions& options) {
  if (!options.adapter.empty())
    fail_argument(
        "[load_model] adapter: got {} for a GGUF file, whose tensors have other names; "
        "expected the Hugging Face folder of the base model ({})",
        options.adapter.string(), source.path().string());
}

// The name of the tensor of a parameter, empty if the file has none.
std::string stored_name(const char* parameter, const OpenedModel& model) {
  for (const auto& stored :
       stored_as(parameter, model.config.d_vocabulary, model.names, model.base)) {
    if (model.source->contains(stored.tensors.front())) return stored.tensors.front();
  }
  return "";
}

// Fine-tuned models may have an unembedding of their own although their configuration still says
// that it is the embedding.
bool has_own_unembedding(const OpenedModel& model) {
  if (!model.config.tied_embeddings || model.config.head == OutputHead::kNone) return false;
  const auto unembedding = stored_name("unembed", model), embedding = stored_name("embed", model);
  if (unembedding.empty() || embedding.empty()) return false;
  const auto& source = *model.source;
  const bool equal = at::equal(source.tensor(unembedding), source.tensor(embedding));
  for (const auto& name : {unembedding, embedding}) release(source.byte_ranges(name));
  return !equal;
}

void untie(ModelConfig& config) {
  config.tied_embeddings = false;
  auto& keys = config.ignored_keys;
  const auto at = std::ranges::lower_bound(keys, "tie_word_embeddings");
  if (at == keys.end() || *at != "tie_word_embeddings") keys.insert(at, "tie_word_embeddings");
}

// Hides the copy of the embedding that some files have as the unembedding.
void hide_copy(OpenedModel& model) {
  const auto unembedding = stored_name("unembed", model);
  if (model.config.tied_embeddings && !unembedding.empty())
    model.source = with_derived(std::move(model.source), {}, {unembedding});
}

// The name of a parameter's tensor in an adapter, which may have another prefix; "" if it has none.
std::string name_in(const WeightSource& adapter, const char* parameter, const OpenedModel& model) {
  for (const auto& base : model.names.bases) {
    for (const auto& stored : stored_as(parameter, model.config.d_vocabulary, model.names, base)) {
      if (adapter.contains(stored.tensors.front())) return stored.tensors.front();
    }
  }
  return "";
}

// In PEFT, a tied embedding that `modules_to_save` replaces leaves the unembedding as it was,
// unless the adapter keeps the tie; and the same the other way round.
void check_tie(const OpenedModel& model, const WeightSource& adapter, const AdapterConfig& config) {
  if (!model.config.tied_embeddings || model.config.head == OutputHead::kNone) return;
  const auto embedding = name_in(adapter, "embed", model);
  const auto values = [](const WeightSource& source, const std::string& name) {
    return source.tensor(name).to(torch::kFloat32);
  };
  const bool new_unembedding = !name_in(adapter, "unembed", model).empty(),
             new_embedding = !embedding.empty() &&
                             !values(adapter, embedding)
                                  .equal(values(*model.source, stored_name("embed", model)));
  if (new_embedding == new_unembedding || new_embedding == config.keeps_tie()) return;
  fail_format(
      "[load_model] the adapter replaces only one of the embedding and the unembedding tied to it, "
      "expected both or neither; merge it with PEFT's merge_and_unload ({})",
      adapter.path().string());
}

void merge_own_adapter(OpenedModel& model) {
  const auto folder = folder_of(model.source->path());
  model.source = with_own_adapter(std::move(model.source), folder, adapter_base(model.names));
}

void merge_adapter(OpenedModel& model, const std::filesystem::path& folder) {
  const AdapterConfig config(folder / "adapter_config.json");
  const auto adapter = open_adapter(folder);
  hide_copy(model);
  check_tie(model, *adapter, config);
  model.source = with_adapter(std::move(model.source), *adapter, config, adapter_base(model.names));
  if (has_own_unembedding(model)) untie(model.config);
}

}  // namespace

OpenedModel open_model(const std::filesystem::path& path, const LoadOptions& options) {
  auto source = open_weights(path);
  const bool is_gguf = source->format() == WeightFormat::kGguf;
  if (is_gguf) refuse_adapter_of_gguf(*source, options);
  auto [config, names, quantisation] = describe(*source, options.ignored_keys);
  OpenedModel model{std::move(config), std::move(names), "", std::move(source)};
  if (!is_gguf) {
    model.source = with_canonical_names(std::move(model.source));
    dequantize_weights(model, quantisation);
  }
  hide_tensors(model, options.ignored_tensors);
  model.base = find_base(*model.source, model.names);
  if (!is_gguf) merge_own_adapter(model);
  if (has_own_unembedding(model)) untie(model.config);
  if (!options.adapter.empty()) merge_adapter(model, options.adapter);
  return model;
}

}  // namespace spikesink::detail
