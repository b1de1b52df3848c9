/// A source of a ``Bridge`` with its outlet.
package struct RunningSource: Sendable {
    /// The source's name in the configuration file.
    package let name: String
    /// The outlet into which the source sends its messages.
    package let outlet: SourceOutlet
    /// The state of its connection.
    package let status: ComponentStatus
    let probe: PortProbe?
    let parts: SourceParts

    func run() async {
        let supervisor = ComponentSupervisor(
            logger: self.parts.logger, status: self.status, retry: self.parts.retry,
            errors: ErrorCounters(metrics: self.parts.metrics), probe: self.probe
        )
        // The reports are cancelled once the source has ended.
        try? await race(
            { await supervisor.run(self.parts.source, self.outlet) },
            { try await self.outlet.reportDueGaps() }
        )
        await self.outlet.untilAppended()
    }
}
