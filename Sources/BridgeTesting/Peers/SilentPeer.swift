import NIOCore
import NIOPosix
import Synchronization

/// A server that accepts connections and drops what it reads; it never writes.
package final class SilentPeer: Sendable {
    private let listener: any Channel
    private let accepted: Accepted

    /// Listens on a free port of 127.0.0.1.
    ///
    /// - Throws: an error of the system.
    package init() async throws {
        let accepted = Accepted()
        self.accepted = accepted
        self.listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                accepted.count.add(1, ordering: .relaxed)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    deinit {
        self.listener.close(promise: nil)
    }

    /// The port on which it listens.
    package var port: Int { self.listener.localAddress?.port ?? 0 }

    /// How many connections it has accepted.
    package var connections: Int { self.accepted.count.load(ordering: .relaxed) }

    private final class Accepted: Sendable {
        let count = Atomic(0)
    }
}
