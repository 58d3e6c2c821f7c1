#include "spikesink/train/training_data.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "detail/fail.h"
#include "detail/temporary_file.h"
#include "spikesink/text/tokenizer.h"
#include "spikesink/text/train_bpe.h"
#include "spikesink/train/token_windows.h"
#include "train/corpus.h"
#include "train/random.h"

namespace spikesink {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTrainingData = "open_training_data";
constexpr const char* kSeparator = "<|endoftext|>";
constexpr const char* kTokenizerFile = "tokenizer.json";
constexpr uint64_t kValidationSeed = 0x76616c6964;  // does not depend on the seed of the run

// -- the tokenizer

// tokenizer.json is written last: if it exists, both files are complete.
void train_tokenizer(const TrainConfig& config, const fs::path& folder) {
  constexpr int64_t kLeast = 257;  // 256 bytes and the separator
  if (config.model.d_vocabulary < kLeast)
    detail::fail_argument("[{}] model.d_vocabulary: got {}, expected at least {} for text",
                          kTrainingData, config.model.d_vocabulary, kLeast);
  std::vector<std::string> texts;
  for (const auto& file : detail::corpus_files(config.data.training)) {
    if (detail::is_token_shard(file)) continue;
    for (auto& document : detail::documents(file)) texts.push_back(std::move(document));
  }
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const auto trained =
      train_bpe(views, {.vocabulary_size = config.model.d_vocabulary,
                        .special_tokens = {kSeparator},
                        .bos_token = config.data.starts_with_separator ? kSeparator : ""});
  const nlohmann::ordered_json boundaries = {{"bos_token", kSeparator}, {"eos_token", kSeparator}};
  fs::create_directories(folder);
  detail::write_whole(folder / "tokenizer_config.json", boundaries.dump(1) + "\n", kTrainingData);
  detail::write_whole(folder / kTokenizerFile, trained, kTrainingData);
}

bool has_texts(const DataConfig& data) {
  auto paths = data.training;
  paths.insert(paths.end(), data.validation.begin(), data.validation.end());
  const auto files = detail::corpus_files(paths);
  const auto shards = std::ranges::count_if(files, detail::is_token_shard);
  if (shards > 0 && shards < std::ssize(files))
    detail::fail_argument(
        "[{}] data.tokenizer: got none for {} texts beside {} token shards, "
        "expected the tokenizer that made the shards",
        kTrainingData, std::ssize(files) - shards, shards);
  return shards == 0;
}

fs::path find_tokenizer(const TrainConfig& config, const fs::path& folder) {
  if (!config.data.tokenizer.empty()) return config.data.tokenizer;
  if (!has_texts(config.data)) return {};
  if (folder.empty())
    detail::fail_argument("[{}] data.tokenizer: got none, expected one, or a folder to keep one in",
                          kTrainingData);
  if (!fs::exists(folder / kTokenizerFile)) train_tokenizer(config, folder);
  return folder;
}

// -- the tokens

class Corpus {
 public:
  Corpus(const TrainConfig& config, const Tokenizer* tokenizer)
      : config_(config), tokenizer_(tokenizer) {
    separator_ = config.data.separator;
    if (!separator_ && tokenizer) separator_ = tokenizer->eos_id();
    if (!separator_ && config.data.starts_with_separator)
      detail::fail_argument(
          "[{}] data.separator: got none, and no tokenizer defines one: expected its id, or "
          "data.starts_with_separator to be false",
          kTrainingData);
  }

  // Consecutive text files form one shard.
  std::vector<TokenShard> shards(const std::vector<std::string>& paths) const {
    std::vector<TokenShard> shards;
    std::vector<int32_t> ids;
    const auto end_texts = [&] {
      if (!ids.empty()) shards.push_back({"the texts", torch::tensor(ids, torch::kInt)});
      ids.clear();
    };
    for (const auto& file : detail::corpus_files(paths)) {
      if (!detail::is_token_shard(file)) {
        add_texts(file, ids);
        continue;
      }
      end_texts();
      shards.push_back(open_token_shard(file));
    }
    end_texts();
    return shards;
  }

  std::shared_ptr<const TokenWindows> windows(std::vector<TokenShard> shards, bool shuffled) const {
    return std::make_shared<TokenWindows>(
        std::move(shards),
        TokenWindowsOptions{
            .d_vocabulary = config_.model.d_vocabulary,
            .first_token = config_.data.starts_with_separator ? separator_ : std::nullopt,
            .shuffled = shuffled,
            .seed = config_.seed});
  }

 private:
  void add_texts(const fs::path& file, std::vector<int32_t>& ids) const {
    for (const auto& document : detail::documents(file)) {
      if (separator_) ids.push_back(static_cast<int32_t>(*separator_));
      for (const int64_t id : tokenizer_->encode(document)) ids.push_back(static_cast<int32_t>(id));
    }
  }

  const TrainConfig& config_;
  const Tokenizer* tokenizer_;
  std::optional<int64_t> separator_;
};

// Removes the last `count` windows of `tokens` tokens from the shards and returns them.
std::vector<TokenShard> hold_out(std::vector<TokenShard>& shards, int64_t count, int64_t tokens) {
  std::vector<TokenShard> removed;
  for (auto shard = shards.rbegin(); shard != shards.rend() && count > 0; ++shard) {
    const int64_t all = shard->tokens.size(0), taken = std::min(count, all / tokens);
    removed.push_back({shard->name, shard->tokens.slice(0, all - taken * tokens)});
    shard->tokens = shard->tokens.slice(0, 0, all - taken * tokens);
    count -= taken;
  }
  return removed;
}

void check_windows(const char* what, const TokenWindows& tokens, int64_t length, int64_t expected) {
  if (tokens.windows(length) < expected)
    detail::fail_argument(
        "[{}] {}: the corpus is too short: got {} windows of {} tokens, expected "
        "at least {}",
        kTrainingData, what, tokens.windows(length), length, expected);
}

TrainingData backcopy(const TrainConfig& config) {
  return {std::make_shared<BigramBackcopy>(config.backcopy, config.seed),
          std::make_shared<BigramBackcopy>(config.backcopy, detail::mixed(kValidationSeed)),
          {}};
}

}  // namespace

TrainingData open_training_data(const TrainConfig& config, const fs::path& tokenizer_folder) {
  const auto& data = config.data;
  if (data.training.empty()) return backcopy(config);
  const auto path = find_tokenizer(config, tokenizer_folder);
  const auto tokenizer = path.empty() ? nullptr : load_tokenizer(path);
  if (tokenizer && tokenizer->vocabulary_size() > config.model.d_vocabulary)
    detail::fail_argument(
        "[{}] the tokenizer has too many tokens: got {}, expected at most "
        "model.d_vocabulary = {} ({})",
        kTrainingData, tokenizer->vocabulary_size(), config.model.d_vocabulary, path.string());
  const Corpus corpus(config, tokenizer.get());
  auto training = corpus.shards(data.training);
  auto validation = data.validation.empty()
                        ? hold_out(training, config.measured_sequences,
                                   config.length - (data.starts_with_separator ? 1 : 0))
                        : corpus.shards(data.validation);
  const auto trained_on = corpus.windows(std::move(training), data.shuffled);
  const auto measured_on = corpus.windows(std::move(validation), /*shuffled=*/false);
  check_windows("data.training", *trained_on, config.length + 1, 1);
  check_windows("data.validation", *measured_on, config.length, config.measured_sequences);
  return {trained_on, measured_on, path};
}

}  // namespace spikesink
