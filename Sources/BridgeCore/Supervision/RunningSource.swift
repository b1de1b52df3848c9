/// A source of a ``Bridge`` with its outlet.
package struct RunningSource: Sendable {
    /// The source's name in the configuration file.
    package let name: String
    /// The outlet into which the source sends its messages.
    package let outlet: SourceOutlet
    /// The state of its connection.
    package let status: ComponentStatus
    let index: SourceIndex
    let probe: PortProbe?
    let parts: SourceParts
    let leave: ComponentLeave

    func run() async {
        let supervisor = ComponentSupervisor(
            logger: self.parts.logger, status: self.status, retry: self.parts.retry,
            errors: ErrorCounters(metrics: self.parts.metrics), probe: self.probe
        )
        await self.leave.whileStaying {
            // The reports are cancelled once the source has ended.
            try await race(
                { await supervisor.run(self.parts.source, self.outlet) },
                { try await self.outlet.reportDueGaps() }
            )
        }
        await self.outlet.untilAppended()
        self.leave.end()
    }

    /// Ends the source: it stops reading and acknowledges what is safe soon.
    func end() async {
        self.outlet.stop()
        await self.leave.untilEnded()
    }
}
