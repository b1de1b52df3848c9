package import BridgeCore
import Curl

extension SSESource.Configuration: ProbingConfiguration {
    /// The address without its query.
    package var probedAddress: String { String(self.url.prefix { $0 != "?" && $0 != "#" }) }

    /// Opens the stream without `Last-Event-ID`, and ends it after the head of the response.
    package func probe(_ context: ProbeContext) async throws -> String {
        let curl = try context.shared.find(CurlMulti.self)
        let url = self.probedAddress
        var request = self.request(lastEventID: "")
        request.timeout = context.timeout
        let (head, error): (CurlHead?, CurlError?) = await curl.result(of: request) { _, done in
            SSEHeadReception { done(($0, $1)) }
        }
        try Task.checkCancellation()
        guard let head else {
            let error = error ?? CurlError(.lost, "the server closed the connection without an answer")
            throw ComponentError(SSESource.code(of: error), "\(url): \(error.message)")
        }
        guard head.status == 200, SSEReception.isEventStream(head["content-type"]) else {
            let refusal = SSESource.refusal(head, url)
            throw ComponentError(refusal.code, refusal.message)
        }
        return "is a stream of events"
    }
}

/// Receives the head of a response, and ends the transfer then.
///
/// Created and called on the curl thread.
private final class SSEHeadReception: CurlReceiver {
    private let done: (CurlHead?, CurlError?) -> Void
    private var head: CurlHead?

    init(done: @escaping (CurlHead?, CurlError?) -> Void) {
        self.done = done
    }

    func received(_ head: CurlHead) -> CurlDemand {
        self.head = head
        return .stop
    }

    func received(_ bytes: UnsafeRawBufferPointer) -> CurlDemand { .stop }

    func woken() -> CurlDemand { .more }

    func ended(_ result: Result<Void, CurlError>) {
        if case .failure(let error) = result { self.done(self.head, error) } else { self.done(self.head, nil) }
    }
}
