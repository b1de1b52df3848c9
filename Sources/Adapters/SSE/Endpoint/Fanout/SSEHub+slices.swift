import HTTPServer
import NIOCore
import NIOPosix

extension SSEHub {
    /// Answers a request after long work, in slices.
    ///
    /// Runs on the loop of the caller if that is one of the hub's, otherwise on ``home``.
    ///
    /// - Parameter work: called on the loop; returns a function that does a part of the work, and returns the answer
    ///   once it is done.
    func inSlices(
        _ work: @escaping @Sendable () -> (_ shard: SSEShard, _ deadline: NIODeadline) -> HTTPStreamAnswer?
    ) -> HTTPStreamAnswer {
        let current = MultiThreadedEventLoopGroup.currentEventLoop
        let box = current.flatMap { self.shards[ObjectIdentifier($0)] } ?? self.shards[ObjectIdentifier(self.home)]
        guard let box else { preconditionFailure("the home loop has a shard") }
        let promise = box.eventLoop.makePromise(of: HTTPStreamAnswer.self)
        box.eventLoop.execute {
            let shard = box.value
            let next = work()
            shard.jobs.begin { deadline in
                guard let answer = next(shard, deadline) else { return false }
                promise.succeed(answer)
                return true
            }
        }
        return .later(promise.futureResult)
    }
}
