import BridgeCore
import BridgeTesting
import HTTPServer
import NIOCore
import Testing

@testable import SSEAdapter

@Suite struct EndpointFallbackTests {
    @Test func `lines of JSON have the id as a member, and are the same events`() async throws {
        try await EndpointFixture.run({ $0.heartbeat = .milliseconds(160) }) { endpoint in
            try await endpoint.publish(["1"])
            let epoch = endpoint.hub.epoch
            for (target, headers) in [("?format=ndjson", ""), ("", "Accept: application/x-ndjson\r\n")] {
                let reader = try await endpoint.open(
                    target + (target.isEmpty ? "?" : "&") + "last_event_id=x-1", headers: headers)
                #expect(reader.head.contains("Content-Type: application/x-ndjson\r\n"))
                let gap = try #require(try await reader.block())
                #expect(
                    gap.split(separator: "\n")[0]
                        == "{\"event\":\"gap\",\"requested\":\"x-1\",\"oldest\":\"\(epoch)-1\",\"newest\":\"\(epoch)-1\",\"reason\":\"epoch\"}"
                )
                #expect(gap.split(separator: "\n")[1] == "{\"event\":\"cursor\",\"cursor\":\"\(epoch)-0\"}")
                #expect(try await reader.block() == "{\"cursor\":\"\(epoch)-1\",\"id\":\"m\",\"title\":\"\",\"message\":\"1\"}")
            }
        }
    }

    @Test func `a batch has everything after a cursor, and its own cursor`() async throws {
        try await EndpointFixture.run { endpoint in
            let epoch = endpoint.hub.epoch
            let empty = try await endpoint.open("?format=json")
            #expect(empty.head.contains("Content-Type: application/json\r\n"))
            #expect(empty.head.contains("Cache-Control: no-store\r\n"))
            #expect(empty.head.contains("Streambridge-Cursor: \(epoch)-0\r\n"))
            #expect(!empty.head.contains("Streambridge-Gap"))
            #expect(try await empty.body() == "{\"cursor\":\"\(epoch)-0\",\"events\":[]}")
            try await endpoint.publish(["1", "2", "3"])
            let all = try await endpoint.open(headers: "Accept: application/json\r\n")
            #expect(
                try await all.body()
                    == "{\"cursor\":\"\(epoch)-3\",\"events\":[\((1...3).map { #"{"id":"m","title":"","message":"\#($0)"}"# }.joined(separator: ","))]}"
            )
            let some = try await endpoint.open("?format=json&limit=1&since=\(epoch)-1")
            #expect(
                try await some.body()
                    == "{\"cursor\":\"\(epoch)-2\",\"events\":[{\"id\":\"m\",\"title\":\"\",\"message\":\"2\"}]}")
            #expect(some.head.contains("Streambridge-Cursor: \(epoch)-2\r\n"))
            for form in ["format=json", "poll=1"] {
                let behind = try await endpoint.open("?\(form)&last_event_id=other-1")
                #expect(behind.head.contains("Streambridge-Gap: epoch\r\n"))
                #expect(behind.head.contains("Streambridge-Cursor: \(epoch)-3\r\n"))
            }
            let lost = try await endpoint.open("?format=json&last_event_id=other-1")
            #expect(try await lost.body().hasPrefix("{\"cursor\":\"\(epoch)-3\",\"gap\":{\"requested\":\"other-1\","))
            #expect(try await endpoint.open("?format=xml").status == 406)
            #expect(try await endpoint.open("?format=json&limit=0").status == 400)
            try await endpoint.waitForSubscribers(0)
        }
    }

    @Test func `a long poll waits for the first matching event`() async throws {
        try await EndpointFixture.run { endpoint in
            let epoch = endpoint.hub.epoch
            let connection = try RawConnection(port: endpoint.port)
            try await connection.send("GET /api/stream/s?poll=1&priority=5 HTTP/1.1\r\nHost: x\r\n\r\n")
            try await endpoint.waitForSubscribers(1)
            try await endpoint.publish(["1"])
            try await endpoint.publish([EndpointFixture.event("2", priority: 5)])
            let reader = StreamReader(connection, head: try await connection.receive(through: "\r\n\r\n"))
            #expect(
                try await reader.body()
                    == "{\"cursor\":\"\(epoch)-2\",\"events\":[{\"id\":\"m\",\"title\":\"\",\"message\":\"2\"}]}")
            // The same connection asks again, and has nothing to wait for.
            try await connection.send("GET /api/stream/s?poll=1&last_event_id=\(epoch)-0 HTTP/1.1\r\nHost: x\r\n\r\n")
            let again = StreamReader(connection, head: try await connection.receive(through: "\r\n\r\n"))
            #expect(try await again.body().contains("\"message\":\"1\""))
            try await endpoint.waitForSubscribers(0)
        }
    }

    @Test(arguments: [true, false])
    func `a long poll frees its slot when its client leaves`(_ isReset: Bool) async throws {
        try await EndpointFixture.run { endpoint in
            var connections = try (0..<5).map { _ in try RawConnection(port: endpoint.port) }
            for connection in connections {
                try await connection.send("GET /api/stream/s?poll=1&timeout=120 HTTP/1.1\r\nHost: x\r\n\r\n")
            }
            try await endpoint.waitForSubscribers(5)
            for connection in connections { if isReset { connection.reset() } else { connection.finishSending() } }
            if isReset { connections = [] }
            try await endpoint.waitForSubscribers(0)
            guard !isReset else { return }
            // A client that has only closed its sending side gets its cursor.
            let reader = StreamReader(connections[0], head: try await connections[0].receive(through: "\r\n\r\n"))
            #expect(try await reader.body() == "{\"cursor\":\"\(endpoint.hub.epoch)-0\",\"events\":[]}")
        }
    }

    @Test func `a batch ends at four mebibytes, with its cursor`() async throws {
        try await EndpointFixture.run { endpoint in
            let text = String(repeating: "x", count: 600_000)
            try await endpoint.publish(Array(repeating: text, count: 9))
            let first = try await endpoint.open("?format=json")
            let body = try await first.body()
            #expect(body.hasPrefix("{\"cursor\":\"\(endpoint.hub.epoch)-7\","), "\(body.prefix(50))")
            let rest = try await endpoint.open("?format=json&last_event_id=\(endpoint.hub.epoch)-7")
            #expect(try await rest.body().hasPrefix("{\"cursor\":\"\(endpoint.hub.epoch)-9\","))
        }
    }

    @Test func `a long poll is answered without events after its time-out or when the stream ends`() async throws {
        try await EndpointFixture.run { endpoint in
            let quiet = try await endpoint.open("?poll=1&timeout=1")
            #expect(try await quiet.body() == "{\"cursor\":\"\(endpoint.hub.epoch)-0\",\"events\":[]}")
            let connection = try RawConnection(port: endpoint.port)
            try await connection.send("GET /api/stream/s?poll=1 HTTP/1.1\r\nHost: x\r\n\r\n")
            try await endpoint.waitForSubscribers(1)
            await endpoint.close()
            #expect(try await connection.receive(through: "\r\n\r\n").hasPrefix("HTTP/1.1 200 OK\r\n"))
            let late = try await endpoint.open()
            #expect(late.status == 503)
            #expect(try await late.body() == #"{"error":"The server is shutting down"}"#)
        }
    }

    @Test func `a poll loses nothing between two requests while events are published`() async throws {
        try await EndpointFixture.run { endpoint in
            let connection = try RawConnection(port: endpoint.port)
            async let publishing: Void = {
                for sequence in 1...300 { try await endpoint.publish(["\(sequence)"]) }
            }()
            var cursor = "\(endpoint.hub.epoch)-0"
            var seen = 0
            while seen < 300 {
                try await connection.send("GET /api/stream/s?poll=1&last_event_id=\(cursor) HTTP/1.1\r\nHost: x\r\n\r\n")
                let reader = StreamReader(connection, head: try await connection.receive(through: "\r\n\r\n"))
                let body = try await reader.body()
                cursor = String(body.split(separator: "\"")[3])
                for part in body.split(separator: "\"message\":\"").dropFirst() {
                    seen += 1
                    #expect(part.hasPrefix("\(seen)\""))
                }
            }
            try await publishing
        }
    }
}
