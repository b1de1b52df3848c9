package import NIOCore

/// What a streaming route answers.
package enum HTTPStreamAnswer: Sendable {
    /// An ordinary answer; the connection goes on.
    case respond(HTTPResponse)
    /// The connection now belongs to a stream; with HTTP/2 it is that stream of it.
    case open(HTTPStreamOpening)
    /// The answer is not known yet; a failure is answered 500.
    ///
    /// `abandoned` is called once, on the connection's event loop, when the client leaves before the answer is known; the answer then goes
    /// nowhere. A client of HTTP/1 that ends its own direction counts as leaving, but still gets an answer that comes at once.
    indirect case later(EventLoopFuture<HTTPStreamAnswer>, abandoned: (@Sendable () -> Void)? = nil)
}

extension HTTPStreamAnswer {
    /// The same; an ordinary answer is shown to an observer.
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

/// How a request becomes a stream: the head of the answer, its first bytes, and the handler that takes the channel over.
///
/// The head is written, but not flushed, before the handler is added; the handler writes what it has and flushes. Every
/// handler of HTTP then leaves the pipeline, and the receive buffer shrinks: nothing but the channel and the new
/// handler remains. Whatever still arrives must be ignored unread (it may be of any type), and `ChannelEvent.inputClosed` means that the
/// client is gone. The server closes streams that still stand at the end of its shutdown.
///
/// With HTTP/2 the channel is one of its own for each stream, and a connection has many. It takes the same bytes and knows the options
/// `writeBufferWaterMark`, `bufferedWritableBytes` and those of the socket, which it shares with its siblings. Closing it ends the stream in
/// order; what the client does not take within two seconds is then given up.
package struct HTTPStreamOpening: Sendable {
    /// Status and header fields; its body is the first bytes of the stream, unframed.
    package var head: HTTPResponse
    /// Called once, on the channel's event loop; never for HEAD.
    package var handler: @Sendable (any Channel) -> any ChannelHandler

    /// Makes an opening from the head of the answer and the handler that takes the channel over.
    package init(head: HTTPResponse, handler: @escaping @Sendable (any Channel) -> any ChannelHandler) {
        self.head = head
        self.handler = handler
    }
}

/// A stream's handler that counts the memory it holds for its client alone.
package protocol HTTPStreamHolder: HTTPHolder, ChannelInboundHandler {
    /// Sets, before the handler is added, where it counts its bytes: with all requests and answers of the server.
    ///
    /// On the channel's event loop. The handler releases its bytes when it is removed.
    ///
    /// - Parameter isEncrypted: whether the connection holds an encrypted copy of what it has not sent, so that bytes that streams share are
    ///   held once for each.
    func takeMemory(_ memory: HTTPMemory, isEncrypted: Bool)
}

/// A stream's handler that can send to its socket without the channel.
///
/// A channel costs more than the system call. It may be passed by only while nothing waits in it, and only on its event loop.
package protocol HTTPDirectSender: ChannelInboundHandler {
    /// Tells, before the handler is added, which socket its bytes go to.
    ///
    /// Called only where they go there unchanged: never with TLS or HTTP/2. The descriptor is good until the channel is inactive.
    func takeDescriptor(_ descriptor: CInt)
}

/// How a body of unknown length is delimited on its connection.
package enum HTTPFraming: Sendable {
    /// Chunks (RFC 9112 §7.1): HTTP/1.1.
    case chunked
    /// Bytes as they are until the end of the channel: HTTP/1.0, and every version whose own layer frames what the channel takes.
    case untilClose

    /// Appends bytes in one piece; writes nothing when there are none, since an empty chunk would end the body.
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

    /// What ends the body before the channel is closed; empty where closing says it all.
    package var end: StaticString {
        switch self {
        case .chunked: "0\r\n\r\n"
        case .untilClose: ""
        }
    }
}
