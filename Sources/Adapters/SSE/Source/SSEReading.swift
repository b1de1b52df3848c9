import BridgeCore
import Curl
import JSON
import NIOCore

/// What the events of a stream mean to us.
///
/// Immutable, made once per source.
struct SSEReading: Sendable {
    enum Meaning {
        case message
        /// Said to clients of the endpoint, or of a type that is not taken.
        case nothing
        /// The endpoint has lost something that we would have got.
        case gap(String)
    }

    let url: String
    let resumes: Bool
    let maximumEvent: Int
    let tooLarge: Counter
    let passedOver: Counter
    private let taken: Set<String>?

    init(_ configuration: SSESource.Configuration, metrics: ComponentMetrics) {
        self.url = CurlRequest.printable(configuration.url)
        self.resumes = configuration.resumes
        self.maximumEvent = configuration.maximumEvent
        self.taken = configuration.events.map(Set.init)
        self.tooLarge = metrics.counter("sse_events_too_large", help: "Events of a stream that were longer than max_event.")
        self.passedOver = metrics.counter(
            "sse_events_passed_over", help: "Events of a stream that only its clients are told, or that are not taken.")
    }

    /// A type that the file names is taken whatever it is called.
    func meaning(of event: SSEParser.Event) -> Meaning {
        if let taken, taken.contains(event.type) { return .message }
        switch event.type {
        case "gap", "lagged": return .gap("\(self.url) tells of a loss: \(Self.reason(event.data))")
        case "cursor", "presence": return .nothing
        default: return self.taken == nil ? .message : .nothing
        }
    }

    /// Whether an event is a part of the stream, taken or not, and not something that an endpoint says to one client.
    func isOfStream(_ event: SSEParser.Event) -> Bool {
        if let taken, taken.contains(event.type) { return true }
        return !["gap", "lagged", "cursor", "presence"].contains(event.type)
    }

    func message(of event: SSEParser.Event) -> ReceivedMessage {
        var attributes = Attributes([("sse-event", event.type)])
        if !event.lastEventID.isEmpty { attributes.append("sse-id", event.lastEventID) }
        return ReceivedMessage(
            subject: event.type, body: event.data, upstreamID: event.hasOwnID ? event.lastEventID : nil, attributes: attributes
        )
    }

    /// What tells an event with an id of its own from every other that was ever received: all that came before it, id, type and data.
    ///
    /// What a server repeats after a place in the stream comes in the order of the first time, so it has the same keys. One that has begun
    /// anew, with ids and data that came long ago, sends them after something else.
    func repeatKey(of event: SSEParser.Event, after past: UInt64) -> UInt64 {
        var hash = Fingerprint()
        hash.add(past)
        hash.add(event.lastEventID)
        hash.add(event.type)
        event.data.withUnsafeReadableBytes { hash.add($0) }
        return hash.value
    }

    /// Why something may have been missed between two connections.
    func reason(of period: OfflinePeriod) -> String {
        let why = self.resumes ? "the server gives no ids to resume by" : "resume is false"
        return "\(period.reason(for: self.url)), and \(why)"
    }

    /// Why something may have been missed though the request named an id.
    func reason(ofIgnoredID id: String, _ period: OfflinePeriod?) -> String {
        let began = "the server began again at the id '\(id)' that it was to go on from, so it does not resume"
        return "\(period?.reason(for: self.url) ?? "the stream \(self.url) was interrupted"), and \(began)"
    }

    /// An endpoint's own gap brings a `reason`; one that it passes on is an event, whose `message` says it.
    private static func reason(_ data: ByteBuffer) -> String {
        let parser = JSONParser()
        // The element lives in the parser.
        let text = withExtendedLifetime(parser) {
            // What is no JSON is a reason as it is.
            let root = try? parser.parse(data)
            return root?["message"]?.string ?? root?["reason"]?.string ?? String(buffer: data)
        }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(200).filter { $0.value >= 32 && $0.value != 127 }))
    }
}
