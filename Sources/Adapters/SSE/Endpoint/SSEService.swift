import BridgeCore
import HTTPServer
import NIOCore
import NIOHTTP1

/// The paths of all streams of the program, and their hub.
///
/// Created by the first sink of a stream; exists as long as one of them.
final class SSEService: Sendable {
    static let path = "/api/stream"

    let hub: SSEHub
    private let router: HTTPRouter
    private let registrations: [HTTPRouter.Registration]

    /// - Throws: `HTTPServerError` when the paths are taken.
    init(
        router: HTTPRouter, group: any EventLoopGroup, access: (any HTTPAccess)?, refusals: HTTPRefusals? = nil,
        metrics: SSEMetrics,
        reservation: SSESequenceReservation
    ) throws {
        let hub = try SSEHub(group: group, presence: access == nil ? nil : metrics, reservation: reservation)
        let endpoint = SSEEndpoint(hub: hub, access: access, refusals: refusals)
        self.hub = hub
        self.router = router
        var registrations: [HTTPRouter.Registration] = []
        for pattern in [Self.path, Self.path + "/{streams...}"] {
            registrations.append(
                try router.registerStream(.GET, pattern, refusing: endpoint.complete) { endpoint.answer($0, framing: $1) })
            for method in [HTTPMethod.POST, .RAW(value: "QUERY")] {
                registrations.append(
                    try router.registerStream(
                        method, pattern, bodyLimit: 64 << 10, authorize: endpoint.authorize, refusing: endpoint.complete
                    ) { endpoint.answer($0, framing: $1) })
            }
            registrations.append(
                try router.register(.OPTIONS, pattern, bodyLimit: 0) { $1.respond(endpoint.preflight($0)) })
        }
        if let access {
            let presence = SSEPresence(hub: hub, access: access)
            registrations.append(try router.register(.GET, SSEPresence.path, bodyLimit: 0, handler: presence.list))
            registrations.append(
                try router.register(.DELETE, SSEPresence.path + "/{number}", bodyLimit: 0, writes: true, handler: presence.end))
        }
        self.registrations = registrations
        access?.observe { [weak hub] isValid in hub?.revoke(where: { !isValid($0) }) }
    }

    deinit {
        self.registrations.forEach(self.router.unregister)
    }
}
