package import NIOCore

/// The content coding of a compressed stream or body (RFC 9110 §8.4.1).
package enum ContentCoding: String, Hashable, Sendable, CaseIterable {
    /// No compression.
    case identity
    /// Deflate in one gzip member (RFC 1952).
    case gzip
    /// Zstandard frames (RFC 8878).
    case zstd

    /// Chooses a coding from the values of `Accept-Encoding` (RFC 9110 §12.5.3): the highest weight, then zstd, gzip,
    /// identity.
    ///
    /// Without the field the result is `identity`. A weight of 0 forbids a coding; so does `*` for those that are not
    /// named.
    ///
    /// - Parameter fields: the values of all fields of that name, each a comma-separated list.
    /// - Returns: `nil` when every coding is forbidden, `identity` included.
    package static func negotiate(_ fields: [String]) -> ContentCoding? {
        var weights: [String: Double] = [:]
        for item in fields.flatMap({ $0.split(separator: ",") }) {
            let parts = item.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let name = parts.first else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            weights[name == "x-gzip" ? "gzip" : name] = weight
        }
        func weight(_ coding: ContentCoding) -> Double {
            // An unnamed coding has the weight of `*`; identity is acceptable unless it is forbidden.
            weights[coding.rawValue] ?? weights["*"] ?? (coding == .identity ? 0.0001 : 0)
        }
        return [ContentCoding.zstd, .gzip, .identity].filter { weight($0) > 0 }.max { weight($0) < weight($1) }
    }

    /// The bytes before the first segment.
    package var start: [UInt8] {
        switch self {
        case .identity: []
        // Deflate, no flags, no time, unknown system (RFC 1952 §2.3).
        case .gzip: [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
        // Magic number, no flags, a window of 128 KiB (RFC 8878 §3.1.1.1).
        case .zstd: [0x28, 0xB5, 0x2F, 0xFD, 0, UInt8(Self.zstdWindowLog - 10) << 3]
        }
    }

    /// The bytes after the last segment.
    ///
    /// - Parameter sum: the sum of all segments; only gzip uses it.
    package func end(_ sum: GzipSum) -> ByteBuffer {
        switch self {
        case .identity: ByteBuffer()
        case .gzip: sum.end
        // The last block of the frame, raw and empty (RFC 8878 §3.1.1.2).
        case .zstd: ByteBuffer(bytes: [1, 0, 0])
        }
    }

    /// The base-2 logarithm of the window that a zstd decoder must keep.
    static let zstdWindowLog = 17
}
