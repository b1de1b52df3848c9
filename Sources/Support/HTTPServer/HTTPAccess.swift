package import NIOCore
import NIOHTTP1

/// The identity of a client and its permissions.
package struct HTTPGrant: Sendable {
    /// The client's name, for operators; `nil` for an anonymous client.
    package var name: String?
    /// The answer when the grant is not sufficient: 401 where credentials may help; `nil` for 403.
    package var challenge: HTTPRefusal?
    /// The names and MQTT filters over names that it may read (MQTT 3.1.1 §4.7).
    package var subscribe: [String]
    /// The names and filters that it may write to.
    package var publish: [String]
    /// The time of expiry, in milliseconds since 1970; `nil` for never.
    package var expires: Int64?

    /// What has made the grant, such as one token of the file; `nil` where that cannot change while the program runs.
    package var authority: UInt64?

    /// The authority of what is open because no access rules are enforced.
    package static let openAuthority: UInt64 = 0

    /// Makes a grant; without arguments it allows nothing and never expires.
    package init(
        name: String? = nil, challenge: HTTPRefusal? = nil, subscribe: [String] = [], publish: [String] = [],
        expires: Int64? = nil, authority: UInt64? = nil
    ) {
        self.name = name
        self.challenge = challenge
        self.subscribe = subscribe
        self.publish = publish
        self.expires = expires
        self.authority = authority
    }

    /// Converts seconds since 1970, from an issuer or a hook, for ``expires``; clamps times that no calendar has.
    ///
    /// Clamped to the years 1970 to 9999, so that arithmetic never overflows.
    package static func milliseconds(fromSeconds seconds: Double) -> Int64 {
        // This order maps NaN to the earliest time, which grants nothing.
        Int64(min(max(0, seconds), 253_402_300_799) * 1000)
    }
}

/// Decides by the credentials of a request what its client may do.
///
/// Thread-safe.
package protocol HTTPAccess: Sendable {
    /// Whether requests need a grant; otherwise everything without a token of its own is open, and nothing is asked.
    var isEnforced: Bool { get }

    /// - Parameter names: every name and filter that the request needs, streams or the webhook, including those in its
    ///   body.
    /// - Returns: the client's permissions; fails with ``HTTPRefusal`` when the credentials are invalid or the check
    ///   fails.
    func grant(_ request: HTTPRequest, names: [String]) -> EventLoopFuture<HTTPGrant>

    /// Decides about a request before its names are known: whether it could have access to any.
    ///
    /// - Returns: fails with ``HTTPRefusal`` when credentials are missing or invalid for every name.
    func admit(_ request: HTTPRequest) -> EventLoopFuture<Void>

    /// Records that a request is refused because its grant is not sufficient.
    func refused(_ request: HTTPRequest)

    /// Adds an observer of changed rules, for grants that outlast their request.
    ///
    /// - Parameter changed: is called on any thread with a test whether an ``HTTPGrant/authority`` is still valid.
    func observe(_ changed: @escaping @Sendable (_ isValid: @escaping @Sendable (UInt64) -> Bool) -> Void)
}

extension HTTPAccess {
    /// Always, for rules that are never removed.
    package var isEnforced: Bool { true }

    /// Does nothing, for rules that never change.
    package func observe(_ changed: @escaping @Sendable (_ isValid: @escaping @Sendable (UInt64) -> Bool) -> Void) {}
}

/// An answer that replaces the requested one.
package struct HTTPRefusal: Error {
    /// The response that the client gets.
    package let response: HTTPResponse

    /// Makes a refusal that is answered by `response`.
    package init(_ response: HTTPResponse) {
        self.response = response
    }

    /// The answer to a request whose access check failed.
    package static func response(to error: any Error) -> HTTPResponse {
        (error as? HTTPRefusal)?.response ?? .error(.internalServerError, "Access check failed")
    }

    /// The answer to missing or unknown credentials (RFC 9110 §15.5.2).
    package static let unauthorized = HTTPRefusal(
        .error(
            .unauthorized, "Missing or invalid Authorization header",
            headers: [("WWW-Authenticate", "Bearer realm=\"streambridge\"")]
        )
    )
}

/// The program's ``HTTPAccess``, looked up by its type.
package struct HTTPAccessService: Sendable {
    /// Decides for every route with access control.
    package let access: any HTTPAccess

    /// Makes the service from the program's access rules.
    package init(_ access: any HTTPAccess) {
        self.access = access
    }
}
