import CLinux
import Glibc
import PollThread
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct PollThreadTests {
    @Test func `an actor's jobs run on the thread, in order`() async throws {
        let thread = try PollThread(name: "test")
        defer { thread.stop() }
        let recorder = Recorder(thread: thread)
        for number in 0..<1000 { await recorder.record(number) }
        #expect(await recorder.numbers == Array(0..<1000))
        #expect(await recorder.threads.count == 1)
    }

    @Test func `isolation can be assumed on the thread`() async throws {
        let thread = try PollThread(name: "test")
        defer { thread.stop() }
        let recorder = Recorder(thread: thread)
        #expect(await recorder.assumesItself())
    }

    @Test func `a readable descriptor ends the wait`() async throws {
        let thread = try PollThread(name: "test")
        defer { thread.stop() }
        let pipe = try Pipe()
        let waiter = Waiter(thread: thread)
        async let readiness = waiter.wait(fd: pipe.reading, events: .readable, timeout: .seconds(30))
        pipe.write(1)
        #expect(await readiness.contains(.readable))
    }

    @Test func `a hang-up is reported`() async throws {
        let thread = try PollThread(name: "test")
        defer { thread.stop() }
        let pipe = try Pipe()
        pipe.closeWriting()
        let readiness = await Waiter(thread: thread).wait(fd: pipe.reading, events: .readable, timeout: .seconds(30))
        #expect(!readiness.isDisjoint(with: .failed))
    }

    @Test func `without requested events the descriptor is not polled`() async throws {
        let thread = try PollThread(name: "test")
        defer { thread.stop() }
        let pipe = try Pipe()
        pipe.closeWriting()
        let readiness = await Waiter(thread: thread).wait(fd: pipe.reading, events: [], timeout: .milliseconds(1))
        #expect(readiness.isEmpty)
    }

    @Test func `waking ends a wait without a time limit`() async throws {
        let thread = try PollThread(name: "test")
        defer { thread.stop() }
        let waiter = Waiter(thread: thread)
        async let readiness = waiter.wait(fd: -1, events: [], timeout: nil)
        let waking = Task {
            while !Task.isCancelled {
                thread.wake()
                await Task.yield()
            }
        }
        #expect(await readiness.isEmpty)
        waking.cancel()
    }

    @Test func `a wake between two waits is not lost, and ends one wait only`() async throws {
        let thread = try PollThread(name: "test")
        defer { thread.stop() }
        let waiter = Waiter(thread: thread)
        let (first, second) = await waiter.wakesItselfAndWaitsTwice()
        #expect(first < .seconds(20))
        #expect(second >= .milliseconds(50))
    }

    @Test func `no wake is lost when many threads wake at once`() async throws {
        let thread = try PollThread(name: "test")
        defer { thread.stop() }
        let waiter = Waiter(thread: thread)
        let flags = Flags()
        async let seen = waiter.waits(for: flags, 20_000)
        await withTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<5_000 {
                        flags.raised.wrappingAdd(1, ordering: .sequentiallyConsistent)
                        thread.wake()
                        if flags.raised.load(ordering: .relaxed) % 16 == 0 { await Task.yield() }
                    }
                }
            }
        }
        #expect(await seen == 20_000)
    }

    @Test func `a job that is enqueued during a wait ends the wait`() async throws {
        let thread = try PollThread(name: "test")
        defer { thread.stop() }
        // Now and then both are enqueued before the thread has taken the first.
        for _ in 0..<2000 {
            let waiter = Waiter(thread: thread)
            async let turns = waiter.turnsUntilTold()
            await waiter.signal()
            #expect(await turns >= 0)
        }
    }

    @Test func `descriptors above 1024 work`() async throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        try #require(limit.rlim_max > 1600)
        limit.rlim_cur = max(limit.rlim_cur, 1600)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let thread = try PollThread(name: "test")
        defer { thread.stop() }
        let pipe = try Pipe()
        let high = fcntl(pipe.reading, F_DUPFD, 1500)
        try #require(high >= 1500)
        defer { close(high) }
        pipe.write(1)
        let readiness = await Waiter(thread: thread).wait(fd: high, events: .readable, timeout: .seconds(30))
        #expect(readiness == .readable)
    }

    @Test func `the time limit ends the wait, not before it is over`() async throws {
        let thread = try PollThread(name: "test")
        defer { thread.stop() }
        let start = ContinuousClock.now
        // A wait may end early now and then, but not again and again.
        var waits = 0
        while ContinuousClock.now - start < .milliseconds(20), waits < 4 {
            let readiness = await Waiter(thread: thread).wait(fd: -1, events: [], timeout: .milliseconds(20))
            #expect(readiness.isEmpty)
            waits += 1
        }
        #expect(ContinuousClock.now - start >= .milliseconds(20))
    }

    @Test func `stopping ends the thread and frees its descriptor`() async throws {
        weak var gone: PollThread?
        do {
            let thread = try PollThread(name: "test")
            gone = thread
            await Recorder(thread: thread).record(1)
            thread.stop()
            thread.stop()
        }
        #expect(gone == nil)
    }
}

