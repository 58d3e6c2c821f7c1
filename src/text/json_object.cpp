#include "text/json_object.h"

#include "detail/fail.h"
#include "detail/utf8.h"

namespace spikesink::detail {

std::string JsonObject::character(std::string_view key) {
  std::string result = text(key);
  if (count_code_points(result) != 1)
    fail_format("[load_tokenizer] {} is not one character: got '{}' ({})", key, result, where());
  return result;
}

void JsonObject::refuse_type(std::string_view what, std::string_view known) {
  fail_format("[load_tokenizer] {} is not understood: got type '{}', expected {} ({})", what,
              text("type"), known, where());
}

}  // namespace spikesink::detail
