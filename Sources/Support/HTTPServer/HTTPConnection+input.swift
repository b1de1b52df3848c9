import NIOCore
import NIOHTTP1

/// How much is read and parsed, and when.
extension HTTPConnection {
    /// Bytes that are parsed at once, where requests may follow each other: no more than 20 of them fit.
    private static let smallPiece = 512
    /// The same within a body: then most of it is the body's.
    private static let bodyPiece = 2 << 10
    /// Bytes of one head that are parsed at most, for each that its fields may have.
    private static let longestHead = 4
    /// Bytes that a body may have beside its data: so many, and so many for each byte of data.
    ///
    /// A chunk of one byte takes six.
    private static let emptyBytes = 64 << 10
    private static let emptyShare = 8

    /// Whether more can be parsed now.
    var takesInput: Bool { !self.state.isBusy }

    /// Bytes to parse at once: the rest of a body, little where a request may end within it.
    var inputPiece: Int {
        guard case .body(let incoming) = self.state else { return Self.smallPiece }
        return max(Self.bodyPiece, incoming.rest)
    }

    /// So many bytes go to the parser.
    func willParse(_ bytes: Int) {
        switch self.state {
        case .idle: self.headBytes += bytes
        case .body: self.bodyBytes += bytes
        case .deciding, .discarding, .answering, .draining, .lingering, .handedOver: break
        }
    }

    /// Refuses what never comes to anything: empty lines before a request, chunks of a body that hold next to nothing (RFC 9112 §7.1.1).
    ///
    /// The parser keeps none of it, but its client must not be read for ever.
    func parsed() {
        switch self.state {
        case .idle where self.headBytes > Self.longestHead * self.loop.configuration.headerBytes:
            self.refuse(
                .error(.requestHeaderFieldsTooLarge, "Request header fields too large"),
                Exchange(number: 0, isKeptAlive: false, isHead: false, isHTTP10: false))
        case .body(let incoming)
        where self.bodyBytes > Self.emptyBytes + Self.emptyShare * incoming.intake.request.body.readableBytes:
            self.refuse(
                incoming.intake.completed(.error(.badRequest, "The chunks of the body hold too little")),
                incoming.exchange.closing)
        default: break
        }
    }

    /// The client has ended its direction, or is gone: whoever waits to answer it need not wait any longer.
    func clientFinished() {
        self.hasClientFinished = true
        guard case .answering(let exchange, .some(let abandoned)) = self.state else { return }
        self.state = .answering(exchange, nil)
        abandoned()
    }

    /// Remembers, or does, what is to be done when the client leaves before its request is answered.
    func wait(for exchange: Exchange, abandoned: (@Sendable () -> Void)?) {
        self.state = .answering(exchange, self.hasClientFinished ? nil : abandoned)
        if self.hasClientFinished { abandoned?() }
    }

    /// Reads from the socket once nothing of what has arrived is left to handle.
    ///
    /// Also while a request is answered: most clients send nothing then, and to stop and begin again would cost two system calls for each
    /// request. What comes all the same waits in the gate, and nothing more is read.
    func readOn() {
        guard self.isReadPending, self.readsOn, self.gate.isEmpty else { return }
        self.isReadPending = false
        self.context?.read()
    }

    private var readsOn: Bool {
        if case .answering = self.state { true } else { self.takesInput }
    }
}
