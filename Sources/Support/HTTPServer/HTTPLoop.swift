import NIOCore

/// What the server knows on one event loop: its rules, its connections, its streams, the time of day.
///
/// Only ever touched on its loop. One timer watches the deadlines of all connections, so that none needs a timer of its own.
final class HTTPLoop {
    let configuration: HTTPServerConfiguration
    let router: HTTPRouter
    private let eventLoop: any EventLoop
    private var connections: [any HTTPWatched] = []
    private var streams: [ObjectIdentifier: any Channel] = [:]
    private var timer: RepeatedTask?
    /// The value of `Date`, at most a second old while there are connections.
    private(set) var date = ""
    /// True once no connection may be kept open for another request.
    private(set) var isDraining = false

    init(configuration: HTTPServerConfiguration, router: HTTPRouter, eventLoop: any EventLoop) {
        self.configuration = configuration
        self.router = router
        self.eventLoop = eventLoop
    }

    func add(_ connection: any HTTPWatched) {
        connection.index = self.connections.count
        self.connections.append(connection)
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
        if self.connections.isEmpty {
            self.timer?.cancel()
            self.timer = nil
        }
    }

    func add(stream channel: any Channel) {
        self.streams[ObjectIdentifier(channel)] = channel
    }

    func remove(stream channel: ObjectIdentifier) {
        self.streams[channel] = nil
    }

    /// Closes the idle connections; the others close after their answer.
    func drain() {
        self.isDraining = true
        for connection in self.connections {
            connection.drain()
        }
    }

    /// Closes everything that is left.
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
        // A connection that is closed leaves the array, so the walk is over a copy.
        for connection in self.connections where connection.deadline < now {
            connection.timeOut()
        }
    }
}
