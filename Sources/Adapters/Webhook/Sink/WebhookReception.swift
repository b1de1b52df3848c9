import Curl
import NIOCore

/// Receives the response to one request: its status decides, whatever happens to the body.
///
/// Created and called on the curl thread. A body that continues for too long is dropped together with its connection.
final class WebhookReception: CurlReceiver {
    /// How many bytes of a body are read so that its connection can be reused; a longer body closes the connection.
    static let reuseLimit = 1 << 20
    /// How many bytes of a body messages quote.
    static let excerptLimit = 512

    private let bodyTimeouts: WebhookBodyTimeouts
    private let transfer: CurlTransfer
    private let kept: Int
    private let done: (Result<WebhookAnswer, CurlError>) -> Void
    private var head: CurlHead?
    private var body = ByteBuffer()
    private var length = 0
    private var timeoutID: WebhookBodyTimeouts.Number?

    /// - Parameters:
    ///   - kept: how many bytes of the body are kept.
    ///   - done: receives the answer or the error; called once.
    init(
        _ transfer: CurlTransfer, bodyTimeouts: WebhookBodyTimeouts, kept: Int,
        done: @escaping (Result<WebhookAnswer, CurlError>) -> Void
    ) {
        self.transfer = transfer
        self.kept = kept
        self.bodyTimeouts = bodyTimeouts
        self.done = done
    }

    func received(_ head: CurlHead) -> CurlDemand {
        self.head = head
        self.timeoutID = self.bodyTimeouts.began(self.transfer)
        return .more
    }

    func received(_ bytes: UnsafeRawBufferPointer) -> CurlDemand {
        let room = self.kept - self.body.readableBytes
        if room > 0 { self.body.writeBytes(bytes.prefix(room)) }
        self.length += bytes.count
        return self.length > Self.reuseLimit ? .stop : .more
    }

    func woken() -> CurlDemand { .more }

    func ended(_ result: Result<Void, CurlError>) {
        if let timeoutID { self.bodyTimeouts.ended(timeoutID) }
        switch (result, self.head) {
        case (_, let head?): self.done(.success(WebhookAnswer(head: head, body: self.body, isCut: self.length > self.kept)))
        case (.failure(let error), nil): self.done(.failure(error))
        case (.success, nil): self.done(.failure(CurlError(.lost, "the server closed the connection without an answer")))
        }
    }
}
