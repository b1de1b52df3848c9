import BridgeCore
import HTTPServer
import NIOHTTP1

/// The streams that a client may read, from its grant.
struct SSEPermission {
    /// The client's name; `nil` for an anonymous client.
    let name: String?
    /// When it ends, in milliseconds since 1970; `nil` for never.
    let expires: Int64?
    /// See ``HTTPGrant/authority``.
    let authority: UInt64?
    /// Whether no access rules are enforced, so that nothing is checked.
    let isOpen: Bool
    private let challenge: HTTPRefusal?
    private let patterns: [SubjectPattern]

    /// What clients may read while no access rules are enforced.
    static let open = SSEPermission(HTTPGrant(authority: HTTPGrant.openAuthority), isOpen: true)

    /// Invalid patterns are skipped: they grant nothing.
    init(_ grant: HTTPGrant, isOpen: Bool = false) {
        self.isOpen = isOpen
        self.name = grant.name
        self.expires = grant.expires
        self.authority = grant.authority
        self.challenge = grant.challenge
        self.patterns = grant.subscribe.compactMap { try? SSEName.pattern($0) }
    }

    /// - Throws: ``SSERefusal`` when the grant does not cover one of the names, unless its stream has a token.
    func check(_ names: [SubjectPattern], _ streams: [SSEStream]) throws(SSERefusal) {
        guard !self.isOpen else { return }
        let asked = streams.filter { $0.settings.token == nil }
        for name in names where asked.contains(where: { $0.canHave(name) }) {
            guard self.patterns.contains(where: { $0.covers(name) }) else {
                if let challenge { throw SSERefusal(challenge.response) }
                throw SSERefusal(.forbidden, "Not allowed to read '\(name.text)'")
            }
        }
    }
}
