import BridgeCore
import BridgeTesting
import Compression
import NIOCore
import Testing

@testable import WebhookAdapter

/// Bodies with a content coding, as curl, Python and Alertmanager-like senders compress them.
struct WebhookCodingTests {
    /// Compresses with the tools of the machine, and posts with curl.
    private static func post(
        _ command: String, coding: String, to port: Int, type: String = "application/json"
    ) async throws -> String {
        let url = "http://127.0.0.1:\(port)/n/h"
        let curl = "curl -sS --data-binary @- -H 'Content-Encoding: \(coding)' -H 'Content-Type: \(type)' -D - \(url)"
        return try await ChildProcess.with("/bin/sh", ["-c", "\(command) | \(curl)"]) { shell in
            let ending = try await shell.untilEnded()
            #expect(ending == .exited(0), "\(shell.standardError)")
            return shell.standardOutput
        }
    }

    private static let message = #"printf '{"message":"compressed"}'"#
    private static func python(_ expression: String) -> String {
        "/usr/bin/python3 -c 'import sys, zlib, gzip; sys.stdout.buffer.write(\(expression))'"
    }

    @Test(arguments: [
        ("gzip", message + " | gzip"), ("x-gzip", message + " | gzip"), ("GZIP", message + " | gzip -1"),
        ("deflate", python(#"zlib.compress(b"{\"message\":\"compressed\"}")"#)),
        ("deflate", python(#"zlib.compress(b"{\"message\":\"compressed\"}", wbits=-15)"#)),
        ("zstd", message + " | zstd -q"), ("identity", message),
        ("gzip", "(printf '{\"message\":' | gzip; printf '\"compressed\"}' | gzip)"),
    ]) func `a compressed body is an event like any other`(coding: String, command: String) async throws {
        try await WebhookFixture.run { hook in
            let answer = try await Self.post(command, coding: coding, to: hook.port)
            #expect(answer.hasPrefix("HTTP/1.1 201 Created\r\n"), "\(answer)")
            try await eventually("it has arrived") { hook.sink.count == 1 }
            let event = hook.sink.events[0]
            #expect(event.message == "compressed")
            #expect(event.raw == ByteBuffer(string: #"{"message":"compressed"}"#), "the body is forwarded without its coding")
            #expect(event.attributes["content-encoding"] == nil && event.attributes["content-type"] == "application/json")
        }
    }

    @Test(arguments: ["br", "compress", "gzip, gzip", "deflate, gzip", "nonsense"])
    func `another coding is refused with those that are supported`(coding: String) async throws {
        try await WebhookFixture.run { hook in
            let answer = try await hook.post("x", headers: "Content-Encoding: \(coding)\r\n")
            #expect(answer.status == 415)
            #expect(
                answer.body
                    == #"{"error":"Content-Encoding '\#(coding)' is not supported; use one of gzip, deflate, zstd"}"#)
            #expect(answer.head.contains("Accept-Encoding: gzip, deflate, zstd\r\n"))
            let twice = try await hook.post("x", headers: "Content-Encoding: gzip\r\nContent-Encoding: \(coding)\r\n")
            #expect(twice.status == 415)
            #expect(hook.sink.count == 0)
        }
    }

    @Test func `the decoded bytes count against the limit of bodies`() async throws {
        try await WebhookFixture.run({ $0.maxBody = 100_000 }) { hook in
            for (coding, tool) in [("gzip", "gzip"), ("zstd", "zstd -q")] {
                let most = try await Self.post(
                    "head -c 100000 /dev/zero | \(tool)", coding: coding, to: hook.port, type: "text/plain")
                #expect(most.hasPrefix("HTTP/1.1 201 Created\r\n"), "\(most)")
                for count in [100_001, 300_000_000] {
                    // 300 MB of zeros compress to more than the limit with gzip, which is refused before they are read.
                    let answer = try await Self.post(
                        "head -c \(count) /dev/zero | \(tool)", coding: coding, to: hook.port, type: "text/plain")
                    #expect(answer.contains("HTTP/1.1 413 "), "\(answer)")
                    #expect(answer.hasSuffix(#"{"error":"Payload too large","limit":100000}"#))
                }
            }
            #expect(hook.metrics.render().contains(#"status="413"} 3"#))
            try await eventually("those at the limit have arrived") { hook.sink.count == 2 }
        }
    }

    @Test(arguments: [
        ("gzip", "printf plain", "the body is not gzip data"), ("gzip", message + " | gzip | head -c 20", "it ends early"),
        ("gzip", "(" + message + " | gzip; printf more)", "something else follows the gzip data"),
        ("zstd", "printf plain", "the zstd data are damaged: Unknown frame descriptor"),
    ]) func `damaged data are refused with the reason`(coding: String, command: String, reason: String) async throws {
        try await WebhookFixture.run { hook in
            let answer = try await Self.post(command, coding: coding, to: hook.port)
            #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
            #expect(answer.hasSuffix(#"{"error":"Body is not valid \#(coding): \#(reason)"}"#), "\(answer)")
            #expect(hook.sink.count == 0)
        }
    }

    @Test func `a signature is that of the bytes that are sent`() async throws {
        let signature = WebhookSignature(secret: Secret("s"))
        // An empty gzip member (RFC 1952).
        let body = ByteBuffer(bytes: [31, 139, 8, 0, 0, 0, 0, 0, 0, 255, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        try await WebhookFixture.run({ $0.signature = .init(secret: Secret("s")) }) { hook in
            for (signed, status) in [(body, 200), (ByteBuffer(), 401)] {
                let connection = try RawConnection(port: hook.port)
                let head = "POST /api/webhooks/h HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\nContent-Encoding: gzip\r\n"
                let field = "X-Hub-Signature-256: \(signature.sign(signed))\r\n\r\n"
                try await connection.send(Array((head + field).utf8) + body.readableBytesView)
                #expect(try await Answer.read(from: connection).status == status)
            }
        }
    }

    @Test func `a small body keeps no more memory than it needs`() throws {
        let decoder = try #require(try ContentDecoder.make(for: "gzip"))
        let compressor = SegmentCompressor()
        let text = ByteBuffer(string: "small")
        var body = ByteBuffer(bytes: ContentCoding.gzip.start)
        compressor.write(text, as: .gzip, into: &body)
        body.writeImmutableBuffer(GzipSum(text).end)
        guard case .decoded(let decoded) = WebhookCoding.decode(body, with: decoder, limit: .max) else {
            Issue.record("not decoded")
            return
        }
        #expect(decoded == text && decoded.storageCapacity <= 64)
    }
}
