import NIOCore
import NIOHTTP1

/// The server's state on one event loop: its rules, connections, streams, and the time.
///
/// Used only on its loop. One timer checks the deadlines of all connections, so that none needs its own.
final class HTTPLoop {
    let configuration: HTTPServerConfiguration
    let router: HTTPRouter
    /// The memory of requests and answers on this loop.
    let memory: HTTPMemory
    /// Connections with more input than is processed at once.
    let turns: HTTPScheduler
    private let eventLoop: any EventLoop
    /// Hosts, pages and proxies.
    private var policy: HTTPPolicy
    private var connections: [any HTTPWatched] = []
    private var streams: [ObjectIdentifier: any Channel] = [:]
    /// Connections above the limit, the oldest first.
    private var spares: [Spare] = []
    private var timer: RepeatedTask?
    /// The value of `Date`, at most a second old while there are connections or streams.
    private(set) var date = ""
    /// The last accepted value of `Host`: most requests have the same one.
    private var servedHost = ""
    /// Whether no connection is kept open for another request.
    private(set) var isDraining = false

    init(
        configuration: HTTPServerConfiguration, router: HTTPRouter, memory: HTTPMemory, eventLoop: any EventLoop
    ) {
        self.configuration = configuration
        self.policy = configuration.policy
        self.router = router
        self.memory = memory
        self.turns = HTTPScheduler(eventLoop: eventLoop)
        self.eventLoop = eventLoop
    }

    /// Routes a request: see ``HTTPRouter/decide(_:hasBody:from:policy:hostRefusal:overload:)``.
    func decide(
        _ head: HTTPHead, hasBody: Bool, from remoteAddress: SocketAddress?, overload: HTTPResponse?
    ) -> HTTPDecision {
        let policy = self.policy
        let host = head.host
        var refusal: HTTPResponse?
        if host != self.servedHost {
            refusal = policy.refusal(ofHost: host)
            if refusal == nil { self.servedHost = host }
        }
        return self.router.decide(
            head, hasBody: hasBody, from: remoteAddress, policy: policy, hostRefusal: refusal, overload: overload)
    }

    /// Applies another policy to later requests.
    func follow(_ policy: HTTPPolicy) {
        self.policy = policy
        self.servedHost = ""
    }

    func add(_ connection: any HTTPWatched) {
        connection.index = self.connections.count
        self.connections.append(connection)
        self.startTimer()
    }

    private func startTimer() {
        guard self.timer == nil else { return }
        self.date = HTTPDate.now()
        let loop = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.timer = self.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in loop.value.tick() }
    }

    func remove(_ connection: any HTTPWatched) {
        let last = self.connections.removeLast()
        if last !== connection {
            self.connections[connection.index] = last
            last.index = connection.index
        }
        self.stopTimer()
    }

    private func stopTimer() {
        guard self.connections.isEmpty, self.streams.isEmpty else { return }
        self.timer?.cancel()
        self.timer = nil
    }

    func add(stream channel: any Channel) {
        self.streams[ObjectIdentifier(channel)] = channel
        self.startTimer()
    }

    func remove(stream channel: ObjectIdentifier) {
        self.streams[channel] = nil
        self.stopTimer()
    }

    /// Accepts a connection above the limit, which may request vital routes.
    ///
    /// - Parameter hasPlace: whether there is a free place; if not, it replaces one that was refused, or the oldest
    ///   unless that is new.
    /// - Returns: whether it was accepted.
    func add(spare channel: any Channel, hasPlace: Bool) -> Bool {
        if !hasPlace {
            let time = NIODeadline.now() - .milliseconds(100)
            guard let index = self.spares.firstIndex(where: { $0.isRefused || $0.since < time }) else { return false }
            let other = self.spares.remove(at: index).channel
            other.resetOnClose()
            other.close(promise: nil)
        }
        self.spares.append(Spare(channel: channel, since: .now()))
        return true
    }

    /// Records that a connection above the limit got its refusal.
    func refused(spare channel: any Channel) {
        guard let index = self.spares.firstIndex(where: { $0.channel === channel }) else { return }
        self.spares[index].isRefused = true
    }

    func remove(spare channel: ObjectIdentifier) {
        self.spares.removeAll { ObjectIdentifier($0.channel) == channel }
    }

    /// Closes the idle connections; the others close after their answer.
    func drain() {
        self.isDraining = true
        for connection in self.connections {
            connection.drain()
        }
    }

    /// Closes all remaining connections.
    func closeAll() {
        self.isDraining = true
        for connection in self.connections {
            connection.close()
        }
        for channel in self.streams.values {
            channel.close(promise: nil)
        }
    }

    private func tick() {
        self.date = HTTPDate.now()
        let now = NIODeadline.now()
        // A closed connection leaves the array, so this iterates over a copy.
        for connection in self.connections where connection.deadline < now {
            connection.timeOut()
        }
        self.memory.relieve()
    }

    /// A connection above the limit.
    private struct Spare {
        let channel: any Channel
        let since: NIODeadline
        var isRefused = false
    }
}
