#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace [[gnu::visibility("default")]] spikesink {

/// What to do at a hook point. Made from any callable that takes `(const torch::Tensor& value)` or
/// `(const torch::Tensor& value, const std::string& name)` and returns nothing (observe) or a
/// tensor (replace).
class Hook {
 public:
  template <typename F, typename = std::enable_if_t<!std::is_same_v<std::decay_t<F>, Hook>>>
  Hook(F call)
      : call_([call = std::move(call)](const auto& value,
                                       [[maybe_unused]] const auto& name) mutable {
          constexpr bool named = std::is_invocable_v<F&, const torch::Tensor&, const std::string&>;
          auto invoke = [&] {
            if constexpr (named) {
              return call(value, name);
            } else {
              return call(value);
            }
          };
          if constexpr (std::is_void_v<decltype(invoke())>) {
            invoke();
            return torch::Tensor();
          } else {
            return torch::Tensor(invoke());
          }
        }) {}

  /// The replacement, or an undefined tensor.
  torch::Tensor operator()(const torch::Tensor& value, const std::string& name) const {
    return call_(value, name);
  }

 private:
  std::function<torch::Tensor(const torch::Tensor&, const std::string&)> call_;
};

namespace detail {
/// The hooks that watch one point, in order of registration.
struct HookSlot {
  std::string name;
  std::vector<std::pair<int64_t, std::shared_ptr<const Hook>>> hooks;
};
}  // namespace detail

/// A named site in the forward pass: `x = point(x)`. Copies share the site. A point nobody
/// watches costs one branch. A default one is a site that this model does not have: nobody can
/// watch it.
class HookPoint {
 public:
  HookPoint() = default;

  const std::string& name() const { return slot_->name; }
  bool exists() const { return slot_ != nullptr; }
  bool has_hooks() const { return slot_ && !slot_->hooks.empty(); }

  /// Passes `value` through the hooks, in order of registration. A replacement of another shape,
  /// dtype or device throws std::invalid_argument.
  torch::Tensor operator()(torch::Tensor value) const {
    return has_hooks() ? run_hooks(std::move(value)) : value;
  }

 private:
  friend class HookRegistry;
  explicit HookPoint(std::shared_ptr<detail::HookSlot> slot) : slot_(std::move(slot)) {}
  torch::Tensor run_hooks(torch::Tensor value) const;

  std::shared_ptr<detail::HookSlot> slot_;
};

/// Hooks, and other changes of a model, stay as long as their scope: leaving it, also by an
/// exception, takes them off, the last ones first.
class [[nodiscard]] HookScope {
 public:
  HookScope() = default;
  /// Of a change that `undo`, which must not throw, takes back.
  explicit HookScope(std::function<void()> undo) { undo_.push_back(std::move(undo)); }
  HookScope(HookScope&& other) noexcept = default;
  HookScope& operator=(HookScope&& other) noexcept;
  ~HookScope() { reset(); }

  /// Takes over what another scope holds.
  HookScope& operator+=(HookScope&& other);
  /// Takes all of it off now.
  void reset();

 private:
  std::vector<std::function<void()>> undo_;
};

/// The hook points of one model. Not for use from several threads at once.
class HookRegistry {
 public:
  /// Makes a point; for models. A name taken already throws std::logic_error.
  HookPoint add_point(const std::string& name);

  /// All names, in the order in which a forward pass meets them.
  const std::vector<std::string>& names() const { return names_; }
  /// The names that a pattern matches: `*` stands for any characters but a dot, `**` for any
  /// characters. A pattern that matches nothing throws std::invalid_argument with the nearest
  /// names.
  std::vector<std::string> matching_names(std::string_view pattern) const;
  /// Adds `hook` to every point that `pattern` matches.
  HookScope add(std::string_view pattern, const Hook& hook);

  /// Reserves a site of the model, in words, for one change of it; `by` names the change. Throws
  /// std::invalid_argument while another one has it: of two changes of one site one would be lost.
  HookScope claim(const std::string& site, const std::string& by);

  /// Whether a hook watches the point of exactly this name.
  bool has_hooks(std::string_view name) const;
  /// How many hooks are on.
  size_t hook_count() const;

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::shared_ptr<detail::HookSlot>, std::less<>> slots_;
  std::shared_ptr<std::map<std::string, std::string>> claims_ =
      std::make_shared<std::map<std::string, std::string>>();
  int64_t next_id_ = 0;
};

}  // namespace spikesink
