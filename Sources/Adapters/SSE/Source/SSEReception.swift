import BridgeCore
import Curl
import NIOCore

/// One response of a stream on its way into the outlet.
///
/// On the curl thread.
final class SSEReception: CurlReceiver {
    /// How it ended.
    enum Ending: Sendable {
        /// The server answers something that is no stream.
        case refused(CurlHead)
        /// The stream ended; without an error when the server ended it.
        case ended(CurlError?)
    }

    private let outlet: SourceOutlet
    private let progress: SSEProgress
    private let reading: SSEReading
    private let offline: OfflineTracker
    /// The id that the request named to go on from; empty when it named none.
    private let requestedID: String
    /// The request named an id to go on from, and nothing shows that the server ignores it.
    private var isResumed: Bool
    /// An event of the stream with an id of its own has come.
    private var hasSeenID = false
    /// How long there was no stream before this one.
    private var absence: OfflinePeriod?
    private let done: (Ending) -> Void
    private var parser: SSEParser
    private var items: [SSEParser.Item] = []
    private var refusal: CurlHead?
    private var isConnected = false
    /// The id of the last event that was taken.
    private var previousID: String
    /// Stands for all events up to now.
    private var past: UInt64
    /// The newest place that has an id which can be sent; what has one that cannot comes twice then, but nothing is missed.
    private var point: SSEResumePoint?

    init(
        outlet: SourceOutlet, progress: SSEProgress, reading: SSEReading, offline: OfflineTracker,
        from point: SSEResumePoint, done: @escaping (Ending) -> Void
    ) {
        self.outlet = outlet
        self.progress = progress
        self.reading = reading
        self.offline = offline
        self.requestedID = point.id
        self.isResumed = !point.id.isEmpty
        self.previousID = point.id
        self.past = point.past
        self.done = done
        self.parser = SSEParser(limit: reading.maximumEvent, lastEventID: point.id)
    }

    func received(_ head: CurlHead) -> CurlDemand {
        guard head.status == 200, Self.isEventStream(head["content-type"]) else {
            self.refusal = head
            return .stop
        }
        self.isConnected = true
        self.outlet.connected()
        self.progress.accepted()
        self.absence = self.offline.connected()
        if let absence, !self.isResumed { self.outlet.gap(self.reading.reason(of: absence), during: absence) }
        return self.woken()
    }

    func received(_ bytes: UnsafeRawBufferPointer) -> CurlDemand {
        // Nothing but the body of an accepted answer is a stream.
        guard self.isConnected else { return .stop }
        self.parser.feed(ByteBuffer(bytes: bytes), into: &self.items)
        guard !self.items.isEmpty else { return .more }
        var batch: [ReceivedMessage] = []
        batch.reserveCapacity(self.items.count)
        var receipt: SourceOutlet.Receipt?
        var passedOver = 0
        for item in self.items {
            let gap: String
            switch item {
            case .event(let event):
                let meaning = self.reading.meaning(of: event)
                self.judge(event)
                if case .message = meaning { batch.append(self.message(of: event)) }
                self.reach(event.lastEventID)
                switch meaning {
                case .message: continue
                case .nothing:
                    passedOver += 1
                    continue
                case .gap(let reason): gap = reason
                }
            case .cursor(let id):
                self.reach(id)
                continue
            case .retry(let milliseconds):
                self.progress.asked(toWait: milliseconds)
                continue
            case .tooLarge(let type, let bytes):
                self.reading.tooLarge.increment()
                gap = "an event '\(type)' of \(bytes) bytes is over the limit of \(self.reading.maximumEvent) and was passed over"
            }
            if !batch.isEmpty { receipt = self.outlet.send(batch) }
            batch.removeAll(keepingCapacity: true)
            receipt = self.outlet.gap(gap)
        }
        self.items.removeAll(keepingCapacity: true)
        if !batch.isEmpty { receipt = self.outlet.send(batch) }
        self.reading.passedOver.increment(by: passedOver)
        self.progress.received(upTo: receipt?.position, point: self.point)
        switch receipt?.demand {
        case .more, nil: return .more
        case .pause: return .pause
        }
    }

    /// Looks at the first event that has an id of its own.
    ///
    /// A server that resumes sends what came after the id it was asked for. One whose first event bears this very id counts its ids anew
    /// for each connection: what came in between is missing, and nothing that comes now is a duplicate.
    private func judge(_ event: SSEParser.Event) {
        guard self.isResumed, event.hasOwnID, !self.hasSeenID, self.reading.isOfStream(event) else { return }
        self.hasSeenID = true
        guard event.lastEventID == self.requestedID else { return }
        self.isResumed = false
        self.previousID = ""
        self.past = .random(in: .min ... .max)
        self.outlet.gap(self.reading.reason(ofIgnoredID: self.requestedID, self.absence), during: self.absence)
    }

    /// A server that is asked to go on from an id that was written a little late sends again what came after it.
    ///
    /// Ids that stand still tell nothing.
    private func message(of event: SSEParser.Event) -> ReceivedMessage {
        var message = self.reading.message(of: event)
        if event.hasOwnID, event.lastEventID != self.previousID {
            self.past = self.reading.repeatKey(of: event, after: self.past)
            message.repeatKey = self.past
            message.mayBeRepeated = self.isResumed
        }
        self.previousID = event.lastEventID
        return message
    }

    /// The stream is at a place of this id.
    private func reach(_ id: String) {
        if id == self.point?.id || SSEProgress.isUsable(id) { self.point = SSEResumePoint(id: id, past: self.past) }
    }

    func woken() -> CurlDemand {
        if self.outlet.isStopping { return .stop }
        return switch self.outlet.demand {
        case .more: .more
        case .pause: .pause
        }
    }

    func ended(_ result: Result<Void, CurlError>) {
        if self.isConnected { self.offline.disconnected() }
        if let refusal {
            self.done(.refused(refusal))
        } else if case .failure(let error) = result {
            self.done(.ended(error))
        } else {
            self.done(.ended(nil))
        }
    }

    /// `text/event-stream` in any case and with any parameters (RFC 9110 §8.3.1).
    static func isEventStream(_ contentType: String?) -> Bool {
        guard let contentType else { return false }
        let type = contentType.prefix { $0 != ";" }
        return type.lowercased().split(whereSeparator: { $0 == " " || $0 == "\t" }) == ["text/event-stream"]
    }
}
