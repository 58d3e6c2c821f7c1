#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace spikesink::detail {

/// The job as described by the launcher's environment variables.
struct JobEnvironment {
  int64_t rank = 0;
  int64_t count = 1;
  int64_t local_rank = 0;
  std::string address;  // host of process 0
  int64_t port = 0;
  // True: the launcher runs the store at this address; false: process 0 does.
  bool has_store = false;
};

/// Returns nothing without a launcher or for a single process. Throws std::invalid_argument with
/// the name of an invalid variable.
std::optional<JobEnvironment> job_environment();

/// "node[003-007,9],other" -> "node003".
std::string first_node(const std::string& list);

}  // namespace spikesink::detail
