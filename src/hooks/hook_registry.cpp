#include "spikesink/hooks/hook_registry.h"

#include <algorithm>

#include "detail/edit_distance.h"
#include "detail/fail.h"

namespace spikesink {
namespace {

// Dynamic programming over the prefixes of `name`: takes O(pattern x name) steps for any pattern.
bool glob_matches(std::string_view pattern, std::string_view name) {
  // reached[i]: the pattern processed so far matches the first i characters of `name`.
  std::vector<bool> reached(name.size() + 1);
  reached[0] = true;
  while (!pattern.empty()) {
    const bool star = pattern.front() == '*', any = pattern.starts_with("**");
    std::vector<bool> next(name.size() + 1);
    if (star) next[0] = reached[0];
    for (size_t end = 1; end <= name.size(); ++end) {
      const char c = name[end - 1];
      next[end] = star ? reached[end] || (next[end - 1] && (any || c != '.'))
                       : reached[end - 1] && pattern.front() == c;
    }
    reached = std::move(next);
    pattern.remove_prefix(any ? 2 : 1);
  }
  return reached.back();
}

}  // namespace

torch::Tensor HookPoint::run_hooks(torch::Tensor value) const {
  const auto hooks = slot_->hooks;  // a copy, because a hook may remove itself while it runs
  for (const auto& [id, hook] : hooks) {
    auto replacement = (*hook)(value, name());
    if (!replacement.defined()) continue;
    if (replacement.sizes() != value.sizes() || replacement.dtype() != value.dtype() ||
        replacement.device() != value.device()) {
      detail::fail_argument(
          "[{}] a hook must return nothing or a tensor like the one it was given: got {} {} on {}, "
          "expected {} {} on {}",
          name(), c10::str(replacement.sizes()), c10::str(replacement.dtype()),
          replacement.device().str(), c10::str(value.sizes()), c10::str(value.dtype()),
          value.device().str());
    }
    value = std::move(replacement);
  }
  return value;
}

HookScope& HookScope::operator=(HookScope&& other) noexcept {
  if (this == &other) return *this;
  reset();
  undo_ = std::move(other.undo_);
  return *this;
}

HookScope& HookScope::operator+=(HookScope&& other) {
  undo_.insert(undo_.end(), std::make_move_iterator(other.undo_.begin()),
               std::make_move_iterator(other.undo_.end()));
  other.undo_.clear();
  return *this;
}

void HookScope::reset() {
  for (; !undo_.empty(); undo_.pop_back()) undo_.back()();
}

HookPoint HookRegistry::add_point(const std::string& name) {
  auto slot = std::make_shared<detail::HookSlot>(detail::HookSlot{name, {}});
  if (!slots_.emplace(name, slot).second)
    throw std::logic_error("[HookRegistry] the point '" + name + "' is created twice");
  names_.push_back(name);
  return HookPoint(std::move(slot));
}

std::vector<std::string> HookRegistry::matching_names(std::string_view pattern) const {
  if (slots_.contains(pattern)) return {std::string(pattern)};
  std::vector<std::string> found;
  std::copy_if(names_.begin(), names_.end(), std::back_inserter(found),
               [&](const auto& name) { return glob_matches(pattern, name); });
  if (found.empty()) {
    detail::fail_argument(
        "[HookRegistry] no hook point of this model matches '{}'; the nearest are {}", pattern,
        fmt::join(detail::nearest(pattern, names_), ", "));
  }
  return found;
}

HookScope HookRegistry::add(std::string_view pattern, const Hook& hook) {
  HookScope scope;
  const auto shared = std::make_shared<const Hook>(hook);
  for (const auto& name : matching_names(pattern)) {
    const auto& slot = slots_.at(name);
    slot->hooks.emplace_back(next_id_, shared);
    scope += HookScope([slot, id = next_id_++] {
      std::erase_if(slot->hooks, [id](const auto& hook) { return hook.first == id; });
    });
  }
  return scope;
}

HookScope HookRegistry::reserve_site(const std::string& site, const std::string& owner) {
  const auto [claimed, is_new] = claims_->emplace(site, owner);
  if (!is_new) {
    detail::fail_argument("[{}] conflicts with an active {}: both change the {}", owner,
                          claimed->second, site);
  }
  return HookScope([claims = claims_, site] { claims->erase(site); });
}

bool HookRegistry::has_hooks(std::string_view name) const {
  const auto slot = slots_.find(name);
  return slot != slots_.end() && !slot->second->hooks.empty();
}

size_t HookRegistry::hook_count() const {
  size_t count = 0;
  for (const auto& [name, slot] : slots_) count += slot->hooks.size();
  return count;
}

}  // namespace spikesink
