import BridgeCore
import Glibc
import NIOCore
import NIOPosix

/// What an error means, an answer or one of the way to the server.
enum RedisFailure {
    /// Error classes that pass by themselves or that only the operator can mend: never one event's fault.
    private static let passing = [
        "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "OOM", "NOAUTH", "MISCONF", "NOREPLICAS", "TRYAGAIN", "BUSY",
        "NOPERM", "UNBLOCKED", "MOVED", "ASK",
    ]

    /// The error to throw for an answer that concerns the connection, `nil` for one that concerns its command alone.
    static func connection(_ text: String, _ peer: String) -> ComponentError? {
        guard let word = text.split(separator: " ").first, self.passing.contains(String(word)) else { return nil }
        let code: ComponentError.Code = word == "NOAUTH" || word == "NOPERM" ? .unauthorized : .rejected
        return ComponentError(code, "\(peer) answers: \(text)")
    }

    /// The error to throw for any error answer.
    static func error(_ text: String, _ peer: String) -> ComponentError {
        self.connection(text, peer) ?? ComponentError(.rejected, "\(peer) answers: \(text)")
    }

    /// Why a server cannot be reached, in the system's words.
    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            // The last address tried; without any the name is not known.
            if let last = error.connectionErrors.last?.error { return self.reason(last) }
            return (error.dnsAError ?? error.dnsAAAAError).map { self.reason($0) } ?? "\(error)"
        case let error as SocketAddressError.UnknownHost: return error.errorDescription
        case let error as IOError: return String(cString: strerror(error.errnoCode))
        case ChannelError.connectTimeout: return "no answer within connect_timeout"
        default: return "\(error)"
        }
    }

    /// - Throws: ``ComponentError`` for any error answer.
    static func check(_ reply: RedisReply, _ peer: String) throws {
        guard case .error(let text) = reply else { return }
        throw self.error(text, peer)
    }
}
