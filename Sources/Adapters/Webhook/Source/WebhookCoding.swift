import Compression
import HTTPServer
import NIOCore
import NIOHTTP1

/// Removes the content coding of a body (RFC 9110 §8.4.1): gzip, deflate or zstd.
///
/// The decoded bytes count against the limit of bodies, so a request takes at most twice that while it is handled. They are
/// not part of `http.limits.buffered`: a body leaves that before its handler is called, and one is decoded at a time on each
/// event loop.
enum WebhookCoding {
    /// The result of decoding.
    enum Outcome: Equatable {
        case decoded(ByteBuffer)
        /// More than the limit.
        case tooLarge
        /// Not the data that the header announces, in words.
        case damaged(String)
    }

    /// Fewer bytes at once cost more calls, more of them memory.
    private static let step = 64 << 10

    /// The refusal of a request whose body has a coding that is not supported, or several; `nil` for others.
    static func refusal(of request: HTTPRequest) -> HTTPResponse? {
        guard let field = self.field(of: request) else { return nil }
        do {
            _ = try ContentDecoder.make(for: field)
            return nil
        } catch {
            return .error(
                .unsupportedMediaType,
                "Content-Encoding '\(field.prefix(100))' is not supported; use one of \(ContentDecoder.offer)",
                headers: [("Accept-Encoding", ContentDecoder.offer)])
        }
    }

    /// Decodes the body of a request.
    ///
    /// - Returns: why that is not possible; `nil` for a request that now has its decoded body.
    static func decode(_ request: inout HTTPRequest, limit: Int) -> HTTPResponse? {
        guard let field = self.field(of: request), let decoder = try? ContentDecoder.make(for: field) else {
            // Codings that are not supported were refused before the body was read.
            return nil
        }
        switch self.decode(request.body, with: decoder, limit: limit) {
        case .decoded(let body):
            request.body = body
            return nil
        case .tooLarge: return .tooLarge(limit: limit)
        case .damaged(let reason): return .error(.badRequest, "Body is not valid \(field.prefix(100)): \(reason)")
        }
    }

    /// Decodes bytes up to a limit; reads one byte more to find that there are more.
    static func decode(_ body: ByteBuffer, with decoder: ContentDecoder, limit: Int) -> Outcome {
        let bound = limit < .max ? limit + 1 : limit
        body.withUnsafeReadableBytes { decoder.append($0) }
        var decoded = ByteBuffer()
        do {
            while decoder.hasMore {
                let room = bound - decoded.readableBytes
                let count = try decoded.writeWithUnsafeMutableBytes(minimumWritableBytes: min(room, Self.step)) { target in
                    try decoder.next(into: UnsafeMutableRawBufferPointer(rebasing: target.prefix(room)))
                }
                if decoded.readableBytes > limit { return .tooLarge }
                guard count > 0 else { break }
            }
        } catch {
            return .damaged("\(error)")
        }
        guard decoder.isComplete else { return .damaged("it ends early") }
        // An event keeps its body: no more memory than it needs.
        return .decoded(
            decoded.readableBytes * 2 < decoded.storageCapacity ? ByteBuffer(bytes: decoded.readableBytesView) : decoded)
    }

    /// The value of `Content-Encoding`; `nil` without one.
    private static func field(of request: HTTPRequest) -> String? {
        let fields = request.headers["Content-Encoding"]
        return fields.isEmpty ? nil : fields.joined(separator: ", ")
    }
}
