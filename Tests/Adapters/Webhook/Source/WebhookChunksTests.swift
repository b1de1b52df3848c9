import BridgeCore
import BridgeTesting
import Dispatch
import HTTPServer
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

@testable import WebhookAdapter

/// Bodies with many items, whose events are sent in several turns of the event loop.
@Suite(.timeLimit(.minutes(1)))
struct WebhookChunksTests {
    private static let type = "Content-Type: application/x-ndjson\r\n"

    /// Runs a bridge whose server has one event loop.
    private static func run(
        acknowledge: AcknowledgePolicy = .received, onLivez: @escaping @Sendable () -> Void = {},
        _ body: @escaping @Sendable (WebhookFixture) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            try await WebhookFixture.run(acknowledge: acknowledge, group: group, onLivez: onLivez) { try await body($0) }
            try await group.shutdownGracefully()
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
    }

    private static func lines(_ numbers: Range<Int>, bytes: Int = 0) -> String {
        let filling = String(repeating: "x", count: bytes)
        return numbers.map { #"{"message":"\#($0)","filling":"\#(filling)"}"# }.joined(separator: "\n")
    }

    @Test func `each turn of the loop sends a bounded number of events`() async throws {
        try await Self.run { hook in
            hook.sink.hold()
            let steps = try await hook.steps(until: 1000) {
                let answer = try await hook.post(Self.lines(0..<1000), headers: Self.type)
                #expect(answer.status == 200)
            }
            #expect(steps.allSatisfy { $0 <= WebhookChunks<Int>.limit.messages }, "\(steps)")
        }
    }

    @Test func `livez is answered before the last events of a large batch are sent`() async throws {
        let bridge = Mutex<Bridge?>(nil)
        let pending = Mutex<[Int]>([])
        let record: @Sendable () -> Void = {
            let count = bridge.withLock { $0?.pending ?? -1 }
            pending.withLock { $0.append(count) }
        }
        try await Self.run(onLivez: record) { hook in
            hook.sink.hold()
            bridge.withLock { $0 = hook.bridge }
            let probe = try RawConnection(port: hook.port)
            try await probe.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await Answer.read(from: probe).status == 200)
            // The loop waits behind the first events until the probe is in the buffer of its socket.
            let (begun, release) = hook.waitBehindFirstEvents()
            async let batch = hook.post(Self.lines(0..<1000), headers: Self.type)
            do {
                defer { release.signal() }
                try await begun.get()
                try await probe.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            }
            #expect(try await Answer.read(from: probe).status == 200)
            #expect(try await batch.status == 200)
            #expect(hook.bridge.pending == 1000)
        }
        let seen = pending.withLock { $0 }
        #expect(seen.count == 2 && seen.first == 0)
        #expect(seen.last.map { (1..<1000).contains($0) } == true, "\(seen)")
    }

