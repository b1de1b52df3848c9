import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import WebhookAdapter

/// Requests as Python's `requests` and curl send them: other methods, compressed lines, queries and validations.
struct WebhookClientTests {
    private static let script = """
        import gzip, json, requests, sys
        url = sys.argv[1]
        lines = "".join(json.dumps({"message": "line \u{E4} %d" % n}, ensure_ascii=False) + "\\n" for n in range(3)).encode()
        def report(answer): print(answer.status_code, len(answer.json().get("ids", [answer.json()["id"]])))
        report(requests.put(url, json={"message": "put"}))
        report(requests.get(url + "/", params={"message": "get \u{E4}", "title": "Link"}))
        report(requests.post(url, data=gzip.compress(lines), headers={
            "Content-Encoding": "gzip", "Content-Type": "application/x-ndjson"}))
        report(requests.post(url, data=iter([lines[:10], lines[10:]]), headers={"Content-Type": "application/jsonl"}))
        report(requests.post(url, json=[{"message": "a"}, {"message": "b"}]))
        """

    @Test func `Python sends by every method, compressed and in batches`() async throws {
        try await WebhookFixture.run({
            $0.methods = [.post, .put, .get]
            $0.batch = .split
        }) { hook in
            let url = "http://127.0.0.1:\(hook.port)/n/h"
            try await ChildProcess.with("/usr/bin/python3", ["-c", Self.script, url]) { python in
                let ending = try await python.untilEnded()
                #expect(ending == .exited(0), "\(python.standardError)")
                #expect(python.standardOutput == "201 1\n201 1\n201 3\n201 3\n201 2\n")
            }
            try await eventually("all have arrived") { hook.sink.count == 10 }
            let lines = (0..<3).map { "line \u{E4} \($0)" }
            #expect(hook.sink.events.map(\.message) == ["put", "get \u{E4}"] + lines + lines + ["a", "b"])
        }
    }

    @Test func `curl validates a webhook as senders of CloudEvents do`() async throws {
        let settings = try WebhookFixture.configuration(#"{"id": "h", "handshake": {"origins": "sender.example"}}"#).handshake
        try await WebhookFixture.run({ $0.handshake = settings }) { hook in
            let url = "http://127.0.0.1:\(hook.port)/n/h/"
            let arguments = ["-sS", "-X", "OPTIONS", "-D", "-", "-H", "WebHook-Request-Origin: sender.example", url]
            try await ChildProcess.with("curl", arguments) { curl in
                let ending = try await curl.untilEnded()
                #expect(ending == .exited(0))
                #expect(curl.standardOutput.contains("WebHook-Allowed-Origin: sender.example\r\n"))
            }
        }
    }
}
