#include "common/options.h"

#include <fmt/format.h>
#include <torch/cuda.h>

#include <charconv>
#include <limits>
#include <map>

namespace examples {
namespace {

using spikesink::BosRule;
using spikesink::Residence;

constexpr int64_t kMostThreads =
    1024;  // far more than helps; a system may fail to make as many as it is asked for

const std::map<std::string, BosRule> kBosRules = {
    {"auto", BosRule::kAuto}, {"yes", BosRule::kYes}, {"no", BosRule::kNo}};
const std::map<std::string, torch::Dtype> kDtypes = {{"float32", torch::kFloat},
                                                     {"bfloat16", torch::kBFloat16},
                                                     {"float16", torch::kHalf},
                                                     {"float64", torch::kDouble}};
const std::map<std::string, Residence> kResidences = {
    {"auto", Residence::kAuto}, {"yes", Residence::kByLayer}, {"no", Residence::kWhole}};
const std::map<std::string, torch::Device> kDevices = {{"cpu", torch::kCPU},
                                                       {"cuda", torch::kCUDA}};

// An option whose value is one of the words of `words`.
template <typename T>
CLI::Option* add_choice(CLI::App& app, const std::string& name, T& value,
                        const std::map<std::string, T>& words, const std::string& help) {
  std::vector<std::string> allowed;
  for (const auto& [word, meaning] : words) allowed.push_back(word);
  return app
      .add_option_function<std::string>(
          name, [&value, &words](const std::string& word) { value = words.at(word); }, help)
      ->check(CLI::IsMember(allowed))
      ->type_name(CLI::detail::join(allowed, "|"));
}

}  // namespace

CLI::Validator whole_number(int64_t least, int64_t most) {
  const auto check = [least, most](const std::string& word) -> std::string {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error == std::errc() && end == word.data() + word.size() && number >= least &&
        number <= most)
      return {};
    const bool open = most == std::numeric_limits<int64_t>::max();
    return fmt::format(
        "got '{}', expected a whole number {}", word,
        open ? fmt::format("from {}", least) : fmt::format("from {} to {}", least, most));
  };
  return {check, ""};
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("--model", options.model, "Hugging Face folder, or .gguf file")
      ->required()
      ->type_name("PATH");
  auto* text = app.add_option("--text", options.text,
                              "UTF-8 text to read (default: passages that ship with the program)");
  auto* tokens = app.add_option("--tokens", options.tokens,
                                "token ids to read instead, as they are: JSON array of arrays");
  text->type_name("FILE")->excludes(tokens);
  tokens->type_name("FILE");
  app.add_option(
         "--sequences", options.sequences,
         fmt::format(
             "at most this many sequences (default: {} of a text, all that are given as tokens)",
             options.text_sequences))
      ->check(whole_number(1));
  app.add_option(
         "--length", options.length,
         fmt::format("tokens a sequence (default: {} of a text); given tokens are cut to it",
                     options.text_length))
      ->check(whole_number(1));
  add_choice(app, "--bos", options.bos, kBosRules,
             "begin each sequence of text with BOS (default: as the tokenizer says)");
  add_choice(app, "--dtype", options.load.dtype, kDtypes,
             "what weights and activations are held in (default: float32)");
  add_device(app, options.load.device);
  add_choice(app, "--by-layer", options.load.residence, kResidences,
             "bring the weights from the file layer by layer (default: where they do not fit)");
  app.add_option("--memory", options.load.memory,
                 "for weights and what waits between layers, such as 3GB (default: 80 % of what is "
                 "free)")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true))
      ->check(whole_number(1))
      ->type_name("SIZE");
  add_run_options(app, options);
}

void add_device(CLI::App& app, torch::Device& device) {
  add_choice(app, "--device", device, kDevices, "where to compute (default: cpu)");
}

void refuse_job() {
  const int64_t processes = spikesink::processes_of_job();
  if (processes > 1)
    throw std::invalid_argument(
        fmt::format("this program does not share its work: got a job of {} processes, expected one",
                    processes));
}

void check_device(torch::Device device) {
  if (device.is_cuda() && !torch::cuda::is_available())
    throw std::invalid_argument("--device cuda: this LibTorch sees no CUDA device");
}

torch::Device device_of(const spikesink::Processes* processes, torch::Device device) {
  if (processes == nullptr || !device.is_cuda()) return device;
  const auto index = processes->local_rank() % torch::cuda::device_count();
  return {torch::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

void add_run_options(CLI::App& app, RunOptions& options) {
  app.add_option("--threads", options.threads, "threads to compute with (default: all)")
      ->check(whole_number(1, kMostThreads));
  app.add_option("--seed", options.seed, "seed of anything random")
      ->capture_default_str()
      ->check(whole_number(0));
  app.add_option("--out", options.out, "folder for what is written")
      ->capture_default_str()
      ->type_name("DIR");
  app.add_flag("--quiet", options.quiet, "print nothing but errors");
}

std::string to_string(torch::Dtype dtype) {
  for (const auto& [word, meaning] : kDtypes) {
    if (meaning == dtype) return word;
  }
  return c10::toString(dtype);
}

}  // namespace examples
