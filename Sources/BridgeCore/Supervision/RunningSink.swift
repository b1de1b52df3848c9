/// A sink of a ``Bridge`` with its inlet.
package struct RunningSink: Sendable {
    /// The sink's name in the configuration file.
    package let name: String
    /// The queue from which the sink takes its deliveries.
    package let inlet: SinkInlet
    /// The state of its connection.
    package let status: ComponentStatus
    let index: SinkIndex
    let probe: PortProbe?
    let parts: SinkParts
    private let leave: ComponentLeave

    init(parts: SinkParts, index: SinkIndex, inlet: SinkInlet, status: ComponentStatus, probe: PortProbe?) {
        self.name = parts.name
        self.index = index
        self.leave = ComponentLeave(status)
        self.inlet = inlet
        self.status = status
        self.probe = probe
        self.parts = parts
    }

    /// Updates the gauges of its queue; called before the metrics are rendered.
    package func observeQueue() {
        let (pending, bytes) = self.inlet.backlog
        self.parts.metrics.gauge("queue_events", help: "Events that the sink has not confirmed.").set(pending)
        self.parts.metrics.gauge("queue_bytes", help: "Bytes of the events that the sink has not confirmed.").set(bytes)
    }

    func run() async {
        let supervisor = ComponentSupervisor(
            logger: self.parts.logger, status: self.status, retry: self.parts.delivery.retry,
            errors: ErrorCounters(metrics: self.parts.metrics), probe: self.probe
        )
        await self.leave.whileStaying { await supervisor.run(self.parts.sink, self.inlet) }
        self.leave.end()
    }

    /// Makes ``run()`` end as soon as the sink is not connected.
    func leaveWhenDisconnected() {
        self.leave.leaveWhenDisconnected()
    }

    /// Ends the sink: it confirms what is in flight within ``ComponentLeave/limit``, and the rest stays pending.
    ///
    /// - Parameter hurry: ends it at once.
    func end(hurry: Eventual<Void>) async {
        self.inlet.suspend()
        await self.leave.untilEnded(hurry: hurry)
        self.inlet.reclaim()
        self.inlet.revoke()
    }
}
