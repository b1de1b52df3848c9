#pragma once
#include <stdint.h>

/// How often the program has allocated memory since it started, over all threads.
///
/// Linking this target replaces malloc, calloc, realloc, posix_memalign and aligned_alloc by counting ones: for benchmarks only.
uint64_t allocation_count(void);
