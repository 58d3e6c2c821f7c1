// The cost of probing the vocabulary, compared with a plain forward pass of length 1 over the same
// tokens.
//
// Usage: vocabulary_probe MODEL BLOCK [repeats] [entries]   (defaults: 5 4096) BLOCK is the block
// that creates the spike: the largest step up in the report of spikesink-anatomy. The plain forward
// pass runs the same ids, with the same batch size, through all layers and computes the logits. The
// two are timed alternately.

#include <fmt/format.h>

#include <string>

#include "spikesink/measure/weights/vocabulary_probe.h"
#include "spikesink/model/load_model.h"
#include "timing.h"

namespace {

constexpr int64_t kRows = 1024;

void forward(spikesink::Transformer& model, const torch::Tensor& ids) {
  const torch::NoGradGuard no_grad;
  for (const auto& rows : ids.split(kRows)) model->forward(rows.unsqueeze(1));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: vocabulary_probe MODEL BLOCK [repeats] [entries]\n");
    return 1;
  }
  auto model = spikesink::load_model(argv[1]);
  const spikesink::Block block{std::stoll(argv[2])};
  const int repeats = argc > 3 ? std::stoi(argv[3]) : 5;
  const int64_t entries = argc > 4 ? std::stoll(argv[4]) : 4096;
  spikesink::VocabularyProbeOptions options{.max_batch_tokens = kRows};
  const auto ids = torch::arange(std::min(entries, model->config().d_vocabulary), torch::kLong);
  options.entries.assign(ids.data_ptr<int64_t>(), ids.data_ptr<int64_t>() + ids.numel());
  const bench::Pair times([&] { vocabulary_probe(model, block, options); },
                          [&] { forward(model, ids); }, repeats);
  fmt::print(
      "{} entries up to block {} of {}, threads={}: probe {:.2f} s, forward {:.2f} s; ratio {:.1f} "
      "(min {:.1f}, max {:.1f})\n",
      ids.numel(), block.number, 2 * model->config().n_layers, at::get_num_threads(),
      times.first.median(), times.second.median(), times.ratios.median(), times.ratios.fastest(),
      times.ratios.slowest());
}
