// A test for memory leaks: repeatedly loads a model, measures, streams a text through a bounded
// cache and frees everything, and prints the resident memory of this process.
//
// Usage: soak MODEL [minutes]   (default: 60)
// The exit status is 1 if the median of the last quarter of the cycles is more than 2 % above that
// of the second quarter. The first quarter is ignored, because the allocator's caches still grow.

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>

#include "spikesink/intervene/streaming.h"
#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/spikes/life_cycle.h"
#include "spikesink/model/load_model.h"
#include "timing.h"

namespace {

constexpr double kMostGrowth = 0.02;
constexpr int64_t kStreamed = 512;

double resident_mib() {
  int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return static_cast<double>(resident * ::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

void cycle(const std::string& path, spikesink::WeightLoadingMode weight_loading) {
  auto model = spikesink::load_model(path, {.weight_loading = weight_loading});
  const auto ids = torch::randint(model->config().d_vocabulary, {4, 32}, torch::kLong);
  spikesink::LifeCycle life_cycle;
  spikesink::AttentionSinks sinks;
  spikesink::run(model, {{ids, 0}}, {&life_cycle, &sinks});
  if (weight_loading == spikesink::WeightLoadingMode::kByLayer)
    return;  // each of the 16 passes would load all weights
  const auto text = torch::randint(model->config().d_vocabulary, {kStreamed}, torch::kLong);
  spikesink::evaluate_streaming(model, text, {.first = 4, .window = 28}, {.step = 16});
}

double median(std::vector<double>::const_iterator begin, std::vector<double>::const_iterator end) {
  return bench::Times{{begin, end}}.median();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: soak MODEL [minutes]\n");
    return 2;
  }
  const double seconds = 60 * (argc > 2 ? std::stod(argv[2]) : 60.0);
  const auto start = std::chrono::steady_clock::now();
  std::vector<double> resident;
  double elapsed = 0, printed = 0;
  while (elapsed < seconds || resident.size() < 8) {
    cycle(argv[1], resident.size() % 2 == 0 ? spikesink::WeightLoadingMode::kWholeModel
                                            : spikesink::WeightLoadingMode::kByLayer);
    resident.push_back(resident_mib());
    elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (elapsed < printed) continue;
    fmt::print("{:6.0f} s, {:5} cycles, {:.1f} MiB resident\n", elapsed, resident.size(),
               resident.back());
    std::fflush(stdout);
    printed = elapsed + seconds / 60;
  }
  const auto quarter = static_cast<std::ptrdiff_t>(resident.size() / 4);
  const double early = median(resident.begin() + quarter, resident.begin() + 2 * quarter);
  const double late = median(resident.end() - quarter, resident.end());
  fmt::print("{} cycles: {:.1f} MiB in the second quarter, {:.1f} MiB in the last: {:+.2f} %\n",
             resident.size(), early, late, 100 * (late / early - 1));
  return late > early * (1 + kMostGrowth) ? 1 : 0;
}
