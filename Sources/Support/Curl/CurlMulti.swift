import CCurl
import Glibc
import NIOCore
import PollThread

/// All HTTP transfers of the program: one thread, one curl multi handle, whose connections are kept alive and used again.
///
/// Thread-safe. The object creates the descriptor that wakes the thread; the thread starts with the first transfer and
/// ends with the object, which cancels transfers in flight. A transfer fails when the process lacks a descriptor or a
/// thread for it, and the next one retries. The thread loads libcurl; where that is not possible, every transfer fails.
package final class CurlMulti: Sendable {
    private let mailbox = CurlMailbox()

    /// Makes a client whose thread starts with the first transfer.
    package init() {}

    /// Loads libcurl, which else the first transfer does.
    ///
    /// Loading needs a descriptor for a moment. Any thread may call it.
    ///
    /// - Throws: ``CurlError`` with the reason and, where the library is not installed, what to install.
    package static func load() throws(CurlError) {
        guard let reason = ccurl_load() else { return }
        throw CurlError(.other, "libcurl cannot be loaded: \(String(cString: reason)); Debian's package is libcurl4")
    }

    deinit {
        self.mailbox.end()
    }

    /// A transfer for ``start(_:_:receiver:)``, which until then can be neither woken nor cancelled.
    package func transfer() -> CurlTransfer {
        CurlTransfer(id: self.mailbox.nextID(), mailbox: self.mailbox)
    }

    /// Starts a transfer, once, and delivers its response to a receiver in parts.
    ///
    /// - Parameter receiver: makes it, on the curl thread; see ``CurlReceiver``. Where the process lacks what that thread needs, on this
    ///   thread, and its only call is ``CurlReceiver/ended(_:)``.
    package func start(
        _ transfer: CurlTransfer, _ request: CurlRequest, receiver: @escaping @Sendable () -> any CurlReceiver
    ) {
        switch self.mailbox.post(.start(transfer.id, request, receiver)) {
        case .taken: return
        case .refused(let error): receiver().ended(.failure(error))
        case .needsThread(let bell): self.startThread(bell)
        }
    }

    private func startThread(_ bell: CurlBell) {
        let mailbox = self.mailbox
        do {
            try DetachedThread.start { CurlThread(mailbox: mailbox, bell: bell).run() }
        } catch {
            mailbox.refuseAll(CurlError(.other, "no thread can be started for HTTP transfers: \(error)"))
        }
    }

    /// Makes a request and waits for all of the response.
    ///
    /// - Parameter bodyLimit: how many bytes of the body are kept. A little more is read and dropped, so that the
    ///   connection can be reused; a longer body is given up together with its connection.
    /// - Throws: ``CurlError``; with code `cancelled` when the task is cancelled. Any status is a response, not an error.
    package func response(to request: CurlRequest, bodyLimit: Int) async throws(CurlError) -> CurlResponse {
        let result: Result<CurlResponse, CurlError> = await self.result(of: request) { CurlCollector(limit: bodyLimit, done: $1) }
        return try result.get()
    }

    /// Starts a transfer and waits for what its receiver reports; a cancellation of the task cancels the transfer.
    ///
    /// - Parameter receiver: makes it, as for ``start(_:_:receiver:)``; it calls the closure once, at the latest when it has ended.
    package func result<Value: Sendable>(
        of request: CurlRequest,
        receiver: @escaping @Sendable (CurlTransfer, @escaping (Value) -> Void) -> any CurlReceiver
    ) async -> Value {
        let transfer = self.transfer()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.start(transfer, request) { receiver(transfer) { continuation.resume(returning: $0) } }
                // A cancellation before the start found nothing to cancel.
                if Task.isCancelled { transfer.cancel() }
            }
        } onCancel: {
            transfer.cancel()
        }
    }
}

/// The arguments of the thread.
private final class CurlThread: Sendable {
    private let mailbox: CurlMailbox
    private let bell: CurlBell

    init(mailbox: CurlMailbox, bell: CurlBell) {
        self.mailbox = mailbox
        self.bell = bell
    }

    /// On the thread, to its end.
    func run() {
        do {
            try CurlMulti.load()
        } catch {
            return self.mailbox.refuseAll(error)
        }
        guard let loop = CurlLoop(mailbox: self.mailbox, bell: self.bell) else {
            return self.mailbox.refuseAll(CurlError(.other, "libcurl cannot begin: it has no memory or no descriptor"))
        }
        loop.run()
    }
}

/// Collects a whole response, or the beginning of one that is too long.
private final class CurlCollector: CurlReceiver {
    /// How many bytes are read and dropped after those that are kept.
    private static let longestRest = 1 << 20

    private let limit: Int
    private let done: (Result<CurlResponse, CurlError>) -> Void
    private var head: CurlHead?
    private var body = ByteBuffer()
    private var length = 0
    private var isTooLong: Bool { self.length > self.limit + Self.longestRest }

    init(limit: Int, done: @escaping (Result<CurlResponse, CurlError>) -> Void) {
        self.limit = limit
        self.done = done
    }

    func received(_ head: CurlHead) -> CurlDemand {
        self.head = head
        return .more
    }

    func received(_ bytes: UnsafeRawBufferPointer) -> CurlDemand {
        let room = self.limit - self.body.readableBytes
        if room > 0 { self.body.writeBytes(bytes.prefix(room)) }
        self.length += bytes.count
        return self.isTooLong ? .stop : .more
    }

    func woken() -> CurlDemand { .more }

    func ended(_ result: Result<Void, CurlError>) {
        switch (result, self.head) {
        case (.failure, let head?) where self.isTooLong: self.done(.success(CurlResponse(head: head, body: self.body)))
        case (.failure(let error), _): self.done(.failure(error))
        case (.success, let head?): self.done(.success(CurlResponse(head: head, body: self.body)))
        case (.success, nil): self.done(.failure(CurlError(.lost, "the server closed the connection without an answer")))
        }
    }
}
