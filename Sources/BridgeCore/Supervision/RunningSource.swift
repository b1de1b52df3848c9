/// A source with its outlet.
package struct RunningSource: Sendable {
    package let name: String
    package let outlet: SourceOutlet
    package let status: ComponentStatus
    let probe: PortProbe?
    let parts: SourceParts

    func run() async {
        let supervisor = ComponentSupervisor(
            logger: self.parts.logger, status: self.status, retry: self.parts.retry,
            errors: ErrorCounters(metrics: self.parts.metrics), probe: self.probe
        )
        await supervisor.run(self.parts.source, self.outlet)
        await self.outlet.untilAppended()
    }
}
