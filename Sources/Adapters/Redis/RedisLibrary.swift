import CHiredis

/// The library that reads Redis replies, for reports.
package enum RedisLibrary {
    /// The version of hiredis at the build, such as `0.14.1`.
    package static var version: String { "\(HIREDIS_MAJOR).\(HIREDIS_MINOR).\(HIREDIS_PATCH)" }
}
