// A merge that runs beside the writer. It reads segments, which never change, and writes a file that
// no manifest names yet; what dies in the meantime is killed in the new segment when it is taken.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "file_system.h"
#include "language.h"
#include "snapshot.h"

namespace prse {

// Runs one task at a time beside its owner. Tests have one that runs it when they want.
class TaskRunner {
 public:
  virtual ~TaskRunner() = default;
  // Must not be called before the task before has ended. False: it cannot be run beside.
  virtual bool start(std::function<void()> task) = 0;
  // Whether the last task has ended.
  virtual bool has_ended() = 0;
  // Returns when it has.
  virtual void wait() = 0;
};

// Runs each task in a thread, which gives way to others.
std::unique_ptr<TaskRunner> thread_runner();

// Belongs to the writer's thread.
class BackgroundMerge {
 public:
  explicit BackgroundMerge(std::unique_ptr<TaskRunner> runner) : runner_(std::move(runner)) {}
  // Abandons it.
  ~BackgroundMerge();
  BackgroundMerge(const BackgroundMerge&) = delete;
  BackgroundMerge& operator=(const BackgroundMerge&) = delete;

  struct Merged {
    std::vector<SegmentView> inputs;  // as they were when it began
    SegmentView view;                 // with all alive that was alive in them
  };

  // One must not be under way. The inputs' liveness must not be changed any more; `files` is used from
  // another thread, and must outlive it.
  void begin(FileSystem& files, std::vector<SegmentView> inputs, std::uint64_t number, Language language);

  bool is_under_way() const { return job_ != nullptr; }
  bool has_ended() const { return job_ != nullptr && runner_->has_ended(); }
  // Whether the segment of this number is one of its inputs.
  bool merges(std::uint64_t number) const;
  // Whether this is the file that it writes.
  bool writes(std::string_view name) const;

  // What it came to, waiting for the end of it. Nothing where it could not be written, or there was no
  // memory: then all is as if it had never begun. Damage of the inputs is thrown.
  std::optional<Merged> take();
  // Ends it soon, and takes away what it has written.
  void abandon();

 private:
  struct Job {
    FileSystem* files = nullptr;
    std::uint64_t number = 0;
    std::vector<SegmentView> inputs;
    SegmentView view;
    std::exception_ptr failure;
  };
  void remove_file(Job& job) noexcept;

  std::unique_ptr<TaskRunner> runner_;
  std::stop_source stop_;
  std::unique_ptr<Job> job_;
};

}  // namespace prse
