/// One subscriber's right to be counted in its streams and to use its view; given back when it is dropped.
final class SSEPlace: Sendable {
    let view: SSEView
    /// Who it is; `nil` for anybody.
    let name: String?
    /// When it ends, in milliseconds since 1970; `nil` for never.
    let expires: Int64?
    private let hub: SSEHub

    /// - Returns: `nil` when one of the streams has no place left.
    init?(_ selection: SSESelection, hub: SSEHub, permission: SSEPermission?) {
        let view = hub.join(selection)
        for (index, stream) in view.streams.enumerated() where !stream.enter() {
            view.streams[..<index].forEach { $0.leave() }
            hub.leave(view)
            return nil
        }
        self.view = view
        self.name = permission?.name
        self.expires = permission?.expires
        self.hub = hub
    }

    deinit {
        self.view.streams.forEach { $0.leave() }
        self.hub.leave(self.view)
    }

    /// Whether one of the streams has ended.
    var isClosing: Bool { self.view.streams.contains(where: \.isClosing) }
}
