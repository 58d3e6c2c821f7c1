#include "common/experiment.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "spikesink/error.h"
#include "spikesink/printable.h"

extern "C" const char spikesink_passages[], spikesink_passages_end[];

namespace examples {
namespace {

std::string read_text(const Options& options) {
  return options.text ? read_file(*options.text)
                      : std::string(spikesink_passages, spikesink_passages_end);
}

void check_options(const Options& options, const spikesink::ModelConfig& config) {
  if (options.length.value_or(0) > config.context)
    throw std::invalid_argument(
        fmt::format("--length: got {}, expected at most the model's context of {} tokens",
                    *options.length, config.context));
  if (options.tokens && options.bos == spikesink::BosRule::kYes)
    throw std::invalid_argument(
        "--bos yes: token ids are used as given, put BOS into the --tokens file instead");
}

// Ids outside the embedding mean that the tokenizer is that of another model.
void check_ids(const Experiment& experiment, const Options& options, int64_t d_vocabulary) {
  for (const auto& batch : experiment.batches) {
    const auto largest = batch.ids.max().item<int64_t>();
    if (largest < d_vocabulary) continue;
    throw spikesink::FileError(fmt::format(
        "the tokenizer does not fit the model: got id {} ('{}'), expected ids below {}, the "
        "model's vocabulary ({})",
        largest, experiment.tokenizer->token_text(largest), d_vocabulary, options.model.string()));
  }
}

spikesink::TokenBatches batch_token_file(const Options& options) {
  auto sequences = read_token_ids(*options.tokens);
  const auto most =
      static_cast<size_t>(options.sequences.value_or(std::numeric_limits<int64_t>::max()));
  if (sequences.size() > most) sequences.resize(most);
  for (auto& sequence : sequences) {
    if (options.length && sequence.size() > static_cast<size_t>(*options.length))
      sequence.resize(*options.length);
  }
  return spikesink::token_batches(sequences);
}

void batch_text(const Options& options, const spikesink::ModelConfig& config,
                Experiment& experiment) {
  experiment.tokenizer = spikesink::load_tokenizer(options.model_files);
  experiment.source = {"text", options.text ? options.text->string() : "built-in passages"};
  experiment.bos = spikesink::windows_start_with_bos(*experiment.tokenizer, options.bos);
  experiment.eos = spikesink::windows_end_with_eos(*experiment.tokenizer, options.bos);
  experiment.batches = spikesink::token_batches(
      *experiment.tokenizer, read_text(options),
      {.length = options.length.value_or(std::min(options.text_length, config.context)),
       .max_windows = options.sequences.value_or(options.text_sequences),
       .bos = options.bos});
  check_ids(experiment, options, config.d_vocabulary);
}

void load_model(const Options& options, Experiment& experiment) {
  check_device(options.load.device);
  if (options.threads > 0) at::set_num_threads(options.threads);
  torch::manual_seed(options.seed);
  spikesink::prepare_report_folder(options.out);
  if (options.shares_work) {
    experiment.processes = spikesink::join_process_group();
  } else {
    refuse_job();
  }
  auto load = options.load;
  load.device = device_of(experiment.processes.get(), load.device);
  experiment.model = spikesink::load_model(options.model_files, load);
}

std::string on_next_line(const std::string& text) {
  return text.empty() ? "" : "\n" + text;
}

std::string count(int64_t number, const char* noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

std::string layers(const spikesink::ModelConfig& config) {
  const auto all = count(config.n_layers, "layer");
  const auto attending = static_cast<int64_t>(config.attention_layers().size());
  return attending == config.n_layers ? all : fmt::format("{} ({} with attention)", all, attending);
}

}  // namespace

int64_t Experiment::sequences() const {
  int64_t count = 0;
  for (const auto& batch : batches) count += batch.ids.size(0);
  return count;
}

int64_t Experiment::longest() const {
  int64_t length = 0;
  for (const auto& batch : batches) length = std::max(length, batch.ids.size(1));
  return length;
}

std::string Experiment::describe(const Options& options) const {
  const auto& config = model->config();
  const auto folder_name = [](const std::filesystem::path& path) {
    return (path / "").parent_path().filename().string();  // also of "folder/"
  };
  return fmt::format(
      "{}{}: {}, {}, {} channels{}; {} of {}, {} BOS{}, {}{}{}{}", folder_name(options.model),
      options.adapter.empty() ? "" : " with the adapter " + folder_name(options.adapter),
      config.model_type, layers(config), config.d_model,
      config.quantisation.empty() ? "" : ", stored as " + config.quantisation,
      count(sequences(), "sequence"), count(longest(), "token"), bos ? "with" : "no",
      eos ? " and EOS" : "", to_string(options.load.dtype),
      by_layer() ? ", weights loaded layer by layer" : "", on_next_line(note),
      on_next_line(spikesink::describe_ignored(config)));
}

Experiment open_experiment(const Options& options) {
  const auto config = spikesink::read_model_config(options.model_files, options.load.ignored_keys);
  check_options(options, config);
  if (options.tokens)
    return open_experiment(options, batch_token_file(options),
                           {"tokens", options.tokens->string()});
  Experiment experiment;
  batch_text(options, config, experiment);
  load_model(options, experiment);
  return experiment;
}

Experiment open_experiment(const Options& options, spikesink::TokenBatches batches,
                           std::pair<std::string, std::string> source) {
  Experiment experiment;
  experiment.source = std::move(source);
  experiment.batches = std::move(batches);
  try {
    experiment.tokenizer = spikesink::load_tokenizer(options.model_files);
  } catch (const spikesink::FileError& error) {  // it is only needed for the text of the ids
    experiment.note = fmt::format("tokens are shown without their text: {}", error.what());
  }
  load_model(options, experiment);
  return experiment;
}

std::vector<int64_t> all_token_ids(const Options& options, const Experiment& experiment) {
  std::vector<int64_t> ids;
  if (options.tokens) {
    for (const auto& batch : experiment.batches) {
      const auto rows = batch.ids.flatten();
      ids.insert(ids.end(), rows.data_ptr<int64_t>(), rows.data_ptr<int64_t>() + rows.numel());
    }
    return ids;
  }
  ids = spikesink::window_prefix(*experiment.tokenizer, options.bos);
  const auto text = experiment.tokenizer->encode(read_text(options));
  ids.insert(ids.end(), text.begin(), text.end());
  return ids;
}

spikesink::Report make_report(const std::string& program, const Options& options,
                              const Experiment& experiment) {
  spikesink::Report report(program, experiment.tokenizer);
  report.add_configuration("model", options.model.string());
  if (!options.adapter.empty()) report.add_configuration("adapter", options.adapter.string());
  report.add_configuration(experiment.source.first, experiment.source.second);
  report.add_configuration("sequences", experiment.sequences());
  report.add_configuration("length", experiment.longest());
  report.add_configuration("bos", experiment.bos);
  report.add_configuration("eos", experiment.eos);
  report.add_configuration("dtype", to_string(options.load.dtype));
  report.add_configuration("by_layer", experiment.by_layer());
  report.add_configuration("processes",
                           experiment.processes ? experiment.processes->world_size() : 1);
  report.add_configuration("device", options.load.device.str());
  report.add_configuration("threads", static_cast<int64_t>(at::get_num_threads()));
  report.add_configuration("seed", options.seed);
  report.add(experiment.model->config());
  return report;
}

}  // namespace examples
