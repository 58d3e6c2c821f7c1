// The cost of measuring: the time of `run` with the usual measurements divided by that of a plain
// forward pass, in one process, and the peak memory of both.
//
// Usage: analysis_overhead MODEL [dtype] [length] [repeats] [also]   (defaults: float32 512 7)
// `also` adds one measurement: sinks_anywhere or qk_geometry.
// The plain forward pass computes all logits. The two are timed alternately. Prints the median and
// the range of the paired ratios, and the ratio of the two fastest times, which is the least
// sensitive to other load on the machine. Peak memory (ru_maxrss) is measured in one child process
// for each.

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spikesink/keep_freed_memory.h"
#include "spikesink/measure/practice/perplexity.h"
#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/sinks/sink_geometry.h"
#include "spikesink/measure/sinks/sinks_anywhere.h"
#include "spikesink/measure/spikes/life_cycle.h"
#include "spikesink/measure/spikes/massive_activations.h"
#include "spikesink/model/load_model.h"
#include "timing.h"

namespace {

constexpr int64_t kTokens = 2048;

struct Job {
  spikesink::Transformer model;
  spikesink::TokenBatches batches;
  std::string also;
};

Job make_job(const std::string& path, torch::Dtype dtype, int64_t length, std::string also) {
  Job job{spikesink::load_model(path, {.dtype = dtype}), {}, std::move(also)};
  torch::manual_seed(0);
  const auto ids = torch::randint(job.model->config().d_vocabulary,
                                  {std::max<int64_t>(1, kTokens / length), length}, torch::kLong);
  job.batches.push_back({ids, 0});
  return job;
}

void bare(Job& job) {
  const torch::NoGradGuard no_grad;
  for (const auto& batch : job.batches) job.model->forward(batch.ids);
}

void measured(Job& job) {
  spikesink::LifeCycle life_cycle;
  spikesink::MassiveActivations massive;
  spikesink::AttentionSinks sinks;
  spikesink::Perplexity perplexity;
  spikesink::SinksAnywhere anywhere;
  spikesink::SinkGeometry geometry;
  std::vector<spikesink::Measurement*> all = {&life_cycle, &massive, &sinks, &perplexity};
  if (job.also == "sinks_anywhere") all.push_back(&anywhere);
  if (job.also == "qk_geometry") all.push_back(&geometry);
  spikesink::run(job.model, job.batches, all);
}

// Returns the peak resident memory, in MiB, of a process that loads the model and runs `what` once.
double peak_memory(const char* program, const std::string& what, const std::string& path,
                   const std::string& dtype, const std::string& length, const std::string& also) {
  const pid_t child = fork();
  if (child == 0) {
    execl(program, program, path.c_str(), dtype.c_str(), length.c_str(), what.c_str(), also.c_str(),
          nullptr);
    _exit(1);
  }
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr,
               "usage: analysis_overhead MODEL [float32|bfloat16] [length] [repeats] "
               "[sinks_anywhere|qk_geometry]\n");
    return 1;
  }
  spikesink::keep_freed_memory();  // as in the programs
  const std::string path = argv[1], dtype = argc > 2 ? argv[2] : "float32",
                    length = argc > 3 ? argv[3] : "512";
  const std::string repeats = argc > 4 ? argv[4] : "7", also = argc > 5 ? argv[5] : "";
  auto job = make_job(path, dtype == "bfloat16" ? torch::kBFloat16 : torch::kFloat32,
                      std::stoll(length), also);
  if (repeats == "bare") return bare(job), 0;
  if (repeats == "measured") return measured(job), 0;
  const bench::Pair times([&] { bare(job); }, [&] { measured(job); }, std::stoi(repeats));
  const double bare_mib = peak_memory(argv[0], "bare", path, dtype, length, also);
  const double measured_mib = peak_memory(argv[0], "measured", path, dtype, length, also);
  fmt::print(
      "{} T={} tokens={} threads={}: bare {:.2f} s, measured {:.2f} s; ratio {:.3f} (min {:.3f}, "
      "max {:.3f}), of the fastest {:.3f}; peak {:.0f} MiB, {:.0f} MiB, ratio {:.3f}\n",
      dtype, length, job.batches.front().ids.numel(), at::get_num_threads(), times.first.median(),
      times.second.median(), times.ratios.median(), times.ratios.fastest(), times.ratios.slowest(),
      times.second.fastest() / times.first.fastest(), bare_mib, measured_mib,
      measured_mib / bare_mib);
}
