import BridgeCore
import HTTPServer
import NIOCore

/// One request that waits for events and is answered once: long polling.
///
/// On the hub's home loop. It stores how far it has searched, so no event is filtered twice.
final class SSEPoll {
    private let hub: SSEHub
    /// `nil` once the request is answered, so that others can use the slot.
    private var lease: SSESubscriberLease?
    private let group: SSEGroup
    private let deadline: NIODeadline
    private let promise: EventLoopPromise<HTTPResponse>
    private var response: SSEPollResponse
    /// Its index among the group's polls, which alone changes it; `nil` once it has been answered.
    var index: Int?
    private var isSearching = false

    /// - Parameter promise: succeeds with the answer.
    init(
        group: SSEGroup, lease: SSESubscriberLease, response: SSEPollResponse, deadline: NIODeadline,
        promise: EventLoopPromise<HTTPResponse>
    ) {
        self.hub = group.hub
        self.group = group
        self.lease = lease
        self.response = response
        self.deadline = deadline
        self.promise = promise
    }

    /// Searches for events, now or in its turn, and answers when there are some.
    func search() {
        // A running search will find the new events.
        guard !self.isSearching, self.index != nil else { return }
        self.isSearching = true
        self.group.shard.jobs.begin { deadline in
            guard self.index != nil else { return true }
            guard self.response.read(self.hub, self.group.shard, until: deadline) else { return false }
            self.isSearching = false
            if !self.response.isEmpty { self.end() }
            return true
        }
    }

    /// Answers with what it has when its time is up.
    func tick() {
        if NIODeadline.now() >= self.deadline { self.end() }
    }

    /// Answers with what it has.
    func end() {
        guard self.index != nil else { return }
        self.group.remove(self)
        self.lease = nil
        self.promise.succeed(self.response.answer(epoch: self.hub.epoch))
    }
}
