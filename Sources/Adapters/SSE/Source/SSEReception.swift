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
    /// The request named an id to go on from.
    private let isResumed: Bool
    private let done: (Ending) -> Void
    private var parser: SSEParser
    private var items: [SSEParser.Item] = []
    private var refusal: CurlHead?
    private var isConnected = false
    /// The id of the last event, and how many there were.
    private var previousID = ""
    private var count = 0

    init(
        outlet: SourceOutlet, progress: SSEProgress, reading: SSEReading, lastEventID: String, done: @escaping (Ending) -> Void
    ) {
        self.outlet = outlet
        self.progress = progress
        self.reading = reading
        self.isResumed = !lastEventID.isEmpty
        self.done = done
        self.parser = SSEParser(limit: reading.maximumEvent, lastEventID: lastEventID)
    }

    func received(_ head: CurlHead) -> CurlDemand {
        guard head.status == 200, Self.isEventStream(head["content-type"]) else {
            self.refusal = head
            return .stop
        }
        self.isConnected = true
        self.outlet.connected()
        if let absence = self.progress.connected(), !self.isResumed {
            self.outlet.gap(self.reading.reason(ofAbsence: absence))
        }
        return self.woken()
    }

    func received(_ bytes: UnsafeRawBufferPointer) -> CurlDemand {
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
                switch self.reading.meaning(of: event) {
                case .message:
                    batch.append(self.message(of: event))
                    continue
                case .nothing:
                    passedOver += 1
                    continue
                case .gap(let reason): gap = reason
                }
            case .cursor: continue
            case .retry(let milliseconds):
                self.progress.retry = .milliseconds(min(milliseconds, 300_000))
                continue
            case .tooLarge(let type, let bytes):
                self.reading.tooLarge.increment()
                gap = "an event '\(type)' of \(bytes) bytes is over the limit of \(self.reading.maximumEvent) and was passed over"
            }
            if !batch.isEmpty { receipt = self.outlet.send(batch) }
            batch.removeAll(keepingCapacity: true)
            receipt = self.outlet.gap(gap)
        }
        let id = self.lastUsableID
        self.items.removeAll(keepingCapacity: true)
        if !batch.isEmpty { receipt = self.outlet.send(batch) }
        self.reading.passedOver.increment(by: passedOver)
        self.progress.received(upTo: receipt?.position, id: id)
        switch receipt?.demand {
        case .more, nil: return .more
        case .pause: return .pause
        }
    }

    /// A server that is asked to go on from an id that was written a little late sends again what came after it.
    ///
    /// Ids that stand still tell nothing; and what is repeated comes first.
    private func message(of event: SSEParser.Event) -> ReceivedMessage {
        var message = self.reading.message(of: event)
        if event.hasOwnID, event.lastEventID != self.previousID {
            message.repeatKey = self.reading.repeatKey(of: event)
            message.mayBeRepeated = self.isResumed && self.count < SourceOutlet.repeatMemory
        }
        self.previousID = event.lastEventID
        self.count += 1
        return message
    }

    /// The place in the stream that the newest items name.
    ///
    /// One that cannot be sent is passed over: then something comes twice, but
    /// nothing is missed.
    private var lastUsableID: String? {
        for item in self.items.reversed() {
            switch item {
            case .event(let event) where SSEProgress.isUsable(event.lastEventID): return event.lastEventID
            case .cursor(let id) where SSEProgress.isUsable(id): return id
            default: continue
            }
        }
        return nil
    }

    func woken() -> CurlDemand {
        if self.outlet.isStopping { return .stop }
        return switch self.outlet.demand {
        case .more: .more
        case .pause: .pause
        }
    }

    func ended(_ result: Result<Void, CurlError>) {
        if self.isConnected { self.progress.lost() }
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
