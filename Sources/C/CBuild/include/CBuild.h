#pragma once

/// The commit that the program was built from; empty when the build does not know it.
const char *cbuild_commit(void);
