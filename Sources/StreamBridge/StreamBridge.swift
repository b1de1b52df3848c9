package import ArgumentParser

/// The command line.
package struct StreamBridge: AsyncParsableCommand {
    /// What `--version` says, and the first log line.
    static let version = "0.1.0"

    package static let configuration = CommandConfiguration(
        commandName: "streambridge",
        abstract: "Connects SSE, MQTT, Redis and HTTP webhooks: one daemon, one YAML file.",
        discussion: "Exit codes: 0 done, 1 failed, 64 usage, 78 the configuration file has mistakes.",
        version: Self.version,
        subcommands: [RunCommand.self, CheckCommand.self, HealthcheckCommand.self, DeadLettersCommand.self, AdaptersCommand.self]
    )

    package init() {}
}
