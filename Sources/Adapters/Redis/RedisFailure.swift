import BridgeCore
import Glibc
import NIOCore
import NIOPosix

/// Interprets an error: an answer, or a failure of the connection.
///
/// An error answer begins with a word in capitals, `ERR` for unspecific errors (Redis protocol specification, "Simple
/// errors").
enum RedisFailure {
    /// What happens to the event whose command was answered with an error.
    enum Verdict {
        /// The event is refused; another one, with another key or of another size, may be accepted.
        case refused(String)
        /// The key is refused; an event with another key may be accepted, one with the same key is not.
        case keyRefused(ComponentError)
        /// The event is retried up to `retry.attempts`, because the error is unknown.
        case postponed(ComponentError)
        /// The error concerns every event: the connection ends, and the remaining events are sent again.
        case unavailable(ComponentError)
    }

    /// Conditions of the server: temporary, or resolved by an operator.
    private static let conditions: Set<String> = [
        "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "OOM", "MISCONF", "NOREPLICAS", "TRYAGAIN", "BUSY", "UNBLOCKED",
        "NOAUTH", "WRONGPASS", "DENIED", "NOPROTO", "NOMASTERLINK", "INPROG", "NOGOODSLAVE",
    ]
    /// Errors about the command's own key, group or values, for all commands.
    private static let refusals: Set<String> = ["CROSSSLOT", "NOGROUP", "BUSYGROUP", "NOSCRIPT", "EXECABORT"]
    /// Prefixes of `ERR` answers that apply to every command.
    private static let general = [
        "ERR unknown command", "ERR max number of clients", "ERR operation not permitted", "ERR syntax error",
    ]

    /// Decides what happens to an event whose command was answered with an error.
    ///
    /// - Parameter followsNodes: whether `MOVED` and `ASK` are followed, so that a remaining one means that nodes
    ///   disagree.
    static func verdict(_ text: String, _ peer: String, followsNodes: Bool) -> Verdict {
        let answer = "\(peer) answers: \(text)"
        switch self.word(text) {
        case "MOVED", "ASK":
            guard !followsNodes else { return .unavailable(ComponentError(.rejected, answer)) }
            return .refused("\(answer); the server belongs to a cluster, so the key may be on another node: use redis+cluster://")
        case "NOPERM":
            guard RedisRequirements.command(in: text) != nil else {
                return .keyRefused(ComponentError(.unauthorized, "\(answer); let the user write to this channel or key"))
            }
            return .unavailable(self.error(text, peer))
        case "ERR":
            guard self.general.contains(where: { text.hasPrefix($0) }) else { return .refused(answer) }
            return .unavailable(self.error(text, peer))
        case let word where self.conditions.contains(word):
            return .unavailable(self.error(text, peer))
        case "WRONGTYPE":
            return .keyRefused(ComponentError(.rejected, "\(answer); name another key, or delete this one"))
        case let word where self.refusals.contains(word):
            return .refused(answer)
        default:
            return .postponed(ComponentError(.rejected, answer))
        }
    }

    /// The error to throw for an answer that affects the connection; `nil` for one that affects only its command.
    static func connection(_ text: String, _ peer: String) -> ComponentError? {
        let word = self.word(text)
        guard self.conditions.contains(word) || ["NOPERM", "MOVED", "ASK"].contains(word) else { return nil }
        return self.error(text, peer)
    }

    /// The error to throw for any error answer.
    static func error(_ text: String, _ peer: String) -> ComponentError {
        let code: ComponentError.Code = ["NOAUTH", "NOPERM", "WRONGPASS"].contains(self.word(text)) ? .unauthorized : .rejected
        let hint = (RedisRequirements.hint(for: text) ?? self.remedy(self.word(text))).map { "; \($0)" } ?? ""
        return ComponentError(code, "\(peer) answers: \(text)\(hint)")
    }

    /// The remedy for an answer, by its first word.
    private static func remedy(_ word: String) -> String? {
        switch word {
        case "NOAUTH": "set password, and user where there is one"
        case "NOPERM": "let the user do this with ACL SETUSER"
        case "WRONGPASS": "check user and password"
        case "MOVED", "ASK": "the server belongs to a cluster; use redis+cluster://"
        case "READONLY": "the server is a replica; write the address of its master, or use redis+sentinel://"
        case "DENIED": "see protected-mode, requirepass and bind in the configuration of the server"
        default: nil
        }
    }

    /// The first word, which is the kind of the error.
    private static func word(_ text: String) -> String {
        String(text.prefix { $0 != " " && $0 != ":" })
    }

    /// Why a server cannot be reached, in the system's words.
    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            // The last address tried; if there is none, the name is unknown.
            if let last = error.connectionErrors.last?.error { return self.reason(last) }
            return (error.dnsAError ?? error.dnsAAAAError).map { self.reason($0) } ?? "\(error)"
        case let error as SocketAddressError.UnknownHost: return error.errorDescription
        case let error as IOError: return String(cString: strerror(error.errnoCode))
        case ChannelError.connectTimeout: return "no answer within connect_timeout"
        default: return "\(error)"
        }
    }

    /// What helps when a server cannot be reached.
    static func remedy(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let last = error.connectionErrors.last?.error { return self.remedy(last) }
            return PeerRemedy.unresolved
        case is SocketAddressError.UnknownHost: return PeerRemedy.unresolved
        case ChannelError.connectTimeout: return PeerRemedy.silent
        default: return PeerRemedy.unreachable
        }
    }

    /// - Throws: ``ComponentError`` for any error answer.
    static func check(_ reply: RedisReply, _ peer: String) throws {
        guard case .error(let text) = reply else { return }
        throw self.error(text, peer)
    }
}
