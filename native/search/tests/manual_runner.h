// Runs what the writer would run in a thread at a moment that a test chooses.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "background_merge.h"
#include "index_writer.h"

namespace prse {

// The task ends when it has been asked `delay` times whether it has; with each task `next_delay` says
// how often that is.
class ManualRunner : public TaskRunner {
 public:
  explicit ManualRunner(std::function<int()> next_delay) : next_delay_(std::move(next_delay)) {}

  bool start(std::function<void()> task) override {
    task_ = std::move(task);
    left_ = next_delay_();
    return true;
  }
  bool has_ended() override {
    if (task_ && left_-- <= 0) wait();
    return !task_;
  }
  void wait() override {
    if (task_) std::exchange(task_, nullptr)();
  }

 private:
  std::function<int()> next_delay_;
  std::function<void()> task_;
  int left_ = 0;
};

// Every merge is done beside, and ends when `delay` says.
inline MergeOptions merge_beside(std::function<int()> delay) {
  MergeOptions options;
  options.inline_bytes = 0;
  options.runner = std::make_unique<ManualRunner>(std::move(delay));
  return options;
}

}  // namespace prse
