import BridgeCore
import Curl
import NIOCore

/// One response of a stream, sent to the outlet.
///
/// On the curl thread.
final class SSEReception: CurlReceiver {
    /// How it ended.
    enum Ending: Sendable {
        /// The server's answer is not a stream.
        case refused(CurlHead)
        /// The stream ended; without an error when the server ended it.
        case ended(CurlError?)
    }

    private let outlet: SourceOutlet
    private let progress: SSEProgress
    private let reading: SSEReading
    private let offline: OfflineTracker
    private let recovery: RecoveryLog
    /// The id in the request to resume after; empty without one.
    private let requestedID: String
    /// Whether the request had an id to resume after, and the server has not shown that it ignores it.
    private var isResumed: Bool
    /// Whether an event with its own id has arrived.
    private var hasSeenID = false
    /// How long there was no stream before this one.
    private var absence: OfflinePeriod?
    private let done: (Ending) -> Void
    private var parser: SSEParser
    private var items: [SSEParser.Item] = []
    private var refusal: CurlHead?
    private var isConnected = false
    /// Whether it counts as connected, so that the gap before it is reported.
    private var isCounted = false
    /// Whether a byte of the body has arrived.
    private var hasBody = false
    /// The id of the last event that was received.
    private var previousID: String
    /// A hash of all events up to now.
    private var past: UInt64
    /// The newest position with an id that can be sent.
    ///
    /// Events after it whose ids cannot be sent are repeated, but none is missed.
    private var point: SSEResumePoint?

    init(
        outlet: SourceOutlet, progress: SSEProgress, reading: SSEReading, offline: OfflineTracker, recovery: RecoveryLog,
        from point: SSEResumePoint, done: @escaping (Ending) -> Void
    ) {
        self.outlet = outlet
        self.progress = progress
        self.reading = reading
        self.offline = offline
        self.recovery = recovery
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
        if !self.progress.endedWithoutBody { self.count() }
        return self.woken()
    }

    /// Counts the connection: logs the end of an outage, and reports what may have been missed before it.
    ///
    /// Called at the head of the answer, since a stream may be silent for hours. If the last stream ended without a
    /// byte, this one may too. It is then called at the first byte, so that a series of such connections is one gap.
    private func count() {
        self.isCounted = true
        self.recovery.passed(.connected, at: self.reading.url)
        self.absence = self.offline.connected()
        if let absence, !self.isResumed { self.outlet.gap(.outage, self.reading.reason(of: absence), during: absence) }
    }

    func received(_ bytes: UnsafeRawBufferPointer) -> CurlDemand {
        // Only the body of an accepted answer is a stream.
        guard self.isConnected else { return .stop }
        if !bytes.isEmpty, !self.hasBody {
            self.hasBody = true
            if !self.isCounted { self.count() }
            self.recovery.passed(.working, at: self.reading.url)
        }
        self.parser.feed(ByteBuffer(bytes: bytes), into: &self.items)
        guard !self.items.isEmpty else { return .more }
        var batch: [ReceivedMessage] = []
        batch.reserveCapacity(self.items.count)
        var receipt: SourceOutlet.Receipt?
        var skipped = 0
        for item in self.items {
            let gap: (kind: GapKind, reason: String)
            switch item {
            case .event(let event):
                let meaning = self.reading.meaning(of: event)
                self.judge(event)
                if case .message = meaning { batch.append(self.message(of: event)) }
                self.reach(event.lastEventID)
                switch meaning {
                case .message: continue
                case .nothing:
                    skipped += 1
                    continue
                case .gap(let reason): gap = (.reported, reason)
                }
            case .cursor(let id):
                self.reach(id)
                continue
            case .retry(let milliseconds):
                self.progress.asked(toWait: milliseconds)
                continue
            case .tooLarge(let type, let bytes):
                self.reading.tooLarge.increment()
                let limit = self.reading.maximumEvent
                gap = (.omission, "an event '\(type)' of \(bytes) bytes is over the limit of \(limit) and was skipped")
            }
            if !batch.isEmpty { receipt = self.outlet.send(batch) }
            batch.removeAll(keepingCapacity: true)
            receipt = self.outlet.gap(gap.kind, gap.reason)
        }
        self.items.removeAll(keepingCapacity: true)
        if !batch.isEmpty { receipt = self.outlet.send(batch) }
        self.reading.skipped.increment(by: skipped)
        self.progress.received(upTo: receipt?.position, point: self.point)
        switch receipt?.demand {
        case .more, nil: return .more
        case .pause: return .pause
        }
    }

    /// Checks the first event with its own id.
    ///
    /// A server that resumes sends the events after the requested id. If its first event has this very id, the server
    /// restarts its ids for each connection. Events in between are then missing, and no later event is a duplicate.
    private func judge(_ event: SSEParser.Event) {
        guard self.isResumed, event.hasOwnID, !self.hasSeenID, self.reading.isOfStream(event) else { return }
        self.hasSeenID = true
        guard event.lastEventID == self.requestedID else { return }
        self.isResumed = false
        self.previousID = ""
        self.past = .random(in: .min ... .max)
        self.outlet.gap(.outage, self.reading.reason(ofIgnoredID: self.requestedID, self.absence), during: self.absence)
    }

    /// If the stored id is slightly old, a server that resumes repeats the events after it.
    ///
    /// Constant ids provide no information.
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

    /// Records the id that the stream has reached.
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
        if self.isCounted { self.offline.disconnected() }
        if self.isConnected { self.progress.ended(withBody: self.hasBody) }
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
