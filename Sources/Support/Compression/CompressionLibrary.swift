import CZlib
import CZstd

/// The libraries behind content codings, for reports.
package enum CompressionLibrary {
    /// The version of zlib, such as `1.2.13`.
    package static var zlibVersion: String { String(cString: CZlib.zlibVersion()) }
    /// The version of Zstandard, such as `1.5.4`.
    package static var zstdVersion: String { String(cString: ZSTD_versionString()) }
}
