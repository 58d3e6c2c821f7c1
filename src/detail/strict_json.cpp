#include "detail/strict_json.h"

#include <limits>
#include <string>
#include <vector>

#include "detail/fail.h"

namespace spikesink::detail {
namespace {

using nlohmann::json;

// Builds the value event by event and stops at the first invalid one. (The callback of the parser
// itself takes quadratic time: it visits all members of an object each time one is complete.)
class StrictBuilder : public json::json_sax_t {
 public:
  StrictBuilder(int max_depth, std::string_view caller, const std::filesystem::path& file)
      : max_depth_(max_depth), caller_(caller), file_(file) {}

  json take() { return std::move(root_); }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(int64_t value) override { return put(value); }
  bool number_unsigned(uint64_t value) override { return put(value); }
  bool number_float(double value, const std::string&) override { return put(value); }
  bool string(std::string& value) override { return put(std::move(value)); }
  bool binary(json::binary_t& value) override { return put(std::move(value)); }

  bool start_object(std::size_t) override { return open(json::value_t::object); }
  bool start_array(std::size_t) override { return open(json::value_t::array); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string& name) override {
    auto& members = open_.back()->get_ref<json::object_t&>();
    const auto [member, is_new] = members.try_emplace(name);
    if (!is_new) fail_format("[{}] a key occurs twice: '{}' ({})", caller_, name, file_.string());
    member_ = &member->second;
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const json::exception& error) override {
    const std::string_view message = error.what();  // "[json.exception...] what is wrong"
    fail_format("[{}] not JSON: {} ({})", caller_, message.substr(message.find("] ") + 2),
                file_.string());
  }

 private:
  // The location of the next value.
  json& slot() {
    if (open_.empty()) return root_;
    if (open_.back()->is_object()) return *member_;
    return open_.back()->get_ref<json::array_t&>().emplace_back();
  }
  template <typename T>
  bool put(T&& value) {
    slot() = std::forward<T>(value);
    return true;
  }
  bool open(json::value_t kind) {
    if (static_cast<int>(open_.size()) >= max_depth_) {
      fail_format("[{}] the JSON is nested deeper than {} levels ({})", caller_, max_depth_,
                  file_.string());
    }
    json& value = slot();
    value = kind;
    open_.push_back(&value);  // stays valid: its parent does not grow until this is closed
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  int max_depth_;
  std::string_view caller_;
  const std::filesystem::path& file_;
  json root_;
  json* member_ = nullptr;
  std::vector<json*> open_;
};

}  // namespace

json parse_strict_json(std::string_view text, int max_depth, std::string_view caller,
                       const std::filesystem::path& file) {
  StrictBuilder builder(max_depth, caller, file);
  json::sax_parse(text.begin(), text.end(), &builder);
  auto result = builder.take();
  if (!result.is_object())
    fail_format("[{}] got a JSON {}, expected an object ({})", caller, result.type_name(),
                file.string());
  return result;
}

bool is_int64(const json& value) {
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  return value.is_number_integer() &&
         (!value.is_number_unsigned() || value.get<uint64_t>() <= kMost);
}

}  // namespace spikesink::detail
