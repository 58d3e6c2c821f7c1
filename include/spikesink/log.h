#pragma once

namespace [[gnu::visibility("default")]] spikesink {

enum class LogLevel { kDebug, kInfo, kWarning, kOff };

/// Sets which messages the library writes to stderr. The default is `kOff`: no messages.
void set_log_level(LogLevel level);

}  // namespace spikesink
