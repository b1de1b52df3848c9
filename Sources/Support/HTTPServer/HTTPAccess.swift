package import NIOCore
import NIOHTTP1

/// Who sends a request, and what they may do.
package struct HTTPGrant: Sendable {
    /// Who it is, for those who look after the server; `nil` for anybody.
    package var name: String?
    /// What is answered when this does not reach: where no credentials were brought, that some may help; `nil` for 403.
    package var challenge: HTTPRefusal?
    /// What they may read: names and MQTT filters over names (MQTT 3.1.1 §4.7).
    package var subscribe: [String]
    /// What they may write to: the same.
    package var publish: [String]
    /// When it ends, in milliseconds since 1970; `nil` for never.
    package var expires: Int64?

    /// Makes a grant; without arguments it allows nothing and never expires.
    package init(
        name: String? = nil, challenge: HTTPRefusal? = nil, subscribe: [String] = [], publish: [String] = [],
        expires: Int64? = nil
    ) {
        self.name = name
        self.challenge = challenge
        self.subscribe = subscribe
        self.publish = publish
        self.expires = expires
    }

    /// A time that an issuer or a hook gives in seconds since 1970, for ``expires``; what no calendar has is its nearest end.
    ///
    /// Clamped to the years 1970 to 9999, so that what reckons with it never overflows.
    package static func milliseconds(fromSeconds seconds: Double) -> Int64 {
        // The order makes what is not a number the earliest, which grants nothing.
        Int64(min(max(0, seconds), 253_402_300_799) * 1000)
    }
}

/// Decides by the credentials of a request what its sender may do.
///
/// Thread-safe.
package protocol HTTPAccess: Sendable {
    /// - Parameter names: everything that the request asks for: streams with the filters among them, or the webhook it writes to; names in a
    ///   body included.
    /// - Returns: what the request's sender may do; fails with ``HTTPRefusal`` when the credentials are not valid, or access cannot be decided.
    func grant(_ request: HTTPRequest, names: [String]) -> EventLoopFuture<HTTPGrant>

    /// Decides about a request before it is known what it asks for: whether any names could be granted at all.
    ///
    /// - Returns: fails with ``HTTPRefusal`` when credentials are missing, or are not valid, whatever they are for.
    func admit(_ request: HTTPRequest) -> EventLoopFuture<Void>

    /// Notes that a request is refused because its grant does not cover what it asks for.
    func refused(_ request: HTTPRequest)
}

/// An answer in place of what was asked for.
package struct HTTPRefusal: Error {
    /// The response that the client gets.
    package let response: HTTPResponse

    /// Makes a refusal that is answered by `response`.
    package init(_ response: HTTPResponse) {
        self.response = response
    }

    /// What a request is answered whose grant failed.
    package static func response(to error: any Error) -> HTTPResponse {
        (error as? HTTPRefusal)?.response ?? .error(.internalServerError, "Access cannot be decided")
    }

    /// What whoever brings no credentials, or none that are known, is answered (RFC 9110 §15.5.2).
    package static let unauthorized = HTTPRefusal(
        .error(
            .unauthorized, "Missing or invalid Authorization header",
            headers: [("WWW-Authenticate", "Bearer realm=\"streambridge\"")]
        )
    )
}

/// The one ``HTTPAccess`` of the program, to be found by its type.
package struct HTTPAccessService: Sendable {
    /// The decision maker for every route that asks for one.
    package let access: any HTTPAccess

    /// Makes the service from the program's access rules.
    package init(_ access: any HTTPAccess) {
        self.access = access
    }
}
