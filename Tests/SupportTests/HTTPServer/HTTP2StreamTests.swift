import BridgeTesting
import HTTPServer
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

@Suite struct HTTP2StreamTests {
    @Test func `a stream that its handler ends arrives whole`() async throws {
        try await withServer { router, port, server in
            let filler = Filler(total: 1_000_000, endsItself: true)
            try filler.register(router, "/s")
            let text = try await curl(port, "/s")
            #expect(text.utf8.count == 1_000_006)
            #expect(text.hasPrefix("first xxx"))
            try await eventually("the handler has left") { filler.seen.withLock { $0.isRemoved } }
            #expect(!filler.seen.withLock { $0.hasInputClosed })
            try await eventually("the connection is closed") { server.connections == 0 }
        }
    }

    @Test func `a half-closed request is not a disconnect`() async throws {
        try await withServer { router, port, _ in
            let filler = Filler(total: 10)
            try filler.register(router, "/s")
            try await withNode(port, "get('/s').on('data', data => console.log(data)).on('end', () => session.close())") { node in
                try await eventually("the first bytes arrive") { node.standardOutput.contains("first") }
                let state = filler.seen.withLock { $0 }
                #expect(!state.hasInputClosed && !state.isRemoved)
                let channel = try #require(state.channel)
                #expect(channel.isActive)
                try await channel.writeAndFlush(ByteBuffer(string: "more")).get()
                try await channel.close()
                let ending = try await node.untilEnded()
                #expect(ending == .exited(0), "\(node.standardError)")
                #expect(node.standardOutput.contains("more"))
                try await channel.closeFuture.get()
                await #expect(throws: ChannelError.self) { try await channel.writeAndFlush(ByteBuffer(string: "late")).get() }
            }
        }
    }

    @Test func `a stream that is not read does not hold back its sibling`() async throws {
        try await withServer { router, port, _ in
            let stalled = Filler(total: 10_000_000)
            let other = Filler(total: 3_000_000, endsItself: true)
            try stalled.register(router, "/stalled")
            try other.register(router, "/other")
            let script = """
                let count = 0;
                const stalled = get('/stalled');
                stalled.on('response', () => get('/other')
                    .on('data', data => { count += data.length; }).on('end', () => console.log('other', count)));
                """
            try await withNode(port, script) { node in
                try await eventually("the other stream has ended") { node.standardOutput.contains("other 3000006\n") }
                let state = stalled.seen.withLock { $0 }
                #expect(state.isFull && !state.isRemoved)
                // The window of 64 KiB, and what the channel holds.
                #expect(state.written < 300_000)
                let channel = try #require(state.channel)
                #expect(!channel.isWritable)
                #expect(try await channel.getOption(.bufferedWritableBytes).get() > 0)
                node.kill()
            }
            try await eventually("the handler has left") { stalled.seen.withLock { $0.isRemoved } }
        }
    }

    @Test func `a stream resumes where it stopped when the client reads again`() async throws {
        try await withServer { router, port, _ in
            let filler = Filler(total: 1_000_000, endsItself: true)
            try filler.register(router, "/s")
            try router.register(.GET, "/ping", handler: echo)
            let script = """
                let count = 0;
                const stream = get('/s');
                const ask = () => get('/ping').on('data', () => {}).on('end', () => console.log('asked'));
                stream.on('response', ask);
                process.on('SIGUSR2', () => stream
                    .on('data', data => { count += data.length; }).on('end', () => { console.log('all', count); session.close(); }));
                """
            try await withNode(port, script) { node in
                try await eventually("the stream is full") {
                    filler.seen.withLock { $0.isFull } && node.standardOutput == "asked\n"
                }
                node.signal(12)
                let ending = try await node.untilEnded()
                #expect(ending == .exited(0), "\(node.standardError)")
                #expect(node.standardOutput == "asked\nall 1000006\n")
            }
        }
    }

    @Test func `a reset by the client and the loss of its connection release a stream immediately`() async throws {
        try await withServer { router, port, server in
            let (reset, lost) = (Filler(total: 10), Filler(total: 10_000_000))
            try reset.register(router, "/reset")
            try lost.register(router, "/lost")
            let script = """
                get('/lost').on('response', () => {
                    const stream = get('/reset');
                    stream.on('data', () => stream.close(8));
                });
                """
            try await withNode(port, script) { node in
                try await eventually("the stream is free") { reset.seen.withLock { $0.isRemoved } }
                #expect(!lost.seen.withLock { $0.isRemoved })
                #expect(server.connections == 1)
                node.kill()
                try await eventually("the other is free") { lost.seen.withLock { $0.isRemoved } }
                try await eventually("the connection is gone") { server.connections == 0 }
            }
        }
    }

    @Test func `closing a stalled stream discards its unsent bytes`() async throws {
        try await withServer { router, port, server in
            let filler = Filler(total: 10_000_000)
            try filler.register(router, "/")
            let client = try RawConnection(port: port)
            // A window of 0 (SETTINGS_INITIAL_WINDOW_SIZE).
            try await client.send(preface + frame(4, [0, 4, 0, 0, 0, 0]) + frame(1, flags: 5, stream: 1, getFields))
            try await eventually("the stream is full") { filler.seen.withLock { $0.isFull } }
            #expect(filler.seen.withLock { $0.written } < 80_000)
            try await filler.seen.withLock { $0.channel }?.close()
            try await eventually("the handler has left") { filler.seen.withLock { $0.isRemoved } }
            // RST_STREAM with CANCEL.
            _ = try await client.receive(through: "\0\0\u{4}\u{3}\0\0\0\0\u{1}\0\0\0\u{8}")
            #expect(server.connections == 1)
        }
    }

    @Test func `an answer may come later, and the channel accepts socket options`() async throws {
        try await withServer { router, port, _ in
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            let filler = Filler(total: 300_000, endsItself: true)
            try router.registerStream(.GET, "/s") { _, framing in
                #expect(framing == .untilClose)
                return .later(
                    loop.makeSucceededFuture(
                        .open(
                            HTTPStreamOpening(head: HTTPResponse(.ok)) { channel in
                                let mark = ChannelOptions.Types.WriteBufferWaterMark(low: 1000, high: 2000)
                                #expect(throws: Never.self) {
                                    try channel.syncOptions?.setOption(.writeBufferWaterMark, value: mark)
                                    try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
                                    let high = try channel.syncOptions?.getOption(.writeBufferWaterMark).high
                                    #expect(high == 2000)
                                    let waiting = try channel.syncOptions?.getOption(.bufferedWritableBytes)
                                    #expect(waiting == 0)
                                }
                                #expect(throws: ChannelError.self) { try channel.syncOptions?.setOption(.autoRead, value: false) }
                                return filler
                            }
                        )
                    )
                )
            }
            #expect(try await curl(port, "/s").utf8.count == 300_000)
        }
    }
}
