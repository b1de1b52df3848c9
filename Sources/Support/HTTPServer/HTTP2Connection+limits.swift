import NIOCore
import NIOHTTP2

extension HTTP2Connection {
    /// Streams that a client may reset within 30 s: leaving all at once is its good right, doing it over and over is not (CVE-2023-44487).
    private static let resets = 1000

    /// Adds what speaks HTTP/2 to the channel of a connection.
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

    /// What a client may do; who goes beyond it loses the connection.
    ///
    /// NIO's own limits stand where none is set here: 5 CONTINUATION frames in a row, 200 control frames and 200 faulty streams in 30 s,
    /// 10 000 control frames that wait to be written.
    private static func limits(_ configuration: HTTPServerConfiguration) -> NIOHTTP2Handler.ConnectionConfiguration {
        var limits = NIOHTTP2Handler.ConnectionConfiguration()
        limits.initialSettings = [
            // What the client is told instead says HTTP2Flusher.
            HTTP2Setting(parameter: .maxConcurrentStreams, value: Int(Int32.max)),
            HTTP2Setting(parameter: .maxHeaderListSize, value: configuration.headerBytes),
        ]
        return limits
    }

    private static var streamLimits: NIOHTTP2Handler.StreamConfiguration {
        var limits = NIOHTTP2Handler.StreamConfiguration()
        limits.streamResetFrameRateLimit.maximumCount = Self.resets
        // The channel counts what it holds only against this; what a stream may hold says HTTP2BodyChannel.
        limits.outboundBufferSizeHighWatermark = .max
        limits.outboundBufferSizeLowWatermark = .max - 1
        return limits
    }
}

extension Error {
    /// Whether NIO has reset one stream and the connection can go on.
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
