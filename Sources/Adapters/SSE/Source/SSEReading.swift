import BridgeCore
import Curl
import JSON
import NIOCore

/// Interprets the events of a stream.
///
/// Immutable, made once per source.
struct SSEReading: Sendable {
    enum Meaning {
        case message
        /// A message for clients of the endpoint only, or of a type that is not selected.
        case nothing
        /// The endpoint has lost events of this subscription.
        case gap(String)
    }

    let url: String
    let resumes: Bool
    let maximumEvent: Int
    let tooLarge: Counter
    let skipped: Counter
    private let taken: Set<String>?

    init(_ configuration: SSESource.Configuration, metrics: ComponentMetrics) {
        self.url = CurlRequest.printable(configuration.url)
        self.resumes = configuration.resumes
        self.maximumEvent = configuration.maximumEvent
        self.taken = configuration.events.map(Set.init)
        self.tooLarge = metrics.counter("sse_events_too_large", help: "Events larger than max_event; reported as gaps.")
        self.skipped = metrics.counter(
            "sse_events_skipped", help: "Control events, and events of a type that the source does not accept.")
    }

    /// A configured type is selected, whatever its name.
    func meaning(of event: SSEParser.Event) -> Meaning {
        if let taken, taken.contains(event.type) { return .message }
        switch event.type {
        case "gap", "lagged": return .gap("\(self.url) reports a loss: \(Self.reason(event.data))")
        case "cursor", "presence": return .nothing
        case "snapshot" where Self.isSnapshotMark(event): return .nothing
        default: return self.taken == nil ? .message : .nothing
        }
    }

    /// Whether an event is part of the stream, selected or not, and not a control message to one client.
    func isOfStream(_ event: SSEParser.Event) -> Bool {
        if let taken, taken.contains(event.type) { return true }
        return !["gap", "lagged", "cursor", "presence"].contains(event.type) && !Self.isSnapshotMark(event)
    }

    /// Whether it is the begin or the end of an endpoint's snapshot, and not an event of this type of another server.
    private static func isSnapshotMark(_ event: SSEParser.Event) -> Bool {
        guard event.type == "snapshot" else { return false }
        return ["begin", "end"].contains { event.data.readableBytesView.starts(with: "{\"snapshot\":\"\($0)\",\"cursor\":".utf8) }
    }

    func message(of event: SSEParser.Event) -> ReceivedMessage {
        var attributes = Attributes([("sse-event", event.type)])
        if !event.lastEventID.isEmpty { attributes.append("sse-id", event.lastEventID) }
        return ReceivedMessage(
            subject: event.type, body: event.data, upstreamID: event.hasOwnID ? event.lastEventID : nil, attributes: attributes
        )
    }

    /// A key for an event with its own id: a hash of all earlier events, the id, the type and the data.
    ///
    /// A server that repeats events after a position sends them in the original order, so they have the same keys. A
    /// server that restarts its ids sends other events before them.
    func repeatKey(of event: SSEParser.Event, after past: UInt64) -> UInt64 {
        var hash = Fingerprint()
        hash.add(past)
        hash.add(event.lastEventID)
        hash.add(event.type)
        event.data.withUnsafeReadableBytes { hash.add($0) }
        return hash.value
    }

    /// Why events may have been missed between two connections.
    func reason(of period: OfflinePeriod) -> String {
        let why = self.resumes ? "the server sends no ids to resume from" : "resume is false"
        return "\(period.reason(for: self.url)), and \(why)"
    }

    /// Why events may have been missed although the request had an id.
    func reason(ofIgnoredID id: String, _ period: OfflinePeriod?) -> String {
        let began = "the server's first event has the id '\(id)' that it was asked to resume after, so it does not resume"
        return "\(period?.reason(for: self.url) ?? "the stream \(self.url) was interrupted"), and \(began)"
    }

    /// An endpoint's own gap has a `reason`; a forwarded one is an event whose `message` has it.
    private static func reason(_ data: ByteBuffer) -> String {
        let parser = JSONParser()
        // The element is valid only as long as the parser.
        let text = withExtendedLifetime(parser) {
            // Data that is not JSON is the reason itself.
            let root = try? parser.parse(data)
            return root?["message"]?.string ?? root?["reason"]?.string ?? String(buffer: data)
        }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(200).filter { $0.value >= 32 && $0.value != 127 }))
    }
}
