package import ArgumentParser

/// The command line.
package struct StreamBridge: AsyncParsableCommand {
    /// The version in `--version` and in the first log line.
    static let version = "0.1.0"

    /// Name, help text, exit codes and subcommands.
    package static let configuration = CommandConfiguration(
        commandName: "streambridge",
        abstract: "Connects SSE, MQTT, Redis and HTTP webhooks: one daemon, one YAML file.",
        discussion: "Exit codes: 0 success, 1 failure, 64 usage error, 78 configuration error.",
        // The libraries are asked only where the answer is printed.
        version: CommandLine.arguments.contains("--version") ? VersionText.text : Self.version,
        subcommands: [
            RunCommand.self, CheckCommand.self, TestCommand.self, ExplainCommand.self, TapCommand.self, TopCommand.self,
            HealthcheckCommand.self, DeadLettersCommand.self, AdaptersCommand.self, PresetsCommand.self, SchemaCommand.self,
            RenderCommand.self,
        ]
    )

    /// What is wrong with the name of the command; `nil` when nothing is.
    static func mistake(in arguments: some Collection<String>) -> String? {
        CommandName.mistake(in: arguments, known: Self.configuration.subcommands.compactMap { $0.configuration.commandName })
    }

    /// Makes the command; `ArgumentParser` then fills in its options.
    package init() {}
}
