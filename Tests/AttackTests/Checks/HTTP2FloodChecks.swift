import BridgeTesting

extension SecurityCheck {
    /// Endless frames of HTTP/2, and answers that are never read.
    static let http2Floods =
        floods.map { name, count, frames in
            SecurityCheck("HTTP/2: \(name) end the connection or cost nothing") { stage in
                let bridge = try await stage.start(
                    sources: ["in: { type: webhook, id: in }"], sinks: ["out: { type: sse, stream: out }"],
                    routes: ["{ from: [in], to: [out] }"]
                )
                let port = bridge.port
                let sent = try await OwnThread.run {
                    var sent = 0
                    for _ in 0..<3 {
                        let socket = try AttackSocket(port: port, receiveBuffer: 4096, patience: .milliseconds(500))
                        guard socket.send(HTTP2Bytes.preface) else { continue }
                        var number = 0
                        // 100 frames at a time.
                        while number < count * AttackSettings.scale {
                            var bytes: [UInt8] = []
                            for _ in 0..<100 {
                                bytes += frames(number)
                                number += 1
                            }
                            guard socket.send(bytes) else { break }
                            sent += 100
                        }
                    }
                    return sent
                }
                stage.note("\(sent) frames taken")
            }
        } + [
            SecurityCheck("HTTP/2: random frames never stop the program") { stage in
                let bridge = try await stage.start(
                    sources: ["in: { type: webhook, id: in }"], sinks: ["out: { type: sse, stream: out }"],
                    routes: ["{ from: [in], to: [out] }"]
                )
                let port = bridge.port
                let count = 300 * stage.scale
                try await OwnThread.run {
                    for number in 0..<count {
                        let socket = try AttackSocket(port: port, patience: .milliseconds(50))
                        socket.send(Self.randomFrames(AttackSettings.seed &+ UInt64(number)))
                        _ = socket.receive(upTo: 1)
                    }
                }
                stage.note("\(count) connections")
            }
        ]

    /// A name, how many frames are sent on each connection, and a frame by its number.
    private static let floods: [(String, Int, @Sendable (Int) -> [UInt8])] = [
        ("requests that are reset at once", 200, { HTTP2Bytes.get("/livez", stream: 2 * $0 + 1) + HTTP2Bytes.reset(2 * $0 + 1) }),
        (
            "streams that are opened and reset at once", 200,
            { HTTP2Bytes.get("/api/stream/out", stream: 2 * $0 + 1) + HTTP2Bytes.reset(2 * $0 + 1) }
        ),
        ("requests whose answers nobody reads", 1500, { HTTP2Bytes.get("/nope", stream: 2 * $0 + 1) }),
        ("HEAD requests whose answers nobody reads", 1500, { HTTP2Bytes.head("/nope", stream: 2 * $0 + 1) }),
        (
            "DATA frames that hold padding only", 200,
            {
                $0 == 0
                    ? HTTP2Bytes.post("/n/in", stream: 1)
                    : HTTP2Bytes.frame(0, flags: 8, stream: 1, [255] + [UInt8](repeating: 0, count: 255))
            }
        ),
        ("trailers of requests", 200, { HTTP2Bytes.post("/n/in", stream: 2 * $0 + 1) + HTTP2Bytes.trailers(2 * $0 + 1) }),
        ("SETTINGS", 1500, { _ in HTTP2Bytes.frame(4) }),
        ("PINGs", 1500, { _ in HTTP2Bytes.frame(6, [1, 2, 3, 4, 5, 6, 7, 8]) }),
        ("changes of the window size", 1500, { HTTP2Bytes.setting(4, $0 % 1000) }),
        ("PRIORITY frames", 1500, { HTTP2Bytes.frame(2, stream: 2 * ($0 % 1_000_000) + 1, [0, 0, 0, 0, 16]) }),
        ("window updates", 1500, { _ in HTTP2Bytes.windowUpdate(1) }),
        ("empty DATA frames", 1500, { $0 == 0 ? HTTP2Bytes.post("/n/in", stream: 1) : HTTP2Bytes.frame(0, stream: 1) }),
        (
            "CONTINUATION frames", 1500,
            {
                $0 == 0
                    ? HTTP2Bytes.frame(1, stream: 1, HTTP2Bytes.fields("GET", "/livez"))
                    : HTTP2Bytes.frame(9, stream: 1, [0, 1, 97, 1, 98])
            }
        ),
        (
            "empty CONTINUATION frames", 1500,
            {
                $0 == 0
                    ? HTTP2Bytes.frame(1, stream: 1, HTTP2Bytes.fields("GET", "/livez")) : HTTP2Bytes.frame(9, stream: 1)
            }
        ),
        (
            "frames of unknown types", 1500,
            { HTTP2Bytes.frame(UInt8(0x20 + $0 % 64), stream: $0 % 7, [UInt8](repeating: 1, count: 100)) }
        ),
        (
            "requests that depend on themselves", 200,
            { HTTP2Bytes.frame(1, flags: 0x25, stream: 2 * $0 + 1, [0, 0, 0, 1, 16] + HTTP2Bytes.fields("GET", "/livez")) }
        ),
        (
            "dynamic table resizes", 200,
            {
                HTTP2Bytes.frame(
                    1, flags: 5, stream: 2 * $0 + 1,
                    [0x3F, 0xE1, 0x1F, 0x20, 0x3F, 0xE1, 0x1F] + HTTP2Bytes.fields("GET", "/livez"))
            }
        ),
    ]

    /// A valid beginning, then frames of any type with any content.
    private static func randomFrames(_ seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var bytes = HTTP2Bytes.preface
        for _ in 0..<Int.random(in: 1...40, using: &generator) {
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes += HTTP2Bytes.get("/livez", stream: .random(in: 0..<40, using: &generator))
            case 1: bytes += HTTP2Bytes.post("/n/in", stream: .random(in: 0..<40, using: &generator))
            default:
                let payload = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
                bytes += HTTP2Bytes.frame(
                    .random(in: 0...12, using: &generator), flags: .random(in: 0...255, using: &generator),
                    stream: .random(in: 0..<40, using: &generator), payload)
            }
        }
        return bytes
    }
}