    @Test(arguments: [AcknowledgePolicy.received, .delivered])
    func `requests at the same time keep the order of their own events, and all ids`(acknowledge: AcknowledgePolicy) async throws
    {
        try await Self.run(acknowledge: acknowledge) { hook in
            let (first, second) = (0..<100, 100..<200)
            async let one = hook.post(Self.lines(first), headers: Self.type + "Idempotency-Key: a\r\n")
            async let two = hook.post(Self.lines(second), headers: Self.type + "Idempotency-Key: b\r\n")
            async let single = hook.post(#"{"message":"single"}"#)
            let answers = try await [one, two]
            #expect(try await single.status == 200 && answers.allSatisfy { $0.status == 200 })
            for (answer, key) in zip(answers, ["a", "b"]) {
                let ids = (1...100).map { #""\#(key)-\#($0)""# }.joined(separator: ",")
                #expect(answer.body.contains("\"ids\":[\(ids)]"))
            }
            try await eventually("all have arrived") { hook.sink.count == 201 }
            for range in [first, second] {
                let numbers = hook.sink.events.compactMap { Int($0.message) }.filter(range.contains)
                #expect(numbers == Array(range))
            }
        }
    }

    @Test func `the items of a client that leaves are all sent, and others are served`() async throws {
        try await Self.run(acknowledge: .delivered) { hook in
            hook.sink.hold()
            do {
                let connection = try RawConnection(port: hook.port)
                try await WebhookFixture.send(Self.lines(0..<300), headers: Self.type, on: connection)
                try await eventually("some are read") { hook.bridge.pending > 0 }
            }
            hook.sink.hold(false)
            try await eventually("all have arrived") { hook.sink.count == 300 }
            #expect(hook.sink.events.map(\.message) == (0..<300).map(String.init))
            #expect(try await hook.post("next").status == 200)
        }
    }

    @Test func `the items of a body are all sent when the source stops`() async throws {
        try await Self.run(acknowledge: .delivered) { hook in
            hook.sink.hold()
            async let answer = hook.post(Self.lines(0..<300), headers: Self.type)
            try await eventually("some are read") { hook.bridge.pending > 0 }
            hook.stop()
            hook.sink.hold(false)
            #expect(try await answer.status == 200)
            #expect(hook.sink.events.map(\.message) == (0..<300).map(String.init))
        }
    }

    @Test func `a large batch in a loop is refused`() async throws {
        try await Self.run { hook in
            let answer = try await hook.post(Self.lines(0..<50), headers: Self.type + "streambridge-hops: 8\r\n")
            #expect(answer.status == 508 && answer.body == #"{"error":"Loop detected"}"#)
            #expect(hook.sink.count == 0)
        }
    }

    // MARK: - Without a server

    private static func messages(_ count: Int, bytes: Int = 1) -> [ReceivedMessage] {
        (0..<count).map { _ in ReceivedMessage(subject: "h", body: ByteBuffer(repeating: 0x31, count: bytes)) }
    }

    @Test func `a request is divided by the number of its messages and by their bytes`() {
        let limit = WebhookChunks<Int>.limit
        #expect(!WebhookChunks<Int>.divides(Self.messages(limit.messages)))
        #expect(WebhookChunks<Int>.divides(Self.messages(limit.messages + 1)))
        #expect(!WebhookChunks<Int>.divides(Self.messages(1, bytes: limit.bytes + 1)))
        #expect(WebhookChunks<Int>.divides(Self.messages(2, bytes: limit.bytes / 2 + 1)))
        var chunks = WebhookChunks<Int>()
        #expect(chunks.add(Self.messages(40), of: 1) && chunks.add(Self.messages(2, bytes: limit.bytes), of: 2))
        var seen: [String] = []
        while let chunk = chunks.next() {
            seen.append("\(chunk.request): \(chunk.messages.count) after \(chunk.ids.count)\(chunk.isLast ? ", last" : "")")
            if !chunk.isLast { chunks.record(chunk.messages.map { _ in "id" }) }
        }
        #expect(seen == ["1: 16 after 0", "1: 16 after 16", "1: 8 after 32, last", "2: 1 after 0", "2: 1 after 1, last"])
        #expect(chunks.memory == 0 && chunks.isEmpty)
    }

    @Test func `requests are refused as a whole while too many messages wait`() {
        let size = WebhookChunks<Int>.memory / 40
        var chunks = WebhookChunks<Int>()
        // The first is accepted whatever its size is.
        #expect(chunks.add(Self.messages(40, bytes: size), of: 1) && chunks.memory > WebhookChunks<Int>.memory)
        let memory = chunks.memory
        #expect(!chunks.add(Self.messages(17), of: 2) && chunks.memory == memory)
        while chunks.next() != nil {}
        #expect(chunks.memory == 0)
        #expect(chunks.add(Self.messages(20, bytes: size), of: 3) && chunks.add(Self.messages(17), of: 4))
    }
}

extension WebhookFixture {
    /// Blocks the only event loop as soon as events are in the log.
    ///
    /// - Returns: what succeeds when the loop is blocked, and what resumes it.
    fileprivate func waitBehindFirstEvents() -> (begun: EventLoopFuture<Void>, release: DispatchSemaphore) {
        let begun = self.loop.makePromise(of: Void.self)
        let release = DispatchSemaphore(value: 0)
        let (bridge, loop) = (self.bridge, self.loop)
        @Sendable func visit() {
            guard bridge.pending == 0 else {
                begun.succeed()
                return release.wait()
            }
            loop.scheduleTask(in: .microseconds(50), visit)
        }
        loop.execute(visit)
        return (begun.futureResult, release)
    }

    /// How many events are added to the log between two visits of the only event loop, which come between any two chunks.
    fileprivate func steps(until count: Int, _ body: () async throws -> Void) async throws -> [Int] {
        let steps = NIOLoopBoundBox.makeBoxSendingValue(Steps(), eventLoop: self.loop)
        let ended = self.loop.makePromise(of: Void.self)
        let bridge = self.bridge
        @Sendable func visit() {
            steps.value.add(bridge.pending)
            guard steps.value.last < count else { return ended.succeed() }
            // Due before a chunk that pauses.
            steps.eventLoop.scheduleTask(in: .microseconds(50), visit)
        }
        self.loop.execute(visit)
        try await body()
        try await ended.futureResult.get()
        return try await self.loop.submit { steps.value.steps }.get()
    }

    private struct Steps {
        var steps: [Int] = []
        var last = 0

        mutating func add(_ count: Int) {
            if count > self.last { self.steps.append(count - self.last) }
            self.last = count
        }
    }
}
