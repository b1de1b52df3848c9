import BridgeTesting
import Glibc
import Synchronization

/// The setup of a round: the program, its two sides, and their faults.
final class FaultStage: Sendable {
    let publisher: any CountingPublisher
    let reader: any CountingReader
    private let source: FaultySide
    private let sink: FaultySide
    private let disk: SmallDisk?
    private let clock: WallClock?
    private let port: LastingPort
    private let log: FaultPair.Log
    private let started = Mutex<BridgeProcess?>(nil)

    private init(
        publisher: any CountingPublisher, reader: any CountingReader, source: FaultySide, sink: FaultySide, disk: SmallDisk?,
        clock: WallClock?, port: LastingPort, log: FaultPair.Log
    ) {
        self.publisher = publisher
        self.reader = reader
        self.source = source
        self.sink = sink
        self.disk = disk
        self.clock = clock
        self.port = port
        self.log = log
    }

    /// Starts the peers of a round; the small disk and the other clock only where its plan needs them.
    static func prepared(for round: FaultRound) async throws -> FaultStage {
        // Known before the program runs, because proxies are in front of it.
        let port = try LastingPort()
        let (source, publisher) =
            switch round.pair {
            case .mqttToSSE, .mqttToRedis: try await FaultySide.mqttSource()
            case .redisToMQTT: try await FaultySide.redisSource()
            case .sseToRedis: try await FaultySide.sseSource()
            case .webhookToMQTT: try FaultySide.webhookSource(bridge: port.number)
            }
        let (sink, reader) =
            switch round.pair {
            case .mqttToSSE: try FaultySide.sseSink(bridge: port.number)
            case .mqttToRedis, .sseToRedis: try await FaultySide.redisSink()
            case .redisToMQTT, .webhookToMQTT: try await FaultySide.mqttSink()
            }
        let faults = round.plan.steps.map(\.fault)
        return FaultStage(
            publisher: publisher, reader: reader, source: source, sink: sink,
            disk: faults.contains(.fillDisk) ? try SmallDisk.mounted() : nil,
            clock: faults.contains(.jumpClock) ? try WallClock() : nil, port: port, log: round.log
        )
    }

    /// The program; there only after ``start()``.
    var bridge: BridgeProcess { self.started.withLock { $0! } }

    /// Starts the program and waits until it is ready.
    func start() async throws {
        let (log, acknowledge) =
            switch self.log {
            case .memory: ("{ kind: memory }", ", ack: delivered")
            case .forgetful: ("{ kind: memory }", ", ack: received")
            case .sqlite: ("{ kind: sqlite, path: \"\(self.disk?.path ?? "{directory}")/events.db\", durability: process }", "")
            }
        // Coming back quickly keeps a round short.
        let retry = "retry: { initial: 20ms, max: 200ms }"
        let bridge = try await BridgeProcess.start(
            """
            log: \(log)
            defaults: { source: { \(retry) }, sink: { \(retry) } }
            sources:
              in: \(self.source.yaml)\(acknowledge) }
            sinks:
              out: \(self.sink.yaml) }
            routes:
              - { from: [in], to: [out] }

            """, port: self.port, wrapper: self.clock?.wrapper ?? []
        )
        self.started.withLock { $0 = bridge }
    }

    /// Lets a fault happen; one that lasts ends when `end` returns.
    func meet(_ step: FaultPlan.Step, until end: () async throws -> Void) async throws {
        switch step.fault {
        case .killBridge: try await self.bridge.restart()
        case .killPeer(let side): try await self[side].restart?()
        case .cut(let side): self[side].proxy.cut()
        case .delay(let side):
            self[side].proxy.delay(by: .milliseconds(step.length / 4 + 1))
            try await end()
            self[side].proxy.delay(by: .zero)
        case .freezeBridge:
            self.bridge.process.signal(SIGSTOP)
            try await end()
            self.bridge.process.signal(SIGCONT)
        case .freezePeer(let side):
            self[side].freeze?(true)
            try await end()
            self[side].freeze?(false)
        case .fillDisk:
            try self.disk?.fill()
            try await end()
            self.disk?.free()
        case .jumpClock:
            // Hours forward, or back.
            try self.clock?.jump(bySeconds: (step.length.isMultiple(of: 2) ? 3600 : -3600) * Int64(step.length))
        }
    }

    /// Ends the program in order, once it is ready again.
    ///
    /// - Returns: how it ended.
    func stop() async throws -> ChildProcess.Ending {
        try await self.bridge.untilReady()
        return try await self.bridge.stop()
    }

    private subscript(side: Fault.Side) -> FaultySide { side == .source ? self.source : self.sink }
}
