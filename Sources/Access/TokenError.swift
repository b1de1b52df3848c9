/// Why a token grants nothing, although its signature may be right.
enum TokenError: Error {
    /// Its time is over.
    case expired
    /// Its time has not begun.
    case early
    /// It is another issuer's.
    case issuer
    /// It is for somebody else.
    case audience
    /// It never expires, and the file asks for an end.
    case endless
    /// Its header asks for an extension to be understood.
    case critical
    /// Its header cannot be read.
    case malformed

    /// One sentence without a final stop, for the log.
    var reason: String {
        switch self {
        case .expired: "it has expired"
        case .early: "it is not valid yet"
        case .issuer: "it is from another issuer"
        case .audience: "it is for another audience"
        case .endless: "it has no exp; set require_exp: false to accept tokens that never expire"
        case .critical: "its header names extensions in crit, and none is known here"
        case .malformed: "its header cannot be read"
        }
    }
}
