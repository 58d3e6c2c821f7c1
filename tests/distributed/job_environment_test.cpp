#include "distributed/job_environment.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "message_of.h"
#include "spikesink/distributed/process_group.h"

namespace spikesink::detail {
namespace {

/// An environment that has these variables of launchers alone, for the life of the object.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& variables) {
    for (const char* name : {"RANK", "LOCAL_RANK", "SLURM_LOCALID", "WORLD_SIZE", "MASTER_ADDR",
                             "MASTER_PORT", "TORCHELASTIC_USE_AGENT_STORE", "SLURM_PROCID",
                             "SLURM_STEP_NUM_TASKS", "SLURM_STEP_NODELIST", "SLURM_JOB_ID"}) {
      const char* value = std::getenv(name);
      before_[name] = value ? std::optional<std::string>(value) : std::nullopt;
      ::unsetenv(name);
    }
    for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    for (const auto& [name, value] : before_)
      value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
  }

 private:
  std::map<std::string, std::optional<std::string>> before_;
};

TEST(JobEnvironmentTest, NoLauncherOrOneProcessIsNoJob) {
  for (const auto& variables : {std::map<std::string, std::string>{},
                                {{"WORLD_SIZE", "1"}, {"RANK", "0"}},
                                {{"SLURM_STEP_NUM_TASKS", "1"}, {"SLURM_PROCID", "0"}},
                                {{"SLURM_PROCID", "3"}}}) {  // a batch script, not a step
    const Environment environment(variables);
    EXPECT_FALSE(job_environment());
    EXPECT_EQ(join_process_group(), nullptr);
  }
}

TEST(JobEnvironmentTest, TorchrunsVariables) {
  const Environment environment({{"WORLD_SIZE", "4"},
                                 {"RANK", "2"},
                                 {"LOCAL_RANK", "1"},
                                 {"MASTER_ADDR", "10.0.0.1"},
                                 {"MASTER_PORT", "29500"},
                                 {"TORCHELASTIC_USE_AGENT_STORE", "True"}});
  const auto job = job_environment();
  ASSERT_TRUE(job);
  EXPECT_EQ(job->rank, 2);
  EXPECT_EQ(job->local_rank, 1);
  EXPECT_EQ(job->count, 4);
  EXPECT_EQ(job->address, "10.0.0.1");
  EXPECT_EQ(job->port, 29500);
  EXPECT_TRUE(job->has_store);
}

TEST(JobEnvironmentTest, SlurmsVariables) {
  const Environment environment({{"SLURM_STEP_NUM_TASKS", "8"},
                                 {"SLURM_PROCID", "7"},
                                 {"SLURM_LOCALID", "3"},
                                 {"SLURM_STEP_NODELIST", "gpu[012-014,20],cpu1"},
                                 {"SLURM_JOB_ID", "4711"}});
  const auto job = job_environment();
  ASSERT_TRUE(job);
  EXPECT_EQ(job->rank, 7);
  EXPECT_EQ(job->local_rank, 3);
  EXPECT_EQ(job->count, 8);
  EXPECT_EQ(job->address, "gpu012");
  EXPECT_EQ(job->port, 24711);
  EXPECT_FALSE(job->has_store);
}

TEST(JobEnvironmentTest, TheFirstNodeOfAList) {
  EXPECT_EQ(first_node("a"), "a");
  EXPECT_EQ(first_node("a,b"), "a");
  EXPECT_EQ(first_node("a[3,5-7]"), "a3");
  EXPECT_EQ(first_node("a-b[08-11],c"), "a-b08");
}

TEST(JobEnvironmentTest, InvalidVariablesAreNamed) {
  const auto message = [](const std::map<std::string, std::string>& variables) {
    const Environment environment(variables);
    return message_of<std::invalid_argument>([] { job_environment(); });
  };
  EXPECT_TRUE(contains(message({{"WORLD_SIZE", "two"}}), "WORLD_SIZE: got 'two'"));
  EXPECT_TRUE(contains(message({{"WORLD_SIZE", "2"}}), "RANK is missing"));
  EXPECT_TRUE(contains(message({{"WORLD_SIZE", "2"}, {"RANK", "2"}}), "from 0 to 1"));
  EXPECT_TRUE(contains(message({{"WORLD_SIZE", "2"}, {"RANK", "0"}}), "MASTER_ADDR is missing"));
  EXPECT_TRUE(contains(
      message({{"WORLD_SIZE", "2"}, {"RANK", "0"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "70000"}}),
      "MASTER_PORT: got '70000'"));
}

}  // namespace
}  // namespace spikesink::detail
