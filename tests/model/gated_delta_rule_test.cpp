#include "model/gated_delta_rule.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace spikesink {
namespace {

constexpr int64_t kSequences = 2, kHeads = 3, kKeyWidth = 5, kValueWidth = 4;

detail::DeltaRuleInputs random_inputs(int64_t length) {
  torch::manual_seed(5);
  const auto random = [&](int64_t width) {
    return torch::randn({kSequences, kHeads, length, width}, torch::kDouble);
  };
  const auto unit = [](const torch::Tensor& x) { return x / x.norm(2, -1, true); };
  return {unit(random(kKeyWidth)), unit(random(kKeyWidth)), random(kValueWidth),
          -random(1).abs().squeeze(-1), torch::sigmoid(random(1)).squeeze(-1)};
}

torch::Tensor random_state() {
  return torch::randn({kSequences, kHeads, kKeyWidth, kValueWidth}, torch::kDouble);
}

detail::DeltaRuleInputs part(const detail::DeltaRuleInputs& inputs, int64_t first, int64_t end) {
  const auto of = [&](const torch::Tensor& x) { return x.slice(2, first, end); };
  return {of(inputs.q), of(inputs.k), of(inputs.v), of(inputs.decay), of(inputs.beta)};
}

// Token by token, by the definition.
torch::Tensor recurrence(const detail::DeltaRuleInputs& inputs, torch::Tensor& state) {
  std::vector<torch::Tensor> outputs;
  for (int64_t token = 0; token < inputs.q.size(2); ++token) {
    const auto at = [&](const torch::Tensor& x) { return x.select(2, token); };
    const auto k = at(inputs.k).unsqueeze(-1);  // [B, H, d_key, 1]
    state = state * at(inputs.decay).exp().unsqueeze(-1).unsqueeze(-1);
    const auto old_value = (state * k).sum(2);  // [B, H, d_value]
    const auto update = (at(inputs.v) - old_value) * at(inputs.beta).unsqueeze(-1);
    state = state + k * update.unsqueeze(2);
    outputs.push_back((state * at(inputs.q).unsqueeze(-1)).sum(2) / std::sqrt(kKeyWidth));
  }
  return torch::stack(outputs, 2);
}

// Shorter than a chunk, one chunk, and lengths that are no multiple of it.
TEST(GatedDeltaRuleTest, ChunksGiveWhatTheRecurrenceGives) {
  for (const int64_t length : {1, 7, 64, 65, 150}) {
    const auto inputs = random_inputs(length);
    auto state = random_state(), expected_state = state.clone();
    const auto expected = recurrence(inputs, expected_state);
    const auto got = detail::gated_delta_rule(inputs, state);
    EXPECT_TRUE(torch::allclose(got, expected, 1e-10, 1e-10)) << length;
    EXPECT_TRUE(torch::allclose(state, expected_state, 1e-10, 1e-10)) << length;
  }
}

TEST(GatedDeltaRuleTest, PartsContinueTheState) {
  const auto inputs = random_inputs(100);
  auto whole_state = random_state(), state = whole_state.clone();
  const auto whole = detail::gated_delta_rule(inputs, whole_state);
  std::vector<torch::Tensor> parts;
  for (const auto& [first, end] : {std::pair{0, 1}, std::pair{1, 70}, std::pair{70, 100}})
    parts.push_back(detail::gated_delta_rule(part(inputs, first, end), state));
  EXPECT_TRUE(torch::allclose(torch::cat(parts, 2), whole, 1e-10, 1e-10));
  EXPECT_TRUE(torch::allclose(state, whole_state, 1e-10, 1e-10));
}

// Decays far below what exp can represent.
TEST(GatedDeltaRuleTest, LargeDecaysForgetThePast) {
  auto inputs = random_inputs(80);
  inputs.decay = inputs.decay - 1000;
  auto state = random_state();
  const auto got = detail::gated_delta_rule(inputs, state);
  const auto alone = (inputs.q * inputs.k).sum(-1, true) * inputs.v * inputs.beta.unsqueeze(-1) /
                     std::sqrt(kKeyWidth);
  EXPECT_TRUE(torch::allclose(got, alone, 1e-10, 1e-10));
}

TEST(GatedDeltaRuleTest, GradientsAreThoseOfTheRecurrence) {
  const auto gradient = [](auto rule) {
    auto inputs = random_inputs(70);
    for (auto* tensor : {&inputs.q, &inputs.k, &inputs.v, &inputs.decay, &inputs.beta})
      *tensor = tensor->detach().requires_grad_();
    auto state = torch::zeros({kSequences, kHeads, kKeyWidth, kValueWidth}, torch::kDouble);
    rule(inputs, state).square().sum().backward();
    return std::vector<torch::Tensor>{inputs.q.grad(), inputs.k.grad(), inputs.v.grad(),
                                      inputs.decay.grad(), inputs.beta.grad()};
  };
  const auto got = gradient(detail::gated_delta_rule), expected = gradient(recurrence);
  for (size_t index = 0; index < got.size(); ++index)
    EXPECT_TRUE(torch::allclose(got[index], expected[index], 1e-8, 1e-8)) << index;
}

}  // namespace
}  // namespace spikesink
