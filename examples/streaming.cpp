// Runs a long text with key/value caches of bounded size and prints the loss of each policy.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/experiment.h"
#include "spikesink/spikesink.h"

namespace {

using namespace examples;

struct StreamingOptions {
  int64_t read = 20000;
  std::optional<int64_t> cache;  // nullopt: 1024, at most the model's context
  std::optional<int64_t> step;   // nullopt: 64, at most an eighth of the cache
};

int64_t cache_size(const StreamingOptions& streaming, int64_t context) {
  const auto size = streaming.cache.value_or(std::min<int64_t>(1024, context));
  if (size > context)
    throw std::invalid_argument(fmt::format(
        "--cache: got {}, expected at most the model's context of {} tokens", size, context));
  return size;
}

// Returns the tokens that a cache should keep, found in the windows of --sequences and --length.
spikesink::KvCacheKeepResult find_kept_tokens(Experiment& experiment, const Options& options) {
  spikesink::SinksAnywhere sinks;
  spikesink::SpikeTokens spikes;
  spikesink::run(experiment.model, experiment.batches, {&sinks, &spikes},
                 {.progress = progress_bar(options, "finding the tokens to keep")});
  return spikesink::kv_cache_keep(sinks.result(), spikes.result());
}

// Returns three policies with the same capacity.
std::vector<spikesink::NamedStreamingResult> make_policies(
    const spikesink::KvCacheKeepResult& found, int64_t capacity) {
  const int64_t first = std::min<int64_t>(4, capacity / 2);
  spikesink::CachePolicy aware{.first = 0, .most_kept = capacity / 8};
  for (const auto& token : found.keep) {
    if (token.id < 0) aware.first = 1;
    if (token.id >= 0) aware.kept_ids.push_back(token.id);
  }
  aware.window = capacity - aware.first - (aware.kept_ids.empty() ? 0 : aware.most_kept);
  return {{"window only", {.first = 0, .window = capacity}},
          {"sinks + window", {.first = first, .window = capacity - first}},
          {"spike-aware", aware}};
}

void print_table(const std::vector<spikesink::NamedStreamingResult>& streams) {
  fmt::print("{:<16} {:>8} {:>10} {:>20} {:>20}\n", "policy", "tokens", "MB", "while all is kept",
             "afterwards");
  for (const auto& stream : streams) {
    const auto& result = stream.result;
    fmt::print("{:<16} {:>8} {:>10.1f} {:>20.4g} {:>20}\n", stream.name, stream.policy.capacity(),
               static_cast<double>(result.cache_bytes) / 1e6, std::exp(result.before.mean),
               result.after.count > 0 ? fmt::format("{:.4g}", std::exp(result.after.mean)) : "-");
  }
}

void run(const Options& options, const StreamingOptions& streaming) {
  auto experiment = open_experiment(options);
  auto ids = all_token_ids(options, experiment);
  if (static_cast<int64_t>(ids.size()) > streaming.read) ids.resize(streaming.read);
  if (!options.quiet) fmt::print("{}\n", experiment.describe(options));
  const auto cache = cache_size(streaming, experiment.model->config().context);
  const auto step = streaming.step.value_or(std::clamp<int64_t>(cache / 8, 1, 64));
  auto streams = make_policies(find_kept_tokens(experiment, options), cache);
  for (auto& stream : streams)
    stream.result =
        spikesink::evaluate_streaming(experiment.model, torch::tensor(ids), stream.policy,
                                      {.step = step}, progress_bar(options, stream.name));
  auto report = make_report("streaming", options, experiment);
  report.add_configuration("read", static_cast<int64_t>(ids.size()));
  report.add_configuration("cache", cache);
  report.add_configuration("step", step);
  report.add(streams);
  report.write(options.out);
  if (options.quiet) return;
  fmt::print("perplexity over {} tokens, {} at a time\n", ids.size(), step);
  print_table(streams);
  fmt::print("report {}\n", (options.out / "report.html").string());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Reads a long text through key/value caches of bounded size and compares the perplexity of "
      "three policies.",
      "spikesink-streaming");
  Options options;
  options.text_sequences = 8;
  options.text_length = 512;
  StreamingOptions streaming;
  add_options(app, options);
  const auto add = [&](const char* name, auto& value, int64_t least, const char* help) {
    return app.add_option(name, value, help)
        ->check(whole_number(least))
        ->type_name("N")
        ->group("Streaming");
  };
  add("--read", streaming.read, 2, "tokens of the text to stream, at most")->capture_default_str();
  add("--cache", streaming.cache, 8,
      "capacity of a cache in tokens, from 8 (default: 1024, at most the model's context)");
  add("--step", streaming.step, 1,
      "tokens per forward pass (default: 64, at most an eighth of --cache)");
  app.footer(
      "The spike-aware policy keeps the tokens that spike or are sinks in the windows\n"
      "of --sequences and --length.\n");
  return run_example(app, argc, argv, [&] { run(options, streaming); });
}
