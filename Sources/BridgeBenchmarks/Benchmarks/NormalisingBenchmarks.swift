import BridgeConfiguration
import BridgeCore
import Expressions
import NIOCore

/// From received bytes to an event.
enum NormalisingBenchmarks {
    static let all = [
        Self.benchmark("normalise: native JSON", Samples.native),
        Self.benchmark("normalise: vendor JSON", Samples.vendor),
        Self.benchmark("normalise: text", Samples.text, contentType: "text/plain"),
        Self.benchmark("normalise: device state", Samples.deviceState, subject: "zigbee2mqtt/hall_motion"),
        Self.benchmark(
            "normalise: device state, by cases", Samples.deviceState, subject: "zigbee2mqtt/hall_motion",
            settings: { Self.settings(Samples.deviceCases) }),
        Self.benchmark(
            "normalise: device state, by its preset", Samples.deviceState, subject: "zigbee2mqtt/hall_motion",
            settings: { Self.settings(preset: "zigbee2mqtt") }),
        Self.benchmark("normalise: Alertmanager", Samples.alerts, contentType: "application/json"),
        Self.benchmark(
            "normalise: Alertmanager, by cases", Samples.alerts, contentType: "application/json",
            settings: { Self.settings(Samples.alertCases) }),
        Self.benchmark(
            "normalise: Alertmanager, by its preset", Samples.alerts, contentType: "application/json",
            settings: { Self.settings(preset: "alertmanager") }),
    ]

    private static func benchmark(
        _ name: String, _ body: ByteBuffer, contentType: String? = nil, subject: String? = nil,
        settings: @escaping @Sendable () -> NormaliseSettings = { NormaliseSettings() }
    ) -> Benchmark {
        Benchmark(name: name, eventsPerCall: 64) {
            let normaliser = Normaliser(source: "in", settings: settings(), bridge: "bench")
            var messages = Samples.messages(body, count: 64, contentType: contentType)
            if let subject { for place in messages.indices { messages[place].subject = subject } }
            return {
                let now = Timestamp.now()
                for message in messages { _ = normaliser.event(from: message, now: now) }
            }
        }
    }

    /// The settings of a source with a preset that ships.
    private static func settings(preset name: String) -> NormaliseSettings {
        guard let preset = Preset.shipped.first(where: { $0.name == name && $0.direction == .source }) else {
            preconditionFailure("there is no preset \(name)")
        }
        // Its `normalise` for a source without a peer.
        let lines = preset.text.split(separator: "\n", omittingEmptySubsequences: false).drop { $0 != "normalise:" }
        return Self.settings("\n" + lines.dropFirst().map { "      \($0)" }.joined(separator: "\n"))
    }

    /// The settings of a source whose `normalise` is a YAML mapping, in flow style or on the following lines.
    private static func settings(_ normalise: String) -> NormaliseSettings {
        var catalog = AdapterCatalog()
        catalog.add(IdleSource.self)
        catalog.add(IdleSink.self)
        let text = """
            sources:
              in:
                type: idle
                normalise: \(normalise)
            sinks: { out: { type: idle } }
            routes: [{ to: out }]
            """
        do {
            let loader = BridgeLoader(catalog: catalog, expressions: JQCompiler(), environment: [:], readFile: { _ in "" })
            return try loader.load(text: text, file: "bench.yaml").sources[0].normalise.list[0].reading
        } catch {
            preconditionFailure("\(error)")
        }
    }
}
