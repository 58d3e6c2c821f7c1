#include "common/experiment.h"

#include <c10/util/Logging.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "common/interrupt.h"
#include "common/say.h"
#include "spikesink/error.h"
#include "spikesink/keep_freed_memory.h"
#include "spikesink/printable.h"

extern "C" const char spikesink_passages[], spikesink_passages_end[];

namespace examples {
namespace {

std::vector<std::vector<int64_t>> read_tokens(const std::filesystem::path& file) {
  const auto json = nlohmann::json::parse(read_file(file), nullptr, /*allow_exceptions=*/false);
  const auto is_list_of = [](const auto& list, auto is_entry) {
    return list.is_array() && std::all_of(list.begin(), list.end(), is_entry);
  };
  const auto is_id = [](const auto& id) {  // larger ones would wrap round
    return id.is_number_integer() &&
           (!id.is_number_unsigned() ||
            id.template get<uint64_t>() <= std::numeric_limits<int64_t>::max());
  };
  if (!is_list_of(json, [&](const auto& sequence) { return is_list_of(sequence, is_id); })) {
    throw spikesink::FormatError(
        fmt::format("--tokens: {} is not a JSON array of arrays of token ids", file.string()));
  }
  return json.get<std::vector<std::vector<int64_t>>>();
}

void set_up_device(const Options& options) {
  check_device(options.load.device);
  if (options.threads > 0) at::set_num_threads(options.threads);
  torch::manual_seed(options.seed);
}

spikesink::TokenBatches batches_of_tokens(const Options& options) {
  auto sequences = read_tokens(*options.tokens);
  const auto most =
      static_cast<size_t>(options.sequences.value_or(std::numeric_limits<int64_t>::max()));
  if (sequences.size() > most) sequences.resize(most);
  for (auto& sequence : sequences) {
    if (options.length && sequence.size() > static_cast<size_t>(*options.length))
      sequence.resize(*options.length);
  }
  return spikesink::token_batches(sequences);
}

// With ids that are given a tokenizer only says what they stand for, and may be missing.
void open_tokenizer_if_any(const Options& options, Experiment& experiment) {
  try {
    experiment.tokenizer = spikesink::load_tokenizer(options.model);
  } catch (const spikesink::FormatError& error) {
    experiment.note = fmt::format("tokens are shown without their text: {}", error.what());
  }
}

// An id without a row in the embedding: the tokenizer is another model's.
void check_ids(const Experiment& experiment, const Options& options, int64_t d_vocabulary) {
  for (const auto& batch : experiment.batches) {
    const auto largest = batch.ids.max().item<int64_t>();
    if (largest < d_vocabulary) continue;
    throw spikesink::FormatError(fmt::format(
        "the tokenizer does not fit the model: it gives id {} ('{}'), expected ids below {}, the "
        "model's vocabulary ({})",
        largest, experiment.tokenizer->token_text(largest), d_vocabulary, options.model.string()));
  }
}

std::string read_text(const Options& options) {
  return options.text ? read_file(*options.text)
                      : std::string(spikesink_passages, spikesink_passages_end);
}

void open_text(const Options& options, const spikesink::ModelConfig& config,
               Experiment& experiment) {
  experiment.tokenizer = spikesink::load_tokenizer(options.model);
  experiment.source = {"text", options.text ? options.text->string() : "built-in passages"};
  experiment.bos = spikesink::puts_bos(*experiment.tokenizer, options.bos);
  experiment.eos = spikesink::puts_eos(*experiment.tokenizer, options.bos);
  experiment.batches = spikesink::token_batches(
      *experiment.tokenizer, read_text(options),
      {.length = options.length.value_or(std::min(options.text_length, config.context)),
       .count = options.sequences.value_or(options.text_sequences),
       .bos = options.bos});
  check_ids(experiment, options, config.d_vocabulary);
}

void load(const Options& options, Experiment& experiment) {
  set_up_device(options);
  spikesink::check_writable(options.out);
  if (options.shares_work) {
    experiment.processes = spikesink::join_processes();
  } else {
    refuse_job();
  }
  auto how = options.load;
  how.device = device_of(experiment.processes.get(), how.device);
  experiment.model = spikesink::load_model(options.model, how);
}

}  // namespace

std::string read_file(const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error))
    throw spikesink::FormatError(fmt::format("'{}' is a folder, expected a file", file.string()));
  const auto kind = std::filesystem::status(file, error).type();  // a device may have no end
  if (kind == std::filesystem::file_type::character || kind == std::filesystem::file_type::block ||
      kind == std::filesystem::file_type::socket)
    throw spikesink::FormatError(
        fmt::format("'{}' is a special file, expected a file or a pipe", file.string()));
  std::ifstream stream(file, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) throw spikesink::FormatError(fmt::format("cannot read '{}'", file.string()));
  return bytes;
}

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
  const auto name = (options.model / "").parent_path().filename().string();  // also of "folder/"
  const auto counted = [](int64_t count, const char* what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
  };
  return fmt::format("{}: {}, {}, {} channels; {} of {}, {} BOS{}, {}{}{}", name, config.model_type,
                     counted(config.n_layers, "layer"), config.d_model,
                     counted(sequences(), "sequence"), counted(longest(), "token"),
                     bos ? "with" : "no", eos ? " and EOS" : "", to_string(options.load.dtype),
                     by_layer() ? ", weights brought layer by layer" : "",
                     note.empty() ? "" : "\n" + note);
}

