import BridgeCore
import NIOCore

/// One request that waits for events and is answered once: long polling.
///
/// On the hub's home loop, where nothing is published while it looks.
final class SSEPoll {
    private let hub: SSEHub
    private let place: SSEPlace
    private let start: SSEResolution
    private let limit: Int
    private let deadline: NIODeadline
    private let promise: EventLoopPromise<String>
    private let reader: EventReader

    /// - Parameter limit: events in one answer.
    init(
        hub: SSEHub, place: SSEPlace, start: SSEResolution, limit: Int, deadline: NIODeadline, promise: EventLoopPromise<String>
    ) {
        self.hub = hub
        self.place = place
        self.start = start
        self.limit = limit
        self.deadline = deadline
        self.promise = promise
        self.reader = hub.shard(on: hub.home).reader
    }

    /// Answers when there is something to tell.
    ///
    /// - Returns: whether it has been answered.
    func answer() -> Bool {
        let text = SSEExtract(self.hub, self.place.view, self.start, limit: self.limit, self.reader)
        guard !text.isEmpty else { return false }
        self.promise.succeed(text.json)
        return true
    }

    /// Answers without events when the time is over.
    ///
    /// - Returns: whether it has been answered.
    func isOver() -> Bool {
        guard NIODeadline.now() >= self.deadline else { return false }
        self.end()
        return true
    }

    /// Answers with what there is.
    func end() {
        self.promise.succeed(SSEExtract(self.hub, self.place.view, self.start, limit: self.limit, self.reader).json)
    }
}
