import ArgumentParser
import BridgeConfiguration
import Curl
import NIOCore

/// `streambridge healthcheck [FILE]`.
struct HealthcheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck",
        abstract: "Check whether the program that runs a file is alive; exits with 0 or 1.",
        discussion: "For containers and scripts. It requests /livez, or /readyz with --ready, at the address in the file."
    )

    @OptionGroup var file: ConfigurationFileArgument

    @Flag(help: "Also check whether every required source and sink is connected.")
    var ready = false

    @Option(help: "Seconds to wait for the answer, 1 to 60.")
    var timeout = 4

    func validate() throws {
        guard (1...60).contains(self.timeout) else { throw ValidationError("--timeout must be 1 to 60") }
    }

    func run() async throws {
        let file = try self.file.path()
        let http = try ConfigurationInput(file: file).loadHTTP()
        guard http.port != 0 else {
            throw self.failure("http.listen has port 0, which the system chooses; name a port", in: file)
        }
        let url = "\(http.url)/\(self.ready ? "readyz" : "livez")"
        // The certificate is for the name that clients use, which is not known here.
        let request = CurlRequest(url, tls: CurlTLS(isInsecure: true), timeout: .seconds(self.timeout))
        do {
            let answer = try await CurlMulti().response(to: request, bodyLimit: 64 << 10)
            guard answer.head.status == 200 else {
                throw self.failure("\(url) answers \(answer.head.status): \(String(buffer: answer.body))", in: file)
            }
        } catch let error as CurlError {
            throw self.failure(
                "\(url) does not answer: \(error.code == .refused ? "nothing listens there" : error.message)", in: file)
        }
    }

    private func failure(_ reason: String, in file: String) -> ExitCode {
        ConfigurationInput.complain("\(file): \(reason)")
        return .failure
    }
}
