import BridgeTesting
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import BridgeCore

/// What is taken on a loop while others append.
struct InletPumpTests {
    @Test func `one batch is in flight at a time, in order, however fast others append`() async throws {
        let fixture = DeliveryFixture()
        let inlet = Self.inlet(fixture)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let count = 20_000
        let seen = Mutex(Seen())
        async let appending: Void = OwnThread.run {
            for number in 0..<count { fixture.append(["\(number)"]) }
            fixture.log.finish()
        }
        try await InletPump(inlet, on: loop) { drain in
            let batch = drain.take(atMost: 16)
            guard let last = batch.last else { return }
            seen.withLock { $0.begin(batch.map(\.event.id)) }
            // Answered later, as by a peer.
            loop.execute {
                seen.withLock { $0.isUnderWay = false }
                inlet.confirm(through: last)
                drain.resume()
            }
        }.run()
        try await appending
        #expect(seen.withLock { $0.ids } == (0..<count).map(String.init))
        #expect(seen.withLock { $0.overlaps } == 0)
    }

    @Test(arguments: [1, 2, 3])
    func `the loop serves its sockets though there is always more`(_ sinks: Int) async throws {
        let fixture = DeliveryFixture(sinks: Array(repeating: DeliverySettings(), count: sinks))
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let progress = Progress()
        let server = try await ServerBootstrap(group: loop)
            .childChannelInitializer { channel in
                progress.isServed.store(true, ordering: .releasing)
                return channel.close()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sink in 0..<sinks {
                let index = SinkIndex(sink)
                let inlet = Self.inlet(fixture, sink: index)
                fixture.append(["first"], to: [index])
                group.addTask {
                    try await InletPump(inlet, on: loop) { drain in
                        guard let last = drain.take(atMost: 16).last else { return }
                        if !progress.isServed.load(ordering: .acquiring) { fixture.append(["next"], to: [index]) }
                        inlet.confirm(through: last)
                        progress.taken.wrappingAdd(1, ordering: .relaxed)
                        drain.resume()
                    }.run()
                }
            }
            try await eventually("the drains are busy") { progress.taken.load(ordering: .relaxed) > 100 }
            let socket = try RawConnection(port: port)
            try await eventually("the connection is accepted") { progress.isServed.load(ordering: .acquiring) }
            withExtendedLifetime(socket) { fixture.log.finish() }
            try await group.waitForAll()
        }
        try await server.close()
    }

    @Test func `what the sink meets ends it, and what it had is offered again`() async throws {
        let fixture = DeliveryFixture()
        let inlet = Self.inlet(fixture)
        fixture.append(["a"])
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let drain = InletPump(inlet, on: loop) { drain in
            if !drain.take(atMost: 16).isEmpty { drain.stop(ComponentError(.connectionLost, "gone")) }
        }
        let error = await #expect(throws: ComponentError.self) { try await drain.run() }
        #expect(error?.code == .connectionLost)
        inlet.reclaim()
        #expect(fixture.take().map(\.event.id) == ["a"])
    }

    @Test func `a cancelled one ends though nothing comes`() async {
        let fixture = DeliveryFixture()
        let drain = InletPump(Self.inlet(fixture), on: MultiThreadedEventLoopGroup.singleton.next()) { _ = $0.take(atMost: 1) }
        let task = Task { try await drain.run() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func `nothing is in flight without an owner when it ends while the loop takes a batch`() async throws {
        let fixture = DeliveryFixture()
        let inlet = Self.inlet(fixture)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        for number in 1...2000 {
            fixture.append(["\(number)"])
            let drain = InletPump(inlet, on: loop) { _ = $0.take(atMost: .max) }
            let run = Task { try await drain.run() }
            run.cancel()
            _ = await run.result
            inlet.reclaim()
            try await loop.submit {}.get()
            let taken = fixture.take()
            #expect(taken.map(\.event.id) == ["\(number)"])
            guard let last = taken.last else { return }
            inlet.confirm(through: last)
        }
    }

    private static func inlet(_ fixture: DeliveryFixture, sink: SinkIndex = 0) -> SinkInlet {
        SinkInlet(
            log: fixture.log, sink: sink,
            status: ComponentStatus(
                metrics: ComponentMetrics(component: "sink-0", kind: "test", direction: "sink", metrics: fixture.metrics))
        )
    }

    private final class Progress: Sendable {
        let isServed = Atomic<Bool>(false)
        let taken = Atomic<Int>(0)
    }

    private struct Seen {
        var ids: [String] = []
        var overlaps = 0
        var isUnderWay = false

        mutating func begin(_ ids: [String]) {
            if self.isUnderWay { self.overlaps += 1 }
            self.isUnderWay = true
            self.ids += ids
        }
    }
}
