import BridgeCore
import HTTPServer
import NIOHTTP1

/// What somebody may listen to, read from a grant.
struct SSEPermission {
    /// Who it is; `nil` for anybody.
    let name: String?
    /// When it ends, in milliseconds since 1970; `nil` for never.
    let expires: Int64?
    private let challenge: HTTPRefusal?
    private let patterns: [SubjectPattern]

    /// Patterns that cannot be are left out: they grant nothing.
    init(_ grant: HTTPGrant) {
        self.name = grant.name
        self.expires = grant.expires
        self.challenge = grant.challenge
        self.patterns = grant.subscribe.compactMap { try? SSEName.pattern($0) }
    }

    /// - Throws: ``SSERefusal`` when one of the names is not covered, for streams that have no token of their own.
    func check(_ names: [SubjectPattern], _ streams: [SSEStream]) throws(SSERefusal) {
        let asked = streams.filter { $0.settings.token == nil }
        for name in names where asked.contains(where: { $0.canHave(name) }) {
            guard self.patterns.contains(where: { $0.covers(name) }) else {
                if let challenge { throw SSERefusal(challenge.response) }
                throw SSERefusal(.forbidden, "Not allowed to read '\(name.text)'")
            }
        }
    }
}
