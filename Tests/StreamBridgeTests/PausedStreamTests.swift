import BridgeTesting
import NIOCore
import Testing

/// Streams of one HTTP/2 server, of which one waits for a sink that takes nothing.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct PausedStreamTests {
    /// 90 MB of events at `/big`, and what the peer publishes under `/live`, over TLS and HTTP/2.
    private static func configuration(_ directory: TemporaryDirectory, port: Int, live: SSEServerPeer) throws -> String {
        let event = "data: " + String(repeating: "x", count: 1000) + "\n\n"
        try directory.write(
            (0..<90_000).map { "id: \($0)\n\(event)" }.joined(), to: "big")
        return """
            daemon off; master_process off; pid \(directory.file("pid")); error_log stderr;
            events {}
            http {
              access_log off;
              client_body_temp_path \(directory.path); proxy_temp_path \(directory.path); fastcgi_temp_path \(directory.path);
              uwsgi_temp_path \(directory.path); scgi_temp_path \(directory.path);
              server {
                listen 127.0.0.1:\(port) ssl http2;
                ssl_certificate \(directory.file("server.pem")); ssl_certificate_key \(directory.file("server.key"));
                location = /big { default_type text/event-stream; root \(directory.path); send_timeout 600s; }
                location = /live { proxy_pass \(live.url()); proxy_buffering off; }
              }
            }
            """
    }

    @Test func `a stream that waits for its sink takes little memory and delays no other stream`() async throws {
        let live = try await SSEServerPeer.start()
        let receiver = try await HTTPPeer.start()
        receiver.answer(with: .init(200, delay: .seconds(600)))
        let directory = try TemporaryDirectory()
        let port = try LastingPort()
        let openssl = try ChildProcess(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", directory.file("server.key"), "-out",
                directory.file("server.pem"),
            ])
        guard try await openssl.untilEnded() == .exited(0) else { throw PeerError(openssl.standardError) }
        try directory.write(try Self.configuration(directory, port: port.number, live: live), to: "nginx.conf")
        try await ChildProcess.with("/usr/sbin/nginx", ["-p", directory.path, "-c", directory.file("nginx.conf")]) { nginx in
            try await eventually("nginx listens: \(nginx.standardError)") { (try? RawConnection(port: port.number)) != nil }
            let bridge = try await BridgeProcess.start(
                """
                sources:
                  big: { type: sse, url: "https://127.0.0.1:\(port.number)/big", tls: { ca_file: "\(directory.file("server.pem"))" } }
                  live: { type: sse, url: "https://127.0.0.1:\(port.number)/live", tls: { ca_file: "\(directory.file("server.pem"))" } }
                sinks:
                  stuck: { type: webhook, url: "\(receiver.url())", buffer: { events: 10 }, timeout: 600s }
                  out: { type: file, path: "{directory}/out" }
                routes:
                  - { from: [big], to: [stuck] }
                  - { from: [live], to: [out] }
                """
            )
            try await eventually("the big stream waits") { receiver.count > 0 }
            let before = Strain.residentBytes(of: bridge.process.pid)
            for number in 1...50 {
                live.publish([.init(id: "\(number)", "\(number)")])
                try await eventually("live event \(number) has arrived") { bridge.lines(of: "out").count == number }
            }
            // Everything that libcurl or the program would read ahead has arrived by now, at hundreds of megabytes a
            // second.
            let received = try await bridge.metric("streambridge_events_received_total", "\"big\"")
            #expect(await !holds(within: .seconds(2)) { Strain.residentBytes(of: bridge.process.pid) > before + (16 << 20) })
            #expect(try await bridge.metric("streambridge_events_received_total", "\"big\"") == received)
            #expect(received < 2000)
            #expect(try await bridge.metric("streambridge_retries_total", "\"big\"") == 0)
            #expect(try await bridge.metric("streambridge_retries_total", "\"live\"") == 0)
            bridge.process.kill()
        }
    }
}
