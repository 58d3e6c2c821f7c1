#include "spikesink/intervene/edit_channels.h"

#include <limits>

#include "detail/fail.h"
#include "intervene/checks.h"
#include "measure/spikes/massive_tokens.h"

namespace spikesink {
namespace {

constexpr const char* kEditChannels = "EditChannels";

// -- edits of the values [B, T, channels]

torch::Tensor set_to_means(const SetToMean& means, const torch::Tensor& values) {
  const auto row = [&](const std::vector<double>& numbers) {
    return torch::tensor(numbers, torch::kDouble).to(values.options());
  };
  auto target = row(means.elsewhere).expand_as(values).clone();
  target.select(1, 0).copy_(row(means.at_start).expand_as(target.select(1, 0)));
  return at::where(target.isnan(), values, target);
}

torch::Tensor edited(const torch::Tensor& values, const ChannelEdit& edit) {
  if (const auto* clamp = std::get_if<Clamp>(&edit))
    return values.clamp(-clamp->limit, clamp->limit);
  if (const auto* scale = std::get_if<Scale>(&edit)) return values * scale->factor;
  if (const auto* means = std::get_if<SetToMean>(&edit)) return set_to_means(*means, values);
  return at::full_like(values, std::get<SetTo>(edit).value);
}

// -- masks of the edited tokens, [B, T] bool; undefined: all tokens

torch::Tensor massive_tokens(const torch::Tensor& state, const MassiveActivationsOptions& massive) {
  StateScan scan;
  scan.scan(state);
  auto mask = torch::zeros({state.size(0), state.size(1)}, torch::kBool);
  auto marks = mask.accessor<bool, 2>();
  detail::for_each_massive_token(
      scan, massive, [&](int64_t sequence, int64_t position, const detail::ChannelValues&) {
        marks[sequence][position] = true;
      });
  return mask;
}

torch::Tensor first_and_largest(const torch::Tensor& state) {
  const auto largest = state.abs().amax(-1).argmax(-1, /*keepdim=*/true);  // [B, 1]
  auto mask = torch::zeros({state.size(0), state.size(1)}, state.options().dtype(torch::kBool));
  mask.select(1, 0).fill_(true);
  return mask.scatter_(1, largest, true);
}

torch::Tensor at_positions(const torch::Tensor& state, const std::vector<int64_t>& positions) {
  const int64_t length = state.size(1);
  auto mask = torch::zeros({state.size(0), length}, torch::kBool);
  for (const int64_t position : positions) {
    const int64_t index = position < 0 ? length + position : position;
    if (index >= 0 && index < length) mask.select(1, index).fill_(true);
  }
  return mask;
}

torch::Tensor masked_by(const TokenMaskFunction& predicate, const torch::Tensor& state) {
  auto mask = predicate(state);
  if (!mask.defined() || mask.scalar_type() != torch::kBool ||
      !mask.sizes().equals(state.sizes().slice(0, 2))) {
    detail::fail_argument("[{}] tokens: a predicate gave {}, expected bool {}", kEditChannels,
                          mask.defined() ? c10::str(mask.dtype(), " ", mask.sizes()) : "nothing",
                          c10::str(state.sizes().slice(0, 2)));
  }
  return mask;
}

torch::Tensor token_mask(const TokenSelector& choice, const torch::Tensor& state,
                         const torch::Tensor& tokens_of_text) {
  if (const auto* spikes = std::get_if<MassiveTokens>(&choice))
    return massive_tokens(state, spikes->massive);
  if (std::holds_alternative<FirstAndLargestTokens>(choice)) return first_and_largest(state);
  if (const auto* at = std::get_if<SequencePositions>(&choice))
    return at_positions(state, at->positions);
  if (const auto* predicate = std::get_if<TokenMaskFunction>(&choice))
    return masked_by(*predicate, state);
  return tokens_of_text;
}

// For messages about conflicts.
const char* selector_name(const TokenSelector& choice) {
  constexpr std::array kWords = {
      "all tokens",         "spiking tokens",   "start and largest tokens",
      "tokens by position", "tokens of a text", "tokens by predicate"};
  return kWords[choice.index()];
}

}  // namespace

EditChannels::EditChannels(std::vector<int64_t> channels, ChannelEdit edit, EditSites sites)
    : channels_(std::move(channels)), edit_(std::move(edit)), sites_(std::move(sites)) {
  if (const auto* means = std::get_if<SetToMean>(&edit_);
      means &&
      (means->at_start.size() != channels_.size() || means->elsewhere.size() != channels_.size())) {
    detail::fail_argument("[{}] means: got {} and {}, expected one for each of {} channels",
                          kEditChannels, means->at_start.size(), means->elsewhere.size(),
                          channels_.size());
  }
}

HookScope EditChannels::attach(Transformer& model) const {
  if (std::holds_alternative<TextPositions>(sites_.tokens))
    detail::fail_argument("[{}] token positions of a text need its batch: use attach_for_batch",
                          kEditChannels);
  return attach_to(model, {});
}

HookScope EditChannels::attach_for_batch(Transformer& model, const TokenBatch& batch) const {
  const auto* text = std::get_if<TextPositions>(&sites_.tokens);
  return attach_to(model, text ? text->positions.mask(batch) : torch::Tensor());
}

HookScope EditChannels::attach_to(Transformer& model, const torch::Tensor& tokens_of_text) const {
  const auto& config = model->config();
  detail::check_range(kEditChannels, "channel", channels_, config.d_model);
  const auto layers = sites_.layers.value_or(detail::all_of(config.n_layers));
  detail::check_range(kEditChannels, "layer", layers, config.n_layers);
  const auto index = torch::tensor(channels_, torch::kLong).to(model->options().device());
  const Hook hook = [index, tokens_of_text, edit = edit_,
                     tokens = sites_.tokens](const torch::Tensor& state) {
    const auto values = state.index_select(-1, index);
    auto changed = edited(values, edit);
    if (const auto mask = token_mask(tokens, state, tokens_of_text); mask.defined())
      changed = at::where(mask.to(state.device()).unsqueeze(-1), changed, values);
    return state.index_copy(-1, index, changed);
  };
  const bool sets =
      std::holds_alternative<SetTo>(edit_) || std::holds_alternative<SetToMean>(edit_);
  HookScope scope;
  for (const int64_t layer : layers) {
    for (const int64_t channel : channels_) {
      if (!sets) break;
      scope += model->hooks().reserve_site(fmt::format("channel {} of {} after layer {}", channel,
                                                       selector_name(sites_.tokens), layer),
                                           kEditChannels);
    }
    scope += model->hooks().add(
        model->hidden_state_hook_name(Block::of(layer, BlockKind::kFeedForward)), hook);
  }
  return scope;
}

SetToMean channel_means(const std::vector<MassiveChannel>& calibration,
                        const std::vector<int64_t>& channels) {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  SetToMean means{std::vector<double>(channels.size(), kUnknown),
                  std::vector<double>(channels.size(), kUnknown)};
  for (const auto& massive : calibration) {
    for (size_t index = 0; index < channels.size(); ++index) {
      if (channels[index] != massive.channel) continue;
      if (massive.at_start.count > 0) means.at_start[index] = massive.at_start.mean;
      if (massive.elsewhere.count > 0) means.elsewhere[index] = massive.elsewhere.mean;
    }
  }
  return means;
}

SetToMean channel_means(const MassiveActivationsResult& calibration, int64_t layer,
                        const std::vector<int64_t>& channels) {
  const auto number = Block::of(layer, BlockKind::kFeedForward).number;
  for (const auto& block : calibration.blocks) {
    if (block.block.number == number) return channel_means(block.channels, channels);
  }
  return channel_means({}, channels);
}

}  // namespace spikesink
