// Reads a long text through caches of bounded size and tells what each way of bounding costs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/experiment.h"
#include "spikesink/spikesink.h"

namespace {

using namespace examples;

struct StreamingOptions {
  int64_t read = 20000;
  std::optional<int64_t> cache;  // none: 1024, or the model's context
  std::optional<int64_t> step;   // none: 64, or an eighth of the cache
};

// What no cache should drop: found in the windows of the text that --sequences and --length name.
spikesink::CacheKeepResult find_kept(Experiment& experiment, const Options& options) {
  spikesink::SinksAnywhere sinks;
  spikesink::SpikeTokens spikes;
  spikesink::run(experiment.model, experiment.batches, {&sinks, &spikes},
                 progress_bar(options, "finding what to keep"));
  return spikesink::cache_keep(sinks.result(), spikes.result());
}

int64_t context(const Experiment& experiment) {
  return experiment.model->config().context;
}

// All of one capacity; the last keeps what `found` names.
std::vector<spikesink::NamedStream> plan(const spikesink::CacheKeepResult& found,
                                         int64_t capacity) {
  const int64_t first = std::min<int64_t>(4, capacity / 2);
  spikesink::CachePolicy aware{.first = 0, .most_kept = capacity / 8};
  for (const auto& token : found.kept) {
    if (token.id < 0) aware.first = 1;
    if (token.id >= 0) aware.kept_ids.push_back(token.id);
  }
  aware.window = capacity - aware.first - (aware.kept_ids.empty() ? 0 : aware.most_kept);
  return {{"window only", {.first = 0, .window = capacity}},
          {"sinks + window", {.first = first, .window = capacity - first}},
          {"spike-aware", aware}};
}

void tell(const std::vector<spikesink::NamedStream>& streams) {
  fmt::print("{:<16} {:>8} {:>10} {:>20} {:>20}\n", "policy", "tokens", "MB", "while all is kept",
             "from there on");
  for (const auto& stream : streams) {
    const auto& [losses, stretch, before, after, bytes] = stream.result;
    fmt::print("{:<16} {:>8} {:>10.1f} {:>20.4g} {:>20}\n", stream.name, stream.policy.capacity(),
               static_cast<double>(bytes) / 1e6, std::exp(before.mean),
               after.count > 0 ? fmt::format("{:.4g}", std::exp(after.mean)) : "-");
  }
}

void run(const Options& options, const StreamingOptions& streaming) {
  auto experiment = open_experiment(options);
  auto ids = whole_text(options, experiment);
  if (static_cast<int64_t>(ids.size()) > streaming.read) ids.resize(streaming.read);
  if (!options.quiet) fmt::print("{}\n", experiment.describe(options));
  const auto cache = streaming.cache.value_or(std::min<int64_t>(1024, context(experiment)));
  if (cache > context(experiment))
    throw std::invalid_argument(
        fmt::format("--cache: got {}, expected at most the model's context of {} tokens", cache,
                    context(experiment)));
  const auto step = streaming.step.value_or(std::clamp<int64_t>(cache / 8, 1, 64));
  auto streams = plan(find_kept(experiment, options), cache);
  for (auto& stream : streams)
    stream.result = spikesink::stream(experiment.model, torch::tensor(ids), stream.policy,
                                      {.step = step}, progress_bar(options, stream.name));
  auto report = make_report("streaming", options, experiment);
  report.configure("read", static_cast<int64_t>(ids.size()));
  report.configure("cache", cache);
  report.configure("step", step);
  report.add(streams);
  report.write(options.out);
  if (options.quiet) return;
  fmt::print("perplexity over {} tokens, {} at a time\n", ids.size(), step);
  tell(streams);
  fmt::print("report {}\n", (options.out / "report.html").string());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads a long text through key/value caches of bounded size.",
               "spikesink-streaming");
  Options options;
  options.text_sequences = 8;
  options.text_length = 512;
  StreamingOptions streaming;
  add_options(app, options);
  app.add_option("--read", streaming.read, "tokens of the text to stream")
      ->capture_default_str()
      ->check(whole_number(2));
  app.add_option("--cache", streaming.cache,
                 "tokens that a cache holds (default: 1024, or the model's context)")
      ->check(whole_number(8));
  app.add_option(
         "--step", streaming.step,
         "tokens that go through the model together (default: 64, or an eighth of the cache)")
      ->check(whole_number(1));
  app.footer(
      "--sequences and --length choose the windows in which the tokens are found that the "
      "spike-aware cache keeps.");
  return run_example(app, argc, argv, [&] { run(options, streaming); });
}
