// The C border of the engine: translates, catches everything, decides nothing.
#include "picturerail_search.h"

extern "C" uint32_t prse_abi_version(void) { return PRSE_ABI_VERSION; }
