import NIOCore
import NIOHTTP2

extension HTTP2Connection {
    /// How many streams a client may reset within 30 s: abandoning all at once is legitimate, doing so repeatedly is an
    /// attack (CVE-2023-44487).
    private static let resets = 1000

    /// Adds the HTTP/2 handlers to the channel of a connection.
    ///
    /// - Parameter deadline: the end of the first request head.
    static func add(to channel: any Channel, loop: HTTPLoop, refusal: HTTPResponse?, deadline: NIODeadline) throws {
        let connection = HTTP2Connection(loop: loop, refusal: refusal, deadline: deadline)
        let bound = NIOLoopBound(connection, eventLoop: channel.eventLoop)
        let protocolHandler = NIOHTTP2Handler(
            mode: .server, eventLoop: channel.eventLoop, connectionConfiguration: Self.limits(loop.configuration),
            streamConfiguration: Self.streamLimits
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(HTTP2Exchange(connection: bound.value))
            }
        }
        try channel.pipeline.syncOperations.addHandler(HTTP2Flusher(streams: loop.configuration.streams))
        try channel.pipeline.syncOperations.addHandler(HTTP2InputGate(turns: loop.turns))
        try channel.pipeline.syncOperations.addHandler(protocolHandler)
        try channel.pipeline.syncOperations.addHandler(connection)
    }

    /// The limits of a client; exceeding them closes the connection.
    ///
    /// NIO's defaults apply otherwise: 5 CONTINUATION frames in a row, 200 control frames and 200 faulty streams in 30
    /// s, 10 000 control frames that wait to be written.
    private static func limits(_ configuration: HTTPServerConfiguration) -> NIOHTTP2Handler.ConnectionConfiguration {
        var limits = NIOHTTP2Handler.ConnectionConfiguration()
        limits.initialSettings = [
            // HTTP2Flusher announces another value to the client.
            HTTP2Setting(parameter: .maxConcurrentStreams, value: Int(Int32.max)),
            HTTP2Setting(parameter: .maxHeaderListSize, value: configuration.headerBytes),
        ]
        return limits
    }

    private static var streamLimits: NIOHTTP2Handler.StreamConfiguration {
        var limits = NIOHTTP2Handler.StreamConfiguration()
        limits.streamResetFrameRateLimit.maximumCount = Self.resets
        // Only the channel uses this limit; HTTP2BodyChannel limits each stream.
        limits.outboundBufferSizeHighWatermark = .max
        limits.outboundBufferSizeLowWatermark = .max - 1
        return limits
    }
}

extension Error {
    /// Whether NIO has reset a single stream and the connection can continue.
    var concernsOneStream: Bool {
        switch self {
        case is NIOHTTP2Errors.StreamError, is NIOHTTP2Errors.StreamClosed, is NIOHTTP2Errors.MissingPseudoHeader,
            is NIOHTTP2Errors.DuplicatePseudoHeader, is NIOHTTP2Errors.PseudoHeaderAfterRegularHeader,
            is NIOHTTP2Errors.UnknownPseudoHeader, is NIOHTTP2Errors.UnsupportedPseudoHeader,
            is NIOHTTP2Errors.InvalidPseudoHeaders, is NIOHTTP2Errors.EmptyPathHeader,
            is NIOHTTP2Errors.TrailersWithoutEndStream, is NIOHTTP2Errors.InvalidHTTP2HeaderFieldName,
            is NIOHTTP2Errors.InvalidHTTP2HeaderFieldValue, is NIOHTTP2Errors.ForbiddenHeaderField,
            is NIOHTTP2Errors.InvalidPseudoHeaderValue, is NIOHTTP2Errors.ContentLengthViolated,
            is NIOHTTP2Errors.ContentLengthHeadersMismatch, is NIOHTTP2Errors.ContentLengthHeaderNegative,
            is NIOHTTP2Errors.ContentLengthHeaderMalformedValue:
            true
        default:
            false
        }
    }
}
