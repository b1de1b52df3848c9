import HTTPServer

/// Why a request is not what its sender must send: the log and the answer say the same, without a secret.
struct WebhookProblem: Error, Equatable {
    /// How the refusal is counted.
    let reason: HTTPRefusals.Reason
    /// One sentence without a final stop, for the sender.
    let message: String

    init(_ reason: HTTPRefusals.Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    static func missing(_ field: String) -> Self { Self(.noCredentials, "Missing \(field) header") }

    static func malformed(_ field: String, expected: String) -> Self {
        Self(.invalidSignature, "Malformed \(field) header; expected \(expected)")
    }
}
