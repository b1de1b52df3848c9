import CSwiftRuntime

/// Checks of exclusive access to memory, which Swift's runtime makes at run time (The Swift Programming Language,
/// "Memory Safety").
package enum ExclusiveAccess {
    /// Ends the checks in a release build, those of dependencies too; a debug build, which the tests run, keeps them.
    ///
    /// Call it once, before other threads start. Our own modules are compiled without checks for release; in NIO they
    /// are one instruction of twenty.
    package static func endChecks() {
        #if !DEBUG
        swift_runtime_end_exclusivity_checks()
        #endif
    }
}
