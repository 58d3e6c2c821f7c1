#include "model/gguf_keys.h"

#include <algorithm>
#include <functional>
#include <type_traits>

#include "detail/fail.h"
#include "model/architectures/known_keys.h"

namespace spikesink::detail {
namespace {

bool is_zero_or_empty(const GgufValue& value) {
  return std::visit(
      [](const auto& inner) {
        if constexpr (std::is_arithmetic_v<std::decay_t<decltype(inner)>>)
          return inner == 0;
        else
          return inner.empty();
      },
      value);
}

// Long values are shown as their type only.
std::string shown_value(const GgufValue& value) {
  constexpr size_t kLongest = 100;
  const auto text = std::visit([](const auto& inner) { return fmt::format("{}", inner); }, value);
  if (text.size() <= kLongest) return text;
  return std::holds_alternative<std::string>(value) ? "a long string" : "a long list";
}

}  // namespace

GgufKeys::GgufKeys(const GgufFile& file, std::vector<std::string>& ignored)
    : file_(file),
      architecture_(file.get<std::string>("general.architecture")),
      prefix_(architecture_ + "."),
      absent_(ignored.begin(), ignored.end()),
      ignored_(&ignored) {
  for (const auto& key : absent_) {
    if (!key.starts_with(prefix_) || !file.metadata().contains(key))
      fail_argument(
          "[read_model_config] ignored_keys: got '{}', expected a key of the file that begins with "
          "'{}' ({})",
          key, prefix_, where());
  }
}

std::string GgufKeys::mark_read(std::string_view key) {
  read_.emplace(key);
  return prefix_ + std::string(key);
}

const GgufValue* GgufKeys::find_value(std::string_view key) {
  const auto found = file_.metadata().find(mark_read(key));
  return has(key) ? &found->second : nullptr;
}

template <typename T>
const T* GgufKeys::find(std::string_view key) {
  return find_value(key) == nullptr ? nullptr : file_.find<T>(prefix_ + std::string(key));
}

template <typename T>
const T& GgufKeys::get(std::string_view key) {
  const auto name = mark_read(key);
  if (absent_.contains(name))
    fail_format("[read_model_config] the key '{}' is ignored, but the model needs it ({})", name,
                where());
  return file_.get<T>(name);
}

bool GgufKeys::has(std::string_view key) const {
  const auto name = prefix_ + std::string(key);
  return file_.metadata().contains(name) && !absent_.contains(name);
}

int64_t GgufKeys::integer(std::string_view key) {
  return get<int64_t>(key);
}

int64_t GgufKeys::integer(std::string_view key, int64_t absent) {
  const auto* found = find<int64_t>(key);
  return found ? *found : absent;
}

int64_t GgufKeys::layer_integer(std::string_view key, std::optional<int64_t> absent) {
  const auto* value = find_value(key);
  const auto* list = value == nullptr ? nullptr : std::get_if<std::vector<int64_t>>(value);
  if (list == nullptr) return absent ? integer(key, *absent) : integer(key);
  if (list->empty() || std::ranges::adjacent_find(*list, std::not_equal_to()) != list->end())
    refuse(key, "the same number for every layer");
  return list->front();
}

std::optional<std::vector<bool>> GgufKeys::layer_flags(std::string_view key) {
  const auto* value = find_value(key);
  if (value == nullptr) return {};
  if (const auto* flags = std::get_if<std::vector<bool>>(value)) return *flags;
  const auto* numbers = std::get_if<std::vector<int64_t>>(value);
  if (numbers == nullptr) return {};
  return std::vector<bool>(numbers->begin(), numbers->end());
}

bool GgufKeys::flag(std::string_view key, bool absent) {
  const auto* found = find<bool>(key);
  return found ? *found : absent;
}

double GgufKeys::number(std::string_view key) {
  return get<double>(key);
}

double GgufKeys::number(std::string_view key, double absent) {
  const auto* found = find<double>(key);
  return found ? *found : absent;
}

std::string GgufKeys::text(std::string_view key, const std::string& absent) {
  const auto* found = find<std::string>(key);
  return found ? *found : absent;
}

void GgufKeys::ignore(std::initializer_list<std::string_view> keys) {
  for (const auto key : keys) mark_read(key);
}

template <typename T>
void GgufKeys::expect(std::string_view key, T only) {
  const auto* found = find<T>(key);
  if (found != nullptr && *found != only) refuse(key, shown_value(only));
}
template void GgufKeys::expect(std::string_view, bool);
template void GgufKeys::expect(std::string_view, int64_t);
template void GgufKeys::expect(std::string_view, double);

void GgufKeys::refuse(std::string_view key, std::string_view expected) const {
  const auto name = prefix_ + std::string(key);
  fail_format("[read_model_config] {}: got {}, expected {} ({})", name,
              has(key) ? shown_value(file_.metadata().find(name)->second) : "nothing", expected,
              where());
}

void GgufKeys::refuse_or_ignore_unread() {
  const auto of_all = keys_of(llama_cpp_keys(), ""), own = keys_of(llama_cpp_keys(), architecture_);
  for (const auto& [name, value] : file_.metadata()) {
    if (!name.starts_with(prefix_)) continue;
    const auto key = name.substr(prefix_.size());
    if (read_.contains(key) || absent_.contains(name) || is_zero_or_empty(value)) continue;
    if (std::ranges::binary_search(of_all, key) || std::ranges::binary_search(own, key))
      fail_format(
          "[read_model_config] the key '{}' is not understood: got {}, expected it absent or "
          "neutral ({})",
          name, shown_value(value), where());
    ignored_->push_back(name);
  }
}

}  // namespace spikesink::detail
