package import NIOCore

/// How the body of an answer is compressed (RFC 9110 §8.4.1).
package enum ContentCoding: String, Hashable, Sendable, CaseIterable {
    case identity
    /// RFC 1952.
    case gzip
    /// RFC 8878.
    case zstd

    /// Chooses by the values of `Accept-Encoding` (RFC 9110 §12.5.3): the greatest weight, and of equals the smaller result.
    ///
    /// Without the field nothing is compressed; a weight of 0 forbids.
    ///
    /// - Returns: `nil` when even `identity` is forbidden and nothing else is left.
    package static func negotiate(_ fields: [String]) -> ContentCoding? {
        var weights: [String: Double] = [:]
        for item in fields.flatMap({ $0.split(separator: ",") }) {
            let parts = item.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let name = parts.first else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            weights[name == "x-gzip" ? "gzip" : name] = weight
        }
        func weight(_ coding: ContentCoding) -> Double {
            // What is not named is as good as `*`, and identity is always good enough when nothing forbids it.
            weights[coding.rawValue] ?? weights["*"] ?? (coding == .identity ? 0.0001 : 0)
        }
        return [ContentCoding.zstd, .gzip, .identity].filter { weight($0) > 0 }.max { weight($0) < weight($1) }
    }

    /// What stands before the first segment.
    package var start: [UInt8] {
        switch self {
        case .identity: []
        // Deflate, no flags, no time, unknown system (RFC 1952 §2.3).
        case .gzip: [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
        // Magic number, no flags, a window of 128 KiB (RFC 8878 §3.1.1.1).
        case .zstd: [0x28, 0xB5, 0x2F, 0xFD, 0, UInt8(Self.zstdWindowLog - 10) << 3]
        }
    }

    /// What stands behind the last segment.
    ///
    /// - Parameter sum: of all segments; used by gzip only.
    package func end(_ sum: GzipSum) -> ByteBuffer {
        switch self {
        case .identity: ByteBuffer()
        case .gzip: sum.end
        // A raw block of no bytes, the last of its frame (RFC 8878 §3.1.1.2).
        case .zstd: ByteBuffer(bytes: [1, 0, 0])
        }
    }

    /// The logarithm of how far back a zstd decoder has to remember.
    static let zstdWindowLog = 17
}
