/// Why a token grants nothing, although its signature may be right.
enum TokenError: Error {
    /// Its time is over.
    case expired
    /// Its time has not begun.
    case early
    /// It is another issuer's.
    case issuer
    /// It is for another audience.
    case audience
    /// It never expires, and the file requires an expiry.
    case endless
    /// Its header has a critical extension.
    case critical
    /// It is not three parts of unpadded base64url, or its header cannot be read.
    case malformed
    /// Its key is unknown, and the JWK set cannot be fetched now, so its validity cannot be decided.
    case undecided

    /// One sentence without a final stop, for the log.
    var reason: String {
        switch self {
        case .expired: "it has expired"
        case .early: "it is not valid yet"
        case .issuer: "it is from another issuer"
        case .audience: "it is for another audience"
        case .endless: "it has no exp; set require_exp: false to accept tokens that never expire"
        case .critical: "its header names extensions in crit, and none is supported"
        case .malformed: "it is not unpadded base64url, or its header cannot be read"
        case .undecided: "the JWK set of its issuer is not available"
        }
    }
}