private actor Recorder {
    nonisolated let unownedExecutor: UnownedSerialExecutor
    private let thread: PollThread
    private(set) var numbers: [Int] = []
    private(set) var threads: Set<UInt> = []

    init(thread: PollThread) {
        self.thread = thread
        self.unownedExecutor = thread.asUnownedSerialExecutor()
    }

    func record(_ number: Int) {
        self.numbers.append(number)
        self.threads.insert(UInt(pthread_self()))
    }

    func assumesItself() -> Bool {
        let probe: () -> Bool = { self.assumeIsolated { $0.numbers.isEmpty } }
        return probe()
    }
}

private actor Waiter {
    nonisolated let unownedExecutor: UnownedSerialExecutor
    private let thread: PollThread
    private var isTold = false

    init(thread: PollThread) {
        self.thread = thread
        self.unownedExecutor = thread.asUnownedSerialExecutor()
    }

    func wait(fd: Int32, events: PollThread.Readiness, timeout: Duration?) -> PollThread.Readiness {
        self.thread.wait(fd: fd, events: events, timeout: timeout)
    }

    func wakesItselfAndWaitsTwice() -> (Duration, Duration) {
        let clock = ContinuousClock()
        self.thread.wake()
        let first = clock.measure { _ = self.thread.wait(timeout: .seconds(30)) }
        let second = clock.measure { _ = self.thread.wait(timeout: .milliseconds(50)) }
        return (first, second)
    }

    func waits(for flags: Flags, _ count: Int) -> Int {
        while true {
            let seen = flags.raised.load(ordering: .sequentiallyConsistent)
            if seen >= count { return seen }
            _ = self.thread.wait()
        }
    }

    func turnsUntilTold() async -> Int {
        var turns = 0
        while !self.isTold {
            turns += 1
            _ = self.thread.wait()
            if self.thread.hasWaitingJobs { await Task.yield() }
        }
        return turns
    }

    func signal() {
        self.isTold = true
    }
}

private final class Flags: Sendable {
    let raised = Atomic<Int>(0)
}

private final class Pipe: Sendable {
    let reading: Int32
    private let writing: Mutex<Int32>

    init() throws {
        var descriptors: [Int32] = [0, 0]
        try #require(pipe(&descriptors) == 0)
        self.reading = descriptors[0]
        self.writing = Mutex(descriptors[1])
    }

    deinit {
        close(self.reading)
        self.closeWriting()
    }

    func write(_ byte: UInt8) {
        var byte = byte
        _ = self.writing.withLock { Glibc.write($0, &byte, 1) }
    }

    func closeWriting() {
        self.writing.withLock {
            if $0 >= 0 { close($0) }
            $0 = -1
        }
    }
}
