import BridgeCore
import HTTPServer
import NIOCore
import NIOHTTP1

/// One subscriber's slot in its streams and its view, released when the lease is dropped.
final class SSESubscriberLease: Sendable {
    /// Its number, from 1; never reused.
    let number: UInt64
    let view: SSEView
    let address: SSEAddress?
    /// The client's IP address, also behind trusted proxies.
    let clientAddress: String?
    /// The client's name; `nil` for an anonymous client.
    let name: String?
    /// When it ends, in milliseconds since 1970; `nil` for never.
    let expires: Int64?
    /// See ``HTTPGrant/authority``.
    let authority: UInt64?
    let since: Timestamp
    private let hub: SSEHub

    /// - Throws: ``SSERefusal`` when one of the streams has reached a limit.
    init(_ request: HTTPRequest, _ asked: SSERequest, hub: SSEHub, permission: SSEPermission?, now: Timestamp) throws(SSERefusal)
    {
        let address = SSEAddress(request.remoteAddress)
        let view = hub.join(asked.selection)
        for (index, stream) in view.streams.enumerated() {
            guard let complaint = stream.enter(address, permission?.name) else { continue }
            view.streams[..<index].forEach { $0.leave(address, permission?.name) }
            hub.leave(view)
            throw SSERefusal(SSERetryLater.answer(request, .tooManyRequests, complaint, view.streams))
        }
        self.number = hub.nextNumber()
        self.view = view
        self.address = address
        self.clientAddress = request.remoteAddress?.ipAddress
        self.name = permission?.name
        self.expires = permission?.expires
        self.authority = permission?.authority
        self.since = now
        self.hub = hub
    }

    deinit {
        self.view.streams.forEach { $0.leave(self.address, self.name) }
        self.hub.leave(self.view)
    }

    /// Whether one of the streams has ended.
    var isClosing: Bool { self.view.streams.contains(where: \.isClosing) }
}
