#include "CBuild.h"

// The manifest passes it from the environment of the build.
#ifndef STREAMBRIDGE_COMMIT
#define STREAMBRIDGE_COMMIT ""
#endif

const char *cbuild_commit(void) { return STREAMBRIDGE_COMMIT; }
