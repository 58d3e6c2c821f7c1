#include "model/gguf_keys.h"

#include <type_traits>

#include "detail/fail.h"

namespace spikesink::detail {

GgufKeys::GgufKeys(const GgufFile& file, const std::vector<std::string>& ignored_keys)
    : file_(file),
      prefix_(file.get<std::string>("general.architecture") + "."),
      ignored_(ignored_keys.begin(), ignored_keys.end()) {
  for (const auto& key : ignored_keys) {
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

template <typename T>
const T* GgufKeys::find(std::string_view key) {
  const auto name = mark_read(key);
  return ignored_.contains(name) ? nullptr : file_.find<T>(name);
}

template <typename T>
const T& GgufKeys::get(std::string_view key) {
  const auto name = mark_read(key);
  if (ignored_.contains(name))
    fail_format("[read_model_config] the key '{}' is ignored, but the model needs it ({})", name,
                where());
  return file_.get<T>(name);
}

bool GgufKeys::has(std::string_view key) const {
  const auto name = prefix_ + std::string(key);
  return file_.metadata().contains(name) && !ignored_.contains(name);
}

int64_t GgufKeys::integer(std::string_view key) {
  return get<int64_t>(key);
}

int64_t GgufKeys::integer(std::string_view key, int64_t absent) {
  const auto* found = find<int64_t>(key);
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
  if (found != nullptr && *found != only)
    fail_format("[read_model_config] {}{}: got {}, expected {} ({})", prefix_, key, *found, only,
                where());
}
template void GgufKeys::expect(std::string_view, bool);
template void GgufKeys::expect(std::string_view, int64_t);
template void GgufKeys::expect(std::string_view, double);

void GgufKeys::refuse_unread() const {
  const auto is_zero = [](const auto& value) {
    if constexpr (std::is_arithmetic_v<std::decay_t<decltype(value)>>) return value == 0;
    return false;
  };
  for (const auto& [key, value] : file_.metadata()) {
    if (!key.starts_with(prefix_) || read_.contains(key.substr(prefix_.size())) ||
        ignored_.contains(key))
      continue;
    if (!std::visit(is_zero, value)) {
      fail_format(
          "[read_model_config] the key '{}' is not understood, expected it absent or zero ({})",
          key, where());
    }
  }
}

}  // namespace spikesink::detail
