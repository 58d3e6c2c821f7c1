#include "model/gguf_keys.h"

#include <type_traits>

#include "detail/fail.h"

namespace spikesink::detail {

GgufKeys::GgufKeys(const GgufFile& file)
    : file_(file), prefix_(file.get<std::string>("general.architecture") + ".") {}

std::string GgufKeys::mark_read(std::string_view key) {
  read_.emplace(key);
  return prefix_ + std::string(key);
}

bool GgufKeys::has(std::string_view key) const {
  return file_.metadata().contains(prefix_ + std::string(key));
}

int64_t GgufKeys::integer(std::string_view key, int64_t absent) {
  const auto* found = file_.find<int64_t>(mark_read(key));
  return found ? *found : absent;
}

double GgufKeys::number(std::string_view key, double absent) {
  const auto* found = file_.find<double>(mark_read(key));
  return found ? *found : absent;
}

std::string GgufKeys::text(std::string_view key, const std::string& absent) {
  const auto* found = file_.find<std::string>(mark_read(key));
  return found ? *found : absent;
}

void GgufKeys::ignore(std::initializer_list<std::string_view> keys) {
  for (const auto key : keys) mark_read(key);
}

void GgufKeys::expect(std::string_view key, int64_t only) {
  const auto got = integer(key, only);
  if (got != only)
    fail_format("[read_model_config] {}{}: got {}, expected {} ({})", prefix_, key, got, only,
                where());
}

void GgufKeys::refuse_unread() const {
  const auto is_zero = [](const auto& value) {
    if constexpr (std::is_arithmetic_v<std::decay_t<decltype(value)>>) return value == 0;
    return false;
  };
  for (const auto& [key, value] : file_.metadata()) {
    if (!key.starts_with(prefix_) || read_.contains(key.substr(prefix_.size()))) continue;
    if (!std::visit(is_zero, value)) {
      fail_format(
          "[read_model_config] the key '{}' is not understood, expected it absent or zero ({})",
          key, where());
    }
  }
}

}  // namespace spikesink::detail
