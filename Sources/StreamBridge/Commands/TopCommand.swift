import ArgumentParser
import BridgeCore
import Curl
import Glibc
import NIOCore

/// `streambridge top [FILE]`.
struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show the rates, backlog and errors of each source, route and sink of the running program.",
        discussion: """
            It reads /metrics at the address in the file, or at --url. In a terminal the table is renewed until Ctrl-C; otherwise, and \
            with --once, one table is printed.
            """
    )

    @OptionGroup var address: AdminAddress

    @Flag(help: "Print one table, with the rates of one interval.")
    var once = false

    @Option(help: "Seconds between two readings, 1 to 3600.")
    var interval = 1

    func validate() throws {
        guard (1...3600).contains(self.interval) else { throw ValidationError("--interval must be 1 to 3600") }
    }

    func run() async throws {
        let request = try self.address.request("/metrics", timeout: .seconds(10))
        let curl = CurlMulti()
        let isOnce = self.once || isatty(STDOUT_FILENO) == 0
        var last = try await self.figures(request, curl)
        while true {
            try await Task.sleep(for: .seconds(self.interval))
            let next = try await self.figures(request, curl)
            let lines = TopTable(last, next).lines
            try StandardOutput.write { output in
                // Home, the table, and nothing of the one before.
                if !isOnce { try output.add(line: "\u{1B}[H\u{1B}[J\(request.url)") }
                for line in lines { try output.add(line: line) }
            }
            if isOnce { return }
            last = next
        }
    }

    private func figures(_ request: CurlRequest, _ curl: CurlMulti) async throws -> MetricFigures {
        do {
            let answer = try await curl.response(to: request, bodyLimit: 64 << 20)
            guard answer.head.status == 200 else {
                let text = PlainValue(json: answer.body)?["error"]?.text ?? ""
                throw self.failure(
                    "\(request.url) answers \(answer.head.line)\(text.isEmpty ? "" : ": \(SafeText.sentence(text))")")
            }
            return MetricFigures(String(buffer: answer.body), time: .now)
        } catch let error as CurlError {
            throw self.failure("\(request.url) does not answer: \(AdminAddress.reason(for: error))")
        }
    }

    private func failure(_ reason: String) -> ExitCode {
        ConfigurationInput.complain(reason)
        return .failure
    }
}
