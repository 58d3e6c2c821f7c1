#pragma once

namespace [[gnu::visibility("default")]] spikesink {

enum class LogLevel { kDebug, kInfo, kWarning, kOff };

/// What the library may say on stderr. It starts at `kOff`: the library is silent unless asked.
void set_log_level(LogLevel level);

}  // namespace spikesink
