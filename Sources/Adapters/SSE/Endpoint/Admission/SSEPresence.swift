import BridgeCore
import HTTPServer
import JSON
import NIOCore
import NIOHTTP1

/// Lists and ends connections, for operators.
///
/// `GET /api/presence` lists connections in the order they were opened; `DELETE /api/presence/{number}` ends one. Both
/// need a grant for `$presence/` and the name of every stream of the connection: one to read, the other to write.
/// Without `http.access` there are no such paths.
struct SSEPresence: Sendable {
    static let path = "/api/presence"
    /// The prefix of presence streams; no wildcard matches it (MQTT 3.1.1 §4.7.2).
    static let prefix = "$presence/"

    let hub: SSEHub
    let access: any HTTPAccess

    /// Answers with a page of connections, selected by `stream`, `after` and `limit` of the query.
    func list(_ request: HTTPRequest, _ responder: HTTPResponder) {
        self.decide(request, responder) { grant in
            guard let parameters = try? SSEParameters(request),
                let after = try? parameters.integer("after", in: 0...Int.max, default: 0),
                let limit = try? parameters.integer("limit", in: 1...1000, default: 100)
            else { return responder.respond(.error(.badRequest, "after and limit must be whole numbers, limit 1 to 1000")) }
            let stream = parameters.value("stream")
            self.connections { connections in
                let allowed = connections.filter { connection in
                    connection.number > after && Self.covers(grant.subscribe, connection.streams)
                        && (stream.map { stream in connection.streams.contains { $0.hasBytes(of: stream) } } ?? true)
                }.sorted { $0.number < $1.number }
                responder.respond(.json(.ok, Self.page(allowed.prefix(limit), isLast: allowed.count <= limit)))
            }
        }
    }

    /// Ends a connection.
    func end(_ request: HTTPRequest, _ responder: HTTPResponder) {
        guard let number = UInt64(request.parameter("number")) else {
            return responder.respond(.error(.badRequest, "The connection must be a number"))
        }
        self.decide(request, responder) { grant in
            let hub = self.hub
            self.connections { connections in
                guard let connection = connections.first(where: { $0.number == number }) else {
                    return responder.respond(.error(.notFound, "There is no connection \(number)"))
                }
                guard Self.covers(grant.publish, connection.streams) else {
                    return responder.respond(.error(.forbidden, "Not allowed to end connection \(number)"))
                }
                hub.onEachShard { $0.member(number)?.stop(.removed) }
                responder.respond(HTTPResponse(.noContent))
            }
        }
    }

    private func decide(_ request: HTTPRequest, _ responder: HTTPResponder, then body: @escaping @Sendable (HTTPGrant) -> Void) {
        guard self.access.isEnforced else { return responder.respond(.error(.notFound, "Not found")) }
        self.access.grant(request, names: []).hop(to: responder.eventLoop).whenComplete { result in
            switch result {
            case .success(let grant):
                if let challenge = grant.challenge { return responder.respond(challenge.response) }
                body(grant)
            case .failure(let error):
                responder.respond(HTTPRefusal.response(to: error))
            }
        }
    }

    private func connections(then body: @escaping @Sendable ([SSEConnectionState]) -> Void) {
        self.hub.collect { shard in shard.members.map(\.state) }.whenSuccess { body($0.flatMap { $0 }) }
    }

    private static func covers(_ patterns: [String], _ streams: [String]) -> Bool {
        let patterns = patterns.compactMap { try? SSEName.pattern($0) }
        return streams.allSatisfy { stream in
            guard let name = try? SSEName.pattern(Self.prefix + stream) else { return false }
            return patterns.contains { $0.covers(name) }
        }
    }

    private static func page(_ connections: some Sequence<SSEConnectionState>, isLast: Bool) -> String {
        let items = Array(connections)
        let next = isLast ? "null" : String(items.last?.number ?? 0)
        return "{\"connections\":[\(items.map(\.json).joined(separator: ","))],\"next\":\(next)}"
    }
}
