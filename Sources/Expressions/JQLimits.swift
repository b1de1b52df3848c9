/// The limits of expressions.
package struct JQLimits: Sendable, Equatable {
    /// Processor time of one evaluation.
    package var time: Duration = .milliseconds(40)
    /// Processor time of all that is evaluated in one call, for callers on an event loop; `nil` for no limit but ``time`` for each.
    package var call: Duration?
    /// Processor time of one compilation.
    package var compilation: Duration = .seconds(10)
    /// Memory of a worker in addition to its programs, in bytes.
    package var memory = 256 << 20
    /// Workers at most.
    package var workers = 4
    /// The number of evaluations within ``window`` that end a worker, after which the expression is paused for
    /// ``pause``.
    package var faults = 3
    /// See ``faults``.
    package var window: Duration = .seconds(10)
    /// See ``faults``.
    package var pause: Duration = .seconds(10)

    /// Whether an expression is tried on a plain event when it is compiled, and refused when that ends its worker.
    package var tries = false

    /// For expressions in the file.
    package static let file = JQLimits()

    /// For expressions of clients: a single fault leads to a long pause.
    package static var client: JQLimits {
        var limits = JQLimits()
        limits.time = .milliseconds(20)
        limits.call = .milliseconds(30)
        limits.compilation = .milliseconds(500)
        limits.workers = 2
        limits.faults = 1
        limits.tries = true
        limits.pause = .seconds(60)
        return limits
    }

    /// Makes the limits for expressions of the file.
    package init() {}

    /// How long a worker may show no progress: an evaluation that gets no processor is not the fault of its expression, up to here.
    func patience(of limit: Duration) -> Duration { max(.seconds(1), limit * 20) }

    static func milliseconds(_ duration: Duration) -> UInt32 {
        UInt32(clamping: max(1, duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000))
    }
}
