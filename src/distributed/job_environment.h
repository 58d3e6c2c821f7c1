#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace spikesink::detail {

/// What a launcher says about the job in the environment.
struct JobEnvironment {
  int64_t rank = 0;
  int64_t count = 1;
  int64_t local_rank = 0;
  std::string address;  // of process 0
  int64_t port = 0;
  bool has_store = false;  // the launcher keeps the store there; else process 0 does
};

/// Nothing where no launcher started this process, or it is alone. Throws std::invalid_argument
/// that names the variable.
std::optional<JobEnvironment> job_environment();

/// "node[003-007,9],other" -> "node003".
std::string first_node(const std::string& list);

}  // namespace spikesink::detail
