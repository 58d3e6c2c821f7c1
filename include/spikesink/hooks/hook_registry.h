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

/// The function that runs at a hook point. Constructed from any callable that takes `(const
/// torch::Tensor& value)` or `(const torch::Tensor& value, const std::string& name)` and returns
/// nothing (observe) or a tensor (replace).
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

  /// Returns the replacement, or an undefined tensor.
  torch::Tensor operator()(const torch::Tensor& value, const std::string& name) const {
    return call_(value, name);
  }

 private:
  std::function<torch::Tensor(const torch::Tensor&, const std::string&)> call_;
};

namespace detail {
/// The hooks of one point, in order of registration.
struct HookSlot {
  std::string name;
  std::vector<std::pair<int64_t, std::shared_ptr<const Hook>>> hooks;
};
}  // namespace detail

/// A named point in the forward pass: `x = point(x)`. Copies refer to the same point. Without hooks
/// a call costs one `if`. A default-constructed point does not exist in this model and cannot have
/// hooks.
class HookPoint {
 public:
  HookPoint() = default;

  const std::string& name() const { return slot_->name; }
  bool exists() const { return slot_ != nullptr; }
  bool has_hooks() const { return slot_ && !slot_->hooks.empty(); }

  /// Runs the hooks on `value`, in order of registration, and returns the result. Throws
  /// std::invalid_argument for a replacement with another shape, dtype or device.
  torch::Tensor operator()(torch::Tensor value) const {
    return has_hooks() ? run_hooks(std::move(value)) : value;
  }

 private:
  friend class HookRegistry;
  explicit HookPoint(std::shared_ptr<detail::HookSlot> slot) : slot_(std::move(slot)) {}
  torch::Tensor run_hooks(torch::Tensor value) const;

  std::shared_ptr<detail::HookSlot> slot_;
};

/// RAII guard of hooks and other changes of a model. Its destructor undoes them, the last one
/// first.
class [[nodiscard]] HookScope {
 public:
  HookScope() = default;
  /// Calls `undo` on destruction; `undo` must not throw.
  explicit HookScope(std::function<void()> undo) { undo_.push_back(std::move(undo)); }
  HookScope(HookScope&& other) noexcept = default;
  HookScope& operator=(HookScope&& other) noexcept;
  ~HookScope() { reset(); }

  /// Takes ownership of the changes of another scope.
  HookScope& operator+=(HookScope&& other);
  /// Undoes all changes now.
  void reset();

 private:
  std::vector<std::function<void()>> undo_;
};

/// The hook points of one model. Not thread-safe.
class HookRegistry {
 public:
  /// Creates a point; used by models. Throws std::logic_error for a duplicate name.
  HookPoint add_point(const std::string& name);

  /// All names, in forward pass order.
  const std::vector<std::string>& names() const { return names_; }
  /// Returns the names that match a pattern: `*` matches any characters except a dot, `**` matches
  /// any characters. Throws std::invalid_argument with the most similar names if nothing matches.
  std::vector<std::string> matching_names(std::string_view pattern) const;
  /// Adds `hook` to every point that matches `pattern`, until the returned scope is destroyed.
  HookScope add(std::string_view pattern, const Hook& hook);

  /// Reserves a place of the model for one intervention until the returned scope is destroyed.
  /// `site` is any text that describes the place; `owner` is the name of the intervention. Throws
  /// std::invalid_argument if the same text is reserved already, because one of the two edits would
  /// overwrite the other.
  HookScope reserve_site(const std::string& site, const std::string& owner);

  /// True if the point with exactly this name has hooks.
  bool has_hooks(std::string_view name) const;
  /// The number of active hooks.
  size_t hook_count() const;

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::shared_ptr<detail::HookSlot>, std::less<>> slots_;
  std::shared_ptr<std::map<std::string, std::string>> claims_ =
      std::make_shared<std::map<std::string, std::string>>();
  int64_t next_id_ = 0;
};

}  // namespace spikesink
