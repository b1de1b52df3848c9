import BridgeCore
import NIOCore

/// The loop of both Redis sinks: writes deliveries as commands, in one write per batch, and settles each by its own
/// answer.
///
/// On the event loop of the connection, from the inlet to the socket.
struct RedisPublisher: Sendable {
    /// Appends exactly one command for a delivery; an error refuses the delivery.
    typealias Encoding = @Sendable (Delivery, EventReader, inout ByteBuffer) throws -> Void

    let settings: RedisSettings
    let context: ComponentContext
    /// Outlives the connections.
    let poison: PoisonMessageDetector
    /// For each variant of the settings, whether all its events have the same channel or stream.
    let hasConstantKey: [Bool]
    /// Outlives the connections.
    let refusals: RefusalStreak
    /// Outlives the connections.
    let recovery: RecoveryLog
    /// The key that the node must serve; `nil` for any node.
    var key: String?

    /// Publishes until the inlet has ended.
    ///
    /// - Throws: ``ComponentError``, `CancellationError`.
    func run(_ inlet: SinkInlet, _ encode: @escaping Encoding) async throws {
        try await self.recovery.track { try await self.publish(inlet, encode) }
    }

    private func publish(_ inlet: SinkInlet, _ encode: @escaping Encoding) async throws {
        let connection = try await RedisConnection.open(
            self.settings, group: self.context.eventLoopGroup, name: "\(self.context.bridge).\(self.context.name)",
            key: self.key
        )
        inlet.connected()
        self.recovery.passed(.connected, at: connection.peer)
        let loop = connection.channel.eventLoop
        let pipeline = RedisPipeline(
            inlet: inlet, connection: connection, encode: encode, poison: self.poison,
            hasConstantKey: self.hasConstantKey, refusals: self.refusals, recovery: self.recovery,
            state: NIOLoopBoundBox.makeBoxSendingValue(RedisPipeline.State(), eventLoop: loop)
        )
        do {
            try await connection.whileOpen {
                try await InletPump(inlet, on: loop) { pipeline.publish($0) }.run()
            }
        } catch {
            // The connection is closed. Earlier answers count, so they must be settled before anything is offered
            // again.
            await pipeline.untilSettled()
            throw error
        }
    }
}
