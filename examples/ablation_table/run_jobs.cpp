#include <atomic>
#include <exception>
#include <thread>

#include "ablation_table/jobs.h"
#include "spikesink/spikesink.h"

namespace examples {
namespace {

class Workers {
 public:
  Workers(const std::vector<Job>& jobs, const TableOptions& options)
      : jobs_(jobs),
        options_(options),
        progress_(!options.quiet, static_cast<int64_t>(jobs.size())) {}

  void run(int workers) {
    {
      std::vector<std::jthread> threads;
      for (int worker = 0; worker < workers; ++worker) threads.emplace_back([this] { work(); });
    }
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void work() {
    at::set_num_threads(options_.threads);
    try {
      for (size_t job; (job = next_++) < jobs_.size() && !stopped_;) train_one(jobs_[job]);
    } catch (...) {
      if (!stopped_.exchange(true)) failure_ = std::current_exception();
    }
  }

  void train_one(const Job& job) {
    if (spikesink::is_finished(job.config, job.folder)) return progress_.skip_run();
    spikesink::TrainingRun run(job.config, job.folder, options_.device);
    train(run, progress_, [this] { return stopped_.load(); });
  }

  const std::vector<Job>& jobs_;
  const TableOptions& options_;
  TrainingProgress progress_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> stopped_ = false;
  std::exception_ptr failure_;
};

}  // namespace

void run_jobs(const std::vector<Job>& jobs, const TableOptions& options, int workers) {
  Workers(jobs, options).run(workers);
}

}  // namespace examples
