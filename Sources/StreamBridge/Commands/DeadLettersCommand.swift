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
        abstract: "Look at what sinks have given up, deliver it once more, or drop it.",
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
        /// - Parameter sink: of which the letters are asked for; a name that was mistyped must not look like a sink without letters.
        func open(sink: String?) throws -> DeadLetterFile {
            let file = try self.file.path()
            // Where the program runs that has the log; without that directory, or the right to it, the log is not found.
            if file == ConfigurationFile.installed { _ = chdir(ConfigurationFile.installedDirectory) }
            let (log, sinks) = try ConfigurationInput(file: file).loadLog()
            guard case .disk(let settings) = log else {
                try StandardOutput.write(
                    line: "\(file) has no log on disk, so no dead letters are kept; write log: {kind: sqlite}")
                throw ExitCode.success
            }
            let letters = try DeadLetterFile(path: settings.path, sinks: sinks)
            if let sink, try !letters.knows(sink: sink) {
                ConfigurationInput.complain(
                    "no sink is called '\(sink)', and none of that name gave up a letter; there are \(sinks.joined(separator: ", "))"
                )
                throw ExitCode.failure
            }
            return letters
        }
    }

    struct Choice: ParsableArguments {
        @Argument(help: "Numbers of letters, as 'list' shows them.")
        var ids: [Int64] = []

        @Flag(help: "All letters.")
        var all = false

        @Option(help: "Only letters that this sink gave up.")
        var sink: String?

        func validate() throws {
            guard self.all || self.sink != nil || !self.ids.isEmpty else {
                throw ValidationError("name letters by their numbers, or say --all or --sink NAME")
            }
            guard self.ids.isEmpty || !self.all else { throw ValidationError("--all and numbers exclude each other") }
        }

        var selection: DeadLetterFile.Selection {
            DeadLetterFile.Selection(ids: self.ids.isEmpty ? nil : self.ids, sink: self.sink)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the letters: number, time, state, sink, attempts, subject, reason.")

        @OptionGroup var file: File
        @Option(help: "Only letters that this sink gave up.")
        var sink: String?

        func run() throws {
            let letters = try self.file.open(sink: self.sink)
            try StandardOutput.write { output in
                try letters.list(DeadLetterFile.Selection(sink: self.sink)) { letter in
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
        static let configuration = CommandConfiguration(abstract: "Show letters as JSON, a line each, with the whole event.")

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
                    "letter \(id): cannot be read; look at it with sqlite3 and 'SELECT * FROM dead_letters WHERE id = \(id)', or drop it"
                )
            }
            missing.subtract(unreadable)
            for id in missing.sorted() { ConfigurationInput.complain("letter \(id): there is no such letter") }
            guard missing.isEmpty, unreadable.isEmpty else { throw ExitCode.failure }
        }
    }

    struct Replay: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have letters delivered once more to the sinks that gave them up; no other sink gets them again.",
            discussion: """
                A letter that the running program is giving to a sink for dead letters is refused, and one whose sink is gone from the \
                file; the exit code is then 1.
                """
        )

        @OptionGroup var file: File
        @OptionGroup var choice: Choice

        func run() throws {
            let letters = try self.file.open(sink: self.choice.sink)
            try DeadLettersCommand.report(letters.replay(self.choice.selection), "to be delivered once more")
        }
    }

    struct Drop: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove letters for good.",
            discussion: """
                A letter that the running program is delivering is refused, since it may have arrived already; the exit code is then 1.
                """
        )

        @OptionGroup var file: File
        @OptionGroup var choice: Choice

        func run() throws {
            let letters = try self.file.open(sink: self.choice.sink)
            try DeadLettersCommand.report(letters.drop(self.choice.selection), "dropped")
        }
    }

    private static func report(_ outcome: DeadLetterFile.Outcome, _ done: String) throws {
        // First: what was not done must be heard of also when standard output cannot be written.
        for refusal in outcome.refused { ConfigurationInput.complain("letter \(refusal.id): \(refusal.reason)") }
        try StandardOutput.write(line: "\(outcome.done) \(outcome.done == 1 ? "letter" : "letters") \(done)")
        guard outcome.refused.allSatisfy(\.isMet) else { throw ExitCode.failure }
    }
}
