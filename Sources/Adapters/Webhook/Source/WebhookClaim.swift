import HTTPServer

/// What the header fields of a request say of its signature.
struct WebhookClaim: Equatable {
    /// A header with more signatures is refused; a sender's rotation needs two.
    static let signatureLimit = 16

    /// The header with the signatures.
    let field: String
    /// The signatures, any of which may be right; not empty.
    let signatures: [String]
    /// What is signed in front of the body.
    var head = ""
    /// When the request was signed, in seconds since 1970; `nil` where the time is not signed.
    var time: Int64?

    /// Reads the header fields of a scheme.
    ///
    /// - Parameter header: the one of ``WebhookVerificationSettings/Scheme/hmac``.
    /// - Throws: ``WebhookProblem`` for a field that is missing or malformed.
    static func read(
        _ request: HTTPRequest, _ scheme: WebhookVerificationSettings.Scheme, header: String
    ) throws(WebhookProblem) -> Self {
        switch scheme {
        case .hmac: return Self(field: header, signatures: [try self.value(of: header, request)])
        case .slack: return try self.slack(request)
        case .stripe: return try self.stripe(request)
        case .standardWebhooks, .svix: return try self.standard(request, scheme.fieldPrefix(of: request) ?? "webhook")
        }
    }

    /// The base string is `v0:TIME:BODY`.
    private static func slack(_ request: HTTPRequest) throws(WebhookProblem) -> Self {
        let (field, timeField) = ("X-Slack-Signature", "X-Slack-Request-Timestamp")
        let signature = try self.value(of: field, request)
        let time = try self.value(of: timeField, request)
        return Self(
            field: field, signatures: [signature], head: "v0:\(time):", time: try self.seconds(time, of: timeField))
    }

    /// The field is `t=TIME,v1=CODE,v1=CODE,v0=…`; the signed text is `TIME.BODY`.
    ///
    /// Other schemes than `v1` are ignored.
    private static func stripe(_ request: HTTPRequest) throws(WebhookProblem) -> Self {
        let field = "Stripe-Signature"
        var times: [Substring] = []
        var signatures: [String] = []
        for item in try self.value(of: field, request).split(separator: ",") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            switch parts[0].filter({ $0 != " " }) {
            case "t": times.append(parts[1])
            case "v1": signatures.append(String(parts[1]))
            default: break
            }
        }
        guard times.count == 1, let time = times.first, !signatures.isEmpty else {
            throw .malformed(field, expected: "t=SECONDS,v1=SIGNATURE")
        }
        try self.checkCount(of: signatures, field)
        return Self(field: field, signatures: signatures, head: "\(time).", time: try self.seconds(String(time), of: field))
    }

    /// The signed text is `ID.TIME.BODY`; the signatures are separated by spaces, and others than `v1` are ignored.
    private static func standard(_ request: HTTPRequest, _ prefix: String) throws(WebhookProblem) -> Self {
        let (field, timeField) = ("\(prefix)-signature", "\(prefix)-timestamp")
        let id = try self.value(of: "\(prefix)-id", request)
        let time = try self.value(of: timeField, request)
        let signatures = try self.value(of: field, request).split(separator: " ").filter { $0.hasPrefix("v1,") }.map(String.init)
        guard !signatures.isEmpty else { throw .malformed(field, expected: "v1,SIGNATURE") }
        try self.checkCount(of: signatures, field)
        return Self(
            field: field, signatures: signatures, head: "\(id).\(time).", time: try self.seconds(time, of: timeField))
    }

    private static func value(of field: String, _ request: HTTPRequest) throws(WebhookProblem) -> String {
        guard let value = request.header(field), !value.isEmpty else { throw .missing(field) }
        return value
    }

    private static func checkCount(of signatures: [String], _ field: String) throws(WebhookProblem) {
        guard signatures.count <= Self.signatureLimit else {
            throw .malformed(field, expected: "at most \(Self.signatureLimit) signatures")
        }
    }

    /// Whole seconds since 1970, at most eleven digits.
    private static func seconds(_ text: String, of field: String) throws(WebhookProblem) -> Int64 {
        guard text.utf8.count <= 11, text.utf8.allSatisfy({ (48...57).contains($0) }), let seconds = Int64(text) else {
            throw .malformed(field, expected: "a time in seconds since 1970")
        }
        return seconds
    }
}