Experiment open_experiment(const Options& options) {
  const auto config = spikesink::read_model_config(options.model);
  if (options.length.value_or(0) > config.context) {
    throw std::invalid_argument(
        fmt::format("--length: got {}, expected at most the model's context of {} tokens",
                    *options.length, config.context));
  }
  if (options.tokens && options.bos == spikesink::BosRule::kYes) {
    throw std::invalid_argument(
        "--bos yes: token ids are used as given, put BOS into the --tokens file instead");
  }
  if (options.tokens)
    return open_experiment(options, batches_of_tokens(options),
                           {"tokens", options.tokens->string()});
  Experiment experiment;
  open_text(options, config, experiment);
  load(options, experiment);
  return experiment;
}

Experiment open_experiment(const Options& options, spikesink::TokenBatches batches,
                           std::pair<std::string, std::string> source) {
  Experiment experiment;
  experiment.source = std::move(source);
  experiment.batches = std::move(batches);
  open_tokenizer_if_any(options, experiment);
  load(options, experiment);
  return experiment;
}

std::vector<int64_t> whole_text(const Options& options, const Experiment& experiment) {
  std::vector<int64_t> ids;
  if (options.tokens) {
    for (const auto& batch : experiment.batches) {
      const auto rows = batch.ids.flatten();
      ids.insert(ids.end(), rows.data_ptr<int64_t>(), rows.data_ptr<int64_t>() + rows.numel());
    }
    return ids;
  }
  if (experiment.bos) ids.push_back(*experiment.tokenizer->bos_id());
  const auto text = experiment.tokenizer->encode(read_text(options));
  ids.insert(ids.end(), text.begin(), text.end());
  return ids;
}

spikesink::Report make_report(const std::string& program, const Options& options,
                              const Experiment& experiment) {
  spikesink::Report report(program, experiment.tokenizer);
  report.configure("model", options.model.string());
  report.configure(experiment.source.first, experiment.source.second);
  report.configure("sequences", experiment.sequences());
  report.configure("length", experiment.longest());
  report.configure("bos", experiment.bos);
  report.configure("eos", experiment.eos);
  report.configure("dtype", to_string(options.load.dtype));
  report.configure("by_layer", experiment.by_layer());
  report.configure("processes", experiment.processes ? experiment.processes->count() : 1);
  report.configure("device", options.load.device.str());
  report.configure("threads", static_cast<int64_t>(at::get_num_threads()));
  report.configure("seed", options.seed);
  report.add(experiment.model->config());
  return report;
}

spikesink::Progress progress_bar(const Options& options, const std::string& what) {
  if (options.quiet || !isatty(STDERR_FILENO)) return {};
  const auto start = std::chrono::steady_clock::now();
  return [what, start](int64_t done, int64_t total) {
    constexpr int64_t kWidth = 30;
    const int64_t filled = kWidth * done / total;
    const double elapsed =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double left = elapsed * static_cast<double>(total - done) / static_cast<double>(done);
    say("\r{} [{:━<{}}{: <{}}] {} %, {:.0f} s left \033[K", what, "", filled, "", kWidth - filled,
        100 * done / total, left);
    if (done == total) say("\r\033[K");
    std::fflush(stderr);
  };
}

std::string list(const std::vector<int64_t>& numbers) {
  return numbers.empty() ? "none" : fmt::format("{}", fmt::join(numbers, ", "));
}

int run_example(CLI::App& app, int argc, char** argv, const std::function<void()>& body,
                const std::string& advice_when_interrupted) {
  spikesink::keep_freed_memory();
  FLAGS_caffe2_log_level = 2;  // errors alone: where another process dies, one sentence is enough
  const auto fail = [&](std::string sentence, int status) {
    std::replace(sentence.begin(), sentence.end(), '\n', ' ');
    say("{}: {}\n", app.get_name(), spikesink::printable(sentence));
    return status;
  };
  try {
    app.parse(argc, argv);
    const Interrupt interrupt(app.get_name(), app["--out"]->as<std::filesystem::path>(),
                              advice_when_interrupted);
    body();
    return 0;
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return 0;
  } catch (const CLI::ParseError& error) {
    return fail(error.what(), 2);
  } catch (const std::bad_alloc&) {
    return fail("out of memory", 1);
  } catch (const std::length_error&) {
    return fail("out of memory", 1);
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    if (message.find("DefaultCPUAllocator") != std::string::npos) return fail("out of memory", 1);
    return fail(message.substr(0, message.find('\n')), 1);
  } catch (const std::exception& error) {
    return fail(error.what(), 1);
  }
}

}  // namespace examples
