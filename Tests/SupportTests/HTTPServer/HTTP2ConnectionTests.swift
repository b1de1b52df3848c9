import BridgeTesting
import HTTPServer
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@Suite struct HTTP2ConnectionTests {
    @Test func `a shutdown says GOAWAY, lets requests be answered and then closes`() async throws {
        let late = Mutex<HTTPResponder?>(nil)
        try await withServer { router, port, server in
            try router.register(.GET, "/late") { _, responder in late.withLock { $0 = responder } }
            let script = """
                get('/late').on('data', data => console.log(data));
                session.on('goaway', code => console.log('goaway', code)).on('close', () => console.log('closed'));
                """
            try await withNode(port, script) { node in
                try await eventually("the request has arrived") { late.withLock { $0 != nil } }
                async let shutdown: Void = server.shutdown(deadline: .now + .seconds(20))
                try await eventually("the client knows") { node.standardOutput.contains("goaway 0\n") }
                #expect(server.connections == 1)
                late.withLock { $0.take() }?.respond(HTTPResponse(.ok, body: ByteBuffer(string: "late")))
                await shutdown
                let ending = try await node.untilEnded()
                #expect(ending == .exited(0), "\(node.standardError)")
                #expect(node.standardOutput.contains("late\n"))
                #expect(!node.standardOutput.contains("error"))
            }
        }
    }

    @Test func `a shutdown closes idle connections at once and streams at its deadline`() async throws {
        try await withServer { router, port, server in
            let filler = Filler(total: 10)
            try filler.register(router, "/s")
            let idle = try RawConnection(port: port)
            try await idle.send(preface)
            try await withNode(port, "get('/s').on('data', data => console.log(data))") { node in
                try await eventually("the stream is open") { node.standardOutput.contains("first") }
                async let shutdown: Void = server.shutdown(deadline: .now + .milliseconds(300))
                // GOAWAY without an error, which no stream precedes.
                #expect(try await idle.receiveToEnd().hasSuffix("\0\0\u{8}\u{7}" + String(repeating: "\0", count: 13)))
                await shutdown
                #expect(server.connections == 0)
                try await eventually("the handler has left") { filler.seen.withLock { $0.isRemoved } }
            }
        }
    }

    @Test func `a connection without a request, and one that is idle, are closed in time, one with a stream is not`() async throws
    {
        try await withServer({
            $0.headTimeout = .milliseconds(500)
            $0.idleTimeout = .milliseconds(500)
        }) { router, port, server in
            let filler = Filler(total: 10)
            try filler.register(router, "/s")
            try router.register(.GET, "/", handler: echo)
            let script = """
                get('/').on('data', () => {});
                get('/s').on('data', data => console.log(data)).on('end', () => console.log('end'));
                session.on('close', () => console.log('closed'));
                """
            try await withNode(port, script) { node in
                try await eventually("the stream is open") { node.standardOutput.contains("first") }
                for start in [[], Array(preface.prefix(10)), preface, preface + frame(1, flags: 5, stream: 1, getFields)] {
                    let client = try RawConnection(port: port)
                    try await client.send(start)
                    _ = try await client.receiveToEnd()
                }
                try await eventually("only the stream is left") { server.connections == 1 }
                let channel = try #require(filler.seen.withLock { $0.channel })
                try await channel.close()
                try await eventually("the stream is over, then its connection") { node.standardOutput.hasSuffix("end\nclosed\n") }
            }
        }
    }

    @Test func `a body that comes too slowly is answered 408`() async throws {
        try await withServer({ $0.bodyTimeout = .milliseconds(10) }) { router, port, _ in
            try router.register(.POST, "/p", handler: echo)
            let script = """
                session.request({ ':path': '/p', ':method': 'POST' })
                    .on('response', head => { console.log(head[':status']); session.destroy(); }).write('x');
                """
            try await withNode(port, script) { node in
                let ending = try await node.untilEnded()
                #expect(ending == .exited(0), "\(node.standardError)")
                #expect(node.standardOutput == "408\n")
            }
        }
    }

    @Test func `who floods loses the connection`() async throws {
        try await withServer { router, port, server in
            try router.register(.GET, "/") { _, _ in }
            let resets = (0..<1100).flatMap { number in
                let stream = UInt32(number * 2 + 1)
                return frame(1, flags: 5, stream: stream, getFields) + frame(3, stream: stream, [0, 0, 0, 8])
            }
            let continuations = frame(1, flags: 1, stream: 1, getFields) + (0..<100).flatMap { _ in frame(9, stream: 1, [0x82]) }
            let pings = (0..<300).flatMap { _ in frame(6, [UInt8](repeating: 0, count: 8)) }
            let large =
                frame(1, flags: 1, stream: 1, getFields + [0x40, 1, UInt8(ascii: "y"), 0x7F, 0x81, 0x7F])
                + (0..<4).flatMap { _ in frame(9, stream: 1, [UInt8](repeating: UInt8(ascii: "z"), count: 16_000)) }
            for flood in [resets, continuations, pings, large, frame(0, stream: 1), Array("nonsense".utf8)] {
                let client = try RawConnection(port: port)
                // The server may be gone before all is sent.
                try? await client.send(preface + flood)
                try await eventually("the connection is closed") { server.connections == 0 }
            }
        }
    }

    @Test func `a malformed request costs its stream, not the connection`() async throws {
        try await withServer { router, port, _ in
            try router.register(.GET, "/", handler: echo)
            let client = try RawConnection(port: port)
            // Without :path, then with a field that only HTTP/1 has.
            try await client.send(preface + frame(1, flags: 5, stream: 1, [0x82, 0x86]))
            try await client.send(
                frame(1, flags: 5, stream: 3, getFields + [0x40, 7] + Array("upgrade".utf8) + [1, UInt8(ascii: "x")]))
            try await client.send(frame(1, flags: 5, stream: 5, getFields))
            let text = try await client.receive(through: "GET / [] ")
            // RST_STREAM with PROTOCOL_ERROR.
            #expect(text.contains("\0\0\u{4}\u{3}\0\0\0\0\u{1}\0\0\0\u{1}"))
            #expect(text.contains("\0\0\u{4}\u{3}\0\0\0\0\u{3}\0\0\0\u{1}"))
        }
    }
}
