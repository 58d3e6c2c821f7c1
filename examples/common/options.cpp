#include "common/options.h"

#include <fmt/format.h>
#include <torch/cuda.h>

#include <map>

#include "spikesink/weights/hub_cache.h"

namespace examples {
namespace {

using spikesink::BosRule;
using spikesink::WeightLoadingMode;

constexpr int64_t kMostThreads = 1024;  // more may be refused by the system

const std::map<std::string, BosRule> kBosRules = {
    {"auto", BosRule::kAuto}, {"yes", BosRule::kYes}, {"no", BosRule::kNo}};
const std::map<std::string, torch::Dtype> kDtypes = {{"float32", torch::kFloat},
                                                     {"bfloat16", torch::kBFloat16},
                                                     {"float16", torch::kHalf},
                                                     {"float64", torch::kDouble}};
const std::map<std::string, WeightLoadingMode> kWeightLoadingModes = {
    {"auto", WeightLoadingMode::kAuto},
    {"yes", WeightLoadingMode::kByLayer},
    {"no", WeightLoadingMode::kWholeModel}};
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
      ->check(one_of(allowed))
      ->type_name(CLI::detail::join(allowed, "|"));
}

void add_model_options(CLI::App& app, Options& options) {
  app.add_option_function<std::string>(
         "--model",
         [&options](const std::string& name) {
           options.model = name;
           options.model_files = spikesink::find_model(name);
         },
         "Hugging Face folder, .gguf file, or org/name[@revision] in the Hugging Face cache")
      ->required()
      ->type_name("MODEL")
      ->group(kModelGroup);
  app.add_option_function<std::string>(
         "--adapter",
         [&options](const std::string& name) {
           options.adapter = name;
           options.load.adapter = spikesink::find_model(name);
         },
         "LoRA adapter (PEFT) to merge into the model's weights: a folder, or org/name[@revision]")
      ->type_name("ADAPTER")
      ->group(kModelGroup);
  add_choice(app, "--dtype", options.load.dtype, kDtypes,
             "precision of weights and activations: float32, bfloat16, float16 or float64 "
             "(default: float32)")
      ->type_name("TYPE")
      ->group(kModelGroup);
  add_choice(app, "--by-layer", options.load.weight_loading, kWeightLoadingModes,
             "load the weights of a layer when it runs (default: auto, only if the model does not "
             "fit into --memory)")
      ->group(kModelGroup);
  app.add_option("--ignore-key", options.load.ignored_keys,
                 "key of the model's configuration to read as if it were absent, such as "
                 "text_config.key; may be repeated")
      ->type_name("NAME")
      ->group(kModelGroup);
  app.add_option("--ignore-tensors", options.load.ignored_tensors,
                 "tensor of the model's file to read as if it were absent; * at one end stands for "
                 "any text; may be repeated")
      ->type_name("NAME")
      ->group(kModelGroup);
  app.add_option("--memory", options.load.max_memory,
                 "memory for weights and for states between layers, such as 3GB or 500MiB "
                 "(default: 80 % of the free memory)")
      ->transform(byte_size())
      ->type_name("SIZE")
      ->group(kModelGroup);
}

void add_text_options(CLI::App& app, Options& options) {
  auto* text =
      app.add_option("--text", options.text, "UTF-8 text file (default: built-in passages)");
  auto* tokens = app.add_option("--tokens", options.tokens,
                                "token ids instead of text, used unchanged: JSON array of arrays, "
                                "one for each sequence");
  text->type_name("FILE")->group(kTextGroup)->excludes(tokens);
  tokens->type_name("FILE")->group(kTextGroup);
  app.add_option(
         "--sequences", options.sequences,
         fmt::format("number of sequences, at most (default: {} of a text, all of --tokens)",
                     options.text_sequences))
      ->check(whole_number(1))
      ->type_name("N")
      ->group(kTextGroup);
  app.add_option("--length", options.length,
                 fmt::format("tokens per sequence (default: {} of a text, at most the model's "
                             "context); longer sequences of --tokens are cut",
                             options.text_length))
      ->check(whole_number(1))
      ->type_name("N")
      ->group(kTextGroup);
  add_choice(app, "--bos", options.bos, kBosRules,
             "start each sequence of a text with BOS (default: auto, as the tokenizer does)")
      ->group(kTextGroup);
}

}  // namespace

void add_options(CLI::App& app, Options& options) {
  add_model_options(app, options);
  add_text_options(app, options);
  add_device(app, options.load.device);
  add_run_options(app, options);
}

void add_device(CLI::App& app, torch::Device& device) {
  add_choice(app, "--device", device, kDevices, "device that computes (default: cpu)")
      ->group(kComputeGroup);
}

void add_run_options(CLI::App& app, ProgramOptions& options) {
  app.add_option("--threads", options.threads,
                 fmt::format("CPU threads, at most {} (default: all cores)", kMostThreads))
      ->check(whole_number(1, kMostThreads))
      ->type_name("N")
      ->group(kComputeGroup);
  app.add_option("--seed", options.seed, "seed of the random numbers")
      ->capture_default_str()
      ->check(whole_number(0))
      ->type_name("N")
      ->group(kComputeGroup);
  app.add_option("--out", options.out, "folder for report.json, report.html and other output")
      ->default_str(options.out.string())
      ->type_name("DIR")
      ->group(kOutputGroup);
  app.add_flag("--quiet", options.quiet, "print errors only")->group(kOutputGroup);
}

void check_device(torch::Device device) {
  if (device.is_cuda() && !torch::cuda::is_available())
    throw std::invalid_argument(
        "--device cuda: LibTorch finds no CUDA device, expected at least one");
}

torch::Device device_of(const spikesink::ProcessGroup* processes, torch::Device device) {
  if (processes == nullptr || !device.is_cuda()) return device;
  const auto index = processes->local_rank() % torch::cuda::device_count();
  return {torch::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

void refuse_job() {
  const int64_t processes = spikesink::launched_world_size();
  if (processes > 1)
    throw std::invalid_argument(fmt::format(
        "this program does not share its work: got a job of {} processes, expected one; start it "
        "without torchrun or srun",
        processes));
}

std::string to_string(torch::Dtype dtype) {
  for (const auto& [word, meaning] : kDtypes) {
    if (meaning == dtype) return word;
  }
  return c10::toString(dtype);
}

}  // namespace examples
