import Synchronization
import Testing

@testable import BridgeCore

/// Expressions of many events in one exchange: the same results as one by one, and how few exchanges it takes.
@Suite struct EvaluatedAheadTests {
    /// A language of `odd`, `even`, `fail` and `number`, about the number that an event's subject is.
    ///
    /// Counts its exchanges.
    private final class Counting: ExpressionCompiler, ExpressionEvaluator {
        final class Word: Expression {
            let text: String
            let counting: Counting

            init(text: String, counting: Counting) {
                self.text = text
                self.counting = counting
            }

            var evaluator: (any ExpressionEvaluator)? { self.counting }
            var identity: ObjectIdentifier? { ObjectIdentifier(self) }

            func evaluate(_ input: ExpressionInput) throws -> ExpressionValue {
                self.counting.exchanges.withLock { $0.append(1) }
                return try self.value(input)
            }

            func value(_ input: ExpressionInput) throws -> ExpressionValue {
                let number = Int(input.subject)!
                switch self.text {
                case "odd": return .bool(number % 2 == 1)
                case "even": return .bool(number % 2 == 0)
                case "fail": if number % 3 == 0 { throw ExpressionError("three") } else { return .bool(true) }
                default: return .number(Double(number))
                }
            }
        }

        /// How many evaluations each exchange had.
        let exchanges = Mutex<[Int]>([])
        /// Results that an exchange gives at most.
        let most: Int

        init(most: Int = .max) {
            self.most = most
        }

        func compile(_ text: String) throws -> any Expression {
            Word(text: String(text.split(separator: " ").joined()), counting: self)
        }

        func evaluate(
            _ inputs: [ExpressionInput], _ requests: [ExpressionRequest]
        ) -> [Result<ExpressionValue, ExpressionError>?] {
            self.exchanges.withLock { $0.append(requests.count) }
            return requests.enumerated().map { place, request in
                guard place < self.most, let word = request.expression as? Word else { return nil }
                return Result { try word.value(inputs[request.input]) }.mapError { ExpressionError("\($0)") }
            }
        }

        var counts: [Int] { self.exchanges.withLock { $0 } }
    }

    private static func table(_ compiler: Counting) throws -> RouteTable {
        func shaping(_ json: String) throws -> Shaping { try decode(Shaping.self, json, compiler: compiler) }
        let key = try Template("{{ number }}", compiler: compiler)
        return RouteTable(routes: [
            Route(name: "plain", targets: [.init(sink: 0)]),
            Route(name: "fail", when: try compiler.compile("fail"), targets: [.init(sink: 1)]),
            Route(
                name: "odd", when: try compiler.compile("odd"), shaping: try shaping(#"{"title": "n{{ number }}"}"#),
                targets: [.init(sink: 2)], stop: true),
            Route(
                name: "keyed", match: try decode(Matcher.self, #"{"priority": 4}"#), when: try compiler.compile("even"),
                dedupe: Route.Dedupe(key: key, window: .seconds(1)), targets: [.init(sink: 3)]),
        ])
    }

    private static let events = (0..<20).map { sampleEvent(priority: $0 < 10 ? 4 : 1, subject: "\($0)") }

    @Test(arguments: [Int.max, 3])
    func `a batch is routed like single events, in two exchanges`(most: Int) throws {
        let compiler = Counting(most: most)
        let table = try Self.table(compiler)
        #expect(table.evaluatesAhead)
        var failures: [Int] = []
        let routings = table.routings(of: Self.events, reader: EventReader(), now: .now()) { _, place, _ in failures.append(place)
        }
        if most == .max {
            // 20 for each of two routes and 10 for the one with a filter; then ten titles and five keys.
            #expect(compiler.counts == [50, 15])
        }
        #expect(failures == [0, 3, 6, 9, 12, 15, 18])
        for (event, routing) in zip(Self.events, routings) {
            let single = table.routing(of: event, reader: EventReader(), now: .now()) { _, _ in }
            #expect(routing.plan === single.plan)
            #expect(routing.shaped.map(\.title) == single.shaped.map(\.title))
            #expect(routing.keys == single.keys)
        }
        #expect(routings[1].shaped.map(\.title) == ["n1"])
        #expect(routings.map(\.keys.count) == Self.events.indices.map { $0 % 2 == 0 && $0 < 10 ? 1 : 0 })
    }

    @Test func `gaps and dead letters evaluate no expression`() throws {
        let compiler = Counting()
        let events = [sampleEvent(subject: "1", kind: .gap), sampleEvent(subject: "2", kind: .deadLetter)]
        let routings = try Self.table(compiler).routings(of: events, reader: EventReader(), now: .now()) { _, _, _ in }
        #expect(routings.map { $0.plan.entries.count } == [4, 0])
        #expect(compiler.counts == [])
    }

    @Test func `the templates of deliveries are evaluated once per expression and variant`() throws {
        let compiler = Counting()
        let templates = try [
            [Template("{{ number }}-{{ odd }}", compiler: compiler)], [Template("{{ even }}", compiler: compiler)],
        ]
        let deliveries = Self.events.enumerated().map { place, event in
            Delivery(event: event, variant: place / 15, route: "", attempts: 0, position: Position(0), ticket: UInt64(place))
        }
        let reader = EventReader()
        reader.begin(deliveries)
        let texts = try deliveries.map { delivery in
            reader.load(delivery.event)
            return try templates[delivery.variant].map { try $0.render(reader) }.joined()
        }
        reader.endBatch()
        #expect(compiler.counts == [15, 15, 5])
        #expect(texts[7] == "7-true" && texts[8] == "8-false" && texts[16] == "true" && texts[19] == "false")
    }

    @Test func `an event outside the deliveries is evaluated separately`() throws {
        let compiler = Counting()
        let template = try Template("{{ number }}", compiler: compiler)
        let deliveries = Self.events[..<4].map {
            Delivery(event: $0, variant: 0, route: "", attempts: 0, position: Position(0), ticket: 0)
        }
        let reader = EventReader()
        reader.begin(deliveries)
        reader.load(sampleEvent(subject: "99"))
        #expect(try template.render(reader) == "99")
        // In any order.
        for place in [3, 0, 2, 1] {
            reader.load(deliveries[place].event)
            #expect(try template.render(reader) == "\(place)")
        }
        reader.begin(Array(deliveries[..<1]))
        reader.load(deliveries[0].event)
        #expect(try template.render(reader) == "0")
    }

    @Test func `a condition of a client is evaluated for all events in one exchange`() throws {
        let compiler = Counting()
        let results = EventReader().values(of: try compiler.compile("fail"), for: Self.events)
        #expect(results.map { (try? $0.get()) == nil } == Self.events.indices.map { $0 % 3 == 0 })
        #expect(compiler.counts == [20])
        #expect(EventReader().values(of: try compiler.compile("fail"), for: []).isEmpty)
    }
}
