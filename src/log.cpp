#include "spikesink/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>

#include "detail/logger.h"

namespace spikesink {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kOff:
      break;
  }
  return spdlog::level::off;
}

}  // namespace

namespace detail {

spdlog::logger& logger() {
  static spdlog::logger instance = [] {
    spdlog::logger created("spikesink", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    created.set_level(spdlog::level::off);
    return created;
  }();
  return instance;
}

}  // namespace detail

void set_log_level(LogLevel level) {
  detail::logger().set_level(to_spdlog(level));
}

}  // namespace spikesink
