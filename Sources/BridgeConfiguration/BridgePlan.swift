package import BridgeCore
import YAML

/// A validated configuration file: everything that the program needs to assemble the bridge.
package struct BridgePlan: Sendable {
    /// `service`, with defaults.
    package var service = ServiceSettings()
    /// `http`, with defaults.
    package var http = HTTPSettings()
    /// `log`, by default in memory.
    package var log = LogPlan.memory(LogLimits())
    /// The sources in the order of the file.
    package var sources: [PreparedSource] = []
    /// The sinks in the order of the file.
    package var sinks: [PreparedSink] = []
    /// The routes in the order of the file; their targets are indices into ``sinks``.
    package var routes: [Route] = []
    /// The sink of events that no route takes; `nil` drops and counts them.
    package var unroutedSink: SinkIndex?
    /// `defaults.event`, with defaults.
    package var limits = EventLimits()
    /// The values of all `${env:…}` and `${file:…}` in the file; a ``Redaction`` replaces those that are sent to peers.
    package var references: [Secret] = []
    /// The files whose contents are part of the file: those of `include` and of all `${file:…}`, and the
    /// folders in which `include` looks for them.
    package var includedFiles: Set<String> = []
    /// By the index of the route: a hash of its declaration.
    package var routeFingerprints: [UInt64] = []
    /// `tests`; empty for a loader that does not read them.
    package var tests: [FileTest] = []
    /// Settings that are valid but probably mistakes.
    package var warnings: [Diagnostic] = []
    /// Where the settings are that name files and directories, by their keys with dots between them.
    var places: [String: Mark] = [:]
    /// The file's name as the user gave it.
    var file = ""

    /// A diagnostic of a setting that names a file or a directory, at its place in the file.
    package func diagnostic(_ severity: Diagnostic.Severity, about setting: String, _ message: String) -> Diagnostic {
        let mark = self.places[setting]
        return Diagnostic(
            severity: severity, rule: .path, file: mark?.source ?? self.file, line: mark?.line ?? 0, column: mark?.column ?? 0,
            path: setting, message: message)
    }
}

/// One source of the file with its decoded settings.
package struct PreparedSource: Sendable {
    /// Its key in `sources`.
    package let name: String
    /// Makes the source.
    package let registration: SourceRegistration
    /// The settings of its adapter.
    package let settings: any ComponentConfiguration
    /// `ack`: when a message counts as safe.
    package let acknowledge: AcknowledgePolicy
    /// Its own mapping of messages to events.
    package let normalise: NormaliseBlocks
    /// Whether known losses become gap events (`on_gap: emit`) or are only counted.
    package let emitsGaps: Bool
    /// The back-off between its connection attempts.
    package let retry: RetrySettings
    /// Whether readiness requires its connection.
    package let isRequired: Bool
    /// The files that its settings name.
    package let files: [ReferredFile]
    /// A hash of its declaration as it takes effect.
    package let fingerprint: UInt64
}

/// One sink of the file with its decoded settings.
package struct PreparedSink: Sendable {
    /// Its key in `sinks`.
    package let name: String
    /// Makes the sink.
    package let registration: SinkRegistration
    /// Its own settings first, then those of every distinct `with` in the routes.
    package var variants: [any ComponentConfiguration]
    /// By variant: a hash of its `with`; 0 for its own settings.
    package var choices: [UInt64] = [0]
    /// Its buffer, back-off and dead-letter sink.
    package let delivery: DeliverySettings
    /// Whether readiness requires its connection.
    package let isRequired: Bool
    /// The files that its settings name.
    package let files: [ReferredFile]
    /// A hash of its declaration as it takes effect, without those of `with`.
    package let fingerprint: UInt64
}
