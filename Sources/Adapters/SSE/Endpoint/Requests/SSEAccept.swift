import HTTPServer
import NIOHTTP1

/// The form of the answer: a stream, or one JSON text, immediately or with the next event.
enum SSEAccept: Equatable {
    case stream(SSEFormat)
    /// The events after a sequence; with `wait` the answer waits until there are some.
    case batch(wait: Bool)

    static let offer = "This stream is text/event-stream, application/x-ndjson or application/json"

    /// Decides by `poll` and `format` of the parameters, otherwise by `Accept` (RFC 9110 §12.5.1).
    ///
    /// JSON must be named explicitly; every wildcard selects the event stream.
    ///
    /// - Returns: `nil` when no offered type is acceptable.
    init?(_ request: HTTPRequest, _ parameters: SSEParameters) {
        if let poll = parameters.value("poll"), ["", "1", "true"].contains(poll) {
            self = .batch(wait: true)
            return
        }
        switch parameters.value("format") {
        case "events": self = .stream(.events)
        case "ndjson": self = .stream(.lines)
        case "json": self = .batch(wait: false)
        case .some: return nil
        case nil:
            let fields = request.headers["Accept"]
            let offers: [(SSEAccept, Double)] = [
                (.stream(.events), Self.weight(of: "text/event-stream", in: fields, wildcards: true)),
                (.stream(.lines), Self.weight(of: "application/x-ndjson", in: fields, wildcards: false)),
                (.batch(wait: false), Self.weight(of: "application/json", in: fields, wildcards: false)),
            ]
            guard let best = offers.map(\.1).max(), best > 0, let offer = offers.first(where: { $0.1 == best }) else {
                return nil
            }
            self = offer.0
        }
    }

    /// The weight that the most specific range gives a type.
    private static func weight(of type: String, in fields: [String], wildcards: Bool) -> Double {
        var best: (specificity: Int, weight: Double)?
        for item in fields.flatMap({ $0.split(separator: ",") }) {
            let parts = item.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            let specificity: Int
            switch parts.first {
            case type: specificity = 3
            case "text/*" where wildcards: specificity = 2
            case "*/*" where wildcards: specificity = 1
            default: continue
            }
            guard specificity >= best?.specificity ?? 0 else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            best = (specificity, weight)
        }
        if let best { return best.weight }
        return wildcards && fields.allSatisfy { !$0.contains { $0 != " " } } ? 1 : 0
    }
}
