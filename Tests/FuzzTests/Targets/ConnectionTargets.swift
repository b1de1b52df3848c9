extension FuzzTarget {
    /// A whole connection of HTTP/1: in pieces of any size the same requests reach the handlers, and get the same answers in order.
    static let http1Connection = FuzzTarget(
        "http1-connection",
        seeds: [
            "GET /echo?a=b HTTP/1.1\r\nHost: x\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /late HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            "POST /late HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\nHEAD /s/a/%2Fb HTTP/1.1\r\nHost: x\r\n\r\n",
            "POST /ask?no=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nab",
            "GET /stream HTTP/1.1\r\nHost: x\r\n\r\nGET /echo HTTP/1.1\r\n\r\n", "GET /stream HTTP/1.0\r\n\r\n",
            "POST /poll HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\naOPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 300\r\n\r\n\(String(repeating: "y", count: 300))",
            "OPTIONS /echo HTTP/1.1\r\nHost: x\r\nOrigin: http://page\r\nAccess-Control-Request-Headers: a\r\n\r\n",
            "GET /nope HTTP/1.1\r\nHost: y\r\n\r\n\r\nPRI * HTTP/2.0\r\n", "GET http://x/echo HTTP/1.1\r\nHost:  x \r\n\r\n",
            "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n\u{0}", "GET /echo HTTP/2.0\r\nHost: x\r\n\r\n",
        ],
        words: [
            "GET ", "POST ", "HEAD ", "OPTIONS ", "CONNECT ", "/echo", "/late", "/ask", "/ask?no", "/stream", "/poll", "/s/",
            " HTTP/1.1\r\n", " HTTP/1.0\r\n", "Host: x\r\n", "Content-Length: ", "Transfer-Encoding: chunked\r\n", "\r\n\r\n",
            "0\r\n\r\n", "1\r\n", "Connection: close\r\n", "Connection: keep-alive\r\n", "Expect: 100-continue\r\n",
            "Upgrade: x\r\n",
            "Origin: http://page\r\n", "Sec-Fetch-Site: cross-site\r\n", "%00", "%2F",
        ]
    ) { bytes in
        var input = FuzzInput(bytes)
        let size = 1 + input.number(below: 60)
        let whole = try HTTPFuzzStage().run(input.bytes, pieces: .max)
        let cut = try HTTPFuzzStage().run(input.bytes, pieces: size)
        try FuzzFailure.unless(
            whole.record.calls == cut.record.calls, "\(whole.record.calls) whole, \(cut.record.calls) in pieces of \(size)")
        // A client that begins like one of HTTP/2 is answered in frames.
        guard !input.bytes.starts(with: HTTP2Frames.preface.prefix(16)) else { return }
        let answers = try HTTP1Answers(whole.output, methods: whole.record.answers.map(\.method)).answers
        let cutAnswers = try HTTP1Answers(cut.output, methods: cut.record.answers.map(\.method)).answers
        // A head with several mistakes is refused for what is seen first. An unknown method is named only if it is complete. After a
        // chunked body, the parser does not report where the next request begins.
        let isSame = answers.elementsEqual(cutAnswers) { $0 == $1 || $0.refusesHead && $1.refusesHead }
        try FuzzFailure.unless(isSame, "\(answers) whole, \(cutAnswers) in pieces of \(size)")
        try FuzzFailure.unless(
            whole.record.calls.count <= answers.count, "\(whole.record.calls.count) requests got \(answers.count) answers")
    }

    /// A whole connection of HTTP/2: in pieces of any size the same requests reach the handlers, and what is sent is frames.
    static let http2Connection = FuzzTarget(
        "http2-connection",
        seeds: Self.http2Inputs,
        words: ["\u{4}\u{0}\u{0}\u{0}", "\u{0}\u{1}\u{1}\u{0}", "\u{1}\u{5}\u{1}", "/echo", "/late", "/stream", "/ask", "POST"]
    ) { bytes in
        var input = FuzzInput(bytes)
        let size = 1 + input.number(below: 60)
        let connection = HTTP2Frames.connection(input.bytes)
        let whole = try HTTPFuzzStage().run(connection, pieces: .max)
        let cut = try HTTPFuzzStage().run(connection, pieces: size)
        // A connection error ends everything in the same chunk that has not begun (RFC 9113 §5.4.1).
        let isBroken = try [whole, cut].contains { try HTTP2Frames.frames($0.output).contains(where: Self.isConnectionError) }
        let common = isBroken ? min(whole.record.calls.count, cut.record.calls.count) : .max
        try FuzzFailure.unless(
            whole.record.calls.prefix(common) == cut.record.calls.prefix(common),
            "\(whole.record.calls) whole, \(cut.record.calls) in pieces of \(size)")
        for output in [whole.output, cut.output] {
            var ended: Set<UInt32> = []
            for frame in try HTTP2Frames.frames(output) where frame.type == 0 || frame.type == 1 {
                try FuzzFailure.unless(
                    frame.stream % 2 == 1 && !ended.contains(frame.stream),
                    "a frame for the stream \(frame.stream), which has ended")
                if frame.flags & 1 == 1 { ended.insert(frame.stream) }
            }
        }
    }

    /// A GOAWAY frame with an error code (RFC 9113 §6.8).
    private static func isConnectionError(_ frame: HTTP2Frames.Frame) -> Bool {
        frame.type == 7 && frame.payload.dropFirst(4).prefix(4).contains { $0 != 0 }
    }

    private static let http2Inputs: [[UInt8]] = {
        let settings = HTTP2Frames.input(4)
        func request(_ stream: UInt8, _ flags: UInt8, _ method: String, _ path: String) -> [UInt8] {
            HTTP2Frames.input(1, flags, stream, Self.request(method, path))
        }
        let window = HTTP2Frames.input(8, 0, 0, [0, 0, 16, 0]) + HTTP2Frames.input(8, 0, 1, [0, 0, 16, 0])
        let head = Self.request("HEAD", "/s/a")
        let continued = HTTP2Frames.input(1, 0, 1, Array(head.prefix(3))) + HTTP2Frames.input(9, 4, 1, Array(head.dropFirst(3)))
        let first = HTTP2Frames.input(4, 0, 0, [0, 4, 0, 0, 0, 0]) + request(1, 4, "POST", "/echo")
        let body = HTTP2Frames.input(0, 1, 1, Array("abc".utf8)) + window + HTTP2Frames.input(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8])
        let stream = settings + request(1, 5, "GET", "/stream") + HTTP2Frames.input(3, 0, 1, [0, 0, 0, 8])
        let late = request(3, 5, "GET", "/late") + request(5, 5, "POST", "/ask?no")
        return [
            settings + request(1, 5, "GET", "/echo"), first + body,
            stream + late + HTTP2Frames.input(7, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]),
            settings + continued + HTTP2Frames.input(0, 9, 1, [2, 65, 0, 0]) + HTTP2Frames.input(4, 1),
        ]
    }()

    /// The block of fields of a request in the static table's terms (RFC 7541 §6).
    private static func request(_ method: String, _ path: String) -> [UInt8] {
        var block: [UInt8] = [0x02, UInt8(method.utf8.count)]
        block += method.utf8
        block += [0x86, 0x04, UInt8(path.utf8.count)]
        block += path.utf8
        // `:authority`, named by its place.
        block += [0x01, 1, UInt8(ascii: "x")]
        return block
    }
}
