import BridgeTesting
import PollThread
import Synchronization
import Testing

@testable import BridgeCore

/// Waits that end with a notification.
@Suite(.timeLimit(.minutes(1)))
struct SignalTests {
    /// A number that many tasks and threads change.
    private final class Count: Sendable {
        private let number = Atomic(0)

        var value: Int { self.number.load(ordering: .sequentiallyConsistent) }

        func increment() { self.number.wrappingAdd(1, ordering: .sequentiallyConsistent) }
    }

    private let signal = Signal()

    @Test func `a condition that holds before the wait ends it at once`() async throws {
        let isOpen = Flag()
        isOpen.set()
        self.signal.notify()
        try await self.signal.wait { isOpen.isSet }
    }

    @Test func `a change between the check and the wait is not missed`() async throws {
        var checks = 0
        try await self.signal.wait {
            checks += 1
            // Another thread changes what was just checked.
            if checks == 1 { self.signal.notify() }
            return checks == 2
        }
        #expect(checks == 2)
    }

    @Test func `a wait goes on until its condition holds, and finds the value`() async throws {
        let checked = AsyncStream.makeStream(of: Int.self)
        let value = Atomic(0)
        async let found = self.signal.wait {
            let found = value.load(ordering: .acquiring)
            checked.continuation.yield(found)
            return found == 3 ? "three" : nil
        }
        for await seen in checked.stream {
            guard seen < 3 else { break }
            value.store(seen + 1, ordering: .releasing)
            self.signal.notify()
        }
        #expect(try await found == "three")
    }

    @Test func `many waits end with one notification`() async throws {
        let checked = Count()
        let isOpen = Flag()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    try await self.signal.wait {
                        checked.increment()
                        return isOpen.isSet
                    }
                }
            }
            try await eventually("all have checked") { checked.value >= 100 }
            isOpen.set()
            self.signal.notify()
            try await group.waitForAll()
        }
    }

    @Test func `a cancelled wait throws, and the others go on`() async throws {
        let checked = Count()
        let isOpen = Flag()
        let condition: @Sendable () -> Bool = {
            checked.increment()
            return isOpen.isSet
        }
        let waits = (0..<3).map { _ in Task { try await self.signal.wait(until: condition) } }
        try await eventually("all have checked") { checked.value >= 3 }
        for cancelled in waits.dropLast() {
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
        }
        isOpen.set()
        self.signal.notify()
        try await waits[2].value
    }

    @Test func `a task that is cancelled before it waits throws, though the condition holds`() async throws {
        let wait = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await self.signal.wait { true }
        }
        await #expect(throws: CancellationError.self) { try await wait.value }
    }

    @Test func `no notification is lost when many threads notify and many tasks wait and are cancelled`() async throws {
        let rounds = 2000
        let count = Count()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    try await OwnThread.run {
                        for _ in 0..<rounds {
                            count.increment()
                            self.signal.notify()
                        }
                    }
                }
                group.addTask {
                    // Follows every step that it can see; a lost notification leaves it waiting forever.
                    var seen = 0
                    while seen < 4 * rounds {
                        seen = try await self.signal.wait {
                            let now = count.value
                            return now > seen ? now : nil
                        }
                    }
                }
                group.addTask {
                    for _ in 0..<100 {
                        let wait = Task { try await self.signal.wait { false } }
                        await Task.yield()
                        wait.cancel()
                        await #expect(throws: CancellationError.self) { try await wait.value }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `the observer hears of each notification until it is removed, but for its own`() {
        let calls = Count()
        self.signal.observe { calls.increment() }
        self.signal.notify()
        self.signal.notify()
        self.signal.notify(tellsObserver: false)
        #expect(calls.value == 2)
        self.signal.observe(nil)
        self.signal.notify()
        #expect(calls.value == 2)
    }

    @Test func `a notification that spares the observer wakes the tasks`() async throws {
        let (isOpen, checked) = (Flag(), Flag())
        self.signal.observe {}
        async let end: Void = self.signal.wait {
            checked.set()
            return isOpen.isSet
        }
        try await eventually("it waits") { checked.isSet }
        isOpen.set()
        self.signal.notify(tellsObserver: false)
        try await end
    }
}

/// Results that come once.
@Suite(.timeLimit(.minutes(1)))
struct EventualTests {
    private struct Failure: Error {}

    @Test func `a result that is there ends the wait at once, and the first one counts`() async throws {
        let eventual = Eventual<Int>()
        #expect(eventual.result == nil)
        #expect(eventual.ifPending { 7 } == 7)
        eventual.finish(.success(1))
        eventual.finish(.failure(Failure()))
        #expect(try await eventual.value == 1)
        #expect(eventual.ifPending { 7 } == nil)
    }

    @Test func `many tasks get one error`() async throws {
        let eventual = Eventual<Int>()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<10 { group.addTask { await #expect(throws: Failure.self) { try await eventual.value } } }
            group.addTask { eventual.finish(.failure(Failure())) }
        }
    }

    @Test func `a cancelled wait throws`() async throws {
        let eventual = Eventual<Int>()
        let wait = Task { try await eventual.value }
        wait.cancel()
        await #expect(throws: CancellationError.self) { try await wait.value }
    }
}

/// Two operations, of which the first to end decides.
@Suite(.timeLimit(.minutes(1)))
struct RaceTests {
    private struct Failure: Error {}

    @Test func `the first result counts, and the other operation is cancelled and awaited`() async throws {
        let isCancelled = Flag()
        let first = try await race(
            { 1 },
            {
                do { try await Task.sleep(for: .seconds(600)) } catch { isCancelled.set() }
                return 2
            }
        )
        #expect(first == 1)
        #expect(isCancelled.isSet)
    }

    @Test func `the first error counts`() async throws {
        await #expect(throws: Failure.self) {
            try await race({ try await Task.sleep(for: .seconds(600)) }, { throw Failure() })
        }
    }
}
