import BridgeTesting
import Testing

@testable import MQTTAdapter

@Suite(.timeLimit(.minutes(2)))
struct MQTTSubscriptionPlanTests {
    /// The requested subscriptions, as `filter qos retained`, with `*` where there is an identifier.
    private func plan(_ json: String, hasIdentifiers: Bool) throws -> [String] {
        let configuration = try settings(MQTTSource.Configuration.self, #"{"url": "mqtt://b", "subscribe": \#(json)}"#)
        return MQTTSubscriptionPlan(configuration.subscriptions, hasIdentifiers: hasIdentifiers).entries.map {
            "\($0.wireFilter) \($0.subscription.qos) \($0.subscription.retained)\($0.identifier == nil ? "" : " *")"
        }
    }

    @Test(arguments: [true, false])
    func `a covered filter is not requested`(hasIdentifiers: Bool) throws {
        #expect(
            try self.plan(#"["a/b", "a/#", "a/+/c", {"topic": "d", "qos": 0}]"#, hasIdentifiers: hasIdentifiers)
                == ["a/# 1 accept", "d 0 accept"]
        )
        #expect(
            try self.plan(#"[{"topic": "a/b", "qos": 0}, "a/+"]"#, hasIdentifiers: hasIdentifiers) == ["a/+ 1 accept"]
        )
    }

    @Test func `a filter with a higher qos is requested beside the one that covers it`() throws {
        let json = #"[{"topic": "a/#", "qos": 0}, "a/b", "c"]"#
        #expect(try self.plan(json, hasIdentifiers: true) == ["a/# 0 accept *", "a/b 1 accept *", "c 1 accept"])
        #expect(try self.plan(json, hasIdentifiers: false) == ["a/# 1 accept", "c 1 accept"])
    }

    @Test func `overlapping filters are both requested, with the same qos where there are no identifiers`() throws {
        let json = #"["a/+", {"topic": "+/b", "qos": 0}]"#
        #expect(try self.plan(json, hasIdentifiers: true) == ["a/+ 1 accept *", "+/b 0 accept *"])
        #expect(try self.plan(json, hasIdentifiers: false) == ["a/+ 1 accept", "+/b 1 accept"])
    }

    @Test func `the broker sends the retained messages that any covered filter accepts`() throws {
        let json = """
            [{"topic": "a/#", "retained": "ignore"}, {"topic": "a/b", "retained": "first_time"}, {"topic": "a/c", "retained": "accept"}]
            """
        #expect(try self.plan(json, hasIdentifiers: true) == ["a/# 1 accept"])
    }

    @Test func `shared subscriptions stay as they are`() throws {
        let json = #"[{"topic": "a/#", "share": "g"}, "b"]"#
        #expect(try self.plan(json, hasIdentifiers: true) == ["$share/g/a/# 1 accept", "b 1 accept"])
    }

    /// What the plan must be, found by comparing every pair.
    private func compared(_ subscriptions: [MQTTSubscription], hasIdentifiers: Bool) -> [String] {
        let breadth: [MQTTSubscription.Retained: Int] = [.ignore: 0, .firstTime: 1, .accept: 2]
        var own = subscriptions
        if !hasIdentifiers {
            for index in own.indices {
                own[index].qos = subscriptions.filter { $0.filter.overlaps(own[index].filter) }.map(\.qos).max() ?? 0
            }
        }
        let needed = own.filter { one in
            !own.contains { $0.filter != one.filter && $0.filter.covers(one.filter) && $0.qos >= one.qos }
        }
        return needed.map { one in
            let retained = own.filter { one.filter.covers($0.filter) }.map(\.retained).max { breadth[$0]! < breadth[$1]! }!
            let isCrossed = needed.contains { $0.filter != one.filter && $0.filter.overlaps(one.filter) }
            return "\(one.wireFilter) \(one.qos) \(retained)\(hasIdentifiers && isCrossed ? " *" : "")"
        }
    }

    @Test(arguments: 1...UInt64(20), [true, false])
    func `a plan agrees with a comparison of every pair`(seed: UInt64, hasIdentifiers: Bool) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            var filters: Set<String> = []
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                var levels = (0..<Int.random(in: 1...3, using: &generator)).map { index in
                    ["a", "b", "+", index == 0 ? "$c" : "c"].randomElement(using: &generator) ?? "a"
                }
                if Int.random(in: 0..<4, using: &generator) == 0 { levels.append("#") }
                filters.insert(levels.joined(separator: "/"))
            }
            let entries = filters.sorted().map { filter in
                let retained = ["accept", "ignore", "first_time"].randomElement(using: &generator) ?? "accept"
                let qos = Int.random(in: 0...1, using: &generator)
                return #"{"topic": "\#(filter)", "qos": \#(qos), "retained": "\#(retained)"}"#
            }
            let json = "[\(entries.joined(separator: ", "))]"
            let configuration = try settings(MQTTSource.Configuration.self, #"{"url": "mqtt://b", "subscribe": \#(json)}"#)
            #expect(
                try self.plan(json, hasIdentifiers: hasIdentifiers)
                    == self.compared(configuration.subscriptions, hasIdentifiers: hasIdentifiers), "\(json)")
        }
    }

    /// Comparing every pair would take many minutes in a debug build.
    @Test(arguments: [true, false]) func `ten thousand filters are planned at a connect`(hasIdentifiers: Bool) throws {
        let json = "[\((0..<10_000).map { #""site/a\#($0)/+/state""# }.joined(separator: ", "))]"
        #expect(try self.plan(json, hasIdentifiers: hasIdentifiers).count == 10_000)
    }
}

