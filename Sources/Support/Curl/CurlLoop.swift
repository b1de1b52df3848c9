import CCurl
import Glibc

/// The loop of the curl thread: takes commands, lets libcurl work, waits.
///
/// Made, used and dropped on that thread.
final class CurlLoop {
    private let mailbox: CurlMailbox
    private let bell: CurlBell
    private let multi: UnsafeMutableRawPointer
    private var exchanges: [UInt64: CurlExchange] = [:]
    /// Handles of finished transfers: making one costs as much as a small request.
    private var spare: [UnsafeMutableRawPointer] = []
    /// Transfers that libcurl is about to end because of ``abandon(_:_:)``.
    private var abandoned: Set<UInt64> = []
    /// No transfer's idle timeout ends before this.
    ///
    /// New data only postpones the deadlines, so they need no check until then.
    private var idleCheck: ContinuousClock.Instant?

    /// `nil` when libcurl has no memory, or no descriptor.
    init?(mailbox: CurlMailbox, bell: CurlBell) {
        _ = libcurlIsReady
        guard let multi = curl_multi_init() else { return nil }
        // A transfer has its connection to itself: HTTP/2 streams that share one wait for the one that is paused, and libcurl keeps up to
        // 64 MiB in memory for that one.
        ccurl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
        self.mailbox = mailbox
        self.bell = bell
        self.multi = multi
    }

    /// Returns once the mailbox has ended.
    func run() {
        self.prepareThread()
        while let commands = self.mailbox.take() {
            for command in commands { self.obey(command) }
            self.perform()
            self.endIdle()
            self.wait()
        }
        let error = CurlError(.cancelled, "the program ends")
        for exchange in Array(self.exchanges.values) { self.abandon(exchange, error) }
        while !self.exchanges.isEmpty {
            self.wait()
            self.perform()
        }
        for case .start(_, _, let make) in self.mailbox.takeRest() { make().ended(.failure(error)) }
        for easy in self.spare { curl_easy_cleanup(easy) }
        curl_multi_cleanup(self.multi)
    }

    /// Lets libcurl work, and ends what it has finished.
    private func perform() {
        var running: Int32 = 0
        curl_multi_perform(self.multi, &running)
        self.reap()
    }

    /// Waits for sockets, timers and the bell.
    private func wait() {
        var bell = curl_waitfd(fd: self.bell.descriptor, events: Int16(CURL_WAIT_POLLIN), revents: 0)
        if curl_multi_poll(self.multi, &bell, 1, self.patience, nil) != CURLM_OK {
            // libcurl lacks memory for its list of sockets: poll again soon, without spinning.
            var descriptor = pollfd(fd: self.bell.descriptor, events: Int16(POLLIN), revents: 0)
            bell.revents = poll(&descriptor, 1, 100) > 0 ? descriptor.revents : 0
        }
        if bell.revents != 0 { self.bell.silence() }
    }

    private func prepareThread() {
        // Signals are for the main thread; and OpenSSL writes to sockets in a way that raises SIGPIPE.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, nil)
    }

    private func obey(_ command: CurlMailbox.Command) {
        switch command {
        case .start(let id, let request, let make):
            self.start(id, request, make())
        case .wake(let id):
            guard let exchange = self.exchanges[id] else { return }
            if exchange.wake() {
                self.watch(exchange)
            } else {
                self.abandon(exchange, CurlError(.stopped, "the receiver wants no more"))
            }
        case .cancel(let id):
            guard let exchange = self.exchanges[id] else { return }
            self.abandon(exchange, CurlError(.cancelled, "the transfer was cancelled"))
        }
    }

    /// Ends a transfer for a reason of ours: at once, and that of a mail within milliseconds.
    private func abandon(_ exchange: CurlExchange, _ error: CurlError) {
        // libcurl takes the removal of a mail for its end: it would send the end of a half-sent mail, and wait for the
        // answer with all other transfers waiting too. A mail that has run out of time it gives up without a word.
        guard exchange.isMail else {
            self.remove(exchange)?.end(error)
            return
        }
        exchange.runOutOfTime(error)
        self.abandoned.insert(exchange.id)
    }

