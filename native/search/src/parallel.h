// Runs independent tasks on several threads.
#pragma once

#include <cstddef>
#include <functional>

namespace prse {

// Calls `task` once for each number below `count`, on at most `threads` threads, the caller's
// among them. Returns when all are done; rethrows what one of them threw.
void run_parallel(std::size_t count, std::size_t threads,
                  const std::function<void(std::size_t)>& task);

}  // namespace prse
