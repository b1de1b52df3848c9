/// A sink with its inlet.
package struct RunningSink: Sendable {
    package let name: String
    package let inlet: SinkInlet
    package let status: ComponentStatus
    let probe: PortProbe?
    let parts: SinkParts

    /// Brings the gauges of its queue up to date; called when somebody reads them.
    package func observeQueue() {
        let (pending, bytes) = self.inlet.backlog
        self.parts.metrics.gauge("queue_events", help: "Events that the sink has not confirmed.").set(pending)
        self.parts.metrics.gauge("queue_bytes", help: "What those events weigh.").set(bytes)
    }

    func run() async {
        let supervisor = ComponentSupervisor(
            logger: self.parts.logger, status: self.status, retry: self.parts.delivery.retry,
            errors: ErrorCounters(metrics: self.parts.metrics), probe: self.probe
        )
        await supervisor.run(self.parts.sink, self.inlet)
    }
}
