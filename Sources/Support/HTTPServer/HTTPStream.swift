package import NIOCore

/// The answer of a streaming route.
package enum HTTPStreamAnswer: Sendable {
    /// An ordinary answer; the connection continues.
    case respond(HTTPResponse)
    /// The connection now belongs to a stream; with HTTP/2 only that HTTP/2 stream.
    case open(HTTPStreamOpening)
    /// The answer follows later; a failure is answered 500.
    ///
    /// `abandoned` is called once, on the connection's event loop, when the client leaves before the answer, which is
    /// then dropped. An HTTP/1 client that half-closes counts as leaving, but still gets an immediate answer.
    indirect case later(EventLoopFuture<HTTPStreamAnswer>, abandoned: (@Sendable () -> Void)? = nil)
}

extension HTTPStreamAnswer {
    /// The same, with an observer for ordinary answers.
    func observed(by observer: @escaping @Sendable (HTTPResponse) -> Void) -> HTTPStreamAnswer {
        switch self {
        case .respond(let response):
            observer(response)
            return self
        case .open: return self
        case .later(let answer, let abandoned):
            return .later(answer.map { $0.observed(by: observer) }, abandoned: abandoned)
        }
    }
}

/// How a request becomes a stream: the head of the answer, its first bytes, and the handler that takes over the
/// channel.
///
/// The head is written, but not flushed, before the handler is added; the handler writes its first data and flushes.
/// All HTTP handlers then leave the pipeline, and the receive buffer shrinks: only the channel and the new handler
/// remain. Further input must be ignored unread (it may be of any type), and `ChannelEvent.inputClosed` means that the
/// client has left. The server closes remaining streams at the end of its shutdown.
///
/// With HTTP/2 each stream has a channel of its own, and a connection has many. It accepts the same bytes and supports
/// the options `writeBufferWaterMark`, `bufferedWritableBytes` and those of the socket, which all streams share.
/// Closing it ends the stream in order; data that the client does not read within two seconds is dropped.
package struct HTTPStreamOpening: Sendable {
    /// Status and header fields; its body is the first bytes of the stream, unframed.
    package var head: HTTPResponse
    /// Called once, on the channel's event loop; never for HEAD.
    package var handler: @Sendable (any Channel) -> any ChannelHandler

    /// Makes an opening from the head of the answer and the handler that takes over the channel.
    package init(head: HTTPResponse, handler: @escaping @Sendable (any Channel) -> any ChannelHandler) {
        self.head = head
        self.handler = handler
    }
}

/// A stream's handler that counts the memory it uses for its client alone.
package protocol HTTPStreamHolder: HTTPHolder, ChannelInboundHandler {
    /// Sets where it counts its bytes, together with the server's requests and answers; called before the handler is
    /// added.
    ///
    /// On the channel's event loop. The handler releases its bytes when it is removed.
    ///
    /// - Parameter isEncrypted: whether the connection holds an encrypted copy of unsent bytes, so that bytes shared by streams
    ///     count once for each.
    func takeMemory(_ memory: HTTPMemory, isEncrypted: Bool)
}

/// A stream's handler that can write to its socket without the channel.
///
/// A channel costs more than the system call. It may be bypassed only while it is empty, and only on its event loop.
package protocol HTTPDirectSender: ChannelInboundHandler {
    /// Sets the socket of the stream; called before the handler is added.
    ///
    /// Called only where bytes are sent unchanged: never with TLS or HTTP/2. The descriptor is valid until the channel
    /// is inactive.
    func takeDescriptor(_ descriptor: CInt)
}

/// How a body of unknown length is delimited on its connection.
package enum HTTPFraming: Sendable {
    /// Chunks (RFC 9112 §7.1): HTTP/1.1.
    case chunked
    /// Unframed until the end of the channel: HTTP/1.0, and versions whose own layer frames the bytes.
    case untilClose

    /// Appends bytes as one chunk; writes nothing for no bytes, because an empty chunk would end the body.
    package func write(_ bytes: ByteBuffer, into buffer: inout ByteBuffer) {
        guard bytes.readableBytes > 0 else { return }
        switch self {
        case .chunked:
            buffer.writeString(String(bytes.readableBytes, radix: 16))
            buffer.writeStaticString("\r\n")
            buffer.writeImmutableBuffer(bytes)
            buffer.writeStaticString("\r\n")
        case .untilClose:
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// The end of the body before the channel is closed; empty where closing is sufficient.
    package var end: StaticString {
        switch self {
        case .chunked: "0\r\n\r\n"
        case .untilClose: ""
        }
    }
}
