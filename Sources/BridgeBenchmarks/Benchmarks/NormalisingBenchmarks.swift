import BridgeCore
import NIOCore

/// From received bytes to an event.
enum NormalisingBenchmarks {
    static let all = [
        Self.benchmark("normalise: native JSON", Samples.native),
        Self.benchmark("normalise: vendor JSON", Samples.vendor),
        Self.benchmark("normalise: text", Samples.text, contentType: "text/plain"),
    ]

    private static func benchmark(_ name: String, _ body: ByteBuffer, contentType: String? = nil) -> Benchmark {
        Benchmark(name: name, eventsPerCall: 64) {
            let normaliser = Normaliser(source: "in", settings: NormaliseSettings(), bridge: "bench")
            let messages = Samples.messages(body, count: 64, contentType: contentType)
            return {
                let now = Timestamp.now()
                for message in messages { _ = normaliser.event(from: message, now: now) }
            }
        }
    }
}
