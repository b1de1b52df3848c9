import BridgeCore
import BridgeTesting
import HTTPServer
import NIOCore
import Testing

@testable import SSEAdapter

@Suite struct EndpointAdmissionTests {
    @Test func `a browser above the limit is asked to reconnect, and a program gets a status`() async throws {
        try await EndpointFixture.run({ $0.limits.perAddress = 1 }) { endpoint in
            let first = try await endpoint.open()
            #expect(first.status == 200)
            let program = try await endpoint.open()
            #expect(program.status == 429)
            #expect(program.head.contains("Retry-After: "))
            #expect(try await program.body() == #"{"error":"Too many connections from this address"}"#)
            var waits: Set<Substring> = []
            for _ in 0..<5 {
                let browser = try await endpoint.open(headers: "Accept: text/event-stream\r\n")
                #expect(browser.status == 200)
                #expect(browser.head.contains("Content-Type: text/event-stream\r\n"))
                let body = try await browser.body()
                #expect(body.hasSuffix("\nevent: cursor\ndata:{\"error\":\"Too many connections from this address\"}\n\n"))
                let wait = try #require(body.split(separator: "\n").first)
                let milliseconds = try #require(Int(wait.dropFirst("retry: ".count)))
                #expect((5000...30_000).contains(milliseconds))
                waits.insert(wait)
            }
            #expect(waits.count > 1)
            #expect(endpoint.counter("sse_shed_total") == 6)
            first.connection.finishSending()
            try await endpoint.waitForSubscribers(0)
            #expect(try await endpoint.open().status == 200)
        }
        try await EndpointFixture.run({
            $0.limits.perAddress = 1
            $0.limits.onFull = .refuse
        }) { endpoint in
            let first = try await endpoint.open()
            #expect(try await endpoint.open(headers: "Accept: text/event-stream\r\n").status == 429)
            #expect(first.status == 200)
        }
    }

    @Test func `limits count addresses, clients and time separately, and free slots that are left`() throws {
        var limits = SSESinkConfiguration.Limits()
        limits.perAddress = 2
        limits.perClient = 1
        limits.acceptRate = 4
        var connections = SSEConnectionLimits(total: 100, limits: limits)
        let home = SSEAddress("192.0.2.1")
        let now = NIODeadline.now()
        #expect(connections.enter(home, "ann", now: now) == nil)
        #expect(connections.enter(SSEAddress("192.0.2.9"), "ann", now: now) == "Too many connections from this client")
        #expect(connections.enter(home, "bob", now: now) == nil)
        #expect(connections.enter(home, nil, now: now) == "Too many connections from this address")
        connections.leave(home, "ann")
        #expect(connections.enter(home, "ann", now: now) == nil)
        #expect(connections.enter(nil, nil, now: now) == nil)
        #expect(connections.enter(nil, nil, now: now) == "Too many new connections")
        #expect(connections.enter(nil, nil, now: now + .milliseconds(250)) == nil)
        #expect(connections.enter(nil, nil, now: now + .milliseconds(260)) == "Too many new connections")
        #expect(connections.count == 4)
    }

    @Test func `clients whose names only look alike are counted apart`() {
        var limits = SSESinkConfiguration.Limits()
        limits.perClient = 1
        var connections = SSEConnectionLimits(total: 100, limits: limits)
        #expect(connections.enter(nil, "caf\u{E9}", now: .now()) == nil)
        #expect(connections.enter(nil, "cafe\u{301}", now: .now()) == nil)
        connections.leave(nil, "caf\u{E9}")
        #expect(connections.enter(nil, "cafe\u{301}", now: .now()) == "Too many connections from this client")
        #expect(connections.enter(nil, "caf\u{E9}", now: .now()) == nil)
    }

    @Test func `an address is one of IPv4, or a network of IPv6`() {
        #expect(SSEAddress("192.0.2.1") == SSEAddress("::ffff:192.0.2.1"))
        #expect(SSEAddress("192.0.2.1") != SSEAddress("192.0.2.2"))
        #expect(SSEAddress("2001:db8:1:2::1") == SSEAddress("2001:db8:1:2:ffff::9"))
        #expect(SSEAddress("2001:db8:1:2::1") != SSEAddress("2001:db8:1:3::1"))
        #expect(SSEAddress("nowhere") == nil)
    }

    @Test func `connections close over the drain time, each with its own delay, and new ones are asked to reconnect`()
        async throws
    {
        try await EndpointFixture.run { endpoint in
            var readers: [StreamReader] = []
            for _ in 0..<40 { readers.append(try await endpoint.open()) }
            for reader in readers { _ = try await reader.cursor() }
            let start = ContinuousClock.now
            async let closing: Void = endpoint.hub.close(endpoint.sink.stream, within: .milliseconds(800))
            try await eventually("it has begun") { endpoint.sink.stream.isClosing }
            #expect(try await endpoint.open().status == 503)
            let browser = try await endpoint.open(headers: "Accept: text/event-stream\r\n")
            #expect(try await browser.body().hasPrefix("retry: "))
            var waits: Set<String> = []
            var ends: [Duration] = []
            for reader in readers.reversed() {
                waits.insert(try #require(try await reader.block()))
                #expect(try await reader.block() == nil)
                ends.append(start.duration(to: .now))
            }
            await closing
            #expect(waits.count > 30)
            #expect(waits.allSatisfy { $0.hasPrefix("retry: ") })
            #expect(try #require(ends.max()) > .milliseconds(400))
            #expect(try #require(ends.max()) < .seconds(20))
        }
    }
}
