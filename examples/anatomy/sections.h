#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace examples {

/// The names of the parts of anatomy's report, in their order on the page. They are the keys of
/// report.json.
const std::vector<std::string>& section_names();

/// The name that a word stands for: "life-cycle" is life_cycle, "sinks" attention_sinks. Another
/// word stays as it is.
std::string section_name(std::string word);

/// Which of them are wanted.
class Sections {
 public:
  /// Those of `only`, or all, without those of `skip`.
  Sections(const std::vector<std::string>& only, const std::vector<std::string>& skip);

  bool wants(std::string_view name) const { return wanted_.contains(name); }
  bool wants_any(std::initializer_list<std::string_view> names) const;

 private:
  std::set<std::string, std::less<>> wanted_;
};

}  // namespace examples
