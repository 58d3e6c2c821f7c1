#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <utility>

namespace examples {

/// To the terminal. What cannot be written there is lost: a closed one must end no run.
template <typename... Args>
void say(fmt::format_string<Args...> text, Args&&... args) {
  std::fputs(fmt::format(text, std::forward<Args>(args)...).c_str(), stderr);
}

}  // namespace examples
