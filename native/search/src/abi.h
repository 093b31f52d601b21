// What the files of the C border share: every function of the interface is guarded, and checks what it is given.
#pragma once

#include <cstdint>
#include <cstdio>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include "index_reader.h"
#include "picturerail_search.h"
#include "status.h"

struct prse_reader {
  prse::IndexReader index;
};

namespace prse::abi {

inline int32_t report(prse_error* error, prse_status status, const char* message) noexcept {
  if (error != nullptr) {
    error->status = status;
    std::snprintf(error->message, sizeof error->message, "%s", message);
  }
  return status;
}

// Runs the body of a function of the interface; whatever it throws becomes a status.
template <typename Body>
int32_t guarded(prse_error* error, Body body) noexcept {
  try {
    body();
    return report(error, PRSE_OK, "");
  } catch (const Error& failure) {
    return report(error, failure.status(), failure.what());
  } catch (const std::bad_alloc&) {
    return report(error, PRSE_IO, "there is not enough memory");
  } catch (const std::exception& failure) {
    return report(error, PRSE_INTERNAL, failure.what());
  } catch (...) {
    return report(error, PRSE_INTERNAL, "something unknown was thrown");
  }
}

template <typename T>
T& required(T* pointer, const char* name) {
  if (pointer == nullptr) fail_invalid(std::string(name) + " must not be NULL");
  return *pointer;
}

template <typename T>
std::span<T> array(T* first, size_t count, const char* name) {
  if (first == nullptr && count > 0) fail_invalid(std::string(name) + " must not be NULL");
  return {first, count};
}

inline std::string_view view(prse_text text) {
  const std::span<const char> bytes = array(text.data, text.length, "a text's data");
  return {bytes.data(), bytes.size()};
}

inline prse_text text_of(const std::string& text) { return {text.data(), text.size()}; }

// Takes a line from the front, and the line feed behind it.
inline std::string_view take_line(std::string_view& rest) {
  const size_t end = rest.find('\n');
  if (end == std::string_view::npos) fail_invalid("a line feed must stand behind each text");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

}  // namespace prse::abi
