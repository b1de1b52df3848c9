import ArgumentParser
import BridgeConfiguration
import BridgeCore
import Glibc
import NIOCore
import SQLiteLog

/// `streambridge dead-letters list|show|replay|drop`.
struct DeadLettersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters",
        abstract: "Inspect, replay or drop the events that sinks gave up.",
        discussion: """
            The letters are in the log on disk of the file, and can be worked on while the program runs: it takes up what is to be \
            replayed within a second.
            """,
        subcommands: [List.self, Show.self, Replay.self, Drop.self], defaultSubcommand: List.self
    )

    struct File: ParsableArguments {
        @OptionGroup var file: ConfigurationFile

        /// The letters of the file's log.
        ///
        /// - Parameter sink: the sink whose dead letters are wanted; a mistyped name must not look like a sink without
        ///   dead letters.
        func open(sink: String?) throws -> DeadLetterInspector {
            let file = try self.file.path()
            // The directory in which the installed program runs; without access to it, the log is not found.
            if file == ConfigurationFile.installed { _ = chdir(ConfigurationFile.installedDirectory) }
            let (log, sinks) = try ConfigurationInput(file: file).loadLog()
            guard case .disk(let settings) = log else {
                try StandardOutput.write(
                    line: "\(file) has no log on disk, so no dead letters are kept; write log: {kind: sqlite}")
                throw ExitCode.success
            }
            let letters = try DeadLetterInspector(path: settings.path, sinks: sinks)
            if let sink, try !letters.knows(sink: sink) {
                ConfigurationInput.complain(
                    "no sink is called '\(sink)', and no dead letter is from one of that name; there are \(sinks.joined(separator: ", "))"
                )
                throw ExitCode.failure
            }
            return letters
        }
    }

    struct Choice: ParsableArguments {
        @Argument(help: "Numbers of dead letters, as 'list' prints them.")
        var ids: [Int64] = []

        @Flag(help: "All dead letters.")
        var all = false

        @Option(help: "Only dead letters of this sink.")
        var sink: String?

        func validate() throws {
            guard self.all || self.sink != nil || !self.ids.isEmpty else {
                throw ValidationError("name dead letters by their numbers, or use --all or --sink NAME")
            }
            guard self.ids.isEmpty || !self.all else { throw ValidationError("--all and numbers exclude each other") }
        }

        var selection: DeadLetterInspector.Selection {
            DeadLetterInspector.Selection(ids: self.ids.isEmpty ? nil : self.ids, sink: self.sink)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List dead letters: number, time, state, sink, attempts, subject, reason.")

        @OptionGroup var file: File
        @Option(help: "Only dead letters of this sink.")
        var sink: String?

        func run() throws {
            let letters = try self.file.open(sink: self.sink)
            try StandardOutput.write { output in
                try letters.list(DeadLetterInspector.Selection(sink: self.sink)) { letter in
                    let columns = [
                        "\(letter.id)", "\(letter.time)", letter.isReadable ? letter.state.rawValue : "unreadable",
                        letter.sink.isEmpty ? "-" : letter.sink, "\(letter.attempts)", letter.subject, letter.reason,
                    ]
                    try output.add(line: columns.joined(separator: "\t"))
                }
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print dead letters as JSON, one line each, with the whole event.")

        @OptionGroup var file: File
        @OptionGroup var choice: Choice

        func run() throws {
            let letters = try self.file.open(sink: self.choice.sink)
            var missing = Set(self.choice.ids)
            var unreadable: [Int64] = []
            try StandardOutput.write { output in
                unreadable = try letters.show(self.choice.selection) { letter in
                    try output.add(line: letter.json)
                    missing.remove(letter.id)
                }
            }
            for id in unreadable {
                ConfigurationInput.complain(
                    "dead letter \(id): cannot be read; inspect it with sqlite3 and 'SELECT * FROM dead_letters WHERE id = \(id)', or drop it"
                )
            }
            missing.subtract(unreadable)
            for id in missing.sorted() { ConfigurationInput.complain("dead letter \(id): there is no such dead letter") }
            guard missing.isEmpty, unreadable.isEmpty else { throw ExitCode.failure }
        }
    }

    struct Replay: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replay dead letters to the sinks that gave them up, and to no other sink.",
            discussion: """
                Refuses a dead letter that the running program is sending to a dead-letter sink, and one whose sink was removed from the \
                file; the exit code is then 1.
                """
        )

        @OptionGroup var file: File
        @OptionGroup var choice: Choice

        func run() throws {
            let letters = try self.file.open(sink: self.choice.sink)
            try DeadLettersCommand.report(letters.replay(self.choice.selection), "to be replayed")
        }
    }

    struct Drop: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete dead letters.",
            discussion: """
                Refuses a dead letter that the running program is delivering, because it may have arrived; the exit code is then 1.
                """
        )

        @OptionGroup var file: File
        @OptionGroup var choice: Choice

        func run() throws {
            let letters = try self.file.open(sink: self.choice.sink)
            try DeadLettersCommand.report(letters.drop(self.choice.selection), "dropped")
        }
    }

    private static func report(_ outcome: DeadLetterInspector.Outcome, _ done: String) throws {
        // First, so that refusals are printed even when standard output cannot be written.
        for refusal in outcome.refused { ConfigurationInput.complain("dead letter \(refusal.id): \(refusal.reason)") }
        try StandardOutput.write(line: "\(outcome.done) \(outcome.done == 1 ? "dead letter" : "dead letters") \(done)")
        guard outcome.refused.allSatisfy(\.isMet) else { throw ExitCode.failure }
    }
}
