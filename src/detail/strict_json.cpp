#include "detail/strict_json.h"

#include <limits>
#include <string>
#include <unordered_set>
#include <vector>

#include "detail/fail.h"

namespace spikesink::detail {

nlohmann::json parse_strict_json(std::string_view text, int max_depth, std::string_view caller,
                                 const std::filesystem::path& file) {
  using Event = nlohmann::json::parse_event_t;
  std::vector<std::unordered_set<std::string>> open_objects;
  const auto check = [&](int depth, Event event, nlohmann::json& value) {
    if ((event == Event::object_start || event == Event::array_start) && depth >= max_depth) {
      fail_format("[{}] the JSON is nested deeper than {} levels ({})", caller, max_depth,
                  file.string());
    }
    if (event == Event::object_start) open_objects.emplace_back();
    if (event == Event::object_end) open_objects.pop_back();
    if (event == Event::key && !open_objects.back().insert(value.get<std::string>()).second) {
      fail_format("[{}] a key occurs twice: '{}' ({})", caller, value.get<std::string>(),
                  file.string());
    }
    return true;
  };
  nlohmann::json result;
  try {
    result = nlohmann::json::parse(text.begin(), text.end(), check);
  } catch (const nlohmann::json::exception& error) {
    const std::string_view message = error.what();  // "[json.exception...] what is wrong"
    fail_format("[{}] not JSON: {} ({})", caller, message.substr(message.find("] ") + 2),
                file.string());
  }
  if (!result.is_object())
    fail_format("[{}] got a JSON {}, expected an object ({})", caller, result.type_name(),
                file.string());
  return result;
}

bool is_int64(const nlohmann::json& value) {
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  return value.is_number_integer() &&
         (!value.is_number_unsigned() || value.get<uint64_t>() <= kMost);
}

}  // namespace spikesink::detail
