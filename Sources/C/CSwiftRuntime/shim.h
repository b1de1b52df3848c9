// What Swift's runtime has, and no Swift module declares.
#pragma once

#include <stdbool.h>

// swift/Runtime/Exclusivity.h: ends all checks of exclusive access to memory, those of dependencies too.
extern bool _swift_disableExclusivityChecking;

static inline void swift_runtime_end_exclusivity_checks(void) {
    _swift_disableExclusivityChecking = true;
}
