import BridgeCore
import CJq
import Expressions
import Glibc
import NIOCore

/// What a condition costs: in the worker, by how many events are evaluated together, and as libjq would cost in this process.
enum ExpressionBenchmarks {
    static let all =
        [1, 16, 256].flatMap { batch in
            [
                Self.worker(batch: batch),
                Self.routed(batch: batch),
            ]
        } + [Self.inProcess]

    private static let condition = #".priority >= 4 and (.tags | index("door"))"#

    private static func worker(batch: Int) -> Benchmark {
        Benchmark(name: "expression: worker, batches of \(batch)", eventsPerCall: batch) {
            let compiler = JQCompiler()
            let expression = Self.compile(compiler)
            let inputs = Self.events(batch).map { ExpressionInput(event: $0, now: .now()) }
            let requests = inputs.indices.map { ExpressionRequest(expression: expression, input: $0) }
            return {
                let results = compiler.evaluator.evaluate(inputs, requests)
                guard case .success(let value)? = results.last, value.isTrue else { preconditionFailure("it holds") }
            }
        }
    }

    /// From received bytes to the log, through a route with the condition.
    private static func routed(batch: Int) -> Benchmark {
        Benchmark(name: "deliver: a condition in jq, batches of \(batch)", eventsPerCall: batch) {
            let compiler = JQCompiler()
            let route = Route(name: "jq", when: Self.compile(compiler), targets: [Route.Target(sink: 0)])
            let bridge = Samples.bridge(routes: [route])
            let outlet = bridge.sources[0].outlet
            let inlet = bridge.sinks[0].inlet
            let messages = Samples.messages(Samples.vendorDoor, count: batch)
            return {
                _ = outlet.send(messages)
                // Expressions are evaluated on another thread.
                var missing = batch
                while missing > 0 {
                    guard case .batch(let deliveries) = inlet.poll(atMost: missing), let last = deliveries.last else {
                        sched_yield()
                        continue
                    }
                    inlet.confirm(through: last)
                    missing -= deliveries.count
                }
            }
        }
    }

    /// Parse, evaluate, read the result.
    private static let inProcess = Benchmark(name: "expression: libjq in this process", eventsPerCall: 256) {
        guard let state = jq_init(), jq_compile(state, ". as [$event] | $event | " + Self.condition) != 0 else {
            preconditionFailure("it compiles")
        }
        let events = Self.events(256)
        return {
            for event in events {
                let value = event.json.withUnsafeReadableBytes { bytes in
                    jv_parse_sized(bytes.baseAddress!.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
                }
                jq_start(state, jv_array_append(jv_array(), value), 0)
                guard jv_get_kind(jq_next(state)) == JV_KIND_TRUE else { preconditionFailure("it holds") }
            }
        }
    }

    private static func compile(_ compiler: JQCompiler) -> any Expression {
        do {
            return try compiler.compile(Self.condition)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    private static func events(_ count: Int) -> [Event] {
        let normaliser = Normaliser(source: "in", settings: NormaliseSettings(), bridge: "bench")
        let now = Timestamp.now()
        return Samples.messages(Samples.native, count: count).map { normaliser.event(from: $0, now: now).event }
    }
}
