// Why an operation failed. Inside the engine failures are exceptions; abi.cpp, the only border,
// turns each into a status and a message.
#pragma once

#include <stdexcept>
#include <string>

#include "picturerail_search.h"

namespace prse {

class Error : public std::runtime_error {
 public:
  Error(prse_status status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  prse_status status() const noexcept { return status_; }

 private:
  prse_status status_;
};

[[noreturn]] inline void fail_invalid(const std::string& message) {
  throw Error(PRSE_INVALID, message);
}

// Bytes on disk are not what was written; `where` names the file and the part.
[[noreturn]] inline void fail_corrupt(const std::string& where, const std::string& what) {
  throw Error(PRSE_CORRUPT, where + ": " + what + "; the index must be built again");
}

}  // namespace prse
