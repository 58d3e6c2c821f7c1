// The cost of streaming a model's weights from its file layer by layer: the time of `run` with the
// usual measurements, compared with two lower bounds (only reading the weights, only computing), in
// one process; and the peak memory.
//
// Usage: by_layer MODEL [dtype] [memory] [sequences] [length]
//                                        (defaults: bfloat16 3000000000 4 512)
// The file is removed from the system's cache before the reading and before the run. The computing
// time is that of a plain pass of the same batches through one loaded layer, times the number of
// layers.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include "spikesink/measure/practice/perplexity.h"
#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/spikes/life_cycle.h"
#include "spikesink/measure/spikes/massive_activations.h"
#include "spikesink/model/load_model.h"
#include "timing.h"

namespace {

using spikesink::WeightGroup;

constexpr int64_t kLayerRepeats = 3;

void forget(const std::filesystem::path& path) {
  const auto forget_file = [](const std::filesystem::path& file) {
    const int opened = ::open(file.c_str(), O_RDONLY);
    if (opened < 0) return;
    ::posix_fadvise(opened, 0, 0, POSIX_FADV_DONTNEED);
    ::close(opened);
  };
  if (!std::filesystem::is_directory(path)) return forget_file(path);
  for (const auto& entry : std::filesystem::directory_iterator(path)) forget_file(entry.path());
}

void read_all(spikesink::Transformer& model) {
  for (int64_t group = 0; group < model->config().n_layers + 2; ++group)
    const auto pinned = model->pin_weights({group});
}

// Returns the computing time of all layers in seconds, extrapolated from the first layer.
double compute_alone(spikesink::Transformer& model, const spikesink::TokenBatches& batches) {
  const torch::NoGradGuard no_grad;
  const auto pinned = model->pin_weights(WeightGroup::layer(0));
  double fastest = std::numeric_limits<double>::infinity();
  for (int64_t repeat = 0; repeat < kLayerRepeats; ++repeat) {
    double seconds = 0;
    for (const auto& batch : batches) {
      spikesink::ForwardPass pass(*model, batch.ids);
      seconds += bench::seconds([&] { pass.run_layer(0); });
    }
    fastest = std::min(fastest, seconds);
  }
  return fastest * static_cast<double>(model->config().n_layers);
}

void measure(spikesink::Transformer& model, const spikesink::TokenBatches& batches) {
  spikesink::LifeCycle life_cycle;
  spikesink::MassiveActivations massive;
  spikesink::AttentionSinks sinks;
  spikesink::Perplexity perplexity;
  spikesink::run(model, batches, {&life_cycle, &massive, &sinks, &perplexity});
}

double peak_gigabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e9;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print("usage: by_layer MODEL [float32|bfloat16] [memory] [sequences] [length]\n");
    return 2;
  }
  const auto number = [&](int index, int64_t otherwise) {
    return argc > index ? std::stoll(argv[index]) : otherwise;
  };
  const auto dtype =
      argc > 2 && std::string(argv[2]) == "float32" ? torch::kFloat : torch::kBFloat16;
  const int64_t sequences = number(4, 4), length = number(5, 512);
  auto model =
      spikesink::load_model(argv[1], {.dtype = dtype,
                                      .weight_loading = spikesink::WeightLoadingMode::kByLayer,
                                      .max_memory = number(3, 3'000'000'000)});
  torch::manual_seed(0);
  spikesink::TokenBatches batches;
  const int64_t rows = std::max<int64_t>(1, spikesink::BatchOptions().max_batch_tokens / length);
  for (int64_t first = 0; first < sequences; first += rows) {
    const auto shape = {std::min(rows, sequences - first), length};
    batches.push_back({torch::randint(model->config().d_vocabulary, shape, torch::kLong), first});
  }
  forget(argv[1]);
  const double reading = bench::seconds([&] { read_all(model); });
  const double computing = compute_alone(model, batches);
  forget(argv[1]);
  const double running = bench::seconds([&] { measure(model, batches); });
  fmt::print("reading alone   {:8.1f} s\n", reading);
  fmt::print("computing alone {:8.1f} s\n", computing);
  fmt::print("run             {:8.1f} s, {:.0f} % of the throughput of the slower of the two\n",
             running, 100 * std::max(reading, computing) / running);
  fmt::print("peak memory     {:8.2f} GB\n", peak_gigabytes());
}
