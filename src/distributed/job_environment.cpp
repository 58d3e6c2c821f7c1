#include "distributed/job_environment.h"

#include <charconv>
#include <cstdlib>

#include "detail/fail.h"

namespace spikesink::detail {
namespace {

constexpr int64_t kLargestPort = 65535;

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::optional<int64_t> number(const char* name, int64_t least, int64_t most) {
  const auto text = variable(name);
  if (!text) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < least || value > most)
    fail_argument("[join_process_group] {}: got '{}', expected a whole number from {} to {}", name,
                  *text, least, most);
  return value;
}

int64_t rank_of(const char* name, int64_t count) {
  const auto rank = number(name, 0, count - 1);
  if (!rank)
    fail_argument("[join_process_group] {} is missing: the job has {} processes", name, count);
  return *rank;
}

// Without a local rank from the launcher, all processes are assumed to be on one machine.
int64_t local_rank_of(const char* name, const JobEnvironment& job) {
  return number(name, 0, job.count - 1).value_or(job.rank);
}

// The port is computed from the job id, so all tasks of a SLURM job use the same one without
// communication.
int64_t port_of_slurm_job() {
  constexpr int64_t kFirst = 20000, kCount = 20000;
  return kFirst + number("SLURM_JOB_ID", 0, INT64_MAX).value_or(0) % kCount;
}

}  // namespace

std::string first_node(const std::string& list) {
  const auto end = list.find_first_of(",[");
  if (end == std::string::npos || list[end] == ',') return list.substr(0, end);
  const auto number_end = list.find_first_of(",-]", end + 1);
  return list.substr(0, end) + list.substr(end + 1, number_end - end - 1);
}

std::optional<JobEnvironment> job_environment() {
  constexpr int64_t kMostProcesses = 1 << 20;
  JobEnvironment job;
  if (const auto count = number("WORLD_SIZE", 1, kMostProcesses)) {
    job.count = *count;
    job.rank = rank_of("RANK", *count);
    job.local_rank = local_rank_of("LOCAL_RANK", job);
    const auto address = variable("MASTER_ADDR");
    const auto port = number("MASTER_PORT", 1, kLargestPort);
    if (job.count > 1 && (!address || !port))
      fail_argument("[join_process_group] {} is missing: the job has {} processes",
                    address ? "MASTER_PORT" : "MASTER_ADDR", job.count);
    job.address = address.value_or("");
    job.port = port.value_or(0);
    job.has_store = variable("TORCHELASTIC_USE_AGENT_STORE") == "True";
  } else if (const auto tasks = number("SLURM_STEP_NUM_TASKS", 1, kMostProcesses)) {
    job.count = *tasks;
    if (job.count > 1) job.rank = rank_of("SLURM_PROCID", *tasks);
    if (job.count > 1) job.local_rank = local_rank_of("SLURM_LOCALID", job);
    job.address = variable("MASTER_ADDR")
                      .value_or(first_node(variable("SLURM_STEP_NODELIST").value_or("localhost")));
    job.port = number("MASTER_PORT", 1, kLargestPort).value_or(port_of_slurm_job());
  }
  if (job.count == 1) return std::nullopt;
  return job;
}

}  // namespace spikesink::detail
