import BridgeTesting
import FoundationEssentials
import Glibc
import Testing

/// A real proxy in front of the program, with the snippet that the documentation shows.
final class ProxyProcess: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        case nginx, haproxy, caddy, apache, varnish

        /// How the documentation marks the snippet.
        fileprivate var language: String { self == .varnish ? "vcl" : self.rawValue }
    }

    let port: Int
    private let reservation: LastingPort
    private let directory: TemporaryDirectory
    private let process: ChildProcess

    private init(_ port: LastingPort, _ directory: TemporaryDirectory, _ process: ChildProcess) {
        self.port = port.number
        self.reservation = port
        self.directory = directory
        self.process = process
    }

    /// Starts a proxy, calls, and ends it in order: some have children.
    static func with(
        _ kind: Kind, server: Int, _ body: (ProxyProcess) async throws -> Void
    ) async throws {
        let proxy = try Self.start(kind, server: server)
        do {
            try await proxy.untilReady()
            try await body(proxy)
            try await proxy.stop()
        } catch {
            try? await proxy.stop()
            throw error
        }
    }

    /// What it has written, for messages.
    var log: String { self.process.standardOutput + self.process.standardError }

    private func untilReady() async throws {
        try await eventually("the proxy answers; it says: \(self.log)") {
            if let ending = self.process.ended { throw PeerError("the proxy ended with \(ending): \(self.log)") }
            let answer = try? await HTTPRequestPeer.send("GET", "/api/stream/demo?format=json", port: self.port)
            return answer?.status == 200
        }
    }

    private func stop() async throws {
        self.process.signal(SIGTERM)
        if !(await holds(within: .seconds(5)) { self.process.ended != nil }) { self.process.kill() }
    }

    private static func start(_ kind: Kind, server: Int) throws -> ProxyProcess {
        let directory = try TemporaryDirectory()
        let port = try LastingPort()
        let address = "127.0.0.1:\(port.number)"
        let snippet = try Self.snippet(kind).replacing("127.0.0.1:8080", with: "127.0.0.1:\(server)")
        let process: ChildProcess
        switch kind {
        case .nginx:
            let file = try directory.write(
                """
                daemon off; master_process off; pid \(directory.file("pid")); error_log stderr;
                events {}
                http {
                    access_log off; gzip on; gzip_types text/event-stream; gzip_proxied any;
                    client_body_temp_path \(directory.file("body")); proxy_temp_path \(directory.file("proxy"));
                    fastcgi_temp_path \(directory.file("f")); uwsgi_temp_path \(directory.file("u")); scgi_temp_path \(directory.file("s"));
                    server { listen \(address);
                    \(snippet)
                    }
                }
                """, to: "nginx.conf")
            process = try ChildProcess("nginx", ["-p", directory.path, "-c", file])
        case .haproxy:
            let file = try directory.write(snippet.replacing("bind :80", with: "bind \(address)"), to: "haproxy.cfg")
            process = try ChildProcess("haproxy", ["-db", "-f", file])
        case .caddy:
            let options = "{\n    admin off\n    auto_https off\n    default_bind 127.0.0.1\n}\n"
            let file = try directory.write(
                options + snippet.replacing("events.example", with: "http://:\(port.number)"), to: "Caddyfile")
            process = try ChildProcess(
                "caddy", ["run", "--config", file, "--adapter", "caddyfile"],
                environment: ["XDG_DATA_HOME": directory.path, "XDG_CONFIG_HOME": directory.path, "HOME": directory.path])
        case .apache:
            let modules = ["mpm_event", "authz_core", "proxy", "proxy_http", "filter", "deflate"].map {
                "LoadModule \($0)_module /usr/lib/apache2/modules/mod_\($0).so\n"
            }.joined()
            let file = try directory.write(
                """
                ServerRoot \(directory.path)
                ServerName localhost
                PidFile \(directory.file("pid"))
                ErrorLog \(directory.file("log"))
                Listen \(address)
                \(modules)
                AddOutputFilterByType DEFLATE text/event-stream
                \(snippet)
                """, to: "apache.conf")
            process = try ChildProcess("apache2", ["-X", "-f", file])
        case .varnish:
            let file = try directory.write(snippet.replacing("\"8080\"", with: "\"\(server)\""), to: "streams.vcl")
            process = try ChildProcess(
                "varnishd", ["-j", "none", "-F", "-n", directory.file("work"), "-a", address, "-f", file, "-s", "malloc,16m"])
        }
        return ProxyProcess(port, directory, process)
    }

    /// The block of the page on proxies.
    private static func snippet(_ kind: Kind) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        let page = try String(
            contentsOf: URL(filePath: root + "/Sources/Adapters/SSE/Documentation.docc/Proxies.md"), encoding: .utf8)
        let parts = page.split(separator: "```\(kind.language)\n", omittingEmptySubsequences: false)
        guard parts.count == 2, let end = parts[1].firstRange(of: "```") else {
            throw PeerError("the page on proxies has no single block for \(kind)")
        }
        return String(parts[1][..<end.lowerBound])
    }
}