struct MQTTOverlapDeduplicatorTests {
    /// What passes of messages that come for the first (1), the second (2) or both (3) of two crossing filters.
    private func passing(_ messages: [(body: String, filters: UInt32)], topic: String = "a/b") throws -> [Bool] {
        let json = #"{"url": "mqtt://b", "subscribe": ["a/+", "+/b"]}"#
        let plan = MQTTSubscriptionPlan(
            try settings(MQTTSource.Configuration.self, json).subscriptions, hasIdentifiers: true)
        let identifiers = try plan.entries.map { try #require($0.identifier) }
        var copies = MQTTOverlapDeduplicator(plan)
        return messages.map { message in
            Array(message.body.utf8).withUnsafeBytes {
                !copies.isCopy(
                    topic: topic, body: $0, isRetained: false,
                    identifiers: (0..<2).filter { message.filters >> $0 & 1 == 1 }.map { identifiers[$0] }
                )
            }
        }
    }

    @Test func `a copy for another filter is dropped in any order of copies`() throws {
        #expect(try self.passing([("x", 1), ("x", 2), ("x", 1), ("x", 2)]) == [true, false, true, false])
        #expect(try self.passing([("x", 1), ("x", 1), ("x", 2), ("x", 2)]) == [true, true, false, false])
        #expect(try self.passing([("x", 1), ("y", 1), ("y", 2), ("x", 2)]) == [true, true, false, false])
    }

    @Test func `a message for both filters at once is not a copy, and neither is one for a single filter`() throws {
        #expect(try self.passing([("x", 3), ("x", 3)]) == [true, true])
        #expect(try self.passing([("x", 1), ("x", 1), ("x", 1)]) == [true, true, true])
        #expect(try self.passing([("x", 0), ("x", 0)]) == [true, true])
        #expect(try self.passing([("x", 1), ("x", 1)], topic: "a/c") == [true, true])
    }

    @Test func `stored state is bounded`() throws {
        let many = (0..<5000).map { ("\($0)", UInt32(1)) }
        let passing = try self.passing(many + [("0", 2), ("4999", 2)])
        #expect(passing.prefix(5000).allSatisfy { $0 })
        // The first is forgotten, so its copy comes; the last is not.
        #expect(passing.suffix(2) == [true, false])
    }
}
