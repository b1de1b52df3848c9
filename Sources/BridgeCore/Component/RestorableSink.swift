/// A sink that numbers what it publishes and offers it afterwards: a log on disk gives its history back after a restart.
package protocol RestorableSink: Sink {
    /// How many of its latest events it wants back, 0 or more.
    var historyLimit: Int { get }

    /// Takes its history: called once, before the first `run` and before anybody can ask for it.
    ///
    /// - Parameter history: what ``SinkInlet/number(_:from:)`` has noted.
    func restore(_ history: SinkHistory) async

    /// Numbers nothing more: called once at an orderly end, when no sink runs any more and before the log is written for the last time.
    func finish() async
}
