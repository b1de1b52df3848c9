import BridgeCore
import HTTPServer
import NIOCore
import NIOHTTP1

/// One subscriber's right to be counted in its streams and to use its view; given back when it is dropped.
final class SSEPlace: Sendable {
    /// Its number, from 1 on, never given twice.
    let number: UInt64
    let view: SSEView
    let address: SSEAddress?
    /// The IP address of the client, behind trusted proxies too.
    let clientAddress: String?
    /// Who it is; `nil` for anybody.
    let name: String?
    /// When it ends, in milliseconds since 1970; `nil` for never.
    let expires: Int64?
    let since: Timestamp
    private let hub: SSEHub

    /// - Throws: ``SSERefusal`` when one of the streams has no place left.
    init(_ request: HTTPRequest, _ asked: SSERequest, hub: SSEHub, permission: SSEPermission?, now: Timestamp) throws(SSERefusal)
    {
        let address = SSEAddress(request.remoteAddress)
        let view = hub.join(asked.selection)
        for (index, stream) in view.streams.enumerated() {
            guard let complaint = stream.enter(address, permission?.name) else { continue }
            view.streams[..<index].forEach { $0.leave(address, permission?.name) }
            hub.leave(view)
            throw SSERefusal(SSEShedding.answer(request, .tooManyRequests, complaint, view.streams))
        }
        self.number = hub.nextNumber()
        self.view = view
        self.address = address
        self.clientAddress = request.remoteAddress?.ipAddress
        self.name = permission?.name
        self.expires = permission?.expires
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
