import BridgeTesting
import Testing

/// The command line.
@Suite(.timeLimit(.minutes(1)))
struct CommandTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    @Test func `check prints every mistake with its place and ends with 78`() async throws {
        let path = try self.directory.write(
            """
            sources:
              home:
                type: mqtt
                url: mqtt://localhost
                subscrib: [{ topic: a }]
              other:
                type: kafka
            sinks:
              out:
                type: file
                path: /var/x
                max_size: huge
            routes:
              - { from: [hom], to: [out] }
              - { from: [home], to: [nowhere] }

            """, to: "bridges.yaml"
        )
        let (code, output, error) = try await BridgeProcess.command("check", path)
        #expect(code == 78)
        #expect(output.isEmpty)
        let lines = error.split(separator: "\n").map(String.init)
        for (place, text) in [
            (":5:5:", "subscribe"), (":7:11:", "kafka"), (":12:15:", "huge"), (":14:", "hom"), (":15:", "nowhere"),
        ] {
            #expect(lines.contains { $0.hasPrefix(path + place) && $0.contains(text) }, "\(place) \(text) in \(error)")
        }
    }

    @Test func `check of a correct file says what is in it and ends with 0`() async throws {
        let path = try self.directory.write(
            """
            sources:
              in: { type: webhook, id: hello }
            sinks:
              out: { type: file, path: "-" }
            routes:
              - { from: [in], to: [out] }

            """, to: "bridges.yaml"
        )
        let (code, output, error) = try await BridgeProcess.command("check", path)
        #expect(code == 0, "\(error)")
        #expect(output == "\(path): correct; 1 source, 1 route, 1 sink\n")
    }

    @Test func `run refuses a wrong file with 78 before anything starts`() async throws {
        let path = try self.directory.write("sources: 1\n", to: "bridges.yaml")
        let (code, _, error) = try await BridgeProcess.command("run", path)
        #expect(code == 78)
        #expect(error.hasPrefix("\(path):1:"))
    }

    @Test func `a file that is not there is told`() async throws {
        let (code, _, error) = try await BridgeProcess.command("check", self.directory.file("none.yaml"))
        #expect(code == 78)
        #expect(error.contains("none.yaml") && error.contains("No such file"))
    }

    @Test func `adapters lists every kind with its keys`() async throws {
        let (code, output, _) = try await BridgeProcess.command("adapters")
        #expect(code == 0)
        let kinds = output.split(separator: "\n").filter { !$0.hasPrefix(" ") }.map(String.init)
        #expect(kinds == ["file", "mqtt", "redis", "redis-stream", "sse", "webhook"])
        #expect(output.contains("  source  follow, max_line, path, start, subject"))
        #expect(output.contains("  with    body, format"))
    }

    @Test func `a wrong command line ends with 64`() async throws {
        #expect(try await BridgeProcess.command("no-such-command").code == 64)
    }

    @Test func `a port in use is told, and the program ends`() async throws {
        let peer = try await HTTPPeer.start()
        let path = try self.directory.write(
            """
            http: { listen: "127.0.0.1:\(peer.port)" }
            sources:
              in: { type: webhook, id: hello }
            sinks:
              out: { type: file, path: /dev/null }
            routes:
              - { from: [in], to: [out] }

            """, to: "bridges.yaml"
        )
        let (code, _, error) = try await BridgeProcess.command("run", path)
        #expect(code == 1)
        #expect(error.contains("\(peer.port)"))
    }
}
