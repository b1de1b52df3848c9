import BridgeCore
import NIOCore

/// From received bytes through normalising, routing, log and cursor to the confirmation, without any peer.
enum DeliveryBenchmarks {
    static let all = [
        Self.benchmark("deliver: native JSON, batches of 64", Samples.native, batch: 64),
        Self.benchmark("deliver: vendor JSON, batches of 64", Samples.vendor, batch: 64),
        Self.benchmark("deliver: native JSON, one at a time", Samples.native, batch: 1),
        Self.benchmark("deliver: one of 1000 sources and sinks, one at a time", Samples.native, batch: 1, pairs: 1000),
    ]

    private static func benchmark(_ name: String, _ body: ByteBuffer, batch: Int, pairs: Int = 1) -> Benchmark {
        Benchmark(name: name, eventsPerCall: batch) {
            let bridge = Samples.bridge(routes: [Route(name: "all", targets: [Route.Target(sink: 0)])], pairs: pairs)
            let outlet = bridge.sources[0].outlet
            let inlet = bridge.sinks[0].inlet
            let template = Samples.messages(body, count: batch)
            let serial = Serial()
            return {
                // Each event is a new one to the loop protection, as in life.
                var messages = template
                for index in messages.indices { serial.renumber(&messages[index].body) }
                _ = outlet.send(messages)
                guard case .batch(let deliveries) = inlet.poll(atMost: batch), let last = deliveries.last else {
                    preconditionFailure("nothing to take")
                }
                inlet.confirm(through: last)
            }
        }
    }
}

/// Numbers the ids of native bodies.
private final class Serial {
    private var number: UInt32 = 0

    func renumber(_ body: inout ByteBuffer) {
        self.number &+= 1
        let digits = 12
        guard body.readableBytes > 60, body.getString(at: body.readerIndex, length: 11) == "{\"id\":\"msg_" else { return }
        body.setBytes((0..<digits).map { UInt8(48 + (self.number >> (UInt32($0) * 2)) % 4) }, at: body.readerIndex + 11)
    }
}
