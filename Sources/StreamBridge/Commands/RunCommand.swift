import ArgumentParser
import BridgeCore
import Logging

/// `streambridge run [FILE]`.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the bridges of a file until SIGTERM or SIGINT.",
        discussion: """
            On the first signal the sources stop, what they have sent is delivered, and the program ends with 0. What could not be \
            delivered within service.drain is counted in the last log line, and the exit code is 1. A log on disk keeps it, so that the \
            exit code is 0 then, unless the log cannot be written.

            SIGHUP and POST /-/reload load the file again: only what has changed restarts. A file with mistakes changes nothing.
            """
    )

    @OptionGroup var file: ConfigurationFileArgument

    @Flag(name: .customLong("watch"), help: "Load the file again whenever it or a file that it refers to changes.")
    var watchesFile = false

    func run() async throws {
        let input = ConfigurationInput(file: try self.file.path())
        let start = Timestamp.now()
        let plan = try input.loadToRun()
        try await self.start(
            Gateway(
                plan: plan, file: input.file, expressions: input.expressions, loaded: start, watchesFile: self.watchesFile))
    }

    /// Leaves the main actor at once: every hop from there costs microseconds.
    @concurrent
    private func start(_ gateway: Gateway) async throws {
        let isDone: Bool
        do {
            isDone = try await gateway.run()
        } catch {
            gateway.logger("streambridge").error("Could not start", metadata: ["error": "\(error)"])
            throw ExitCode(1)
        }
        guard isDone else { throw ExitCode(1) }
    }
}
