import Synchronization
import Testing

@testable import StreamBridge

/// Reloads one after the other.
@Suite(.timeLimit(.minutes(1)))
struct ReloadQueueTests {
    private let queue = ReloadQueue()

    private static let result = ReloadResult.refused(ConfigurationInput.Refusal(messages: ["no"]))

    /// Runs the queue until it is finished, and hands each reload to the body with its number from 1.
    private func causes(_ body: (Int, ReloadQueue.Request) -> Void) async -> [ReloadQueue.Cause] {
        var causes: [ReloadQueue.Cause] = []
        await self.queue.run { request in
            causes.append(request.cause)
            body(causes.count, request)
        }
        return causes
    }

    @Test func `several causes before a reload are one reload`() async {
        for cause in [ReloadQueue.Cause.signal, .file, .signal] { self.queue.ask(cause) }
        let causes = await self.causes { _, _ in self.queue.finish() }
        #expect(causes == [.signal])
    }

    @Test func `causes during a reload are one more after it`() async {
        self.queue.ask(.signal)
        let causes = await self.causes { number, _ in
            if number == 1 { for _ in 0..<5 { self.queue.ask(.file) } } else { self.queue.finish() }
        }
        #expect(causes == [.signal, .file])
    }

    @Test func `a request is refused while a reload waits or runs`() async {
        let answers = Mutex(0)
        let answer: @Sendable (ReloadResult) -> Void = { _ in answers.withLock { $0 += 1 } }
        #expect(self.queue.ask(answer: answer))
        #expect(!self.queue.ask(answer: answer), "one waits")
        let causes = await self.causes { _, request in
            #expect(!self.queue.ask(answer: answer), "one runs")
            request.answer?(Self.result)
            self.queue.finish()
        }
        #expect(causes == [.request] && answers.withLock { $0 } == 1)
    }

    @Test func `who has the answer may ask again at once`() async {
        let queue = self.queue
        let isTaken = Mutex<Bool?>(nil)
        #expect(queue.ask { _ in isTaken.withLock { $0 = queue.ask { _ in } } })
        let causes = await self.causes { number, request in
            if number == 1 { request.answer?(Self.result) } else { queue.finish() }
        }
        #expect(causes == [.request, .request] && isTaken.withLock { $0 } == true)
    }

    @Test func `a signal waits behind a request, and nothing runs after the end`() async {
        #expect(self.queue.ask { _ in })
        self.queue.ask(.signal)
        let causes = await self.causes { _, _ in
            self.queue.ask(.file)
            self.queue.finish()
        }
        // The signal came before the file was read, so that the request's reload covers it.
        #expect(causes == [.request])
    }
}
