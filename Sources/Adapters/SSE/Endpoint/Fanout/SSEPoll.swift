import BridgeCore
import HTTPServer
import NIOCore

/// One request that waits for events and is answered once: long polling.
///
/// On the hub's home loop. It keeps how far it has looked, so no event is filtered twice for it.
final class SSEPoll {
    private let hub: SSEHub
    /// `nil` once the request is answered: others may have it.
    private var place: SSEPlace?
    private let group: SSEGroup
    private let deadline: NIODeadline
    private let promise: EventLoopPromise<ByteBuffer>
    private var extract: SSEExtract
    /// Its place among the group's polls, which alone changes it; `nil` once it has been answered.
    var index: Int?
    private var isLooking = false

    /// - Parameter promise: succeeds with the answer.
    init(
        group: SSEGroup, place: SSEPlace, extract: SSEExtract, deadline: NIODeadline, promise: EventLoopPromise<ByteBuffer>
    ) {
        self.hub = group.hub
        self.group = group
        self.place = place
        self.extract = extract
        self.deadline = deadline
        self.promise = promise
    }

    /// Looks for something to tell, now or when it is its turn, and answers when there is.
    func look() {
        // Whoever looks already comes to what is new.
        guard !self.isLooking, self.index != nil else { return }
        self.isLooking = true
        self.group.shard.turns.begin { deadline in
            guard self.index != nil else { return true }
            guard self.extract.read(self.hub, self.group.shard, until: deadline) else { return false }
            self.isLooking = false
            if !self.extract.isEmpty { self.end() }
            return true
        }
    }

    /// Answers with what it has when its time is over.
    func tick() {
        if NIODeadline.now() >= self.deadline { self.end() }
    }

    /// Answers with what it has.
    func end() {
        guard self.index != nil else { return }
        self.group.remove(self)
        self.place = nil
        self.promise.succeed(self.extract.json(epoch: self.hub.epoch))
    }
}