    private func start(_ id: UInt64, _ request: CurlRequest, _ receiver: any CurlReceiver) {
        guard let easy = self.spare.popLast() ?? curl_easy_init() else {
            return receiver.ended(.failure(CurlError(.other, "libcurl has no memory for another transfer")))
        }
        let exchange = CurlExchange(id: id, easy: easy, request: request, receiver: receiver)
        var refusal = exchange.refusal
        if refusal == nil {
            let result = curl_multi_add_handle(self.multi, easy)
            if result != CURLM_OK { refusal = CurlError(.other, String(cString: curl_multi_strerror(result))) }
        }
        if let refusal {
            self.putAway(easy)
            return exchange.end(refusal)
        }
        self.exchanges[id] = exchange
        self.watch(exchange)
    }

    /// Ends the transfers that libcurl has finished.
    private func reap() {
        var waiting: Int32 = 0
        while let message = curl_multi_info_read(self.multi, &waiting) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
                let context = ccurl_private(easy)
            else { continue }
            // The next call to libcurl invalidates the message, and the next use of the handle its data about the
            // request.
            let result = ccurl_result(message)
            let wasSent = ccurl_request_size(easy) > 0
            let exchange = Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue()
            self.finish(exchange, result, wasSent: wasSent)
        }
    }

    /// Reports the end to the receiver, or follows a redirect.
    private func finish(_ exchange: CurlExchange, _ result: CURLcode, wasSent: Bool) {
        guard let exchange = self.remove(exchange) else { return }
        if let next = exchange.successor {
            self.start(exchange.id, next, exchange.receiver)
        } else {
            exchange.end(result, wasSent: wasSent)
        }
    }

    private func endIdle() {
        guard let check = self.idleCheck, check <= .now else { return }
        self.idleCheck = nil
        let now = ContinuousClock.now
        for exchange in Array(self.exchanges.values) {
            guard let deadline = exchange.idleDeadline else { continue }
            if deadline <= now {
                self.abandon(exchange, CurlError(.timedOut, "the peer has sent nothing for too long"))
            } else {
                self.watch(exchange)
            }
        }
    }

    private func watch(_ exchange: CurlExchange) {
        guard let deadline = exchange.idleDeadline else { return }
        self.idleCheck = self.idleCheck.map { min($0, deadline) } ?? deadline
    }

    /// Milliseconds to wait for sockets at most; libcurl shortens it to its own timers.
    private var patience: Int32 {
        // libcurl sets no timer for a limit that is shortened while the transfer runs.
        guard self.abandoned.isEmpty else { return 2 }
        guard let check = self.idleCheck else { return 60_000 }
        let left = ContinuousClock.now.duration(to: check)
        let (seconds, attoseconds) = left.components
        guard seconds < 60 else { return 60_000 }
        return Int32(max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1))
    }

    /// Removes a transfer from libcurl; the caller notifies its receiver after that.
    private func remove(_ exchange: CurlExchange) -> CurlExchange? {
        guard self.exchanges.removeValue(forKey: exchange.id) != nil else { return nil }
        self.abandoned.remove(exchange.id)
        curl_multi_remove_handle(self.multi, exchange.easy)
        self.putAway(exchange.easy)
        return exchange
    }

    private func putAway(_ easy: UnsafeMutableRawPointer) {
        guard self.spare.count < 16 else { return curl_easy_cleanup(easy) }
        curl_easy_reset(easy)
        self.spare.append(easy)
    }
}

/// `curl_global_init` must have run once before any other call.
private let libcurlIsReady: Void = {
    let result = curl_global_init(Int(CURL_GLOBAL_ALL))
    precondition(result == CURLE_OK, "libcurl cannot start")
}()
