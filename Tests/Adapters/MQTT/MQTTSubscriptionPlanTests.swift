import Testing

@testable import MQTTAdapter

struct MQTTSubscriptionPlanTests {
    /// What is asked for, as `filter qos retained`, with `*` where there is an identifier.
    private func plan(_ json: String, hasIdentifiers: Bool) throws -> [String] {
        let configuration = try settings(MQTTSource.Configuration.self, #"{"url": "mqtt://b", "subscribe": \#(json)}"#)
        return MQTTSubscriptionPlan(configuration.subscriptions, hasIdentifiers: hasIdentifiers).entries.map {
            "\($0.wireFilter) \($0.subscription.qos) \($0.subscription.retained)\($0.identifier == nil ? "" : " *")"
        }
    }

    @Test(arguments: [true, false])
    func `what another filter covers is not asked for`(hasIdentifiers: Bool) throws {
        #expect(
            try self.plan(#"["a/b", "a/#", "a/+/c", {"topic": "d", "qos": 0}]"#, hasIdentifiers: hasIdentifiers)
                == ["a/# 1 accept", "d 0 accept"]
        )
        #expect(
            try self.plan(#"[{"topic": "a/b", "qos": 0}, "a/+"]"#, hasIdentifiers: hasIdentifiers) == ["a/+ 1 accept"]
        )
    }

    @Test func `a filter with a higher qos is asked for beside the one that covers it`() throws {
        let json = #"[{"topic": "a/#", "qos": 0}, "a/b", "c"]"#
        #expect(try self.plan(json, hasIdentifiers: true) == ["a/# 0 accept *", "a/b 1 accept *", "c 1 accept"])
        #expect(try self.plan(json, hasIdentifiers: false) == ["a/# 1 accept", "c 1 accept"])
    }

    @Test func `filters that cross are both asked for, without identifiers with the same qos`() throws {
        let json = #"["a/+", {"topic": "+/b", "qos": 0}]"#
        #expect(try self.plan(json, hasIdentifiers: true) == ["a/+ 1 accept *", "+/b 0 accept *"])
        #expect(try self.plan(json, hasIdentifiers: false) == ["a/+ 1 accept", "+/b 1 accept"])
    }

    @Test func `the broker sends the retained messages that any covered filter wants`() throws {
        let json = """
            [{"topic": "a/#", "retained": "ignore"}, {"topic": "a/b", "retained": "first_time"}, {"topic": "a/c", "retained": "accept"}]
            """
        #expect(try self.plan(json, hasIdentifiers: true) == ["a/# 1 accept"])
    }

    @Test func `shared subscriptions stay as they are`() throws {
        let json = #"[{"topic": "a/#", "share": "g"}, "b"]"#
        #expect(try self.plan(json, hasIdentifiers: true) == ["$share/g/a/# 1 accept", "b 1 accept"])
    }
}

struct MQTTCopiesTests {
    /// What passes of messages that come for the first (1), the second (2) or both (3) of two crossing filters.
    private func passing(_ messages: [(body: String, filters: UInt32)], topic: String = "a/b") throws -> [Bool] {
        let json = #"{"url": "mqtt://b", "subscribe": ["a/+", "+/b"]}"#
        let plan = MQTTSubscriptionPlan(
            try settings(MQTTSource.Configuration.self, json).subscriptions, hasIdentifiers: true)
        let identifiers = try plan.entries.map { try #require($0.identifier) }
        var copies = MQTTCopies(plan)
        return messages.map { message in
            Array(message.body.utf8).withUnsafeBytes {
                !copies.isCopy(
                    topic: topic, body: $0, isRetained: false,
                    identifiers: (0..<2).filter { message.filters >> $0 & 1 == 1 }.map { identifiers[$0] }
                )
            }
        }
    }

    @Test func `a copy for another filter is dropped, however copies are mixed`() throws {
        #expect(try self.passing([("x", 1), ("x", 2), ("x", 1), ("x", 2)]) == [true, false, true, false])
        #expect(try self.passing([("x", 1), ("x", 1), ("x", 2), ("x", 2)]) == [true, true, false, false])
        #expect(try self.passing([("x", 1), ("y", 1), ("y", 2), ("x", 2)]) == [true, true, false, false])
    }

    @Test func `a message that comes for both at once is no copy, nor is one that comes for one only`() throws {
        #expect(try self.passing([("x", 3), ("x", 3)]) == [true, true])
        #expect(try self.passing([("x", 1), ("x", 1), ("x", 1)]) == [true, true, true])
        #expect(try self.passing([("x", 0), ("x", 0)]) == [true, true])
        #expect(try self.passing([("x", 1), ("x", 1)], topic: "a/c") == [true, true])
    }

    @Test func `what is remembered has a bound`() throws {
        let many = (0..<5000).map { ("\($0)", UInt32(1)) }
        let passing = try self.passing(many + [("0", 2), ("4999", 2)])
        #expect(passing.prefix(5000).allSatisfy { $0 })
        // The first is forgotten, so its copy comes; the last is not.
        #expect(passing.suffix(2) == [true, false])
    }
}
