#include "kernels.h"

#include <cstdlib>
#include <cstring>

namespace prse {
namespace {

#if defined(__x86_64__)
bool has_avx2() { return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("popcnt") != 0; }
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("bmi2") != 0 && __builtin_cpu_supports("avx512f") != 0 &&
         __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("avx512vbmi") != 0 && __builtin_cpu_supports("avx512vbmi2") != 0 &&
         __builtin_cpu_supports("avx512vnni") != 0 &&
         __builtin_cpu_supports("avx512vpopcntdq") != 0;
}
#else
bool has_avx2() { return false; }
bool has_avx512() { return false; }
#endif

struct Found {
  const Kernels* list[4] = {&kScalarKernels, nullptr, nullptr, nullptr};
  const Kernels* chosen = &kScalarKernels;

  Found() {
    std::size_t count = 1;
    if (has_avx2() && avx2_kernels() != nullptr) list[count++] = avx2_kernels();
    if (has_avx512() && avx512_kernels() != nullptr) list[count++] = avx512_kernels();
    chosen = list[count - 1];
    const char* wanted = std::getenv("PICTURERAIL_SEARCH_ISA");
    for (std::size_t i = 0; wanted != nullptr && i < count; ++i) {
      if (std::strcmp(list[i]->name, wanted) == 0) chosen = list[i];
    }
  }
};

const Found& found() {
  static const Found once;
  return once;
}

}  // namespace

const Kernels& kernels() { return *found().chosen; }

const Kernels* const* all_kernels() { return found().list; }

}  // namespace prse
