import BridgeCore
import NIOCore
import NIOPosix

extension Gateway {
    /// Checks whether a server accepts connections at an address, by a connection that is closed at once.
    static func portProbe(_ group: any EventLoopGroup) -> PortProbe {
        { peer in
            let bootstrap = ClientBootstrap(group: group).connectTimeout(.seconds(1))
            guard let channel = try? await bootstrap.connect(host: peer.host, port: peer.port).get() else { return false }
            // It is closed already where this fails.
            try? await channel.close().get()
            return true
        }
    }
}
