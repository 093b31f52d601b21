#include "background_merge.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "format.h"
#include "merge.h"
#include "status.h"

namespace prse {
namespace {

// By so much the thread's niceness is above that of the process.
constexpr int kNicer = 5;

class ThreadRunner : public TaskRunner {
 public:
  bool start(std::function<void()> task) override {
    ended_ = false;
    try {
      thread_ = std::jthread([this, task = std::move(task)] {
        // On Linux the priority of this thread alone. Where it is refused, it runs as others do.
        static_cast<void>(::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + kNicer));
        task();
        ended_ = true;
      });
    } catch (const std::system_error&) {
      ended_ = true;
      return false;
    }
    return true;
  }
  bool has_ended() override { return ended_; }
  void wait() override {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::atomic<bool> ended_{true};
  std::jthread thread_;
};

}  // namespace

std::unique_ptr<TaskRunner> thread_runner() { return std::make_unique<ThreadRunner>(); }

BackgroundMerge::~BackgroundMerge() { abandon(); }

void BackgroundMerge::begin(FileSystem& files, std::vector<SegmentView> inputs, std::uint64_t number,
                            Language language) {
  job_ = std::make_unique<Job>();
  job_->files = &files;
  job_->number = number;
  job_->inputs = std::move(inputs);
  stop_ = std::stop_source();
  const bool started = runner_->start([job = job_.get(), language, stop = stop_.get_token()] {
    try {
      job->view = write_segment(*job->files, merge_segments(job->inputs, job->number, language, stop), job->number);
    } catch (...) {
      job->failure = std::current_exception();
    }
  });
  if (!started) job_ = nullptr;
}

bool BackgroundMerge::merges(std::uint64_t number) const {
  return job_ != nullptr && std::any_of(job_->inputs.begin(), job_->inputs.end(), [=](const SegmentView& view) {
           return view.segment->number() == number;
         });
}

bool BackgroundMerge::writes(std::string_view name) const {
  return job_ != nullptr && name == segment_name(job_->number);
}

std::optional<BackgroundMerge::Merged> BackgroundMerge::take() {
  runner_->wait();
  const std::unique_ptr<Job> job = std::move(job_);
  if (job->failure == nullptr) return Merged{std::move(job->inputs), std::move(job->view)};
  remove_file(*job);
  try {
    std::rethrow_exception(job->failure);
  } catch (const Error& error) {
    if (error.status() != PRSE_IO) throw;
  } catch (const std::bad_alloc&) {
  }
  return std::nullopt;
}

void BackgroundMerge::abandon() {
  if (job_ == nullptr) return;
  stop_.request_stop();
  runner_->wait();
  remove_file(*job_);
  job_ = nullptr;
}

// What stays behind is in nobody's way: it is swept when the index is opened again.
void BackgroundMerge::remove_file(Job& job) noexcept {
  try {
    job.view = SegmentView();
    job.files->remove(segment_name(job.number));
  } catch (...) {
    return;
  }
}

}  // namespace prse
