/// A sink that numbers its events and serves them again; a durable log restores its history after a restart.
package protocol RestorableSink: Sink {
    /// The number of its latest events to restore, 0 or more.
    var historyLimit: Int { get }

    /// Restores the history; called once, before the first `run` and before any subscriber can connect.
    ///
    /// - Parameter history: the events recorded by ``SinkInlet/number(_:from:snapshot:)``.
    func restore(_ history: SinkHistory) async

    /// Stops numbering; called once at an orderly shutdown, after the last `run` of all sinks and before the last write
    /// of the log.
    func finish() async
}
