import BridgeTesting
import Testing

/// libcurl, which the program loads only when it makes HTTP requests.
struct LibraryTests {
    @Test func `a program that makes no HTTP requests does without libcurl`() async throws {
        let bridge = try await BridgeProcess.start(
            """
            sources: { in: { type: webhook, id: in } }
            sinks: { out: { type: sse, stream: out } }
            routes: [{ to: out }]

            """)
        let maps = String(decoding: TemporaryDirectory.contents(of: "/proc/\(bridge.process.pid)/maps"), as: UTF8.self)
        #expect(maps.contains("libmosquitto"))
        #expect(!maps.contains("libcurl"))
    }

    @Test(arguments: [
        "http: { listen: '127.0.0.1:0' }\nsinks: { out: { type: webhook, url: 'http://127.0.0.1:9/' } }\nroutes: [{ to: out }]\n",
        "sinks: { out: { type: sse, stream: out } }\nroutes: [{ to: out }]\nhttp: { listen: '127.0.0.1:0', access: { hook: { url: 'http://127.0.0.1:9/' } } }\n",
    ])
    func `a libcurl that cannot be loaded ends the start with the reason`(file: String) async throws {
        let directory = try TemporaryDirectory()
        try directory.write("no library", to: "libcurl.so.4")
        let source = "service: { state_dir: \(directory.path) }\nsources: { in: { type: webhook, id: in } }\n"
        let path = try directory.write(source + file, to: "bridges.yaml")
        let program = try ChildProcess(
            "/usr/bin/env", ["LD_LIBRARY_PATH=\(directory.path)", BridgeProcess.executable, "run", path])
        #expect(try await program.untilEnded() == .exited(1))
        #expect(program.standardError.contains("Could not start"))
        #expect(program.standardError.contains("libcurl cannot be loaded: "))
        #expect(program.standardError.contains("file too short; Debian's package is libcurl4"))
    }
}
